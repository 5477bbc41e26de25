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
const STEADY_MS = 30;
/** Where ways have not come to that by then, packets come too unevenly for it: so much will do. */
const EXACT_FOR_MS = 2000;
const NEARLY_ALIKE_MS = 20;
const NEARLY_STEADY_MS = 45;
/** So far apart are two devices of one person, whose clocks differ, and not two ways. */
const OTHER_CLOCK_MS = 3000;
/** Nobody is made to wait for longer than this, however much longer the other way is. */
const MAX_ASKED_MS = 300;
/** In this time a buffer that follows has moved. */
const EFFECT_MS = 500;
const MOVED_MS = 5;
/** Chromium leaves a buffer of sound alone that holds three quarters of what it is asked to. */
const SOUND_SHARE = 0.75;
/** Of what a buffer was asked to hold longer, so much is taken back at once, and so often. */
const RELEASE_MS = 15;
const RELEASE_EVERY_MS = 400;
/** A browser refuses to be asked for more (WebRTC Extensions, `jitterBufferTarget`). */
const MAX_TARGET_MS = 4000;
/** The first capture time of a way may take a second, or three if it is lost twice: senders repeat it so often. */
const KNOWN_MS = 3500;
/** After this they change as they are. */
const PATIENCE_MS = 5000;
/** Sound that has not come out for so long has stopped: nothing to wait for. */
const STOPPED_MS = 400;

/**
 * Pure: how much later the next way is than the present one, in milliseconds (negative: earlier); null if there have not been
 * enough looks, or one of the ways is not at rest.
 * @param steadyMs by so much a way at rest may vary
 */
export function compare(looks: readonly Look[], steadyMs = STEADY_MS): number | null {
  const recent = looks.slice(-LOOKS);
  const isSteady = (lags: readonly number[]) => Math.max(...lags) - Math.min(...lags) <= steadyMs;
  if (recent.length < LOOKS || !isSteady(recent.map((l) => l.present)) || !isSteady(recent.map((l) => l.next)))
    return null;
  return middle(recent.map(({ present, next }) => next - present));
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

export type Way = 'present' | 'next';

export interface Alignment {
  readonly looks: readonly Look[];
  /** How much longer than by itself each way's buffer is asked to hold things, in milliseconds. */
  readonly asked: Readonly<Record<Way, number>>;
  /** When it was asked for that, or was last seen to move; and how far the ways were apart then. */
  readonly askedAt: number;
  readonly laterThen: number;
  /** Nothing is to be waited for any more. */
  readonly done: boolean;
}

export const notLookedAt: Alignment = {
  looks: [],
  asked: { present: 0, next: 0 },
  askedAt: Number.NEGATIVE_INFINITY,
  laterThen: 0,
  done: false,
};

/**
 * Pure: what follows from another look.
 * @param elapsed milliseconds since the first look was possible
 * @param look null while one of the ways does not tell
 */
export function consider(before: Alignment, look: Look | null, elapsed: number): Alignment {
  if (look === null) return { ...before, done: elapsed > KNOWN_MS };
  const looks = [...before.looks, look].slice(-LOOKS);
  const exact = elapsed < EXACT_FOR_MS;
  const later = compare(looks, exact ? STEADY_MS : NEARLY_STEADY_MS);
  if (later === null) return { ...before, looks, done: false };
  const alike = exact ? ALIKE_MS : NEARLY_ALIKE_MS;
  if (Math.abs(later) <= alike || Math.abs(later) > OTHER_CLOCK_MS) return { ...before, looks, done: true };
  const now = { ...before, looks, done: false };
  if (elapsed - before.askedAt < EFFECT_MS) return now;
  // A buffer follows slowly; and one that comes to rest before it is where it should be is asked for more.
  const moves = before.laterThen !== 0 && Math.abs(later) <= Math.abs(before.laterThen) - MOVED_MS;
  if (moves) return { ...now, askedAt: elapsed, laterThen: later };
  const asked = askFor(before.asked, later > 0 ? 'present' : 'next', Math.abs(later));
  const same = asked.present === before.asked.present && asked.next === before.asked.next;
  // It waits as long as it may.
  return { ...now, asked, askedAt: elapsed, laterThen: later, done: same };
}

/** What has been asked of the way that is behind is taken back before the other one is asked for anything. */
function askFor(asked: Alignment['asked'], ahead: Way, by: number): Alignment['asked'] {
  const behind = ahead === 'present' ? 'next' : 'present';
  const back = Math.min(asked[behind], by);
  const more = Math.min(MAX_ASKED_MS, asked[ahead] + by - back);
  return { ...asked, [behind]: asked[behind] - back, [ahead]: more };
}

interface Aligned {
  readonly pair: Pair;
  state: Alignment;
  /** Of each way that was asked for more: how long its buffer held things before that, and how late it was, in milliseconds. */
  readonly atFirst: Map<Way, { readonly held: number; readonly lag: number }>;
}

/**
 * Brings each pair to one time as far as that takes no longer than five seconds. Resolves when the next way may take
 * over; call what it resolves with once that has happened, and jitter buffers go their own way again.
 * @param worthwhile false as soon as the present way is of no use any more
 */
export async function align(pairs: readonly Pair[], worthwhile: () => boolean): Promise<() => void> {
  const begun = performance.now();
  const all = pairs.map((pair): Aligned => ({ pair, state: notLookedAt, atFirst: new Map() }));
  const buffers = createBuffers();
  await Promise.all(
    pairs.flatMap(({ present, next }) => [buffers.begin(present.receiver), buffers.begin(next.receiver)]),
  );
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const now = performance.now();
    if (!worthwhile() || now - begun > PATIENCE_MS || all.some(({ pair }) => hasStopped(pair.present, now))) break;
    for (const one of all) await lookAt(one, now - begun, buffers);
    if (all.every(({ state }) => state.done)) break;
  }
  return () => {
    for (const { pair, atFirst } of all) for (const [way, { held }] of atFirst) letGo(pair[way].receiver, held);
  };
}

