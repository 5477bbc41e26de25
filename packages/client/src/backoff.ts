// When to try again: at once the first time, then ever more slowly, never in step with others.

const STEPS_MS = [0, 300, 800, 1500, 3000, 5000, 7000] as const;

/** Milliseconds to wait before attempt number `attempt` (0 is the first); `random` gives 0..1. */
export function retryDelay(attempt: number, random: () => number = Math.random): number {
  const step = STEPS_MS[Math.min(attempt, STEPS_MS.length - 1)] ?? 0;
  return Math.round(step * (0.75 + random() / 2));
}
