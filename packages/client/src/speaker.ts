// Who speaks: how loud everybody has been lately, and from that the one person whose picture is worth the most room (R62).
// Pure. Loudness is read from what comes out of each jitter buffer, so it works with every engine that forwards.
import type { Address } from '@parley/protocol';

/** What the browser counts for one sound: the sum of squared amplitudes (0 to 1) times seconds, and the seconds. */
export interface Energy {
  readonly energy: number;
  readonly seconds: number;
}

export interface Loudness extends Energy {
  /** Root mean square of the amplitude over the last window, rounded: 0 to 1. */
  readonly level: number;
}

/** A shorter time says nothing: a syllable, or the pause after it. */
const WINDOW_SECONDS = 0.8;
/** Breath and a fan are below it; quiet speech is above. */
const AUDIBLE = 0.01;
/** Another voice must be so many times as loud to be taken for the one who speaks, while that one is still heard. */
const CLEARLY = 1.6;

/** How loud everything has been after another look; a sound that has not been heard for a window yet keeps its level. */
export function readLoudness(
  before: ReadonlyMap<string, Loudness>,
  now: ReadonlyMap<string, Energy>,
): Map<string, Loudness> {
  const after = new Map<string, Loudness>();
  for (const [mid, { energy, seconds }] of now) {
    const known = before.get(mid);
    const heard = seconds - (known?.seconds ?? 0);
    // Fewer seconds than before: another sound has taken the place of this one.
    if (!known || heard < 0) after.set(mid, { energy, seconds, level: 0 });
    else if (heard < WINDOW_SECONDS) after.set(mid, known);
    else {
      const level = Math.sqrt(Math.max(0, energy - known.energy) / heard);
      after.set(mid, { energy, seconds, level: Math.round(level * 100) / 100 });
    }
  }
  return after;
}

export const isAudible = (level: number): boolean => level >= AUDIBLE;

/**
 * Who speaks now, or spoke last while nobody does; null before anybody has. Whoever speaks keeps the floor against a cough
 * or somebody who agrees. @param levels of everybody else who can be heard
 */
export function nextSpeaker(before: Address | null, levels: ReadonlyMap<Address, number>): Address | null {
  const present = before !== null && levels.has(before) ? before : null;
  let [speaker, floor] = [present, AUDIBLE];
  if (present !== null) floor = Math.max(AUDIBLE, (levels.get(present) ?? 0) * CLEARLY);
  for (const [address, level] of levels) {
    if (address === present || level < floor) continue;
    speaker = address;
    floor = level;
  }
  return speaker;
}
