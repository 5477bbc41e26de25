// RTCP (RFC 3550 section 6, RFC 4585, RFC 5104): reading what browsers send, and writing what the engine answers. Packets
// come compound, so the whole of one is always walked. Nothing here throws on any bytes.

export interface RtcpVisitor {
  senderReport?(report: SenderReport): void;
  /** One call for each block of a sender's or receiver's report: how a source arrives at whoever has sent it. */
  reportBlock?(block: ReportBlock): void;
  /** PLI or FIR: the receiver of this source needs a key frame. */
  keyframeRequest?(ssrc: number): void;
  /** One call for each packet asked for again. */
  nack?(ssrc: number, sequence: number): void;
  /** What a receiver believes its network carries to it, in bits per second (REMB). */
  estimate?(bitsPerSecond: number): void;
}

export interface SenderReport {
  readonly ssrc: number;
  readonly ntpSeconds: number;
  readonly ntpFraction: number;
  readonly rtpTimestamp: number;
}

/** RFC 3550 section 6.4.1; jitter in timestamp units, delays in 1/65536 s. */
export interface ReportBlock {
  readonly ssrc: number;
  readonly fractionLost: number;
  readonly cumulativeLost: number;
  readonly highestSequence: number;
  readonly jitter: number;
  readonly lastSenderReport: number;
  readonly delaySinceLastSenderReport: number;
}

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const TRANSPORT_FEEDBACK = 205;
const PAYLOAD_FEEDBACK = 206;
const FORMAT_NACK = 1;
const FORMAT_PLI = 1;
const FORMAT_FIR = 4;
const FORMAT_APPLICATION = 15;
/** "REMB". */
const REMB = 0x52454d42;

/** Walks a compound packet and reports what matters. Stops at the first part that is not well formed. */
export function walkRtcp(packet: Buffer, visitor: RtcpVisitor): void {
  let at = 0;
  while (at + 4 <= packet.length) {
    const first = packet.readUInt8(at);
    if (first >> 6 !== 2) return;
    const end = at + 4 + packet.readUInt16BE(at + 2) * 4;
    if (end > packet.length) return;
    visitPart(packet, at, end, first & 0x1f, visitor);
    at = end;
  }
}

function visitPart(packet: Buffer, at: number, end: number, count: number, visitor: RtcpVisitor): void {
  const type = packet.readUInt8(at + 1);
  if (type === SENDER_REPORT && end - at >= 28) {
    visitor.senderReport?.({
      ssrc: packet.readUInt32BE(at + 4),
      ntpSeconds: packet.readUInt32BE(at + 8),
      ntpFraction: packet.readUInt32BE(at + 12),
      rtpTimestamp: packet.readUInt32BE(at + 16),
    });
    visitBlocks(packet, at + 28, end, count, visitor);
    return;
  }
  if (type === RECEIVER_REPORT) {
    visitBlocks(packet, at + 8, end, count, visitor);
    return;
  }
  if (end - at < 12) return;
  if (type === PAYLOAD_FEEDBACK && count === FORMAT_PLI) {
    visitor.keyframeRequest?.(packet.readUInt32BE(at + 8));
  } else if (type === PAYLOAD_FEEDBACK && count === FORMAT_FIR) {
    for (let entry = at + 12; entry + 8 <= end; entry += 8) visitor.keyframeRequest?.(packet.readUInt32BE(entry));
  } else if (type === PAYLOAD_FEEDBACK && count === FORMAT_APPLICATION && end - at >= 20) {
    if (packet.readUInt32BE(at + 12) !== REMB) return;
    const mantissa = packet.readUIntBE(at + 17, 3);
    visitor.estimate?.((mantissa & 0x3ffff) * 2 ** (mantissa >> 18));
  } else if (type === TRANSPORT_FEEDBACK && count === FORMAT_NACK && visitor.nack) {
    const ssrc = packet.readUInt32BE(at + 8);
    for (let entry = at + 12; entry + 4 <= end; entry += 4) {
      const first = packet.readUInt16BE(entry);
      visitor.nack(ssrc, first);
      for (let mask = packet.readUInt16BE(entry + 2), next = first + 1; mask !== 0; mask >>= 1, next += 1) {
        if (mask & 1) visitor.nack(ssrc, next & 0xffff);
      }
    }
  }
}

function visitBlocks(packet: Buffer, from: number, end: number, count: number, visitor: RtcpVisitor): void {
  if (!visitor.reportBlock) return;
  for (let at = from, left = count; left > 0 && at + 24 <= end; at += 24, left -= 1) {
    visitor.reportBlock({
      ssrc: packet.readUInt32BE(at),
      fractionLost: packet.readUInt8(at + 4),
      cumulativeLost: packet.readIntBE(at + 5, 3),
      highestSequence: packet.readUInt32BE(at + 8),
      jitter: packet.readUInt32BE(at + 12),
      lastSenderReport: packet.readUInt32BE(at + 16),
      delaySinceLastSenderReport: packet.readUInt32BE(at + 20),
    });
  }
}

