// One source as receivers know it: a microphone, a camera. It keeps its SSRC, and its sequence numbers and timestamps run
// on when the publisher comes back on another connection; so receivers need not notice. Rewriting is done once for each
// packet, in place, whatever the number of receivers.
import { randomBytes, randomInt } from 'node:crypto';
import { AUDIO_LEVEL_ID, codecs } from './codecs.ts';
import { type Clock, createKeyframeRequests } from './keyframe-requests.ts';
import { createPacketHistory } from './retransmission.ts';
import { type SenderReport, senderReport } from './rtcp.ts';
import {
  type RtpHeader,
  rewriteExtensions,
  sequenceDistance,
  writePayloadType,
  writeSequence,
  writeSsrc,
  writeTimestamp,
} from './rtp.ts';
import type { Kind } from './sdp.ts';
import { beginsKeyframe } from './vp8.ts';

export interface Receiver {
  send(packet: Buffer): void;
}

/** The stream of a publishing connection that currently fills a source. */
export interface Feed {
  readonly audioLevelExtension: number | undefined;
  requestKeyframe(): void;
}

export interface Source {
  readonly publisher: string;
  readonly kind: Kind;
  readonly ssrc: number;
  readonly stream: string;
  readonly track: string;
  readonly cname: string;
  readonly receivers: ReadonlySet<Receiver>;
  addReceiver(receiver: Receiver): void;
  removeReceiver(receiver: Receiver): void;
  /** From the next packet on, `feed` fills this source. */
  attach(feed: Feed): void;
  /** Passes a packet on; it is changed, and kept. Packets of any feed but the attached one are dropped. */
  forward(feed: Feed, packet: Buffer, header: RtpHeader, now: number): void;
  senderReport(feed: Feed, report: SenderReport): void;
  requestKeyframe(): void;
  /** A packet that was sent not long ago, by the number receivers know. */
  sent(sequence: number): Buffer | undefined;
  close(): void;
}

/** A new feed's picture is held back until a key frame, but never longer: it may be encrypted beyond recognition. */
const MAX_HELD_BACK = 300;
/** Packets of a new feed that are older than its first one may still come for so long. */
const SETTLED_PACKETS = 1000;

export function createSource(
  publisher: string,
  kind: Kind,
  stream: { id: string; cname: string },
  clock: Clock,
): Source {
  const { clockRate, payloadType } = codecs[kind];
  const ssrc = randomInt(1, 0xffffffff);
  const receivers = new Set<Receiver>();
  const history = kind === 'video' ? createPacketHistory() : null;
  const extensionIds = new Uint8Array(256);
  let feed: Feed | null = null;
  let begun = false;
  /** The attached feed has not been joined to what was sent before. */
  let joining = false;
  let heldBack = 0;
  let firstSequence = 0;
  let sinceJoined = 0;
  let sequenceOffset = 0;
  let timestampOffset = 0;
  let lastSequence = 0;
  let lastTimestamp = 0;
  let lastAt = 0;
  let packets = 0;
  let octets = 0;
  const keyframes = createKeyframeRequests(() => feed?.requestKeyframe(), clock);

  function join(packet: Buffer, header: RtpHeader, now: number): boolean {
    if (begun && kind === 'video' && heldBack < MAX_HELD_BACK) {
      if (!beginsKeyframe(packet, header.payloadStart, header.payloadEnd)) {
        heldBack += 1;
        return false;
      }
    }
    joining = false;
    firstSequence = header.sequence;
    sinceJoined = 0;
    if (!begun) {
      begun = true;
      lastSequence = (header.sequence - 1) & 0xffff;
      return true;
    }
    const elapsed = Math.max(1, Math.round(((now - lastAt) / 1000) * clockRate));
    sequenceOffset = (lastSequence + 1 - header.sequence) & 0xffff;
    timestampOffset = (lastTimestamp + elapsed - header.timestamp) | 0;
    return true;
  }

  return {
    publisher,
    kind,
    ssrc,
    stream: stream.id,
    track: `t${randomBytes(9).toString('hex')}`,
    cname: stream.cname,
    receivers,
    addReceiver: (receiver) => receivers.add(receiver),
    removeReceiver: (receiver) => receivers.delete(receiver),
    attach(next) {
      feed = next;
      joining = true;
      heldBack = 0;
      extensionIds.fill(0);
      if (next.audioLevelExtension) extensionIds[next.audioLevelExtension] = AUDIO_LEVEL_ID;
      if (begun && kind === 'video') keyframes.request();
    },
    forward(from, packet, header, now) {
      if (from !== feed) return;
      if (joining && !join(packet, header, now)) return;
      if (sinceJoined < SETTLED_PACKETS) {
        sinceJoined += 1;
        // Older than the first packet after a change: its number belongs to a packet of the feed before.
        if (sequenceDistance(firstSequence, header.sequence) < 0) return;
      }
      const sequence = (header.sequence + sequenceOffset) & 0xffff;
      const timestamp = (header.timestamp + timestampOffset) >>> 0;
      if (sequenceDistance(lastSequence, sequence) > 0) {
        lastSequence = sequence;
        lastTimestamp = timestamp;
        lastAt = now;
      }
      rewriteExtensions(packet, header, extensionIds);
      writePayloadType(packet, payloadType);
      writeSequence(packet, sequence);
      writeTimestamp(packet, timestamp);
      writeSsrc(packet, ssrc);
      packets += 1;
      octets += header.payloadEnd - header.payloadStart;
      history?.add(sequence, packet);
      for (const receiver of receivers) receiver.send(packet);
    },
    senderReport(from, report) {
      if (from !== feed || joining || !begun) return;
      const rtpTimestamp = (report.rtpTimestamp + timestampOffset) >>> 0;
      // The publisher's wall clock goes on as it is, so sound and picture stay together.
      const packet = senderReport({ ...report, ssrc, rtpTimestamp }, packets, octets);
      for (const receiver of receivers) receiver.send(packet);
    },
    requestKeyframe() {
      if (kind === 'video') keyframes.request();
    },
    sent: (sequence) => history?.find(sequence),
    close() {
      keyframes.close();
      history?.clear();
      receivers.clear();
      feed = null;
    },
  };
}
