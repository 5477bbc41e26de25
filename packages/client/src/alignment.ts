// Before sound moves from one path to another, both are made to play the same moment: else a syllable is skipped or said
// twice. What differs on two ways between the same people is mostly how much each jitter buffer holds back, so the one
// that holds back less is told to hold more (jitterBufferTarget); afterwards it may find its own measure again.

/** Sound of one person by the path heard now, and by the one to be heard. */
export interface Pair {
  readonly present: RTCRtpReceiver;
  readonly next: RTCRtpReceiver;
}

export interface Alignment {
  /** Resolves when each pair plays the same moment, or cannot be brought to it in time. Never fails. */
  align(pairs: readonly Pair[]): Promise<void>;
  /** Everybody's buffer may find its own measure again. */
  release(): void;
}

/** What is not told apart: less than one packet of Opus. */
const ALIKE_MS = 15;
/** Nobody waits longer for a call to move; the rest is heard as a small step. */
const ALIGN_MS = 1000;
/** Long enough for the mean over it to say something, and each look holds the browser's media threads up for a moment. */
const WINDOW_MS = 120;
/** More than this is a fault of something else, and nobody wants to talk with such a delay. */
const MAX_HELD_MS = 500;

interface Emitted {
  /** Seconds that all samples together have waited (W3C webrtc-stats, jitterBufferDelay). */
  readonly waited: number;
  readonly count: number;
}

/** Pure: milliseconds a sample waited between two looks; null if none came out. */
export function heldBetween(before: Emitted | null, after: Emitted | null): number | null {
  if (!before || !after || after.count <= before.count) return null;
  return ((after.waited - before.waited) / (after.count - before.count)) * 1000;
}

/** Pure: which of two must hold back how much (milliseconds) so that both are alike; null if they are, or cannot be. */
export function correction(present: number | null, next: number | null): { of: 'present' | 'next'; to: number } | null {
  if (present === null || next === null || Math.abs(present - next) <= ALIKE_MS) return null;
  const to = Math.min(MAX_HELD_MS, Math.round(Math.max(present, next)));
  return { of: present > next ? 'next' : 'present', to };
}

export function createAlignment(): Alignment {
  const held = new Set<RTCRtpReceiver>();

  function hold(receiver: RTCRtpReceiver, ms: number | null): void {
    // Not every browser has it; there the step is heard.
    if (!('jitterBufferTarget' in receiver)) return;
    if (ms === null) held.delete(receiver);
    else held.add(receiver);
    receiver.jitterBufferTarget = ms;
  }

  async function alignPair({ present, next }: Pair): Promise<void> {
    const end = performance.now() + ALIGN_MS;
    let before = await Promise.all([emitted(present), emitted(next)]);
    while (performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
      const after = await Promise.all([emitted(present), emitted(next)]);
      const wrong = correction(heldBetween(before[0], after[0]), heldBetween(before[1], after[1]));
      if (!wrong) return;
      hold(wrong.of === 'next' ? next : present, wrong.to);
      before = after;
    }
  }

  return {
    async align(pairs) {
      await Promise.all(pairs.map(alignPair));
    },
    release: () => [...held].forEach((receiver) => void hold(receiver, null)),
  };
}

/** Null if the connection is gone or has received nothing. */
async function emitted(receiver: RTCRtpReceiver): Promise<Emitted | null> {
  const report = await receiver.getStats().catch(() => null);
  for (const entry of report?.values() ?? []) {
    if (entry.type !== 'inbound-rtp') continue;
    const { jitterBufferDelay, jitterBufferEmittedCount } = entry as RTCInboundRtpStreamStats;
    return { waited: jitterBufferDelay ?? 0, count: jitterBufferEmittedCount ?? 0 };
  }
  return null;
}
