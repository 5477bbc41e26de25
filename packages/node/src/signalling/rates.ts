// How much one device may ask: a token bucket for its messages, and another for how often it may be told that it asks too
// much before its socket is closed.

export interface TokenBucket {
  /** Takes one token; false when there is none. */
  take(): boolean;
}

/** `burst` at once, `perSecond` in the long run. `now` gives milliseconds. */
export function createTokenBucket(perSecond: number, burst: number, now: () => number): TokenBucket {
  let tokens = burst;
  let filledAt = now();
  return {
    take() {
      const at = now();
      tokens = Math.min(burst, tokens + (Math.max(0, at - filledAt) / 1000) * perSecond);
      filledAt = at;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}

export interface Rates {
  readonly messages: TokenBucket;
  readonly refusals: TokenBucket;
}

/** Twice as many refusals as messages are tolerated, so that an honest burst is slowed down and only a flood is cut. */
export function createRates(perSecond: number, burst: number, now: () => number): Rates {
  return {
    messages: createTokenBucket(perSecond, burst, now),
    refusals: createTokenBucket(2 * perSecond, 2 * burst, now),
  };
}
