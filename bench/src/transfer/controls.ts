// What is heard without any transfer, for comparison: on a bad network that is not nothing. A transfer goes from one way to
// another, and the two lose differently much; so it is compared with as long a time on each of them. Pure.
import { type Noticed, RECORDED_RATE, type Shown, type Spread } from './analysis.ts';

/** What one listener's window played and showed. */
export interface Heard {
  readonly sound: Int16Array;
  readonly shown: readonly Shown[];
  /** When it was over, by the page's clock. */
  readonly until: number;
}

export interface Summary {
  readonly n: number;
  readonly silenceMs: Spread;
  readonly dipMs: Spread;
  readonly shiftMs: Spread;
  readonly frameGapMs: Spread;
  readonly backwardFrames: number;
}

/** How long it was listened. */
export function lengthMs({ sound }: Heard): number {
  return (sound.length * 1000) / RECORDED_RATE;
}

/** The first `ms` of it; all of it if it is shorter. */
export function beginning(heard: Heard, ms: number): Heard {
  const length = Math.min(ms, lengthMs(heard));
  const until = heard.until - lengthMs(heard) + length;
  return {
    sound: heard.sound.subarray(0, Math.round((length * RECORDED_RATE) / 1000)),
    shown: heard.shown.filter(({ at }) => at <= until),
    until,
  };
}

/** What was noticed in one time and in another. */
export function together(one: Noticed, other: Noticed): Noticed {
  return {
    silenceMs: one.silenceMs + other.silenceMs,
    dipMs: one.dipMs + other.dipMs,
    shiftMs: Math.max(one.shiftMs, other.shiftMs),
    frameGapMs: Math.max(one.frameGapMs, other.frameGapMs),
    backwardFrames: one.backwardFrames + other.backwardFrames,
  };
}

/**
 * What transfers add, quantile by quantile. Not listener by listener: packets are lost by chance, and the difference of two such
 * times is more than nothing in half of all pairs, also if there was a transfer in neither.
 */
export function added(transfers: Summary, control: Summary): Summary {
  const less = (name: 'silenceMs' | 'dipMs' | 'shiftMs' | 'frameGapMs'): Spread => ({
    median: Math.max(0, transfers[name].median - control[name].median),
    p95: Math.max(0, transfers[name].p95 - control[name].p95),
    max: Math.max(0, transfers[name].max - control[name].max),
  });
  return {
    n: transfers.n,
    silenceMs: less('silenceMs'),
    dipMs: less('dipMs'),
    shiftMs: less('shiftMs'),
    frameGapMs: less('frameGapMs'),
    backwardFrames: Math.max(0, transfers.backwardFrames - control.backwardFrames),
  };
}
