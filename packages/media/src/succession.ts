// Legs that follow each other: a new one is connected before the one it replaces is closed, so nobody hears or sees that it
// was replaced. Every engine keeps one such line for what a device sends, and one for what it receives.

export interface Successor {
  /** Media flows by it. */
  isConnected(): boolean;
}

export interface SuccessionEvents<L> {
  /** Another leg is in use now, or none; the one before it is not closed yet. */
  changed?(present: L | null, before: L | null): void;
  /** Nobody needs it any more: close it. Not called for one that was lost. */
  drop(leg: L): void;
}

export interface Succession<L extends Successor> {
  /** In use. */
  readonly present: L | null;
  /** Connecting, to replace `present`. */
  readonly next: L | null;
  all(): L[];
  /** Begins to replace the present leg, or takes its place at once if that was never connected. */
  put(made: L): void;
  /** Media flows by `leg` now. */
  connected(leg: L): void;
  /** `leg` has ended by itself. @returns true if another one is in its place, or has been already: nobody needs to know */
  lost(leg: L): boolean;
  /** Drops all. */
  clear(): void;
}

export function createSuccession<L extends Successor>({ changed, drop }: SuccessionEvents<L>): Succession<L> {
  let present: L | null = null;
  let next: L | null = null;

  function take(made: L): void {
    const [before, unused] = [present, next === made ? null : next];
    present = made;
    next = null;
    changed?.(made, before);
    for (const leg of [unused, before]) if (leg) drop(leg);
  }

  const all = () => [present, next].filter((leg) => leg !== null);

  return {
    get present() {
      return present;
    },
    get next() {
      return next;
    },
    all,
    put(made) {
      if (!present?.isConnected()) {
        take(made);
        return;
      }
      const unused = next;
      next = made;
      if (unused) drop(unused);
    },
    connected(leg) {
      if (next === leg) take(leg);
    },
    lost(leg) {
      if (next === leg) {
        next = null;
        return false;
      }
      if (present !== leg) return true;
      present = next;
      next = null;
      changed?.(present, leg);
      return present !== null;
    },
    clear() {
      const gone = all();
      present = null;
      next = null;
      for (const leg of gone) drop(leg);
    },
  };
}
