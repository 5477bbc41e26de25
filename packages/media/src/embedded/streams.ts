// What the parts that pass packets on know of each other: a publisher's stream (layer), what one receiver gets of it
// (forwarding), and what belongs together as one microphone or camera (source).
import type { Codec, VideoCodec } from './codecs.ts';
import type { Picture } from './payloads.ts';
import type { PacketHistory } from './retransmission.ts';
import type { RtpHeader } from './rtp.ts';
import type { Kind } from './sdp.ts';

export interface Layer {
  /** 0: the full picture; each further one is half as high as the one before. */
  readonly index: number;
  readonly history: PacketHistory | null;
  /** Who is sent this stream now. */
  readonly receivers: Set<Forwarding>;
  /** Who is to be sent it from its next key frame on. */
  readonly waiting: Set<Forwarding>;
  /** Which timestamp stands for which moment of this machine's clock; null before the first packet. */
  readonly moment: Moment | null;
  /** When the latest packet came; -Infinity: none yet. */
  readonly lastAt: number;
  /** Bits per second of late. */
  readonly rate: number;
  /** Of its latest key frame, as far as the codec shows it; 0: not known. */
  readonly height: number;
  /** Since when somebody has wanted it without a break; null: nobody does. */
  wantedSince: number | null;
  /** Packets without a key frame since somebody has been waiting. */
  heldBack: number;
  heard(timestamp: number, bytes: number, now: number): void;
  /** @param height in pixels, as far as the codec shows it; 0: it does not */
  keyframeBegins(height: number): void;
  /** What a sender report says (RFC 3550 section 6.4.1), by this machine's clock. */
  measured(moment: Moment): void;
  /** Once a second. */
  tick(now: number): void;
  requestKeyframe(): void;
  /** Packets come, but still no key frame for those who wait. */
  remindOfKeyframe(): void;
  close(): void;
}

export interface Moment {
  readonly at: number;
  readonly rtp: number;
}

export interface Receiver {
  /** Until then nothing is begun: the key frame would be lost, and another is not asked for so soon. */
  isOpen(): boolean;
  send(packet: Buffer): void;
}

/** `newest`: of RED only the newest sound, as plain Opus. */
export type Form = 'as-sent' | 'newest';

export interface Forwarding {
  readonly source: Source;
  /** Passed on now; null: nothing. */
  readonly current: Layer | null;
  /** To be passed on; becomes `current` at its next key frame. Null: nothing is wanted. */
  readonly target: Layer | null;
  /** Aims at another layer. What is passed on now goes on until that one begins; null ends it at once. */
  aim(layer: Layer | null): void;
  /** The next packet of `layer` is the first for this receiver. */
  begin(layer: Layer, header: RtpHeader, picture: Picture): void;
  /** A packet of `layer`, for which it waits, was no beginning. */
  heldBack(layer: Layer): void;
  pass(packet: Buffer, header: RtpHeader, picture: Picture, now: number): void;
  /** Sends a report of what is passed on now, so that sound and picture can be brought together. */
  report(now: number): void;
  /** A packet by the number this receiver knows, ready to be sent; valid until anything else is. */
  sent(sequence: number): Buffer | undefined;
  requestKeyframe(): void;
}

/** The section of a publishing connection that currently fills a source. */
export interface Feed {
  readonly audioLevelExtension: number | undefined;
  readonly sendTimeExtension: number | undefined;
  readonly captureTimeExtension: number | undefined;
  /** The qualities it comes in, the full one first; [] for one without a name. */
  readonly rids: readonly string[];
  requestKeyframe(layer: number): void;
}

export interface Source {
  readonly publisher: string;
  readonly kind: Kind;
  /** What it is sent in; for RED, Opus comes with it. */
  readonly codec: Codec;
  /** The codec of its picture. */
  readonly picture: VideoCodec | null;
  readonly ssrc: number;
  readonly stream: string;
  readonly track: string;
  readonly cname: string;
  /** The streams of the attached feed, the full picture first. */
  readonly layers: readonly Layer[];
  readonly forwardings: ReadonlySet<Forwarding>;
  /** Begins to pass it on, unless `aim` says otherwise. */
  addReceiver(receiver: Receiver, form?: Form): Forwarding;
  removeReceiver(forwarding: Forwarding): void;
  /** From its next key frame on, `feed` fills this source. */
  attach(feed: Feed): void;
  isFilledBy(feed: Feed): boolean;
  /** Passes a packet on; it is changed, and kept. Packets of any feed but the attached one are dropped. */
  forward(feed: Feed, layer: number, payloadType: number, packet: Buffer, header: RtpHeader, now: number): void;
  /** The publisher has said which timestamp stands for which moment. */
  measured(feed: Feed, layer: number, moment: Moment, now: number): void;
  close(): void;
}
