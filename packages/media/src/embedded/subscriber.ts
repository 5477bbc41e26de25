// A receiving leg: offers a browser the sources of everybody else, anew whenever they change, sends it their packets, and
// serves what it asks for: lost packets, key frames. One offer is outstanding at a time; later changes wait for its answer.
import { randomInt } from 'node:crypto';
import type { LegStatistics, OfferedSource } from '../engine.ts';
import { type Codec, opus } from './codecs.ts';
import { receiverOffer } from './descriptions.ts';
import { type Downlink, followEstimate, noBound } from './downlink.ts';
import type { Clock } from './keyframe-requests.ts';
import { createLiveness, SILENT_TICKS } from './liveness.ts';
import { createBudget } from './retransmission.ts';
import { type RtcpVisitor, walkRtcp, wallClock } from './rtcp.ts';
import { isRtcp } from './rtp.ts';
import { allAttributes, invalid, parseDescription, type SessionDescription } from './sdp.ts';
import { assignSections, type Section } from './sections.ts';
import { createStrain } from './strain.ts';
import type { Form, Forwarding, Receiver, Source } from './streams.ts';
import { openTransport, type TransportOptions } from './transport.ts';

/** A browser answers in milliseconds; one that has not by then will not. */
const ANSWER_MS = 30_000;
const MAX_PENDING_CANDIDATES = 32;
/** About a third of what a good picture needs; a path that loses more cannot be helped by sending more. */
const RETRANSMISSIONS_PER_SECOND = 150;
const RETRANSMISSION_BURST = 300;
/** Browsers report their estimate about every second. */
const ESTIMATE_MS = 4000;

export interface SubscriberEvents {
  offer(offer: { revision: number; sdp: string; sources: OfferedSource[] }): void;
  /** There are new `forwardings`. */
  given(): void;
  connected(): void;
  lost(): void;
}

export interface Subscriber {
  readonly leg: string;
  isConnected(): boolean;
  /** What is passed on by it, in the order of its sections. */
  forwardings(): readonly Forwarding[];
  /** How much may be sent to it, in bits per second; null: no bound is known. */
  limit(): number | null;
  /** Call it every second. `wished`: what would be sent without a bound. */
  follow(now: number, wished: number): void;
  /** Offers these sources, now or after the outstanding answer. */
  want(sources: readonly Source[]): void;
  answer(revision: number, sdp: string): void;
  addCandidate(candidate: string): void;
  /** Call it every second. True: nothing has come for long, which alone is no proof: there may be nothing to report on. */
  isSilent(): boolean;
  statistics(device: string): LegStatistics;
  close(): void;
}

