// Who is speaking, from the loudness that browsers write beside each packet of sound (RFC 6464), and whose pictures a
// receiver gets in a large room. The decisions are pure.

/** Decibels above the quietest that can be told (127 below full scale): 0..127. */
export type Loudness = number;

export interface SpeakerState {
  readonly speaker: string | null;
  /** Somebody else who seems to speak, or `null` for nobody, and since when. */
  readonly candidate: string | null;
  readonly since: number;
}

/** Speech is 20 to 40 dB below full scale, a quiet room more than 60. */
const SPEECH: Loudness = 72;
/** Whoever is to take over must be louder by so much: the other's voice comes back by an echo, too. */
const LOUDER = 6;
const BEGIN_MS = 150;
const TAKE_OVER_MS = 500;
const SILENCE_MS = 1500;

/** The state after a look at how loud everybody is of late. */
export function nextSpeaker(state: SpeakerState, loudness: ReadonlyMap<string, Loudness>, now: number): SpeakerState {
  let loudest: string | null = null;
  let most = SPEECH;
  for (const [device, level] of loudness) {
    if (level < most) continue;
    most = level;
    loudest = device;
  }
  const { speaker, candidate } = state;
  const own = speaker === null ? 0 : (loudness.get(speaker) ?? 0);
  // Of two who speak equally loud each is the loudest in turn: whoever was first goes on being the one who takes over.
  const standing = candidate === null || candidate === speaker ? 0 : (loudness.get(candidate) ?? 0);
  if (standing >= SPEECH && most < standing + LOUDER) {
    loudest = candidate;
    most = standing;
  }
  const challenges = loudest === null ? own < SPEECH : own < SPEECH || most >= own + LOUDER;
  if (loudest === speaker || !challenges) return { speaker, candidate: speaker, since: now };
  if (candidate !== loudest) return { speaker, candidate: loudest, since: now };
  const needed = loudest === null ? SILENCE_MS : speaker === null ? BEGIN_MS : TAKE_OVER_MS;
  return now - state.since < needed ? state : { speaker: loudest, candidate: loudest, since: now };
}

/** Words begin suddenly and have pauses inside. Shares of a new level for each packet of 20 ms. */
const ATTACK = 0.25;
const RELEASE = 0.04;

export function smoothed(before: Loudness, level: Loudness): Loudness {
  return before + (level - before) * (level > before ? ATTACK : RELEASE);
}

/**
 * Whose pictures a receiver gets: those it asks for by size, and of the others those who spoke last, up to `most` in all.
 * @param byRecency everybody else's names, the latest speaker first
 * @param heights what the receiver asks for; 0: not shown
 */
export function visiblePictures(
  byRecency: readonly string[],
  heights: ReadonlyMap<string, number>,
  most: number,
): Set<string> {
  const asked = byRecency.filter((name) => (heights.get(name) ?? 0) > 0);
  const open = byRecency.filter((name) => !heights.has(name));
  return new Set([...asked, ...open.slice(0, Math.max(0, most - asked.length))]);
}

export interface Speakers {
  /** One packet's loudness. */
  heard(device: string, level: Loudness, now: number): void;
  /** Also when no sound comes. */
  look(now: number): void;
  forget(device: string): void;
  /** Who has spoken, the latest first. */
  recent(): readonly string[];
}

const LOOK_MS = 100;

/** @param changed somebody else speaks, or nobody */
export function createSpeakers(changed: (device: string | null) => void): Speakers {
  const loudness = new Map<string, Loudness>();
  const heardAt = new Map<string, number>();
  let recent: string[] = [];
  let state: SpeakerState = { speaker: null, candidate: null, since: 0 };
  let lookedAt = 0;

  function look(now: number): void {
    lookedAt = now;
    // A microphone that is off or lost sends nothing.
    for (const [device, at] of heardAt) if (now - at > SILENCE_MS) loudness.set(device, 0);
    const before = state.speaker;
    state = nextSpeaker(state, loudness, now);
    if (state.speaker === before) return;
    const { speaker } = state;
    if (speaker !== null) recent = [speaker, ...recent.filter((one) => one !== speaker)];
    changed(speaker);
  }

  return {
    heard(device, level, now) {
      loudness.set(device, smoothed(loudness.get(device) ?? 0, level));
      heardAt.set(device, now);
      if (now - lookedAt >= LOOK_MS) look(now);
    },
    look,
    forget(device) {
      loudness.delete(device);
      heardAt.delete(device);
      recent = recent.filter((one) => one !== device);
      if (state.speaker === device) {
        state = { speaker: null, candidate: null, since: 0 };
        changed(null);
      }
    },
    recent: () => recent,
  };
}