/** Buffers that are being let go; each ends by itself, or when it is asked for something again. */
const letting = new WeakMap<RTCRtpReceiver, ReturnType<typeof setTimeout>>();

/** Back to what a buffer held by itself, little by little: all at once, a whole step of it would be skipped in one pause. */
function letGo(receiver: RTCRtpReceiver, held: number): void {
  const less = (receiver.jitterBufferTarget ?? 0) - RELEASE_MS;
  const ended = receiver.track.readyState === 'ended';
  receiver.jitterBufferTarget = ended || less <= held ? null : less;
  if (receiver.jitterBufferTarget === null) letting.delete(receiver);
  else
    letting.set(
      receiver,
      setTimeout(() => letGo(receiver, held), RELEASE_EVERY_MS),
    );
}

async function lookAt(one: Aligned, elapsed: number, buffers: Buffers): Promise<void> {
  const { pair, atFirst } = one;
  const [present, next] = [lagOf(pair.present.receiver), lagOf(pair.next.receiver)];
  const look = present === null || next === null ? null : { present, next };
  one.state = consider(one.state, look, elapsed);
  const { asked, done } = one.state;
  if (!look) return;
  for (const way of ['present', 'next'] as const) {
    const { receiver } = pair[way];
    if (asked[way] > 0 && !atFirst.has(way)) atFirst.set(way, { held: await buffers.held(receiver), lag: look[way] });
    const before = atFirst.get(way);
    if (!before) continue;
    const share = receiver.track.kind === 'audio' ? SOUND_SHARE : 1;
    // Once it is where it should be it is asked to stay there, or it would go on to where it was asked to be.
    const target = done ? before.held + look[way] - before.lag : (before.held + asked[way]) / share;
    ask(receiver, asked[way] > 0 ? Math.min(MAX_TARGET_MS, Math.max(0, Math.round(target))) : null);
  }
}

function ask(receiver: RTCRtpReceiver, target: number | null): void {
  clearTimeout(letting.get(receiver));
  const present = receiver.jitterBufferTarget ?? null;
  const alike = target !== null && present !== null && Math.abs(target - present) <= ALIKE_MS;
  if (present !== target && !alike) receiver.jitterBufferTarget = target;
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
