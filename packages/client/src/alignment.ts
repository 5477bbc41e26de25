// Two ways from one person are never equally long, so whoever changes from one to the other skips a little of what is said, or
// hears it twice. Before that, the way that is ahead is made to wait in its jitter buffer, which a browser does by stretching
// pauses and steady sounds. `consider` decides; `align` looks and asks.
import { lagOf, mayTellCaptureTimes } from './capture-times.ts';
import { sinceDelivered } from './flowing.ts';

/** One person's sound or picture by both ways. */
export interface Pair {
  readonly present: RTCRtpTransceiver;
  readonly next: RTCRtpTransceiver;
}

/** How much later than taken each way plays or shows, at one moment, in milliseconds and but for the same constant. */
export interface Look {
  readonly present: number;
  readonly next: number;
}

const LOOK_MS = 50;
/** Looks that are compared: sound comes out in pieces of 10 ms, so one alone says little. */
export const LOOKS = 6;
/** Not heard as a step, and about what looks can tell. */
const ALIKE_MS = 12;
/** A way whose buffer still grows or shrinks by more is not to be listened to yet. */
const STEADY_MS = 40;
/** Longer than this nobody is made to wait, however much longer the other way is. */
const MAX_HOLD_MS = 200;
/** From asking a jitter buffer to what it has made of it. */
const EFFECT_MS = 400;
/** The first capture time of a way may take a second: senders repeat it so often. */
const KNOWN_MS = 1200;
/** After this they change as they are. */
const PATIENCE_MS = 2500;
/** Sound that has not come out for so long has stopped: nothing to wait for. */
const STOPPED_MS = 400;

/**
 * Pure: how much later the next way is than the present one (negative: earlier), in milliseconds; 0 if they are alike; null if
 * there have not been enough looks, or one of them is not at rest.
 */
export function compare(looks: readonly Look[]): number | null {
  const recent = looks.slice(-LOOKS);
  if (recent.length < LOOKS || !isSteady(recent.map((l) => l.present)) || !isSteady(recent.map((l) => l.next)))
    return null;
  const differences = recent.map(({ present, next }) => next - present).sort((a, b) => a - b);
  const middle = differences[differences.length >> 1] ?? 0;
  return Math.abs(middle) <= ALIKE_MS ? 0 : middle;
}

function isSteady(lags: readonly number[]): boolean {
  return Math.max(...lags) - Math.min(...lags) <= STEADY_MS;
}

export interface Alignment {
  readonly looks: readonly Look[];
  /** The way that was ahead, and is made to wait. */
  readonly held: 'present' | 'next' | null;
  /** How much longer than at first it waits, in milliseconds, or will soon. */
  readonly by: number;
  /** Until then its buffer is not yet what it was asked to be. */
  readonly quietUntil: number;
  /** Nothing is to be waited for any more. */
  readonly done: boolean;
}

export const notLookedAt: Alignment = { looks: [], held: null, by: 0, quietUntil: 0, done: false };

/**
 * Pure: what follows from another look at time `now`.
 * @param elapsed since the first look was possible
 * @param look null while one of the ways does not tell
 */
export function consider(before: Alignment, look: Look | null, now: number, elapsed: number): Alignment {
  if (look === null) return { ...before, done: elapsed > KNOWN_MS };
  const looks = [...before.looks, look].slice(-LOOKS);
  const later = now < before.quietUntil ? null : compare(looks);
  if (later === null || later === 0) return { ...before, looks, done: later === 0 };
  const held = before.held ?? (later > 0 ? 'present' : 'next');
  const by = Math.min(MAX_HOLD_MS, Math.max(0, before.by + (held === 'present' ? later : -later)));
  // It waits as long as it may already.
  if (by === before.by) return { ...before, looks, done: true };
  return { looks: [], held, by, quietUntil: now + EFFECT_MS, done: false };
}

interface Aligned {
  readonly pair: Pair;
  state: Alignment;
  /** The receiver that is made to wait, and for how long its buffer held things before, in milliseconds. */
  held: { readonly receiver: RTCRtpReceiver; readonly atFirst: number } | null;
}

/**
 * Brings each pair to one time as far as that takes no longer than two and a half seconds. Resolves when the next way may take
 * over; call what it resolves with once that has happened, and jitter buffers go their own way again.
 * @param worthwhile false as soon as the present way is of no use any more
 */
export async function align(pairs: readonly Pair[], worthwhile: () => boolean): Promise<() => void> {
  const begun = performance.now();
  const all = pairs.map((pair): Aligned => ({ pair, state: notLookedAt, held: null }));
  const buffers = createBuffers();
  await Promise.all(
    pairs.flatMap(({ present, next }) => [buffers.begin(present.receiver), buffers.begin(next.receiver)]),
  );
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const now = performance.now();
    if (!worthwhile() || now - begun > PATIENCE_MS || all.some(({ pair }) => hasStopped(pair.present, now))) break;
    for (const one of all) await lookAt(one, now, now - begun, buffers);
    if (all.every(({ state }) => state.done)) break;
  }
  return () => {
    for (const { held } of all) if (held) held.receiver.jitterBufferTarget = null;
  };
}

async function lookAt(one: Aligned, now: number, elapsed: number, buffers: Buffers): Promise<void> {
  const { present, next } = one.pair;
  const [presentLag, nextLag] = [lagOf(present.receiver), lagOf(next.receiver)];
  const look = presentLag === null || nextLag === null ? null : { present: presentLag, next: nextLag };
  const before = one.state;
  one.state = consider(before, look, now, elapsed);
  if (!one.state.held || one.state.by === before.by) return;
  const { receiver } = one.pair[one.state.held];
  one.held ??= { receiver, atFirst: await buffers.held(receiver) };
  receiver.jitterBufferTarget = Math.round(one.held.atFirst + one.state.by);
}

/** Pairs that can be compared: whatever comes by the present way says when it was taken, and by the next way it may. */
export function comparable(pairs: readonly Pair[]): Pair[] {
  return pairs.filter(({ present, next }) => lagOf(present.receiver) !== null && mayTellCaptureTimes(next));
}

function hasStopped({ receiver }: RTCRtpTransceiver, now: number): boolean {
  if (receiver.track.kind !== 'audio') return false;
  const times = receiver.getSynchronizationSources().map(({ timestamp }) => timestamp);
  return sinceDelivered(times, now, performance.timeOrigin) > STOPPED_MS;
}

interface Buffers {
  begin(receiver: RTCRtpReceiver): Promise<void>;
  /** Milliseconds that what came out of its jitter buffer since then had been in it. */
  held(receiver: RTCRtpReceiver): Promise<number>;
}

function createBuffers(): Buffers {
  const before = new Map<RTCRtpReceiver, { delay: number; count: number }>();
  const read = async (receiver: RTCRtpReceiver) => {
    let found = { delay: 0, count: 0 };
    // A connection that has just been closed has none.
    const report = await receiver.getStats().catch(() => null);
    for (const entry of report?.values() ?? []) {
      if (entry.type !== 'inbound-rtp') continue;
      const { jitterBufferDelay = 0, jitterBufferEmittedCount = 0 } = entry as RTCInboundRtpStreamStats;
      found = { delay: found.delay + jitterBufferDelay * 1000, count: found.count + jitterBufferEmittedCount };
    }
    return found;
  };
  return {
    async begin(receiver) {
      before.set(receiver, await read(receiver));
    },
    async held(receiver) {
      const first = before.get(receiver) ?? { delay: 0, count: 0 };
      const { delay, count } = await read(receiver);
      return count > first.count ? (delay - first.delay) / (count - first.count) : 0;
    },
  };
}
