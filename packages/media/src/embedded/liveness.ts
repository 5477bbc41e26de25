// Whether the other side is still there. A browser that crashes says nothing, and ICE gives it 30 s of consent (RFC 7675);
// but one that lives sends reports about every second, even with camera and microphone off. Ticks are counted, not time:
// a process that was held up for a while must not take everybody for dead.

/** A publisher that has not sent a packet for so many ticks (of a second) is gone. */
export const SILENT_TICKS = 6;

export interface Liveness {
  heard(): void;
  /** How many ticks in a row, this one included, nothing was heard. */
  tick(): number;
}

export function createLiveness(): Liveness {
  let heard = true;
  let silent = 0;
  return {
    heard() {
      heard = true;
    },
    tick() {
      silent = heard ? 0 : silent + 1;
      heard = false;
      return silent;
    },
  };
}
