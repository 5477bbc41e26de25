// A publishing leg: takes a browser's offer, receives its streams, tells the browser how they arrive (receiver reports,
// what is missing, how much it may send, when a key frame is needed), and hands packets on to the sources they fill.
import { randomInt } from 'node:crypto';
import type { LegStatistics } from '../engine.ts';
import {
  agreedCodecs,
  type Codec,
  EXTENSION_AUDIO_LEVEL,
  EXTENSION_CAPTURE_TIME,
  EXTENSION_MID,
  EXTENSION_RID,
  EXTENSION_SEND_TIME,
  extensionId,
  ridsOf,
  ssrcOf,
} from './codecs.ts';
import { type AcceptedSection, publisherAnswer } from './descriptions.ts';
import type { Clock } from './keyframe-requests.ts';
import { createLiveness, SILENT_TICKS } from './liveness.ts';
import { createReception, RECEPTION_TICK_MS, type Reception } from './reception.ts';
import {
  negativeAcknowledgement,
  pictureLossIndication,
  type ReportBlock,
  type RtcpVisitor,
  receiverEstimatedMaximumBitrate,
  receiverReport,
  walkRtcp,
} from './rtcp.ts';
import { emptyRtpHeader, findExtension, isRtcp, readRtp } from './rtp.ts';
import { invalid, isKind, type Kind, type MediaSection, parseDescription } from './sdp.ts';
import type { Feed, Source } from './streams.ts';
import { openTransport, type Transport, type TransportOptions } from './transport.ts';

/** Camera, microphone, and a shared screen with its sound, twice over. */
export const MAX_PUBLISHED = 8;
/** Until it is known what receivers can take. */
const FIRST_BITRATE = 2_500_000;

export interface PublisherEvents {
  /** The first media packet has come; before it is passed on. */
  connected(): void;
  /** How loud one packet of sound is, in decibels above the quietest. */
  loudness(level: number, now: number): void;
  lost(): void;
}

/** What a section brings. */
export interface PublishedSection {
  readonly mid: string;
  readonly kind: Kind;
  readonly codec: Codec;
  readonly rids: readonly string[];
}

export interface Publisher {
  readonly leg: string;
  readonly answer: string;
  readonly sections: readonly PublishedSection[];
  /** Whether media has come. */
  isConnected(): boolean;
  /** Lets the streams fill these sources: the first of a kind the first, and so on; null: nobody wants that one. */
  fill(sources: readonly (Source | null)[]): void;
  addCandidate(candidate: string): void;
  /**
   * Sends the periodic reports; call it every second. True: nothing has come for so long that the other side is gone.
   * @param bitrate what it may send in all, in bits per second
   */
  report(now: number, bitrate: number): boolean;
  statistics(device: string): LegStatistics;
  close(): void;
}

/** One stream that comes in: a section has one, or one for each quality. */
interface Stream {
  readonly section: Section;
  readonly layer: number;
  readonly reception: Reception;
  ssrc: number | undefined;
}

interface Section extends Feed {
  readonly accepted: AcceptedSection;
  readonly codec: Codec;
  /** By the publisher's payload type: the receivers'; 0: none. */
  readonly payloadTypes: Uint8Array;
  source: Source | null;
}

