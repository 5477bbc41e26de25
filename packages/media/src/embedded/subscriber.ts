// A receiving leg: offers a browser the sources of everybody else, anew whenever they change, sends it their packets, and
// serves what it asks for: lost packets, key frames. One offer is outstanding at a time; later changes wait for its answer.
import { randomInt } from 'node:crypto';
import type { LegStatistics, OfferedSource } from '../engine.ts';
import { codecs } from './codecs.ts';
import { receiverOffer } from './descriptions.ts';
import type { Clock } from './keyframe-requests.ts';
import { createLiveness, SILENT_TICKS } from './liveness.ts';
import { createBudget } from './retransmission.ts';
import { type RtcpVisitor, walkRtcp } from './rtcp.ts';
import { isRtcp } from './rtp.ts';
import { allAttributes, invalid, parseDescription, type SessionDescription } from './sdp.ts';
import { assignSections, type Section } from './sections.ts';
import type { Receiver, Source } from './source.ts';
import { openTransport, type TransportOptions } from './transport.ts';

/** A browser answers in milliseconds; one that has not by then will not. */
const ANSWER_MS = 30_000;
const MAX_PENDING_CANDIDATES = 32;
/** About a third of what a good picture needs; a path that loses more cannot be helped by sending more. */
const RETRANSMISSIONS_PER_SECOND = 150;
const RETRANSMISSION_BURST = 300;

export interface SubscriberEvents {
  offer(offer: { revision: number; sdp: string; sources: OfferedSource[] }): void;
  connected(): void;
  lost(): void;
}

export interface Subscriber {
  readonly leg: string;
  isConnected(): boolean;
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
  const bySsrc = new Map<number, Source>();
  const budget = createBudget(RETRANSMISSIONS_PER_SECOND, RETRANSMISSION_BURST);
  const liveness = createLiveness();
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

  const receiver: Receiver = {
    send(packet) {
      if (transport.send(packet)) packetsSent += 1;
    },
  };
  const visitor: RtcpVisitor = {
    keyframeRequest(ssrc) {
      const source = bySsrc.get(ssrc);
      if (!source) return;
      keyframeRequests += 1;
      source.requestKeyframe();
    },
    nack(ssrc, sequence) {
      const packet = bySsrc.get(ssrc)?.sent(sequence);
      if (!packet || !budget.take(clock.now()) || !transport.send(packet)) return;
      packetsSent += 1;
      retransmissions += 1;
    },
  };

  const transport = await openTransport(options, null, {
    open() {
      connected = true;
      for (const source of bySsrc.values()) source.requestKeyframe();
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
    for (const source of bySsrc.values()) source.removeReceiver(receiver);
    bySsrc.clear();
    pending = [];
  }

  function give(source: Source): void {
    if (bySsrc.get(source.ssrc) === source) return;
    bySsrc.set(source.ssrc, source);
    source.addReceiver(receiver);
    if (connected) source.requestKeyframe();
  }

  function withhold(kept: ReadonlySet<Source>): void {
    for (const [ssrc, source] of bySsrc) {
      if (kept.has(source)) continue;
      source.removeReceiver(receiver);
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
    want(sources) {
      if (closed) return;
      wanted = sources;
      withhold(new Set(sources));
      offer();
    },
    answer(to, sdp) {
      if (closed || !outstanding || to !== revision) return;
      const answer = parseDescription(sdp);
      const accepted = acceptedMids(answer, sections);
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
        if (source && accepted.has(mid) && wanted.includes(source)) give(source);
      }
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

/** The sections an answer takes. Throws if it does not answer these sections. */
export function acceptedMids(
  { sections: answered }: SessionDescription,
  offered: readonly Pick<Section<unknown>, 'mid' | 'kind'>[],
): Set<string> {
  if (answered.length !== offered.length) throw invalid('the answer has another number of media sections');
  const accepted = new Set<string>();
  offered.forEach(({ mid, kind }, index) => {
    const section = answered[index];
    if (section?.mid !== mid || section.media !== kind) throw invalid('the answer has other media sections');
    if (section.rejected || (section.direction !== 'recvonly' && section.direction !== 'sendrecv')) return;
    const mapped = `${codecs[kind].payloadType} ${codecs[kind].rtpmap}`.toLowerCase();
    if (!allAttributes(section.attributes, 'rtpmap').some((value) => value.toLowerCase() === mapped)) return;
    accepted.add(mid);
  });
  return accepted;
}
