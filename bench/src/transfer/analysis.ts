// What a listener noticed, computed from what was played and shown. Pure; tried on made-up sounds in analysis.test.ts.
import { PERIOD, RATE } from './reference.ts';

export interface Shown {
  /** Milliseconds, of the page's clock. */
  readonly at: number;
  /** Number of the frame, as read from the picture. */
  readonly frame: number;
}

export interface Noticed {
  readonly silenceMs: number;
  readonly dipMs: number;
  readonly shiftMs: number;
  readonly frameGapMs: number;
  readonly backwardFrames: number;
}

const ms = (milliseconds: number) => Math.round((milliseconds * RATE) / 1000);
const HOP = ms(5);
/** At the beginning of every recording nothing happens for longer than this. */
const USUAL_MS = 1000;
/** From one place where the position is looked for to the next. */
const STEP_MS = 20;
/** Silence: 14 dB below the usual; a dip: 3 dB. */
const SILENT = 0.2;
/** So alike is only what is the same; a codec takes its part. */
const CERTAIN = 0.7;
const DIPPED = 10 ** (-3 / 20);

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
};

/** Root mean square around every hop, over `window` samples. */
function levels(heard: Float32Array, window: number): number[] {
  const found: number[] = [];
  for (let at = 0; at + window <= heard.length; at += HOP) {
    let sum = 0;
    for (let i = at; i < at + window; i += 1) sum += (heard[i] ?? 0) ** 2;
    found.push(Math.sqrt(sum / window));
  }
  return found;
}

/** Milliseconds in which the level is lower than `share` of the usual one. */
function below(heard: Float32Array, window: number, share: number): number {
  const all = levels(heard, window);
  // Of the time before anything happens: a long silence would else be the usual.
  const usual = median(all.slice(0, ms(USUAL_MS) / HOP));
  const low = all.filter((value) => value < share * usual).length;
  return (low * HOP * 1000) / RATE;
}

/** Where in the noise each part of what was heard comes from, in samples; null where it is none of it. */
export function positions(heard: Float32Array, noise: Float32Array): { at: number; position: number | null }[] {
  const WINDOW = ms(40);
  const NEAR = ms(60);
  const found: { at: number; position: number | null }[] = [];
  let expected: number | null = null;
  for (let at = 0; at + WINDOW <= heard.length; at += ms(STEP_MS)) {
    const part = heard.subarray(at, at + WINDOW);
    let best: Found | null = expected === null ? null : search(part, noise, expected + at, NEAR);
    if (!best || best.similarity < CERTAIN) {
      const anywhere = search(part, noise, 0, PERIOD / 2);
      if (!best || anywhere.similarity > best.similarity) best = anywhere;
    }
    if (best.similarity < 0.3) {
      found.push({ at, position: null });
      continue;
    }
    expected = best.position - at;
    found.push({ at, position: best.position });
  }
  return found;
}

interface Found {
  readonly position: number;
  readonly similarity: number;
}

function search(part: Float32Array, noise: Float32Array, around: number, reach: number): Found {
  let best = { position: 0, similarity: 0 };
  let power = 0;
  for (const sample of part) power += sample ** 2;
  if (power === 0) return best;
  for (let offset = -reach; offset < reach; offset += 1) {
    const start = (((around + offset) % PERIOD) + PERIOD) % PERIOD;
    let product = 0;
    let own = 0;
    for (let i = 0; i < part.length; i += 1) {
      const sample = noise[(start + i) % PERIOD] ?? 0;
      product += sample * (part[i] ?? 0);
      own += sample ** 2;
    }
    const similarity = product / Math.sqrt(power * own);
    if (similarity > best.similarity) best = { position: around + offset, similarity };
  }
  return best;
}

/** The largest step of the sound against time, forward or back: what was skipped or repeated at once. */
function shift(found: ReturnType<typeof positions>): number {
  const lags = found.flatMap(({ at, position }) => {
    if (position === null) return [];
    return [(((position - at) % PERIOD) + PERIOD) % PERIOD];
  });
  const SPAN = 8;
  let largest = 0;
  for (let i = SPAN; i + SPAN <= lags.length; i += 1) {
    // Medians of what came before and after, so that one window read wrongly is no shift.
    const step = median(lags.slice(i, i + SPAN)) - median(lags.slice(i - SPAN, i));
    const around = ((step + 1.5 * PERIOD) % PERIOD) - PERIOD / 2;
    largest = Math.max(largest, Math.abs(around));
  }
  return (largest * 1000) / RATE;
}

export function analyse(
  heard: Float32Array,
  noise: Float32Array,
  shown: readonly Shown[],
  nominalFrameMs: number,
  until: number,
): Noticed {
  let newest = -1;
  let last: number | null = null;
  let longest = 0;
  let backwardFrames = 0;
  for (const { at, frame } of shown) {
    if (frame < newest) backwardFrames += 1;
    if (frame <= newest) continue;
    newest = frame;
    if (last !== null) longest = Math.max(longest, at - last);
    last = at;
  }
  // A picture that has stopped for good shows no further frame to measure by.
  if (last !== null) longest = Math.max(longest, until - last);
  const found = positions(heard, noise);
  // Loud, but nothing of what was said: what a receiver makes up for lost sound is silence, too.
  const strange = STEP_MS * Math.max(0, found.filter(({ position }) => position === null).length - 1);
  return {
    silenceMs: Math.max(Math.round(below(heard, ms(10), SILENT)), strange),
    dipMs: Math.round(below(heard, ms(20), DIPPED)),
    shiftMs: Math.round(shift(found)),
    frameGapMs: Math.max(0, Math.round(longest - nominalFrameMs)),
    backwardFrames,
  };
}

export interface Spread {
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { median: at(0.5), p95: at(0.95), max: sorted.at(-1) ?? 0 };
}
