// Just enough of each picture codec's RTP payload to see where a key frame begins, how large its picture is, and where the
// numbers lie that must run on when a receiver is given another stream.
import type { VideoCodec } from './codecs.ts';

/** Picture numbers of a packet; positions are 0 where it has none. One object is filled again and again. */
export interface Picture {
  /** PictureID (RFC 7741 section 4.2, RFC 9628 section 4.2), and whether it takes 15 bits or 7. */
  id: number;
  idAt: number;
  long: boolean;
  /** TL0PICIDX. */
  base: number;
  baseAt: number;
}

export const emptyPicture = (): Picture => ({ id: 0, idAt: 0, long: false, base: 0, baseAt: 0 });

/** Finds the picture numbers of a payload; nothing in codecs that have none. */
export function readPicture(codec: VideoCodec | null, packet: Buffer, start: number, end: number, into: Picture): void {
  into.idAt = 0;
  into.baseAt = 0;
  if (codec === 'VP8') vp8Header(packet, start, end, into);
  else if (codec === 'VP9') vp9Numbers(packet, start, end, into);
}

/** True if this payload holds the first bytes of a frame that needs none before it. */
export function beginsKeyframe(codec: VideoCodec, packet: Buffer, start: number, end: number): boolean {
  if (start >= end) return false;
  const first = packet[start] ?? 0;
  switch (codec) {
    case 'VP8': {
      // S: start of a partition; PID 0: the first one, which begins with the frame header. P = 0: not predicted.
      const at = (first & 0x17) === 0x10 ? vp8Header(packet, start, end, scratch) : end;
      return at < end && ((packet[at] ?? 1) & 0x01) === 0;
    }
    case 'VP9':
      // P = 0: not predicted; B: the start of a frame; the base spatial layer if there are several.
      return (first & 0x48) === 0x08 && ((first & 0x20) === 0 || vp9SpatialLayer(packet, start, end) === 0);
    case 'H264':
      // What a decoder is set up with goes before every key frame (RFC 6184 sections 5.2 and 5.7.1).
      return (first & 0x1f) === 7 || ((first & 0x1f) === 24 && ((packet[start + 3] ?? 0) & 0x1f) === 7);
    case 'AV1':
      // N: the first packet of a coded video sequence.
      return (first & 0x08) !== 0;
  }
}

/** The height of a VP8 key frame's picture (RFC 6386 section 9.1), given a payload that begins one; 0: not to be seen. */
export function keyframeHeight(codec: VideoCodec, packet: Buffer, start: number, end: number): number {
  if (codec !== 'VP8') return 0;
  const at = vp8Header(packet, start, end, scratch);
  if (at + 10 > end || packet.readUIntBE(at + 3, 3) !== 0x9d012a) return 0;
  return packet.readUInt16LE(at + 8) & 0x3fff;
}

const scratch = emptyPicture();

/** Fills in the numbers of a VP8 payload descriptor and says where the frame begins; `end` if it is cut short. */
function vp8Header(packet: Buffer, start: number, end: number, into: Picture): number {
  into.idAt = 0;
  into.baseAt = 0;
  if (start >= end) return end;
  let at = start + 1;
  if (((packet[start] ?? 0) & 0x80) === 0) return at;
  if (at >= end) return end;
  const extended = packet[at] ?? 0;
  at += 1;
  if (extended & 0x80) at = readId(packet, at, end, into);
  if (extended & 0x40) {
    if (at >= end) return end;
    into.baseAt = at;
    into.base = packet[at] ?? 0;
    at += 1;
  }
  if (extended & 0x30) at += 1;
  return Math.min(at, end);
}

function readId(packet: Buffer, at: number, end: number, into: Picture): number {
  if (at >= end) return end;
  into.long = ((packet[at] ?? 0) & 0x80) !== 0;
  if (at + (into.long ? 2 : 1) > end) return end;
  into.idAt = at;
  into.id = into.long ? packet.readUInt16BE(at) & 0x7fff : (packet[at] ?? 0);
  return at + (into.long ? 2 : 1);
}

function vp9Numbers(packet: Buffer, start: number, end: number, into: Picture): void {
  if (start >= end) return;
  const first = packet[start] ?? 0;
  let at = start + 1;
  if (first & 0x80) at = readId(packet, at, end, into);
  // L without F: layer indices, then TL0PICIDX.
  if ((first & 0x20) === 0 || first & 0x10 || at + 2 > end) return;
  into.baseAt = at + 1;
  into.base = packet[at + 1] ?? 0;
}

function vp9SpatialLayer(packet: Buffer, start: number, end: number): number {
  const at = ((packet[start] ?? 0) & 0x80) === 0 ? start + 1 : readId(packet, start + 1, end, scratch);
  return at < end ? ((packet[at] ?? 0) >> 1) & 0x07 : 0;
}

/** Writes other numbers where `where` has found some. */
export function writePicture(packet: Buffer, where: Picture, id: number, base: number): void {
  if (where.idAt !== 0) {
    if (where.long) {
      packet[where.idAt] = 0x80 | (id >> 8);
      packet[where.idAt + 1] = id;
    } else packet[where.idAt] = id & 0x7f;
  }
  if (where.baseAt !== 0) packet[where.baseAt] = base & 0xff;
}
