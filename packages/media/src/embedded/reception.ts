// How well one stream arrives from its publisher: what is missing and should be asked for again, and the figures of a
// receiver report (RFC 3550 section 6.4 and appendix A.8), from which the browser judges its uplink.
import type { ReportBlock, SenderReport } from './rtcp.ts';
import { sequenceDistance } from './rtp.ts';

/** Missing packets kept in mind for one stream. More than that is no gap but a break: a key frame mends it. */
const MAX_MISSING = 256;
/** A jump this far means that the sender has begun anew. */
const MAX_JUMP = 3000;
const RETRY_MS = 80;
const MAX_TRIES = 8;

export interface Reception {
  /** Notes a packet. True if it leaves a gap before it that is new: `due` has something. */
  received(sequence: number, timestamp: number, now: number): boolean;
  senderReport(report: SenderReport, now: number): void;
  /** Packets to ask for now, oldest first; each is named again until it comes or its tries are used up. */
  due(now: number): number[];
  /** Something may become due later. */
  waiting(): boolean;
  /** Figures since the last call; undefined before the first packet. */
  report(ssrc: number, now: number): ReportBlock | undefined;
}

export function createReception(clockRate: number): Reception {
  let started = false;
  let highest = 0;
  /** Counts how often the 16 bits have gone round. */
  let cycles = 0;
  let base = 0;
  let count = 0;
  let jitter = 0;
  let transit = 0;
  let reportedExpected = 0;
  let reportedCount = 0;
  let lastReport = 0;
  let lastReportAt = 0;
  const missing = new Map<number, { tries: number; next: number }>();

  function begin(sequence: number): void {
    started = true;
    highest = sequence;
    base = sequence;
    cycles = 0;
    count = 0;
    reportedExpected = 0;
    reportedCount = 0;
    missing.clear();
  }

  function noteMissing(from: number, until: number, now: number): boolean {
    const gap = sequenceDistance(from, until);
    if (gap > MAX_MISSING) {
      missing.clear();
      return false;
    }
    for (let sequence = from; sequence !== until; sequence = (sequence + 1) & 0xffff) {
      missing.set(sequence, { tries: 0, next: now });
    }
    for (const sequence of missing.keys()) {
      if (missing.size <= MAX_MISSING) break;
      missing.delete(sequence);
    }
    return true;
  }

  return {
    received(sequence, timestamp, now) {
      const arrival = (now / 1000) * clockRate;
      const distance = started ? sequenceDistance(highest, sequence) : 0;
      if (!started || Math.abs(distance) > MAX_JUMP) {
        begin(sequence);
        count = 1;
        transit = arrival - timestamp;
        return false;
      }
      count += 1;
      const change = Math.abs(arrival - timestamp - transit);
      transit = arrival - timestamp;
      // A wrapped timestamp is no jitter.
      if (change < clockRate * 10) jitter += (change - jitter) / 16;
      if (distance <= 0) {
        missing.delete(sequence);
        return false;
      }
      const before = highest;
      if (sequence < highest) cycles += 1;
      highest = sequence;
      return distance > 1 && noteMissing((before + 1) & 0xffff, sequence, now);
    },
    senderReport({ ntpSeconds, ntpFraction }, now) {
      lastReport = ((ntpSeconds & 0xffff) * 0x10000 + (ntpFraction >>> 16)) >>> 0;
      lastReportAt = now;
    },
    due(now) {
      const found: number[] = [];
      for (const [sequence, entry] of missing) {
        if (entry.next > now) continue;
        if (entry.tries >= MAX_TRIES) {
          missing.delete(sequence);
          continue;
        }
        entry.tries += 1;
        entry.next = now + RETRY_MS;
        found.push(sequence);
      }
      return found;
    },
    waiting: () => missing.size > 0,
    report(ssrc, now) {
      if (!started) return undefined;
      const expected = cycles * 0x10000 + highest - base + 1;
      const expectedNow = expected - reportedExpected;
      const lostNow = expectedNow - (count - reportedCount);
      reportedExpected = expected;
      reportedCount = count;
      return {
        ssrc,
        fractionLost: expectedNow > 0 && lostNow > 0 ? Math.min(255, Math.floor((lostNow * 256) / expectedNow)) : 0,
        cumulativeLost: expected - count,
        highestSequence: ((cycles & 0xffff) * 0x10000 + highest) >>> 0,
        jitter: Math.floor(jitter),
        lastSenderReport: lastReport,
        delaySinceLastSenderReport: lastReport === 0 ? 0 : Math.floor(((now - lastReportAt) * 65536) / 1000),
      };
    },
  };
}

/** How soon `due` is worth asking again. */
export const RECEPTION_TICK_MS = RETRY_MS;
