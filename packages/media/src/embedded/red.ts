// Sound with what came before it (RFC 2198), for those who cannot read it: the newest sound alone. Pure but for its buffer.
import { type RtpHeader, writePayloadType } from './rtp.ts';

/** Larger than any packet of sound. */
const MAX_PACKET = 2048;
const plain = Buffer.alloc(MAX_PACKET);
/** Of a block that came before; the last block's is its first byte only (section 3). */
const BLOCK_HEADER = 4;
const FOLLOWED = 0x80;

/**
 * The packet with its newest block as all its payload, numbered as that block is; valid until the next call. One of another
 * payload type than `red` is left as it is. Null if it is not well-formed.
 */
export function newestOf(packet: Buffer, { payloadStart, payloadEnd }: RtpHeader, red: number): Buffer | null {
  if (((packet[1] ?? 0) & 0x7f) !== red) return packet;
  let header = payloadStart;
  let before = 0;
  while (header < payloadEnd && (packet[header] ?? 0) & FOLLOWED) {
    if (header + BLOCK_HEADER > payloadEnd) return null;
    before += packet.readUInt16BE(header + 2) & 0x3ff;
    header += BLOCK_HEADER;
  }
  const newest = header + 1 + before;
  const length = payloadStart + payloadEnd - newest;
  if (header >= payloadEnd || newest > payloadEnd || length > MAX_PACKET) return null;
  packet.copy(plain, 0, 0, payloadStart);
  packet.copy(plain, payloadStart, newest, payloadEnd);
  // No padding.
  plain[0] = (plain[0] ?? 0) & ~0x20;
  writePayloadType(plain, (packet[header] ?? 0) & 0x7f);
  return plain.subarray(0, length);
}
