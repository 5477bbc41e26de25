// What one receiver gets of one source. Whichever of the publisher's streams is passed on, the receiver sees one that never
// breaks: sequence numbers, timestamps and picture numbers run on when another one is begun, at a key frame.
import { randomInt } from 'node:crypto';
import { emptyPicture, readPicture, writePicture } from './payloads.ts';
import { newestOf } from './red.ts';
import { senderReport, wallClock } from './rtcp.ts';
import { emptyRtpHeader, type RtpHeader, readRtp, sequenceDistance, writeSequence, writeTimestamp } from './rtp.ts';
import type { Form, Forwarding, Layer, Receiver, Source } from './streams.ts';

/** How the numbers of a layer become those of the receiver, from its packet `first` on. */
interface Segment {
  layer: Layer | null;
  first: number;
  sequence: number;
  timestamp: number;
  pictureId: number;
  pictureBase: number;
}
const emptySegment = (): Segment => ({
  layer: null,
  first: 0,
  sequence: 0,
  timestamp: 0,
  pictureId: 0,
  pictureBase: 0,
});

/** Packets of a layer that are older than its first one may still come for so long. */
const SETTLED_PACKETS = 1000;

const keptHeader = emptyRtpHeader();
const keptPicture = emptyPicture();

/** @param clockRate of the source's timestamps */
export function createForwarding(source: Source, receiver: Receiver, form: Form, clockRate: number): Forwarding {
  let segment = emptySegment();
  let before = emptySegment();
  let current: Layer | null = null;
  let target: Layer | null = null;
  let begun = false;
  let sinceBegun = 0;
  let reportDue = false;
  let lastSequence = randomInt(0, 0x8000);
  let lastTimestamp = 0;
  let lastPictureId = -1;
  let lastPictureBase = 0;
  /** Which of the receiver's timestamps stands for which moment. */
  let momentAt = 0;
  let momentTimestamp = 0;
  let packets = 0;
  let octets = 0;

  /** So that what was captured at one moment has one timestamp, whatever layer it comes by. */
  function timestampOffset(layer: Layer, { timestamp }: RtpHeader): number {
    const { moment } = layer;
    if (!begun || !moment) return 0;
    const offset = momentTimestamp + Math.round(((moment.at - momentAt) / 1000) * clockRate) - moment.rtp;
    // Never back, whatever the clocks say.
    const step = (timestamp + offset - lastTimestamp) | 0;
    return step > 0 ? offset : lastTimestamp + clockRate / 100 - timestamp;
  }

  function noteMoment(): void {
    const { layer, timestamp } = segment;
    if (!layer?.moment) return;
    momentAt = layer.moment.at;
    momentTimestamp = (layer.moment.rtp + timestamp) >>> 0;
  }

  function report(now: number): void {
    if (!current?.moment) return;
    noteMoment();
    const rtpTimestamp = (momentTimestamp + Math.round(((now - momentAt) / 1000) * clockRate)) >>> 0;
    const wall = wallClock(now);
    const ntpSeconds = Math.floor(wall) >>> 0;
    const ntpFraction = Math.floor((wall % 1) * 0x1_0000_0000) >>> 0;
    receiver.send(senderReport({ ssrc: source.ssrc, ntpSeconds, ntpFraction, rtpTimestamp }, packets, octets));
  }

  return {
    source,
    get current() {
      return current;
    },
    get target() {
      return target;
    },
    aim(layer) {
      if (layer === target) return;
      target?.waiting.delete(this);
      target = layer;
      if (!layer) {
        noteMoment();
        current?.receivers.delete(this);
        current = null;
      } else if (layer !== current) {
        if (layer.waiting.size === 0) layer.heldBack = 0;
        layer.waiting.add(this);
        if (receiver.isOpen()) layer.requestKeyframe();
      }
    },
    begin(layer, header, picture) {
      if (!receiver.isOpen()) return;
      noteMoment();
      layer.waiting.delete(this);
      current?.receivers.delete(this);
      layer.receivers.add(this);
      current = layer;
      const older = before;
      before = segment;
      segment = older;
      segment.layer = layer;
      segment.first = header.sequence;
      segment.sequence = lastSequence + 1 - header.sequence;
      segment.timestamp = timestampOffset(layer, header);
      segment.pictureId = lastPictureId < 0 ? 0 : lastPictureId + 1 - picture.id;
      segment.pictureBase = lastPictureId < 0 ? 0 : lastPictureBase + 1 - picture.base;
      sinceBegun = 0;
      begun = true;
      reportDue = true;
      noteMoment();
    },
    heldBack(layer) {
      // Before it is open it would have no use for one.
      if (receiver.isOpen()) layer.remindOfKeyframe();
    },
    pass(packet, header, picture, now) {
      if (sinceBegun < SETTLED_PACKETS) {
        sinceBegun += 1;
        // Its number belongs to a packet of the layer before.
        if (sequenceDistance(segment.first, header.sequence) < 0) return;
      }
      const sequence = (header.sequence + segment.sequence) & 0xffff;
      const timestamp = (header.timestamp + segment.timestamp) >>> 0;
      const id = picture.id + segment.pictureId;
      const base = picture.base + segment.pictureBase;
      if (sequenceDistance(lastSequence, sequence) > 0) {
        lastSequence = sequence;
        lastTimestamp = timestamp;
        if (picture.idAt !== 0) lastPictureId = id & 0x7fff;
        if (picture.baseAt !== 0) lastPictureBase = base & 0xff;
      }
      writeSequence(packet, sequence);
      writeTimestamp(packet, timestamp);
      if (picture.idAt !== 0) writePicture(packet, picture, id, base);
      packets += 1;
      octets += header.payloadEnd - header.payloadStart;
      const inForm = form === 'newest' ? newestOf(packet, header, source.codec.payloadType) : packet;
      if (inForm) receiver.send(inForm);
      if (!reportDue) return;
      reportDue = false;
      report(now);
    },
    report,
    sent(sequence) {
      for (const part of [segment, before]) {
        const original = (sequence - part.sequence) & 0xffff;
        if (!part.layer || sequenceDistance(part.first, original) < 0) continue;
        const kept = part.layer.history?.find(original);
        if (!kept || !readRtp(kept.packet, keptHeader)) return undefined;
        const { packet, timestamp, pictureId, pictureBase } = kept;
        readPicture(source.picture, packet, keptHeader.payloadStart, keptHeader.payloadEnd, keptPicture);
        writeSequence(packet, sequence);
        writeTimestamp(packet, timestamp + part.timestamp);
        writePicture(packet, keptPicture, pictureId + part.pictureId, pictureBase + part.pictureBase);
        return packet;
      }
      return undefined;
    },
    requestKeyframe() {
      current?.requestKeyframe();
      if (target !== current) target?.requestKeyframe();
    },
  };
}
