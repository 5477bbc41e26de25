// Whether tracks really flow: sound that leaves the jitter buffer, frames that are decoded. A connection can be up and
// packets arrive long before that, and only this is what a person notices.

export interface FlowWatch {
  /** Media sections (mid) whose track flows. */
  flowing(mid: string | null): boolean;
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
/**
 * How long a close look lasts at most; every look takes a tenth more time than the one before it. Looking costs: each
 * one stops the browser's media threads for a moment, at the very time when they start something.
 */
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
    if (known && value <= known.value) after.set(mid, value < known.value ? { value, grewAt: now } : known);
    else after.set(mid, { value, grewAt: value > 0 ? now : Number.NEGATIVE_INFINITY });
  }
  return after;
}

export function isFlowing(counter: Counter | undefined, now: number): boolean {
  return counter !== undefined && counter.value > 0 && now - counter.grewAt < STALLED_MS;
}

/** Watches everything a connection receives. @param changed after each look that showed a difference */
export function watchFlow(pc: RTCPeerConnection, changed: () => void): FlowWatch {
  let counters = new Map<string, Counter>();
  let flowing = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closeUntil = 0;
  let closeLook = CLOSE_LOOK_MS;
  let looking = false;
  /** Something is to start that the look under way may have missed. */
  let again = false;
  let closed = false;

  const receives = () => pc.getTransceivers().some(({ direction }) => direction !== 'sendonly');
  /** Packets of a track have arrived, but nothing has come out of it yet. */
  const starting = () =>
    pc.getTransceivers().some(({ mid, receiver: { track } }) => mid !== null && !track.muted && !flowing.has(mid));

  async function look(): Promise<void> {
    if (looking || closed) return;
    looking = true;
    try {
      const values = readInbound(await pc.getStats());
      const now = performance.now();
      counters = readCounters(counters, values, now);
      const next = new Set([...counters].filter(([, counter]) => isFlowing(counter, now)).map(([mid]) => mid));
      const same = next.size === flowing.size && [...next].every((mid) => flowing.has(mid));
      flowing = next;
      if (!same && !closed) changed();
    } catch {
      // The connection closed while it was asked.
    } finally {
      looking = false;
    }
    if (closed) return;
    const close = again || (performance.now() < closeUntil && starting());
    again = false;
    closeLook = Math.min(USUAL_LOOK_MS, closeLook * SLOWER);
    timer = setTimeout(() => void look(), close ? closeLook : USUAL_LOOK_MS);
  }

  return {
    flowing: (mid) => mid !== null && flowing.has(mid),
    expect() {
      if (closed || !receives()) return;
      closeUntil = performance.now() + CLOSE_FOR_MS;
      closeLook = CLOSE_LOOK_MS;
      again = looking;
      clearTimeout(timer);
      void look();
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

function readInbound(report: RTCStatsReport): Map<string, number> {
  const values = new Map<string, number>();
  for (const entry of report.values()) {
    if (entry.type !== 'inbound-rtp') continue;
    const stats = entry as RTCInboundRtpStreamStats;
    const mid = stats.mid ?? stats.trackIdentifier;
    const value = stats.kind === 'audio' ? (stats.jitterBufferEmittedCount ?? 0) : (stats.framesDecoded ?? 0);
    // A media section may have had several senders in turn.
    values.set(mid, (values.get(mid) ?? 0) + value);
  }
  return values;
}
