// Somebody who sends a microphone and a camera to an engine, at a steady rate, in portions every few milliseconds as
// browsers' pacers do.
import { monotonicMs } from './clock.ts';
import { sendingOffer } from './descriptions.ts';
import type { Sent, Window } from './messages.ts';
import {
  asksForKeyframe,
  createAudioStream,
  createVideoStream,
  type Kind,
  type PacketStream,
  SILENT_PER_SECOND,
  SPEAKING_PER_SECOND,
} from './packets.ts';
import { openPeer } from './peer.ts';

export interface Sender {
  offer(): Promise<string>;
  accept(answer: string): void;
  setRate(videoPerSecond: number): void;
  /** Sends what is due. */
  work(now: number): void;
  /** Sends its sender reports. */
  report(now: number): void;
  count(window: Window): void;
  counts(): Sent;
}

/** As Chromium's pacer. */
const PORTION_MS = 5;
/** One that was held up for longer does not make up for it: that would be another load. */
const MAX_LATE_MS = 200;

interface Flow {
  readonly kind: Kind;
  readonly stream: PacketStream;
  perSecond: number;
  /** When its next packet is due. */
  next: number;
}

/** @param place among the senders of this process; their portions are spread over the time between two */
export function createSender(number: number, speaking: boolean, videoPerSecond: number, place: number): Sender {
  const video: Flow = {
    kind: 'video',
    stream: createVideoStream(number, () => video.perSecond),
    perSecond: videoPerSecond,
    next: 0,
  };
  const audio: Flow = {
    kind: 'audio',
    stream: createAudioStream(number, speaking),
    perSecond: speaking ? SPEAKING_PER_SECOND : SILENT_PER_SECOND,
    next: 0,
  };
  const flows = [audio, video];
  let window: Window = { from: 0, to: 0 };
  let packets = { audio: 0, video: 0 };
  let bytes = 0;
  let open = false;
  let nextPortion = 0;
  const peer = openPeer('sends', {
    open() {
      open = true;
      const now = monotonicMs();
      nextPortion = now + ((place * 1.7) % PORTION_MS);
      for (const flow of flows) flow.next = now;
    },
    packet(packet) {
      if (asksForKeyframe(packet)) video.stream.requestKeyframe();
    },
  });

  function sendOne({ kind, stream }: Flow): void {
    const now = monotonicMs();
    const packet = stream.next(now);
    if (!peer.send(packet) || now < window.from || now >= window.to) return;
    packets[kind] += 1;
    bytes += packet.length;
  }

  return {
    async offer() {
      const ssrcs = { audio: audio.stream.ssrc, video: video.stream.ssrc };
      return sendingOffer(`sender${number}`, ssrcs, await peer.offer());
    },
    accept: (answer) => peer.accept(answer),
    setRate(perSecond) {
      video.perSecond = perSecond;
    },
    work(now) {
      if (!open || now < nextPortion) return;
      nextPortion += PORTION_MS * Math.ceil((now - nextPortion + 0.001) / PORTION_MS);
      for (const flow of flows) {
        if (flow.perSecond === 0) flow.next = now;
        flow.next = Math.max(flow.next, now - MAX_LATE_MS);
        for (; flow.perSecond > 0 && flow.next <= now; flow.next += 1000 / flow.perSecond) sendOne(flow);
      }
    },
    report(now) {
      if (open) for (const { stream } of flows) peer.send(stream.report(now));
    },
    count(next) {
      window = next;
      packets = { audio: 0, video: 0 };
      bytes = 0;
    },
    counts: () => ({ sender: number, packets, bytes }),
  };
}
