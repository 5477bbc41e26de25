// How much one device may ask: a budget for its messages, and another for how often it may be told that it asks too much
// before its socket is closed.
import { createTokenBucket } from '../limits/index.ts';

export interface Rates {
  /** Takes one; false when there is none. */
  readonly messages: () => boolean;
  readonly refusals: () => boolean;
}

/** Twice as many refusals as messages are tolerated, so that an honest burst is slowed down and only a flood is cut. */
export function createRates(perSecond: number, burst: number, now: () => number): Rates {
  return {
    messages: createTokenBucket(perSecond, burst, now),
    refusals: createTokenBucket(2 * perSecond, 2 * burst, now),
  };
}
