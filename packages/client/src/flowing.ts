// Whether tracks really flow: sound that leaves the jitter buffer, frames that are decoded. A connection can be up and
// packets arrive long before that, and only this is what a person notices. And how loud what flows is.
import { type Energy, type Loudness, readLoudness } from './speaker.ts';

export interface FlowWatch {
  /** Media sections (mid) whose track flows. */
  flowing(mid: string | null): boolean;
  /** How loud the sound of a section has been lately: 0 to 1. */
  level(mid: string | null): number;
  /** Something is about to start: looks now, and then closely from the first packet of a track (`unmute`) on. */
  expect(): void;
  close(): void;
}

/** Counters of one inbound stream that only grow while it is heard or seen. */
interface Counter {
  readonly value: number;
  readonly grewAt: number;
}

const CLOSE_LOOK_MS = 30;
const USUAL_LOOK_MS = 1000;
/** How long a close look lasts at most; every look takes a tenth more time than the one before it. */
const CLOSE_FOR_MS = 8000;
const SLOWER = 1.1;
/** Without growth for this long a track flows no more. */
const STALLED_MS = 2200;

/** Pure: which streams flow after another look. A stream seen for the first time flows if anything has come out of it. */
export function readCounters(
  before: ReadonlyMap<string, Counter>,
  values: ReadonlyMap<string, number>,
  now: number,
): Map<string, Counter> {
  const after = new Map<string, Counter>();
  for (const [mid, value] of values) {
    const known = before.get(mid);
    if (known && value <= known.value) {
      after.set(mid, value > 0 && value < known.value ? { value, grewAt: now } : { value, grewAt: known.grewAt });
    } else after.set(mid, { value, grewAt: value > 0 ? now : Number.NEGATIVE_INFINITY });
  }
  return after;
}

export function isFlowing(counter: Counter | undefined, now: number): boolean {
  return counter !== undefined && now - counter.grewAt < STALLED_MS;
}

/**
 * Pure: milliseconds since a frame was last given to a track, by the times of its sources; infinite if none ever was.
 * Browsers differ in whether these times begin with the page or in 1970.
 */
export function sinceDelivered(timestamps: readonly number[], now: number, timeOrigin: number): number {
  const newest = Math.max(...timestamps);
  return Math.max(0, now - (newest > timeOrigin ? newest - timeOrigin : newest));
}

/**
 * Pure: when to look next, in milliseconds, and whether a glance will do. Glances see only what begins, so while anything
 * flows the usual look is due all the same: what ceases, and who speaks, is seen by that alone. And somebody whose camera
 * is off never begins.
 */
export function nextLook(at: {
  readonly now: number;
  readonly lookedAt: number;
  readonly closeUntil: number;
  readonly closeLook: number;
  readonly starting: boolean;
}): { readonly glance: boolean; readonly ms: number } {
  const due = Math.max(0, at.lookedAt + USUAL_LOOK_MS - at.now);
  const glance = at.starting && at.now < at.closeUntil && at.closeLook < due;
  return { glance, ms: glance ? at.closeLook : due };
}

/** Watches everything a connection receives. @param changed after each look that showed a difference */
export function watchFlow(pc: RTCPeerConnection, changed: () => void): FlowWatch {
  let counters = new Map<string, Counter>();
  let flowing = new Set<string>();
  let loudness: ReadonlyMap<string, Loudness> = new Map();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closeUntil = 0;
  let closeLook = CLOSE_LOOK_MS;
  let lookedAt = performance.now();
  let looking = false;
  let closed = false;

  /**
   * Sections of which a frame has lately been given to the track, and when. Unlike the counters it stops no media thread,
   * at the very time when they start something (W3C WebRTC section 5.3, `getSynchronizationSources`: "played out").
   */
  const delivered = (now: number): [mid: string, at: number][] =>
    pc.getTransceivers().flatMap(({ mid, receiver }) => {
      const times = receiver.getSynchronizationSources().map(({ timestamp }) => timestamp);
      const ago = sinceDelivered(times, now, performance.timeOrigin);
      return mid !== null && ago < STALLED_MS ? [[mid, now - ago]] : [];
    });

  /** A close look: only what begins to flow. */
  function glance(): void {
    if (closed) return;
    const now = performance.now();
    // Nothing can have ceased.
    if (flowing.size === 0) lookedAt = now;
    const begun = delivered(now).filter(([mid]) => !flowing.has(mid));
    if (begun.length > 0) {
      // What the counters say of it may be older: they are kept for a moment by the browser.
      for (const [mid, at] of begun) counters.set(mid, { value: counters.get(mid)?.value ?? 0, grewAt: at });
      flowing = new Set([...flowing, ...begun.map(([mid]) => mid)]);
      changed();
    }
    closeLook = Math.min(USUAL_LOOK_MS, closeLook * SLOWER);
    lookAgain();
  }

  function lookAgain(): void {
    if (closed) return;
    clearTimeout(timer);
    const next = nextLook({ now: performance.now(), lookedAt, closeUntil, closeLook, starting: starting() });
    timer = setTimeout(() => (next.glance ? glance() : void look()), next.ms);
  }

  const receives = () => pc.getTransceivers().some(({ direction }) => direction !== 'sendonly');
  /** Packets of a track have arrived, but nothing has come out of it yet. */
  const starting = () =>
    pc.getTransceivers().some(({ mid, receiver: { track } }) => mid !== null && !track.muted && !flowing.has(mid));

  async function look(): Promise<void> {
    if (looking || closed) return;
    looking = true;
    try {
      const { values, energies } = readInbound(await pc.getStats());
      const now = performance.now();
      const louder = readLoudness(loudness, energies);
      counters = readCounters(counters, values, now);
      const next = new Set([...counters].filter(([, counter]) => isFlowing(counter, now)).map(([mid]) => mid));
      const same = next.size === flowing.size && [...next].every((mid) => flowing.has(mid));
      flowing = next;
      const asLoud = [...louder].every(([mid, { level }]) => loudness.get(mid)?.level === level);
      loudness = louder;
      if (!(same && asLoud) && !closed) changed();
    } catch {
      // The connection closed while it was asked.
    } finally {
      looking = false;
      lookedAt = performance.now();
    }
    lookAgain();
  }

  return {
    flowing: (mid) => mid !== null && flowing.has(mid),
    level: (mid) => (mid === null ? 0 : (loudness.get(mid)?.level ?? 0)),
    expect() {
      if (closed || !receives()) return;
      closeUntil = performance.now() + CLOSE_FOR_MS;
      closeLook = CLOSE_LOOK_MS;
      clearTimeout(timer);
      glance();
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

function readInbound(report: RTCStatsReport): { values: Map<string, number>; energies: Map<string, Energy> } {
  const values = new Map<string, number>();
  const energies = new Map<string, Energy>();
  for (const entry of report.values()) {
    if (entry.type !== 'inbound-rtp') continue;
    const stats = entry as RTCInboundRtpStreamStats;
    const mid = stats.mid ?? stats.trackIdentifier;
    const value = stats.kind === 'audio' ? (stats.jitterBufferEmittedCount ?? 0) : (stats.framesDecoded ?? 0);
    // A media section may have had several senders in turn.
    values.set(mid, (values.get(mid) ?? 0) + value);
    if (stats.kind !== 'audio') continue;
    const before = energies.get(mid) ?? { energy: 0, seconds: 0 };
    energies.set(mid, {
      energy: before.energy + (stats.totalAudioEnergy ?? 0),
      seconds: before.seconds + (stats.totalSamplesDuration ?? 0),
    });
  }
  return { values, energies };
}
