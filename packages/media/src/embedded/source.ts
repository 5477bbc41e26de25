// One source as receivers know it: a microphone, a camera. It keeps its SSRC when the publisher comes back on another
// connection, and when it is sent in several qualities; so receivers need not notice. Here each packet is made fit for all
// receivers once; what differs between them is in forwarding.ts.
import { randomBytes, randomInt } from 'node:crypto';
import { AUDIO_LEVEL_ID, CAPTURE_TIME_ID, type Codec, SEND_TIME_ID, type VideoCodec } from './codecs.ts';
import { createForwarding } from './forwarding.ts';
import type { Clock } from './keyframe-requests.ts';
import { createLayer } from './layer.ts';
import { beginsKeyframe, emptyPicture, keyframeHeight, readPicture } from './payloads.ts';
import { findExtension, type RtpHeader, rewriteExtensions, writePayloadType, writeSsrc } from './rtp.ts';
import type { Kind } from './sdp.ts';
import type { Feed, Forwarding, Layer, Source } from './streams.ts';

/** A picture is held back until a key frame, but never longer: it may be encrypted beyond recognition. */
const MAX_HELD_BACK = 300;

const picture = emptyPicture();
const found = { start: 0, end: 0 };

export function createSource(
  publisher: string,
  kind: Kind,
  codec: Codec,
  stream: { id: string; cname: string },
  clock: Clock,
): Source {
  const ssrc = randomInt(1, 0xffffffff);
  const videoCodec = kind === 'video' ? (codec.name as VideoCodec) : null;
  const forwardings = new Set<Forwarding>();
  const extensionIds = new Uint8Array(256);
  let feed: Feed | null = null;
  let layers: Layer[] = [];

  function isStart(layer: Layer, packet: Buffer, { payloadStart, payloadEnd }: RtpHeader): boolean {
    if (!videoCodec) return true;
    if (!beginsKeyframe(videoCodec, packet, payloadStart, payloadEnd)) {
      if (layer.waiting.size > 0) layer.heldBack += 1;
      return layer.heldBack > MAX_HELD_BACK;
    }
    layer.keyframeBegins(keyframeHeight(videoCodec, packet, payloadStart, payloadEnd));
    return true;
  }

  /** When it leaves here, in 1/2^18 s, so that a receiver can see queues on its own way only (abs-send-time). */
  function stamp(packet: Buffer, header: RtpHeader, now: number): void {
    if (!feed?.sendTimeExtension || !findExtension(packet, header, SEND_TIME_ID, found)) return;
    if (found.end - found.start === 3) packet.writeUIntBE(Math.floor((now * 262.144) % 0x1000000), found.start, 3);
  }

  return {
    publisher,
    kind,
    codec,
    picture: videoCodec,
    ssrc,
    stream: stream.id,
    track: `t${randomBytes(9).toString('hex')}`,
    cname: stream.cname,
    get layers() {
      return layers;
    },
    forwardings,
    addReceiver(receiver, form = 'as-sent') {
      const made = createForwarding(this, receiver, form, codec.clockRate);
      forwardings.add(made);
      made.aim(layers[0] ?? null);
      return made;
    },
    removeReceiver(forwarding) {
      forwarding.aim(null);
      forwardings.delete(forwarding);
    },
    attach(next) {
      const old = layers;
      feed = next;
      layers = Array.from({ length: Math.max(1, next.rids.length) }, (_, index) =>
        createLayer(index, kind, clock, () => next.requestKeyframe(index)),
      );
      extensionIds.fill(0);
      if (next.audioLevelExtension) extensionIds[next.audioLevelExtension] = AUDIO_LEVEL_ID;
      if (next.sendTimeExtension) extensionIds[next.sendTimeExtension] = SEND_TIME_ID;
      if (next.captureTimeExtension) extensionIds[next.captureTimeExtension] = CAPTURE_TIME_ID;
      for (const forwarding of forwardings) {
        const wanted = forwarding.target;
        if (wanted || old.length === 0) forwarding.aim(layers[wanted?.index ?? 0] ?? layers[0] ?? null);
      }
      for (const layer of old) layer.close();
    },
    isFilledBy: (one) => one === feed,
    forward(from, index, payloadType, packet, header, now) {
      const layer = layers[index];
      if (from !== feed || !layer) return;
      layer.heard(header.timestamp, packet.length, now);
      rewriteExtensions(packet, header, extensionIds);
      writePayloadType(packet, payloadType);
      writeSsrc(packet, ssrc);
      stamp(packet, header, now);
      readPicture(videoCodec, packet, header.payloadStart, header.payloadEnd, picture);
      layer.history?.add(header.sequence, packet, header.timestamp, picture.id, picture.base);
      const start = isStart(layer, packet, header);
      for (const forwarding of layer.waiting) {
        if (start) forwarding.begin(layer, header, picture);
        else forwarding.heldBack(layer);
      }
      for (const forwarding of layer.receivers) forwarding.pass(packet, header, picture, now);
    },
    measured(from, index, moment, now) {
      const layer = layers[index];
      if (from !== feed || !layer) return;
      layer.measured(moment);
      for (const forwarding of layer.receivers) forwarding.report(now);
    },
    close() {
      for (const layer of layers) layer.close();
      for (const forwarding of forwardings) forwarding.aim(null);
      forwardings.clear();
      feed = null;
    },
  };
}
