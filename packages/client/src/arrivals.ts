// When a frame would have come if nothing had held it up. A packet that was lost and sent again makes its frame late, and a
// late frame looks newer than it is; but each frame also says when it was taken, by a clock that begins anywhere
// (RFC 3550 section 5.1). Pure but for what it remembers.

/** RTP's clock for pictures, per millisecond (RFC 3551 section 5). */
const TICKS_PER_MS = 90;

/** Of one way. */
export interface Arrivals {
  /**
   * @param receiveTime of a frame, in milliseconds
   * @param rtpTimestamp undefined where a browser does not tell; then what is held up is not known
   * @returns milliseconds of the same clock: when it would have come at the way's best
   */
  add(receiveTime: number, rtpTimestamp: number | undefined): number;
}

export function createArrivals(): Arrivals {
  let first: number | null = null;
  let least = Number.POSITIVE_INFINITY;
  return {
    add(receiveTime, rtpTimestamp) {
      if (rtpTimestamp === undefined) return receiveTime;
      first ??= rtpTimestamp;
      // Wraps around after half a day; a difference of 32 bits does not.
      const taken = ((rtpTimestamp - first) | 0) / TICKS_PER_MS;
      least = Math.min(least, receiveTime - taken);
      return least + taken;
    },
  };
}
