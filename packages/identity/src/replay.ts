// Proofs that were accepted, for as long as they could be accepted again. Bounded, and never forgets one that still could.

export interface ReplayGuard {
  /**
   * Remembers `id`. `again`: it was here before. `full`: there is no place for it, so nobody knows.
   * `until`: when the proof is too old anyway; both in milliseconds since 1970.
   */
  take(id: string, until: number, now: number): 'first' | 'again' | 'full';
  readonly size: number;
}

const MAX_REMEMBERED = 10_000;

/** @param max how many are remembered. Full of living ones it refuses, since forgetting one would let it in again. */
export function createReplayGuard(max = MAX_REMEMBERED): ReplayGuard {
  const seen = new Map<string, number>();
  return {
    take(id, until, now) {
      // Also past its end, while it is known: who verifies may have allowed a greater age this time.
      if (seen.has(id)) return 'again';
      if (seen.size >= max) for (const [old, end] of seen) if (end < now) seen.delete(old);
      if (seen.size >= max) return 'full';
      seen.set(id, until);
      return 'first';
    },
    get size() {
      return seen.size;
    },
  };
}
