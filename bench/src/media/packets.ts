// The packets of the load: RTP as a browser sends it (VP8 with occasional key frames, Opus), with who sent it and when at the
// end of each payload, where no engine looks. A stream writes every packet into the same buffer; whoever sends it copies it.
import { randomInt } from 'node:crypto';

export type Kind = 'audio' | 'video';
export const payloadTypes: Record<Kind, number> = { audio: 111, video: 96 };
export const AUDIO_LEVEL_ID = 1;
/** Packets per second of somebody who speaks, and of somebody who does not (Opus with discontinuous transmission). */
export const SPEAKING_PER_SECOND = 50;
export const SILENT_PER_SECOND = 2.5;

/** Whose packet it is and when it was sent (`monotonicMs`). One object is filled again and again. */
export interface Mark {
  sender: number;
  kind: Kind;
  sentAt: number;
}

const MARK_BYTES = 12;
const MARK_SIGN = 0xb3;
const FRAMES_PER_SECOND = 30;
/** Packets of a key frame are so many times those of another. */
const KEY_FRAME_FACTOR = 4;
const KEY_FRAME_EVERY_MS = 5000;
const FULL_PAYLOAD = 1100;
const SOUND_PAYLOAD = 90;
const SILENCE_PAYLOAD = 24;

export function writeMark(packet: Buffer, length: number, { sender, kind, sentAt }: Mark): void {
  packet.writeDoubleBE(sentAt, length - MARK_BYTES);
  packet.writeUInt16BE(sender, length - 4);
  packet.writeUInt8(kind === 'video' ? 1 : 0, length - 2);
  packet.writeUInt8(MARK_SIGN, length - 1);
}

/** False: no packet of this load (RTCP, for example). */
export function readMark(packet: Buffer, into: Mark): boolean {
  const { length } = packet;
  if (length < 12 + MARK_BYTES || packet.readUInt8(length - 1) !== MARK_SIGN) return false;
  const type = packet.readUInt8(1);
  if (type >= 192 && type <= 223) return false;
  into.sentAt = packet.readDoubleBE(length - MARK_BYTES);
  into.sender = packet.readUInt16BE(length - 4);
  into.kind = packet.readUInt8(length - 2) === 1 ? 'video' : 'audio';
  return true;
}

export interface PacketStream {
  readonly ssrc: number;
  /** The next packet, in a buffer that is written anew by the next call. */
  next(now: number): Buffer;
  /** Begins a key frame with the next frame. */
  requestKeyframe(): void;
  /** A sender report (RFC 3550 section 6.4.1) for what was sent so far. */
  report(now: number): Buffer;
}

function header(packet: Buffer, kind: Kind, ssrc: number): void {
  packet.writeUInt8(0x80, 0);
  packet.writeUInt8(payloadTypes[kind], 1);
  packet.writeUInt32BE(ssrc, 8);
}

function report(ssrc: number, now: number, rtpTimestamp: number, packets: number, octets: number): Buffer {
  const made = Buffer.alloc(28);
  made.writeUInt8(0x80, 0);
  made.writeUInt8(200, 1);
  made.writeUInt16BE(6, 2);
  made.writeUInt32BE(ssrc, 4);
  made.writeUInt32BE(Math.floor(now / 1000) >>> 0, 8);
  made.writeUInt32BE(Math.floor(((now % 1000) / 1000) * 0x100000000) >>> 0, 12);
  made.writeUInt32BE(rtpTimestamp >>> 0, 16);
  made.writeUInt32BE(packets >>> 0, 20);
  made.writeUInt32BE(octets >>> 0, 24);
  return made;
}

