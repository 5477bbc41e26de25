// What a listener noticed, computed from what was played and shown. Pure; tried on made-up sounds in analysis.test.ts.
import { FRAME_BITS, PERIOD, RATE } from './reference.ts';

/** Samples per second of what is analysed. */
export const RECORDED_RATE = RATE;

export interface Shown {
  /** Milliseconds, of the page's clock. */
  readonly at: number;
  /** Number of the frame, as read from the picture: it begins anew after 2^FRAME_BITS. */
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
/** Silence: 10 dB below what it should be; a dip: 3 dB. */
const SILENT = 0.32;
/** So alike is only what is the same; a codec takes its part. */
const CERTAIN = 0.7;
/** Less alike than this is none of it; what a codec leaves behind resembles some other place in the noise more than that. */
const ALIKE = 0.3;
const ELSEWHERE = 0.6;
const DIPPED = 10 ** (-3 / 20);
/** Level of the noise in its bursts is 0.2; in a pause nobody notices that it is quieter still. */
const LOUD = 0.1;
const NEAR_EDGE = ms(5);
/** Readings before and after a moment that tell what should be heard in it: either of two ways may be. */
const AROUND = 4;

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

/** Level of the noise itself around each of its samples, and the quietest that is near: where it begins and ends, nobody
 * can say to the sample how loud it should be. */
function expectations(noise: Float32Array, window: number): Float32Array {
  const { length } = noise;
  const at = (i: number) => noise[((i % length) + length) % length] ?? 0;
  const level = Float32Array.from(noise, (_, position) => {
    let sum = 0;
    for (let i = 0; i < window; i += 1) sum += at(position + i) ** 2;
    return Math.sqrt(sum / window);
  });
  return level.map((_, position) => {
    let least = Number.POSITIVE_INFINITY;
    for (let i = -NEAR_EDGE; i <= NEAR_EDGE; i += ms(1)) {
      least = Math.min(least, level[(position + i + length) % length] ?? 0);
    }
    return least;
  });
}

/** Milliseconds in which the level is lower than `share` of what it should be, where that is at least `from`. */
function below(
  heard: Float32Array,
  noise: Float32Array,
  found: readonly Reading[],
  { window, share, from }: { window: number; share: number; from: number },
): number {
  const expected = expectations(noise, window);
  const all = levels(heard, window).flatMap((level, hop) => {
    const at = hop * HOP;
    const should = Math.min(
      ...lagsAround(found, at).map((lag) => expected[(((at + lag) % PERIOD) + PERIOD) % PERIOD] ?? 0),
    );
    // Nothing was ever read: then there is nothing but silence.
    return should < from ? [] : [{ level: Number.isFinite(should) ? level / should : 0, at }];
  });
  // Of the time before anything happens: a long silence would else be the usual.
  const usual = median(all.filter(({ at }) => at < ms(USUAL_MS)).map(({ level }) => level));
  return (all.filter(({ level }) => level < share * usual).length * HOP * 1000) / RATE;
}

/** From what was recorded to the noise, by all readings near `at`, or else by the last before it. */
function lagsAround(found: readonly Reading[], at: number): number[] {
  const lags = (readings: readonly Reading[]) =>
    readings.flatMap((one) => (one.position === null ? [] : [one.position - one.at]));
  const near = lags(found.slice(Math.max(0, indexAt(at) - AROUND), indexAt(at) + AROUND));
  return near.length > 0 ? near : lags(found.slice(0, indexAt(at))).slice(-1);
}

const indexAt = (at: number): number => Math.floor(at / ms(STEP_MS));

/** Which sample of the noise was heard at one of what was recorded; null where it is none of it. */
export interface Reading {
  readonly at: number;
  readonly position: number | null;
}

/** Where in the noise each part of what was heard comes from, in samples; null where it is none of it. */
export function positions(heard: Float32Array, noise: Float32Array): Reading[] {
  const WINDOW = ms(40);
  const NEAR = ms(60);
  const found: Reading[] = [];
  let expected: number | null = null;
  for (let at = 0; at + WINDOW <= heard.length; at += ms(STEP_MS)) {
    const part = heard.subarray(at, at + WINDOW);
    let best: Found | null = expected === null ? null : search(part, noise, expected + at, NEAR);
    if (!best || best.similarity < CERTAIN) {
      const anywhere = search(part, noise, 0, PERIOD / 2);
      if (!best || anywhere.similarity > Math.max(ELSEWHERE, best.similarity)) best = anywhere;
    }
    if (best.similarity < ALIKE) {
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
function shift(found: readonly Reading[]): number {
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

/** How far `frame` is ahead of `other` on the circle of numbers that a picture can carry. */
function framesAhead(frame: number, other: number): number {
  const numbers = 2 ** FRAME_BITS;
  return ((frame - other + 1.5 * numbers) % numbers) - numbers / 2;
}

export function analyse(
  heard: Float32Array,
  noise: Float32Array,
  shown: readonly Shown[],
  nominalFrameMs: number,
  until: number,
): Noticed {
  let newest: number | null = null;
  let last: number | null = null;
  let longest = 0;
  let backwardFrames = 0;
  for (const { at, frame } of shown) {
    const ahead = newest === null ? 1 : framesAhead(frame, newest);
    if (ahead < 0) backwardFrames += 1;
    if (ahead <= 0) continue;
    newest = frame;
    if (last !== null) longest = Math.max(longest, at - last);
    last = at;
  }
  // A picture that has stopped for good shows no further frame to measure by.
  if (last !== null) longest = Math.max(longest, until - last);
  const found = positions(heard, noise);
  // Loud, but nothing of what was said: what a receiver makes up for lost sound is silence, too.
  const strange = STEP_MS * Math.max(0, found.filter(({ position }) => position === null).length - 1);
  const silence = below(heard, noise, found, { window: ms(10), share: SILENT, from: 0 });
  const dip = below(heard, noise, found, { window: ms(20), share: DIPPED, from: LOUD });
  return {
    silenceMs: Math.max(Math.round(silence), strange),
    dipMs: Math.round(dip),
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
