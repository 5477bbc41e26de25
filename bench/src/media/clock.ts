// One clock for all processes of a measurement: the machine's monotonic one.

/** Milliseconds since the machine was started, with nanoseconds behind the point. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function until(moment: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, moment - monotonicMs())));
}