/** A camera. @param perSecond packets of it, which decides how many a frame has */
export function createVideoStream(sender: number, perSecond: () => number): PacketStream {
  const ssrc = randomInt(1, 0xffffffff);
  const packet = Buffer.alloc(12 + FULL_PAYLOAD);
  header(packet, 'video', ssrc);
  const mark: Mark = { sender, kind: 'video', sentAt: 0 };
  let sequence = randomInt(0, 0x10000);
  let timestamp = 0;
  let picture = 0;
  let left = 0;
  let keyframe = true;
  let nextKeyframe = 0;
  let packets = 0;
  let octets = 0;
  return {
    ssrc,
    requestKeyframe() {
      nextKeyframe = 0;
    },
    next(now) {
      const begins = left === 0;
      if (begins) {
        keyframe = now >= nextKeyframe;
        if (keyframe) nextKeyframe = now + KEY_FRAME_EVERY_MS;
        left = Math.max(1, Math.round(perSecond() / FRAMES_PER_SECOND)) * (keyframe ? KEY_FRAME_FACTOR : 1);
        timestamp = Math.round(now * 90) >>> 0;
        picture = (picture + 1) & 0x7fff;
      }
      left -= 1;
      sequence = (sequence + 1) & 0xffff;
      packet.writeUInt8(payloadTypes.video | (left === 0 ? 0x80 : 0), 1);
      packet.writeUInt16BE(sequence, 2);
      packet.writeUInt32BE(timestamp, 4);
      // RFC 7741 section 4.2: X, and S at the beginning of a frame; then I with a picture id of 15 bits.
      packet.writeUInt8(begins ? 0x90 : 0x80, 12);
      packet.writeUInt8(0x80, 13);
      packet.writeUInt16BE(0x8000 | picture, 14);
      // The frame's own first bytes (RFC 6386 section 9.1): P, shown, the size of a 640x360 picture.
      packet.writeUInt8(begins ? (keyframe ? 0x10 : 0x11) : 0x55, 16);
      if (begins && keyframe) packet.write('00009d012a8002680100', 17, 'hex');
      const payload = left === 0 ? randomInt(200, FULL_PAYLOAD) : FULL_PAYLOAD;
      mark.sentAt = now;
      writeMark(packet, 12 + payload, mark);
      packets += 1;
      octets += payload;
      return packet.subarray(0, 12 + payload);
    },
    report: (now) => report(ssrc, now, Math.round(now * 90), packets, octets),
  };
}

/** A microphone with the audio level of RFC 6464 in each packet. */
export function createAudioStream(sender: number, speaking: boolean): PacketStream {
  const ssrc = randomInt(1, 0xffffffff);
  const start = 20;
  const length = start + (speaking ? SOUND_PAYLOAD : SILENCE_PAYLOAD);
  const packet = Buffer.alloc(length, 0x5a);
  header(packet, 'audio', ssrc);
  packet.writeUInt8(0x90, 0);
  packet.write('bede0001', 12, 'hex');
  packet.writeUInt8(AUDIO_LEVEL_ID << 4, 16);
  packet.writeUInt8(speaking ? 0x80 | 30 : 90, 17);
  packet.writeUInt16BE(0, 18);
  const mark: Mark = { sender, kind: 'audio', sentAt: 0 };
  let sequence = randomInt(0, 0x10000);
  let packets = 0;
  return {
    ssrc,
    requestKeyframe: () => undefined,
    next(now) {
      sequence = (sequence + 1) & 0xffff;
      packet.writeUInt16BE(sequence, 2);
      packet.writeUInt32BE(Math.round(now * 48) >>> 0, 4);
      mark.sentAt = now;
      writeMark(packet, length, mark);
      packets += 1;
      return packet;
    },
    report: (now) => report(ssrc, now, Math.round(now * 48), packets, packets * (length - start)),
  };
}

/** What a receiver's browser says every second: it is there, and how much it can take (bits per second). */
export function receiverFeedback(bitrate: number, ssrcs: readonly number[]): Buffer {
  const own = 1;
  const made = Buffer.alloc(8 + 20 + ssrcs.length * 4);
  made.writeUInt8(0x80, 0);
  made.writeUInt8(201, 1);
  made.writeUInt16BE(1, 2);
  made.writeUInt32BE(own, 4);
  made.writeUInt8(0x80 | 15, 8);
  made.writeUInt8(206, 9);
  made.writeUInt16BE(4 + ssrcs.length, 10);
  made.writeUInt32BE(own, 12);
  made.write('REMB', 20, 'latin1');
  const exponent = Math.max(0, Math.ceil(Math.log2(bitrate / 0x3ffff)));
  const mantissa = Math.floor(bitrate / 2 ** exponent);
  made.writeUInt8(ssrcs.length, 24);
  made.writeUInt8((exponent << 2) | (mantissa >> 16), 25);
  made.writeUInt16BE(mantissa & 0xffff, 26);
  ssrcs.forEach((ssrc, index) => {
    made.writeUInt32BE(ssrc, 28 + index * 4);
  });
  return made;
}

/** Whether a packet is RTCP with a request for a key frame in it (PLI or FIR), wherever in the compound it stands. */
export function asksForKeyframe(packet: Buffer): boolean {
  for (let at = 0; at + 8 <= packet.length; at += 4 + packet.readUInt16BE(at + 2) * 4) {
    const type = packet.readUInt8(at + 1);
    if (type < 192 || type > 223) return false;
    const format = packet.readUInt8(at) & 0x1f;
    if (type === 206 && (format === 1 || format === 4)) return true;
  }
  return false;
}