export async function openSubscriber(
  leg: string,
  options: TransportOptions,
  clock: Clock,
  events: SubscriberEvents,
): Promise<Subscriber> {
  const session = String(randomInt(1, 2 ** 47));
  const sections: Section<Source>[] = [];
  const bySsrc = new Map<number, Forwarding>();
  const budget = createBudget(RETRANSMISSIONS_PER_SECOND, RETRANSMISSION_BURST);
  const liveness = createLiveness();
  const strain = createStrain();
  let wanted: readonly Source[] = [];
  let revision = 0;
  let outstanding = false;
  let remoteFingerprint: string | null = null;
  let pending: string[] = [];
  let connected = false;
  let closed = false;
  let cancelDeadline: (() => void) | null = null;
  let packetsReceived = 0;
  let packetsSent = 0;
  let keyframeRequests = 0;
  let retransmissions = 0;
  let octetsSent = 0;
  let followedAt = clock.now();
  let downlink: Downlink = noBound;
  let estimate = 0;
  let estimatedAt = Number.NEGATIVE_INFINITY;

  const receiver: Receiver = {
    isOpen: () => connected && !closed,
    send(packet) {
      if (!transport.send(packet)) return;
      packetsSent += 1;
      octetsSent += packet.length;
    },
  };
  const visitor: RtcpVisitor = {
    keyframeRequest(ssrc) {
      const forwarding = bySsrc.get(ssrc);
      if (!forwarding) return;
      keyframeRequests += 1;
      forwarding.requestKeyframe();
    },
    nack(ssrc, sequence) {
      const forwarding = bySsrc.get(ssrc);
      if (!forwarding || !budget.take(clock.now())) return;
      const packet = forwarding.sent(sequence);
      if (!packet || !transport.send(packet)) return;
      packetsSent += 1;
      retransmissions += 1;
    },
    reportBlock(block) {
      if (bySsrc.has(block.ssrc)) strain.report(block, wallClock(clock.now()));
    },
    estimate(bitsPerSecond) {
      estimate = bitsPerSecond;
      estimatedAt = clock.now();
    },
  };

  const transport = await openTransport(options, null, {
    open() {
      connected = true;
      for (const forwarding of bySsrc.values()) forwarding.requestKeyframe();
      events.connected();
    },
    packet(packet) {
      packetsReceived += 1;
      liveness.heard();
      if (isRtcp(packet)) walkRtcp(packet, visitor);
    },
    lost() {
      release();
      events.lost();
    },
  });

  function release(): void {
    closed = true;
    cancelDeadline?.();
    cancelDeadline = null;
    for (const forwarding of bySsrc.values()) forwarding.source.removeReceiver(forwarding);
    bySsrc.clear();
    pending = [];
  }

  function give(source: Source, form: Form): void {
    if (bySsrc.get(source.ssrc)?.source === source) return;
    bySsrc.set(source.ssrc, source.addReceiver(receiver, form));
  }

  function withhold(kept: ReadonlySet<Source>): void {
    for (const [ssrc, forwarding] of bySsrc) {
      if (kept.has(forwarding.source)) continue;
      forwarding.source.removeReceiver(forwarding);
      bySsrc.delete(ssrc);
    }
  }

  function offer(): void {
    if (closed || outstanding || !assignSections(sections, wanted)) return;
    revision += 1;
    outstanding = true;
    cancelDeadline = clock.after(ANSWER_MS, () => {
      if (closed) return;
      release();
      transport.close();
      events.lost();
    });
    const sources = sections.flatMap(({ mid, kind, source }): OfferedSource[] =>
      source ? [{ mid, kind, publisher: source.publisher }] : [],
    );
    events.offer({ revision, sdp: receiverOffer(session, revision, sections, transport.local), sources });
  }

  return {
    leg,
    isConnected: () => connected,
    forwardings: () => [...bySsrc.values()],
    limit: () => downlink.limit,
    follow(now, wished) {
      const seconds = (now - followedAt) / 1000;
      if (seconds <= 0) return;
      const sent = (octetsSent * 8) / seconds;
      octetsSent = 0;
      followedAt = now;
      const known = now - estimatedAt < ESTIMATE_MS;
      const strained = strain.look();
      downlink = followEstimate(downlink, { estimate: known ? estimate : null, strained, sent, wished, now });
    },
    want(sources) {
      if (closed) return;
      wanted = sources;
      withhold(new Set(sources));
      offer();
    },
    answer(to, sdp) {
      if (closed || !outstanding || to !== revision) return;
      const answer = parseDescription(sdp);
      const accepted = acceptedForms(answer, sections);
      if (answer.transport.setup === 'actpass') throw invalid('an answer must choose a role (setup)');
      if (remoteFingerprint !== null && answer.transport.fingerprint !== remoteFingerprint) {
        throw invalid('the fingerprint has changed');
      }
      if (remoteFingerprint === null) {
        transport.accept(answer.transport);
        remoteFingerprint = answer.transport.fingerprint;
        for (const candidate of pending.splice(0)) transport.addCandidate(candidate);
      }
      outstanding = false;
      cancelDeadline?.();
      cancelDeadline = null;
      for (const { mid, source } of sections) {
        const form = accepted.get(mid);
        if (source && form && wanted.includes(source)) give(source, form);
      }
      events.given();
      offer();
    },
    addCandidate(candidate) {
      if (closed) return;
      if (remoteFingerprint !== null) transport.addCandidate(candidate);
      else if (pending.length < MAX_PENDING_CANDIDATES) pending.push(candidate);
    },
    isSilent: () => liveness.tick() >= SILENT_TICKS && connected,
    statistics: (device) => ({
      device,
      leg,
      direction: 'subscribe',
      state: connected ? 'connected' : 'connecting',
      packetsReceived,
      packetsSent,
      keyframeRequests,
      retransmissions,
    }),
    close() {
      if (closed) return;
      release();
      transport.close();
    },
  };
}

/** The sections an answer takes, and in which form. Throws if it does not answer these sections. */
export function acceptedForms(
  { sections: answered }: SessionDescription,
  offered: readonly Pick<Section<{ readonly codec: Codec }>, 'mid' | 'kind' | 'source'>[],
): Map<string, Form> {
  if (answered.length !== offered.length) throw invalid('the answer has another number of media sections');
  const accepted = new Map<string, Form>();
  offered.forEach(({ mid, kind, source }, index) => {
    const section = answered[index];
    if (section?.mid !== mid || section.media !== kind) throw invalid('the answer has other media sections');
    if (section.rejected || (section.direction !== 'recvonly' && section.direction !== 'sendrecv')) return;
    if (!source) return;
    const maps = allAttributes(section.attributes, 'rtpmap').map((value) => value.toLowerCase());
    const takes = ({ payloadType, rtpmap }: Codec) => maps.includes(`${payloadType} ${rtpmap}`.toLowerCase());
    if (takes(source.codec)) accepted.set(mid, 'as-sent');
    else if (source.codec.name === 'red' && takes(opus)) accepted.set(mid, 'newest');
  });
  return accepted;
}