function part(type: number, count: number, bytes: number): Buffer {
  const made = Buffer.alloc(bytes);
  made.writeUInt8(0x80 | count, 0);
  made.writeUInt8(type, 1);
  made.writeUInt16BE(bytes / 4 - 1, 2);
  return made;
}

/** Picture loss indication (RFC 4585 section 6.3.1). */
export function pictureLossIndication(sender: number, media: number): Buffer {
  const made = part(PAYLOAD_FEEDBACK, FORMAT_PLI, 12);
  made.writeUInt32BE(sender, 4);
  made.writeUInt32BE(media, 8);
  return made;
}

/** Asks for packets again (RFC 4585 section 6.2.1). `sequences` in the order they were sent, not empty. */
export function negativeAcknowledgement(sender: number, media: number, sequences: readonly number[]): Buffer {
  const entries: { first: number; mask: number }[] = [];
  for (const sequence of sequences) {
    const last = entries.at(-1);
    const ahead = last ? (sequence - last.first) & 0xffff : 0;
    if (last && ahead >= 1 && ahead <= 16) last.mask |= 1 << (ahead - 1);
    else if (!last || ahead !== 0) entries.push({ first: sequence, mask: 0 });
  }
  const made = part(TRANSPORT_FEEDBACK, FORMAT_NACK, 12 + entries.length * 4);
  made.writeUInt32BE(sender, 4);
  made.writeUInt32BE(media, 8);
  entries.forEach(({ first, mask }, index) => {
    made.writeUInt16BE(first, 12 + index * 4);
    made.writeUInt16BE(mask, 14 + index * 4);
  });
  return made;
}

/** A receiver report of at most 31 blocks (RFC 3550 section 6.4.2). */
export function receiverReport(sender: number, blocks: readonly ReportBlock[]): Buffer {
  const kept = blocks.slice(0, 31);
  const made = part(RECEIVER_REPORT, kept.length, 8 + kept.length * 24);
  made.writeUInt32BE(sender, 4);
  kept.forEach((block, index) => {
    const at = 8 + index * 24;
    made.writeUInt32BE(block.ssrc, at);
    made.writeUInt8(block.fractionLost, at + 4);
    made.writeIntBE(Math.max(-0x800000, Math.min(0x7fffff, block.cumulativeLost)), at + 5, 3);
    made.writeUInt32BE(block.highestSequence >>> 0, at + 8);
    made.writeUInt32BE(block.jitter >>> 0, at + 12);
    made.writeUInt32BE(block.lastSenderReport >>> 0, at + 16);
    made.writeUInt32BE(block.delaySinceLastSenderReport >>> 0, at + 20);
  });
  return made;
}

/** How many bits per second the sender of these sources may use in all (draft-alvestrand-rmcat-remb-03). */
export function receiverEstimatedMaximumBitrate(sender: number, bitrate: number, ssrcs: readonly number[]): Buffer {
  const kept = ssrcs.slice(0, 255);
  const made = part(PAYLOAD_FEEDBACK, FORMAT_APPLICATION, 20 + kept.length * 4);
  made.writeUInt32BE(sender, 4);
  made.writeUInt32BE(REMB, 12);
  let mantissa = Math.floor(bitrate);
  let exponent = 0;
  while (mantissa > 0x3ffff) {
    mantissa = Math.floor(mantissa / 2);
    exponent += 1;
  }
  made.writeUInt8(kept.length, 16);
  made.writeUInt8((exponent << 2) | (mantissa >> 16), 17);
  made.writeUInt16BE(mantissa & 0xffff, 18);
  kept.forEach((ssrc, index) => {
    made.writeUInt32BE(ssrc, 20 + index * 4);
  });
  return made;
}

/** Seconds from 1900 to 1970. */
const NTP_EPOCH = 2_208_988_800;

/** Seconds since 1900, as in sender reports, of a moment of this process' clock in milliseconds. */
export function wallClock(now: number): number {
  return (performance.timeOrigin + now) / 1000 + NTP_EPOCH;
}

/** A sender report without report blocks (RFC 3550 section 6.4.1). Counts wrap at 32 bits. */
export function senderReport(report: SenderReport, packets: number, octets: number): Buffer {
  const made = part(SENDER_REPORT, 0, 28);
  made.writeUInt32BE(report.ssrc, 4);
  made.writeUInt32BE(report.ntpSeconds, 8);
  made.writeUInt32BE(report.ntpFraction, 12);
  made.writeUInt32BE(report.rtpTimestamp, 16);
  made.writeUInt32BE(packets >>> 0, 20);
  made.writeUInt32BE(octets >>> 0, 24);
  return made;
}
