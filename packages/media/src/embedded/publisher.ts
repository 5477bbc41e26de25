// A publishing leg: takes a browser's offer, receives its streams, tells the browser how they arrive (receiver reports,
// what is missing, how much it may send, when a key frame is needed), and hands packets on to the sources they fill.
import { randomInt } from 'node:crypto';
import type { LegStatistics } from '../engine.ts';
import { codecs, EXTENSION_AUDIO_LEVEL, EXTENSION_MID, extensionId, payloadTypeOf, ssrcOf } from './codecs.ts';
import { type AcceptedSection, MAX_PUBLISH_BITRATE, publisherAnswer } from './descriptions.ts';
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
import type { Feed, Source } from './source.ts';
import { openTransport, type Transport, type TransportOptions } from './transport.ts';

/** Camera, microphone, and a shared screen with its sound, twice over. */
export const MAX_PUBLISHED = 8;

export interface PublisherEvents {
  /** The first media packet has come; before it is passed on. */
  connected(): void;
  lost(): void;
}

export interface Publisher {
  readonly leg: string;
  readonly answer: string;
  readonly kinds: readonly Kind[];
  /** Whether media has come. */
  isConnected(): boolean;
  /** Lets the streams fill these sources: the first of a kind the first, and so on; null: nobody wants that one. */
  fill(sources: readonly (Source | null)[]): void;
  addCandidate(candidate: string): void;
  /** Sends the periodic reports; call it every second. True: nothing has come for so long that the other side is gone. */
  report(now: number): boolean;
  statistics(device: string): LegStatistics;
  close(): void;
}

interface Stream extends Feed {
  readonly accepted: AcceptedSection;
  readonly reception: Reception;
  ssrc: number | undefined;
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

  const streams = [...accepted.values()].map((section): Stream => {
    const stream: Stream = {
      accepted: section,
      reception: createReception(codecs[section.kind].clockRate),
      ssrc: ssrcOf(section.section),
      source: null,
      audioLevelExtension: section.audioLevelExtension,
      requestKeyframe() {
        if (stream.ssrc === undefined || !send(pictureLossIndication(own, stream.ssrc))) return;
        keyframeRequests += 1;
      },
    };
    return stream;
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

  /** A browser that named no SSRC names the section in its first packets (RFC 8843 section 9.2); each section takes one. */
  function learn(packet: Buffer): Stream | undefined {
    for (const stream of streams) {
      const { midExtension, section } = stream.accepted;
      if (stream.ssrc !== undefined || !midExtension) continue;
      if (!findExtension(packet, header, midExtension, found)) continue;
      if (packet.toString('latin1', found.start, found.end) !== section.mid) continue;
      stream.ssrc = header.ssrc;
      bySsrc.set(header.ssrc, stream);
      return stream;
    }
    return undefined;
  }

  function media(packet: Buffer): void {
    if (!readRtp(packet, header)) return;
    const stream = bySsrc.get(header.ssrc) ?? learn(packet);
    if (!stream || header.payloadType !== stream.accepted.payloadType) return;
    packetsReceived += 1;
    if (!connected) {
      connected = true;
      events.connected();
    }
    const now = clock.now();
    const gap = stream.reception.received(header.sequence, header.timestamp, now);
    if (gap && stream.accepted.kind === 'video') askAgain();
    stream.source?.forward(stream, packet, header, now);
  }

  function askAgain(): void {
    cancelTick?.();
    cancelTick = null;
    const now = clock.now();
    let waiting = false;
    for (const { accepted: section, reception, ssrc } of streams) {
      if (section.kind !== 'video' || ssrc === undefined) continue;
      const due = reception.due(now);
      if (due.length > 0 && send(negativeAcknowledgement(own, ssrc, due))) retransmissions += due.length;
      waiting ||= reception.waiting();
    }
    if (waiting && transport?.isOpen()) cancelTick = clock.after(RECEPTION_TICK_MS, askAgain);
  }

  const visitor: RtcpVisitor = {
    senderReport(report) {
      const stream = bySsrc.get(report.ssrc);
      stream?.reception.senderReport(report, clock.now());
      stream?.source?.senderReport(stream, report);
    },
  };

  function report(now: number): boolean {
    if (!transport?.isOpen()) return false;
    const blocks = streams.flatMap(({ ssrc, reception }): ReportBlock[] => {
      const block = ssrc === undefined ? undefined : reception.report(ssrc, now);
      return block ? [block] : [];
    });
    const ssrcs = streams.flatMap(({ ssrc, accepted: { kind } }) =>
      ssrc === undefined || kind === 'audio' ? [] : [ssrc],
    );
    const parts = [receiverReport(own, blocks)];
    if (ssrcs.length > 0) parts.push(receiverEstimatedMaximumBitrate(own, MAX_PUBLISH_BITRATE, ssrcs));
    send(Buffer.concat(parts));
    return liveness.tick() >= SILENT_TICKS;
  }

  transport = await openTransport(options, remote, {
    open: () => void report(clock.now()),
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
    kinds: streams.map(({ accepted: { kind } }) => kind),
    isConnected: () => connected,
    fill(sources) {
      streams.forEach((stream, index) => {
        const source = sources[index] ?? null;
        stream.source = source;
        source?.attach(stream);
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
    const payloadType = payloadTypeOf(section, media);
    if (payloadType === undefined) continue;
    accepted.set(mid, {
      section,
      kind: media,
      payloadType,
      midExtension: extensionId(section, EXTENSION_MID),
      audioLevelExtension: media === 'audio' ? extensionId(section, EXTENSION_AUDIO_LEVEL) : undefined,
    });
  }
  if (accepted.size === 0) throw invalid('nothing is sent in Opus or VP8');
  return accepted;
}
