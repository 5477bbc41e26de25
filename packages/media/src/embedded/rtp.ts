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
  let found = false;
  eachElement(packet, header, (elementId, _at, start, end) => {
    if (elementId !== id || found) return;
    found = true;
    into.start = start;
    into.end = end;
  });
  return found;
}

/**
 * Gives every element the id it has in `ids` (index: the id it came with) and blanks those that have 0 there, so that a
 * receiver sees only what was negotiated with it. The packet keeps its length: a blank byte is padding (RFC 8285
 * section 4.1.2).
 */
export function rewriteExtensions(packet: Buffer, header: RtpHeader, ids: Uint8Array): void {
  if (header.extensionStart === header.extensionEnd) return;
  if (header.elementHeader === 0) {
    packet.fill(0, header.extensionStart, header.extensionEnd);
    return;
  }
  const stopped = eachElement(packet, header, (id, at, start, end) => {
    const to = ids[id] ?? 0;
    if (to === 0) packet.fill(0, at, end);
    else if (header.elementHeader === 1) packet.writeUInt8((to << 4) | (end - start - 1), at);
    else packet.writeUInt8(to, at);
  });
  // What follows a broken element cannot be understood by anybody.
  packet.fill(0, stopped, header.extensionEnd);
}

/** Calls back with each element's id, the offset of its header, and where its data lies. Returns where reading stopped. */
function eachElement(
  packet: Buffer,
  header: RtpHeader,
  visit: (id: number, at: number, start: number, end: number) => void,
): number {
  const { extensionEnd, elementHeader } = header;
  let at = header.extensionStart;
  if (elementHeader === 0) return at;
  while (at < extensionEnd) {
    const first = packet.readUInt8(at);
    if (first === 0) {
      at += 1;
      continue;
    }
    let id = first;
    let length = 0;
    if (elementHeader === 1) {
      id = first >> 4;
      length = (first & 0x0f) + 1;
      // 15 ends the list; 0 with a length is nothing a sender may send.
      if (id === 15 || id === 0) return at;
    } else {
      if (at + 2 > extensionEnd) return at;
      length = packet.readUInt8(at + 1);
    }
    const start = at + elementHeader;
    if (start + length > extensionEnd) return at;
    visit(id, at, start, start + length);
    at = start + length;
  }
  return at;
}

export function writePayloadType(packet: Buffer, payloadType: number): void {
  packet.writeUInt8((packet.readUInt8(1) & 0x80) | payloadType, 1);
}
export function writeSequence(packet: Buffer, sequence: number): void {
  packet.writeUInt16BE(sequence & 0xffff, 2);
}
export function writeTimestamp(packet: Buffer, timestamp: number): void {
  packet.writeUInt32BE(timestamp >>> 0, 4);
}
export function writeSsrc(packet: Buffer, ssrc: number): void {
  packet.writeUInt32BE(ssrc >>> 0, 8);
}

/** How far `b` is ahead of `a` on the circle of 16-bit sequence numbers: -32768..32767. */
export function sequenceDistance(a: number, b: number): number {
  return ((b - a) << 16) >> 16;
}
