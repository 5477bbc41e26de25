// How much somebody may ask: token buckets, one or one for each of many. Whoever asks too much is told to slow down.

/** `burst` at once, `perSecond` in the long run. `now` gives milliseconds. Returns whether there was a token to take. */
export function createTokenBucket(perSecond: number, burst: number, now: () => number): () => boolean {
  let tokens = burst;
  let filledAt = now();
  return () => {
    const at = now();
    tokens = Math.min(burst, tokens + (Math.max(0, at - filledAt) / 1000) * perSecond);
    filledAt = at;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

/** Names kept in mind; the one that has been quiet longest is forgotten first. */
const MAX_NAMES = 10_000;

/** A bucket for each name: a person, an address, a domain. */
export function createBudgets(perSecond: number, burst: number, now: () => number): (name: string) => boolean {
  const buckets = new Map<string, () => boolean>();
  return (name) => {
    const take = buckets.get(name) ?? createTokenBucket(perSecond, burst, now);
    buckets.delete(name);
    buckets.set(name, take);
    const [oldest] = buckets.keys();
    if (buckets.size > MAX_NAMES && oldest !== undefined) buckets.delete(oldest);
    return take();
  };
}
