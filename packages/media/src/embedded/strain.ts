// Whether a receiver's network is given more than it carries: then packets wait in its queues, or are lost in numbers. Both
// are told by receiver reports (RFC 3550 section 6.4.1). A browser's own estimate (REMB) falls by less: with 10 ms of jitter
// and 2 % lost by chance it stayed at three fifths of what was sent, where nothing was too much.
import type { ReportBlock } from './rtcp.ts';

/** Beyond the shortest round trip of late. Two ways with jitter differ by less. */
const QUEUE_MS = 80;
/** Of all packets. A radio link loses less than this by chance; Chromium's senders give way from here on, too. */
const LOST_SHARE = 0.1;
/** So few packets say nothing about a share. */
const FEW_PACKETS = 20;
/** Routes change: a round trip that was possible so long ago may not be any more. */
const REMEMBERED_LOOKS = 30;
const MAX_SOURCES = 64;

export interface Strain {
  /** @param wall seconds since 1900, by the clock the sender reports were written with */
  report(block: ReportBlock, wall: number): void;
  /** What the reports since the last look say; null: there were none. Call it about once a second. */
  look(): boolean | null;
}

export function createStrain(): Strain {
  const highest = new Map<number, number>();
  /** The shortest round trip of each of the last looks, in milliseconds; the present one last. */
  let trips: number[] = [];
  let trip = Number.POSITIVE_INFINITY;
  let expected = 0;
  let lost = 0;
  let told = false;

  return {
    report({ ssrc, fractionLost, highestSequence, lastSenderReport, delaySinceLastSenderReport }, wall) {
      told = true;
      const before = highest.get(ssrc);
      if (before === undefined && highest.size >= MAX_SOURCES) highest.clear();
      highest.set(ssrc, highestSequence);
      const packets = before === undefined ? 0 : (highestSequence - before) | 0;
      if (packets > 0) {
        expected += packets;
        lost += (packets * fractionLost) / 256;
      }
      const measured = roundTrip(lastSenderReport, delaySinceLastSenderReport, wall);
      if (measured !== null) trip = Math.min(trip, measured);
    },
    look() {
      if (!told) return null;
      if (trip < Number.POSITIVE_INFINITY) trips = [...trips, trip].slice(-REMEMBERED_LOOKS);
      const queued = trip < Number.POSITIVE_INFINITY && trip - Math.min(...trips) > QUEUE_MS;
      const losing = expected >= FEW_PACKETS && lost / expected > LOST_SHARE;
      trip = Number.POSITIVE_INFINITY;
      told = false;
      if (expected >= FEW_PACKETS) {
        expected = 0;
        lost = 0;
      }
      return queued || losing;
    },
  };
}

/** In milliseconds (RFC 3550 section 6.4.1); null: the receiver has had no sender report yet, or says what cannot be. */
function roundTrip(lastSenderReport: number, delay: number, wall: number): number | null {
  if (lastSenderReport === 0) return null;
  const now = Math.floor((wall % 65_536) * 65_536);
  const passed = (now - lastSenderReport - delay) | 0;
  return passed < 0 ? null : (passed * 1000) / 65_536;
}
