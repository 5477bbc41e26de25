// Just enough of VP8 in RTP (RFC 7741) to see where a key frame begins.

/** True if this payload holds the first bytes of a key frame (RFC 7741 sections 4.2 and 4.3). */
export function beginsKeyframe(packet: Buffer, start: number, end: number): boolean {
  if (start >= end) return false;
  const first = packet.readUInt8(start);
  // S: start of a partition; PID 0: the first one, which begins with the frame header.
  if ((first & 0x10) === 0 || (first & 0x07) !== 0) return false;
  let at = start + 1;
  if (first & 0x80) {
    if (at >= end) return false;
    const extended = packet.readUInt8(at);
    at += 1;
    if (extended & 0x80) {
      if (at >= end) return false;
      at += packet.readUInt8(at) & 0x80 ? 2 : 1;
    }
    if (extended & 0x40) at += 1;
    if (extended & 0x30) at += 1;
  }
  // P = 0: not predicted from another frame.
  return at < end && (packet.readUInt8(at) & 0x01) === 0;
}
