// RTP packets (RFC 3550 section 5.1) and their header extensions (RFC 8285), read and rewritten in place: a packet that
// arrives once and leaves many times is copied by nobody here.

/** What forwarding needs of a packet's header. One object is filled again and again; nobody keeps it. */
export interface RtpHeader {
  payloadType: number;
  marker: boolean;
  sequence: number;
  timestamp: number;
  ssrc: number;
  /** Where the extension's elements lie; both 0 without one. */
  extensionStart: number;
  extensionEnd: number;
  /** 1 or 2 bytes of header for each element; 0: no extension, or a profile nobody here knows. */
  elementHeader: 0 | 1 | 2;
  payloadStart: number;
  /** After the payload, before any padding. */
  payloadEnd: number;
}

const FIXED_HEADER = 12;
const ONE_BYTE_PROFILE = 0xbede;
/** 0x1000 and four bits the application chooses. */
const TWO_BYTE_PROFILE = 0x100;

export function emptyRtpHeader(): RtpHeader {
  return {
    payloadType: 0,
    marker: false,
    sequence: 0,
    timestamp: 0,
    ssrc: 0,
    extensionStart: 0,
    extensionEnd: 0,
    elementHeader: 0,
    payloadStart: 0,
    payloadEnd: 0,
  };
}

/** RTP and RTCP share one flow; the second byte tells them apart (RFC 5761 section 4). */
export function isRtcp(packet: Buffer): boolean {
  const type = packet.length >= 2 ? packet.readUInt8(1) : 0;
  return type >= 192 && type <= 223;
}

/** Reads the header into `into`. False: not a well-formed RTP packet, and `into` means nothing. */
export function readRtp(packet: Buffer, into: RtpHeader): boolean {
  const { length } = packet;
  if (length < FIXED_HEADER) return false;
  const first = packet.readUInt8(0);
  if (first >> 6 !== 2) return false;
  const second = packet.readUInt8(1);
  let at = FIXED_HEADER + (first & 0x0f) * 4;
  into.marker = (second & 0x80) !== 0;
  into.payloadType = second & 0x7f;
  into.sequence = packet.readUInt16BE(2);
  into.timestamp = packet.readUInt32BE(4);
  into.ssrc = packet.readUInt32BE(8);
  into.extensionStart = 0;
  into.extensionEnd = 0;
  into.elementHeader = 0;
  if (first & 0x10) {
    if (at + 4 > length) return false;
    const profile = packet.readUInt16BE(at);
    const end = at + 4 + packet.readUInt16BE(at + 2) * 4;
    if (end > length) return false;
    into.extensionStart = at + 4;
    into.extensionEnd = end;
    if (profile === ONE_BYTE_PROFILE) into.elementHeader = 1;
    else if (profile >> 4 === TWO_BYTE_PROFILE) into.elementHeader = 2;
    at = end;
  }
  if (at > length) return false;
  let end = length;
  if (first & 0x20) {
    const padding = packet.readUInt8(length - 1);
    if (padding === 0 || at + padding > length) return false;
    end = length - padding;
  }
  into.payloadStart = at;
  into.payloadEnd = end;
  return true;
}

/** Where an element lies, its header not counted; false if the packet has none of that id. */
export function findExtension(
  packet: Buffer,
  header: RtpHeader,
  id: number,
  into: { start: number; end: number },
): boolean {
  for (
    let at = nextElement(packet, header, header.extensionStart);
    at >= 0;
    at = nextElement(packet, header, element.end)
  ) {
    if (element.id !== id) continue;
    into.start = element.start;
    into.end = element.end;
    return true;
  }
  return false;
}

/**
 * Gives every element the id it has in `ids` (index: the id it came with) and blanks those that have 0 there, so that a
 * receiver sees only what was negotiated with it. The packet keeps its length: a blank byte is padding (RFC 8285
 * section 4.1.2).
 */
export function rewriteExtensions(packet: Buffer, header: RtpHeader, ids: Uint8Array): void {
  if (header.extensionStart === header.extensionEnd) return;
  let understood = header.extensionStart;
  for (let at = nextElement(packet, header, understood); at >= 0; at = nextElement(packet, header, understood)) {
    const to = ids[element.id] ?? 0;
    if (to === 0) packet.fill(0, at, element.end);
    else packet[at] = header.elementHeader === 1 ? (to << 4) | (element.end - element.start - 1) : to;
    understood = element.end;
  }
  // What follows a broken element cannot be understood by anybody.
  if (understood < header.extensionEnd) packet.fill(0, understood, header.extensionEnd);
}

/** The element `nextElement` has found: filled again and again. */
const element = { id: 0, start: 0, end: 0 };

/** The offset of the header of the first whole element at or after `at`; -1 if there is none. */
function nextElement(packet: Buffer, { extensionEnd, elementHeader }: RtpHeader, at: number): number {
  let here = at;
  while (elementHeader !== 0 && here < extensionEnd) {
    const first = packet[here] ?? 0;
    if (first === 0) {
      here += 1;
      continue;
    }
    let length = 0;
    if (elementHeader === 1) {
      element.id = first >> 4;
      length = (first & 0x0f) + 1;
      // 15 ends the list; 0 with a length is nothing a sender may send.
      if (element.id === 15 || element.id === 0) return -1;
    } else {
      if (here + 2 > extensionEnd) return -1;
      element.id = first;
      length = packet[here + 1] ?? 0;
    }
    element.start = here + elementHeader;
    element.end = element.start + length;
    return element.end > extensionEnd ? -1 : here;
  }
  return -1;
}

// Byte by byte: this is done for every packet that leaves, and Buffer's own methods check their arguments each time.
export function writePayloadType(packet: Buffer, payloadType: number): void {
  packet[1] = ((packet[1] ?? 0) & 0x80) | payloadType;
}
export function writeSequence(packet: Buffer, sequence: number): void {
  packet[2] = sequence >> 8;
  packet[3] = sequence;
}
export function writeTimestamp(packet: Buffer, timestamp: number): void {
  write32(packet, timestamp, 4);
}
export function writeSsrc(packet: Buffer, ssrc: number): void {
  write32(packet, ssrc, 8);
}
function write32(packet: Buffer, value: number, at: number): void {
  packet[at] = value >>> 24;
  packet[at + 1] = value >>> 16;
  packet[at + 2] = value >>> 8;
  packet[at + 3] = value;
}

/** How far `b` is ahead of `a` on the circle of 16-bit sequence numbers: -32768..32767. */
export function sequenceDistance(a: number, b: number): number {
  return ((b - a) << 16) >> 16;
}
