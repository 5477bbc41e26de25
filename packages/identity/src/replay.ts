// Proofs that were accepted, for as long as they could be accepted again.

export interface ReplayGuard {
  /** True the first time. `until`: when the proof is too old anyway; both in milliseconds since 1970. */
  first(id: string, until: number, now: number): boolean;
  readonly size: number;
}

const MAX_REMEMBERED = 10_000;

/** @param max how many are remembered. Full of living ones it refuses, since forgetting one would let it in again. */
export function createReplayGuard(max = MAX_REMEMBERED): ReplayGuard {
  const seen = new Map<string, number>();
  return {
    first(id, until, now) {
      const known = seen.get(id);
      if (known !== undefined && known >= now) return false;
      if (seen.size >= max) for (const [old, end] of seen) if (end < now) seen.delete(old);
      if (seen.size >= max) return false;
      seen.set(id, until);
      return true;
    },
    get size() {
      return seen.size;
    },
  };
}