export async function openPublisher(
  leg: string,
  offer: string,
  options: TransportOptions,
  clock: Clock,
  events: PublisherEvents,
): Promise<Publisher> {
  const { sections, transport: remote } = parseDescription(offer);
  if (remote.setup === 'passive') throw invalid('an offer must let the engine begin (setup:actpass)');
  const accepted = acceptSections(sections);
  const own = randomInt(1, 0xffffffff);
  const header = emptyRtpHeader();
  const found = { start: 0, end: 0 };
  const liveness = createLiveness();
  let connected = false;
  let packetsReceived = 0;
  let packetsSent = 0;
  let keyframeRequests = 0;
  let retransmissions = 0;
  let cancelTick: (() => void) | null = null;
  let transport: Transport | null = null;

  const parts = [...accepted.values()].map((one): Section => {
    const [first] = one.agreed;
    if (!first) throw invalid('nothing is sent in a known codec');
    const payloadTypes = new Uint8Array(128);
    for (const { codec, payloadType } of one.agreed) payloadTypes[payloadType] = codec.payloadType;
    const part: Section = {
      accepted: one,
      codec: first.codec,
      payloadTypes,
      source: null,
      rids: one.rids,
      audioLevelExtension: one.audioLevelExtension,
      sendTimeExtension: one.sendTimeExtension,
      captureTimeExtension: one.captureTimeExtension,
      requestKeyframe(layer) {
        const stream = streams.find((s) => s.section === part && s.layer === layer);
        if (stream?.ssrc === undefined || !send(pictureLossIndication(own, stream.ssrc))) return;
        keyframeRequests += 1;
      },
    };
    return part;
  });
  const streams = parts.flatMap((section): Stream[] => {
    const { accepted: one, codec } = section;
    const reception = () => createReception(codec.clockRate);
    if (one.rids.length === 0) return [{ section, layer: 0, reception: reception(), ssrc: ssrcOf(one.section) }];
    return one.rids.map((_, layer) => ({ section, layer, reception: reception(), ssrc: undefined }));
  });
  const bySsrc = new Map<number, Stream>();
  for (const stream of streams) {
    if (stream.ssrc === undefined) continue;
    if (bySsrc.has(stream.ssrc)) throw invalid('two sections share an SSRC');
    bySsrc.set(stream.ssrc, stream);
  }

  function send(packet: Buffer): boolean {
    const sent = transport?.send(packet) ?? false;
    if (sent) packetsSent += 1;
    return sent;
  }

  const names = (packet: Buffer, id: number | undefined, name: string): boolean =>
    id !== undefined &&
    findExtension(packet, header, id, found) &&
    packet.toString('latin1', found.start, found.end) === name;

  /** A browser that named no SSRC names section and quality in its first packets (RFC 8843 section 9.2, RFC 8852). */
  function learn(packet: Buffer): Stream | undefined {
    for (const stream of streams) {
      const { section, midExtension, ridExtension, rids } = stream.section.accepted;
      if (stream.ssrc !== undefined || !names(packet, midExtension, section.mid)) continue;
      if (rids.length > 0 && !names(packet, ridExtension, rids[stream.layer] ?? '')) continue;
      stream.ssrc = header.ssrc;
      bySsrc.set(header.ssrc, stream);
      return stream;
    }
    return undefined;
  }

  function media(packet: Buffer): void {
    if (!readRtp(packet, header)) return;
    const stream = bySsrc.get(header.ssrc) ?? learn(packet);
    const payloadType = stream?.section.payloadTypes[header.payloadType] ?? 0;
    if (!stream || payloadType === 0) return;
    packetsReceived += 1;
    if (!connected) {
      connected = true;
      events.connected();
    }
    const now = clock.now();
    const { section, layer, reception } = stream;
    const gap = reception.received(header.sequence, header.timestamp, now);
    if (gap && section.accepted.kind === 'video') askAgain();
    const { audioLevelExtension } = section;
    if (audioLevelExtension && findExtension(packet, header, audioLevelExtension, found)) {
      events.loudness(127 - ((packet[found.start] ?? 127) & 0x7f), now);
    }
    section.source?.forward(section, layer, payloadType, packet, header, now);
  }

  function askAgain(): void {
    cancelTick?.();
    cancelTick = null;
    const now = clock.now();
    let waiting = false;
    for (const { section, reception, ssrc } of streams) {
      if (section.accepted.kind !== 'video' || ssrc === undefined) continue;
      const due = reception.due(now);
      if (due.length > 0 && send(negativeAcknowledgement(own, ssrc, due))) retransmissions += due.length;
      waiting ||= reception.waiting();
    }
    if (waiting && transport?.isOpen()) cancelTick = clock.after(RECEPTION_TICK_MS, askAgain);
  }

  /** From the publisher's wall clock to ours, in milliseconds; the report that was fastest is nearest to the truth. */
  let clockDistance = Number.POSITIVE_INFINITY;
  const visitor: RtcpVisitor = {
    senderReport(said) {
      const stream = bySsrc.get(said.ssrc);
      if (!stream) return;
      const now = clock.now();
      const theirs = said.ntpSeconds * 1000 + said.ntpFraction / 4_294_967.296;
      clockDistance = Math.min(clockDistance, now - theirs);
      stream.reception.senderReport(said, now);
      const moment = { at: theirs + clockDistance, rtp: said.rtpTimestamp };
      stream.section.source?.measured(stream.section, stream.layer, moment, now);
    },
  };

  function report(now: number, bitrate: number): boolean {
    if (!transport?.isOpen()) return false;
    const blocks = streams.flatMap(({ ssrc, reception }): ReportBlock[] => {
      const block = ssrc === undefined ? undefined : reception.report(ssrc, now);
      return block ? [block] : [];
    });
    const ssrcs = streams.flatMap(({ ssrc, section }) =>
      ssrc === undefined || section.accepted.kind === 'audio' ? [] : [ssrc],
    );
    const reports = [receiverReport(own, blocks)];
    if (ssrcs.length > 0) reports.push(receiverEstimatedMaximumBitrate(own, bitrate, ssrcs));
    send(Buffer.concat(reports));
    return liveness.tick() >= SILENT_TICKS;
  }

  transport = await openTransport(options, remote, {
    open: () => void report(clock.now(), FIRST_BITRATE),
    packet(packet) {
      liveness.heard();
      if (isRtcp(packet)) walkRtcp(packet, visitor);
      else media(packet);
    },
    lost() {
      cancelTick?.();
      events.lost();
    },
  });
  const opened = transport;

  return {
    leg,
    answer: publisherAnswer(sections, accepted, opened.local),
    sections: parts.map(({ accepted: { section, kind, rids }, codec }) => ({ mid: section.mid, kind, codec, rids })),
    isConnected: () => connected,
    fill(sources) {
      parts.forEach((part, index) => {
        const source = sources[index] ?? null;
        part.source = source;
        source?.attach(part);
      });
    },
    addCandidate: (candidate) => opened.addCandidate(candidate),
    report,
    statistics: (device) => ({
      device,
      leg,
      direction: 'publish',
      state: connected ? 'connected' : 'connecting',
      packetsReceived,
      packetsSent,
      keyframeRequests,
      retransmissions,
    }),
    close() {
      cancelTick?.();
      cancelTick = null;
      opened.close();
    },
  };
}

/** The sections the engine takes: audio and video that is sent, in the room's codecs. */
export function acceptSections(sections: readonly MediaSection[]): Map<string, AcceptedSection> {
  const accepted = new Map<string, AcceptedSection>();
  for (const section of sections) {
    const { media, mid, direction, rejected } = section;
    const sends = direction === 'sendonly' || direction === 'sendrecv';
    if (!isKind(media) || rejected || !sends || accepted.size >= MAX_PUBLISHED) continue;
    const agreed = agreedCodecs(section, media);
    if (agreed.length === 0) continue;
    const extension = (uri: string) => extensionId(section, uri);
    accepted.set(mid, {
      section,
      kind: media,
      agreed,
      rids: media === 'video' ? ridsOf(section) : [],
      midExtension: extension(EXTENSION_MID),
      ridExtension: extension(EXTENSION_RID),
      audioLevelExtension: media === 'audio' ? extension(EXTENSION_AUDIO_LEVEL) : undefined,
      sendTimeExtension: extension(EXTENSION_SEND_TIME),
      captureTimeExtension: extension(EXTENSION_CAPTURE_TIME),
    });
  }
  if (accepted.size === 0) throw invalid('nothing is sent in a known codec');
  return accepted;
}
