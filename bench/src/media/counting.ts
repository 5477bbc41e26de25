// What receivers count: packets that came, came twice or never, and how long they took. Nothing here keeps a packet.

/** Numbers kept in mind for telling a second copy from a first. */
const REMEMBERED = 4096;

export interface SequenceCounts {
  /** Each number once. */
  readonly received: number;
  readonly duplicates: number;
  /** Numbers between the first and the highest that never came. */
  readonly missing: number;
}

export interface SequenceCounter {
  /** Notes the sequence number of a packet. True: it came for the first time. */
  note(sequence: number): boolean;
  counts(): SequenceCounts;
}

/** Counts the packets of one stream by their 16-bit sequence numbers, which go round (RFC 3550 appendix A.1). */
export function createSequenceCounter(): SequenceCounter {
  /** The extended number last seen in each slot. */
  const seen = new Float64Array(REMEMBERED).fill(-1);
  let first = -1;
  let highest = -1;
  let received = 0;
  let duplicates = 0;
  return {
    note(sequence) {
      // One round is added in advance, so that what comes before the first packet has a number, too.
      if (highest < 0) highest = 0x10000 + sequence;
      const extended = highest + (((sequence - highest) << 16) >> 16);
      const slot = extended % REMEMBERED;
      if (seen[slot] === extended) {
        duplicates += 1;
        return false;
      }
      seen[slot] = extended;
      received += 1;
      if (first < 0 || extended < first) first = extended;
      if (extended > highest) highest = extended;
      return true;
    },
    counts: () => ({ received, duplicates, missing: first < 0 ? 0 : highest - first + 1 - received }),
  };
}

/** Delays in steps of a hundredth of a millisecond: how often each step was seen. */
export type DelayCounts = Record<number, number>;

const STEP_MS = 0.01;
/** One second and more is the last step. */
const STEPS = 100_000;

export interface DelayCounter {
  note(milliseconds: number): void;
  counts(): DelayCounts;
}

export function createDelayCounter(): DelayCounter {
  const steps = new Uint32Array(STEPS + 1);
  return {
    note(milliseconds) {
      const step = Math.min(STEPS, Math.max(0, Math.round(milliseconds / STEP_MS)));
      steps[step] = (steps[step] ?? 0) + 1;
    },
    counts() {
      const found: DelayCounts = {};
      steps.forEach((count, step) => {
        if (count > 0) found[step] = count;
      });
      return found;
    },
  };
}

export function addDelays(all: readonly DelayCounts[]): DelayCounts {
  const sum: DelayCounts = {};
  for (const one of all) {
    for (const [step, count] of Object.entries(one)) sum[Number(step)] = (sum[Number(step)] ?? 0) + count;
  }
  return sum;
}

/** The delay, in ms, that the given share (0 to 1) of the packets did not exceed; NaN if there were none. */
export function delayAt(counts: DelayCounts, share: number): number {
  const steps = Object.entries(counts).map(([step, count]) => [Number(step), count] as const);
  steps.sort(([a], [b]) => a - b);
  let left = Math.ceil(steps.reduce((sum, [, count]) => sum + count, 0) * share);
  for (const [step, count] of steps) {
    left -= count;
    if (left <= 0) return Math.round(step * STEP_MS * 100) / 100;
  }
  return Number.NaN;
}
