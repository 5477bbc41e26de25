// The path by way of a conference: one connection on which this device sends (it offers, the focus answers) and one or
// more on which it receives (the focus offers). Nobody else's coming or going touches what is sent.
import { type Carrier, type FocusProof, fingerprintsIn } from '@parley/identity';
import type { Candidate, ConversationId, FocusRoom, NotificationParams } from '@parley/protocol';
import type { Path, PathState, RemoteTrack } from './path.ts';
import { createPeer } from './peer.ts';
import { createStore } from './readable.ts';
import { createReceiveLeg, type FocusOffer, type ReceiveLeg } from './receive-leg.ts';
import type { Request } from './socket.ts';

export interface ConferencePath extends Path {
  readonly kind: 'conference';
  readonly focus: FocusRoom;
  /** Asks to be let in. Until then everything that needs nobody else is made ready. Idempotent. */
  enter(): void;
  offered(offer: FocusOffer): void;
  /** True if this path has the leg already. */
  hasLeg(leg: string): boolean;
  focusClosed(reason: NotificationParams<'focus.closed'>['reason']): void;
  /** Every leg of this device in the room is to go, not only this path's. Before `close`. */
  leave(): void;
}

export interface ConferencePathOptions {
  readonly conversation: ConversationId;
  readonly epoch: number;
  readonly focus: FocusRoom;
  readonly rtc: RTCConfiguration;
  readonly request: Request;
  /** Whether the statement of a focus holds, for a room and these certificates. */
  readonly verifyFocus: VerifyFocus;
}

export type VerifyFocus = (focus: FocusRoom, fingerprints: readonly string[], statement: string) => Promise<FocusProof>;

/** From asking to be let in to media that can flow. */
const CONNECT_MS = 12_000;
const LEAVE_MS = 5000;
/** Own candidates found before the focus has named the leg. */
const MAX_EARLY = 64;
/** An engine has a leg for every few sources at worst; far more is not an engine. */
const MAX_LEGS = 64;
/** A disconnected leg may come back by itself for this long. */
const RECONNECT_MS = 4000;

export function createConferencePath(options: ConferencePathOptions): ConferencePath {
  const { conversation, epoch, focus, rtc, request } = options;
  const state = createStore<PathState>('connecting');
  const remote = createStore<readonly RemoteTrack[]>([]);
  const legs = new Map<string, ReceiveLeg>();
  const room = { focus: focus.domain, room: focus.room };
  let ownLeg: string | null = null;
  let early: Candidate[] = [];
  const trouble = new Map<RTCPeerConnection, ReturnType<typeof setTimeout>>();

  const over = () => state.get() !== 'connecting' && state.get() !== 'connected';
  let connectTimer: ReturnType<typeof setTimeout> | undefined;

  const carrier = createStore<Carrier | null>(null);
  /** What its descriptions have stated; each is looked at while its connection is set up. */
  const statements: Promise<FocusProof>[] = [];
  const stated = new Set<string>();
  const expectedCertificates = new Set<string>();

  const sender = createPeer(rtc, {
    candidates: (candidates) => {
      if (ownLeg) sendCandidates(ownLeg, candidates);
      else early = [...early, ...candidates].slice(0, MAX_EARLY);
    },
    state: (connection) => {
      observe(sender.pc, connection);
      settle();
    },
    tracks: () => undefined,
  });

  function sendCandidates(leg: string, candidates: Candidate[]): void {
    // Losing some is no reason to stop: the engine learns the address from the first packet (RFC 8445 section 7.3.1.3).
    request('focus.candidates', { ...room, leg, candidates }).catch(() => undefined);
  }

  function fail(how: 'failed' | 'lost' = 'failed'): void {
    if (over()) return;
    clearTimers();
    state.set(how);
  }

  function clearTimers(): void {
    clearTimeout(connectTimer);
    for (const timer of trouble.values()) clearTimeout(timer);
    trouble.clear();
  }

  /** Ready to carry media: what is sent reaches the focus, and every leg offered so far is up. */
  function settle(): void {
    if (over() || state.get() === 'connected') return;
    const all = [sender.pc, ...[...legs.values()].map((leg) => leg.peer.pc)];
    if (!all.every((pc) => pc.connectionState === 'connected')) return;
    clearTimeout(connectTimer);
    state.set('connected');
    void proveCarrier();
  }

  /** The focus says whose it is with each description; one it cannot prove ends this path, and the older one goes on. */
  function checkStatement(sdp: string, statement: string): void {
    const fingerprints = fingerprintsIn(sdp);
    // The same certificates again, as people come and go, are known.
    const key = fingerprints.join();
    if (stated.has(key)) return;
    stated.add(key);
    if (stated.size > MAX_LEGS) {
      fail();
      return;
    }
    for (const one of fingerprints) expectedCertificates.add(one);
    const checked = options.verifyFocus(focus, fingerprints, statement);
    statements.push(checked);
    void checked.then(({ problem }) => {
      if (problem === 'focus-unproven') fail();
      else if (state.get() === 'connected') void proveCarrier();
    });
  }

  /** All that was stated, and what DTLS agreed on with each connection. */
  async function proveCarrier(): Promise<void> {
    const peers = [sender, ...[...legs.values()].map((leg) => leg.peer)];
    const negotiated = await Promise.all(peers.map((peer) => peer.negotiated().catch(() => null)));
    const proofs = await Promise.all(statements);
    if (over()) return;
    const strange = negotiated.some((one) => one !== null && !expectedCertificates.has(one));
    if (strange) return fail();
    const problem = proofs.find((one) => one.problem !== null)?.problem ?? null;
    const relayed = proofs.some((one) => one.relayed);
    carrier.set({ kind: 'conference', focus: focus.domain, problem, relayed });
  }

  function observe(pc: RTCPeerConnection, connection: RTCPeerConnectionState): void {
    clearTimeout(trouble.get(pc));
    trouble.delete(pc);
    if (connection === 'failed') fail();
    else if (connection === 'disconnected' && !over())
      trouble.set(
        pc,
        setTimeout(() => fail(), RECONNECT_MS),
      );
  }

  const audio = sender.pc.addTransceiver('audio', { direction: 'sendonly' });
  const video = sender.pc.addTransceiver('video', { direction: 'sendonly' });
  sender.senders.attach(audio.sender, video.sender);
  const offer = sender.createLocal('offer');
  // Seen where it is awaited, if this path is ever entered.
  offer.catch(() => undefined);

  async function join(): Promise<void> {
    const [{ ticket }, sdp] = await Promise.all([request('focus.ticket', { conversation, epoch }), offer]);
    const joined = await request('focus.join', { focus: focus.domain, ticket, sdp });
    if (over()) return;
    ownLeg = joined.leg;
    checkStatement(joined.sdp, joined.statement);
    await sender.setRemote('answer', joined.sdp);
    if (early.length > 0) sendCandidates(joined.leg, early.splice(0));
  }

  function showTracks(): void {
    if (!over()) remote.set([...legs.values()].flatMap((leg) => leg.tracks()));
  }

  function openLeg(leg: string): ReceiveLeg | null {
    if (legs.size >= MAX_LEGS) return null;
    const made = createReceiveLeg(rtc, {
      answer: (revision, sdp) => request('focus.answer', { ...room, leg, revision, sdp }),
      candidates: (candidates) => sendCandidates(leg, candidates),
      changed: showTracks,
      state: (connection) => {
        observe(made.peer.pc, connection);
        settle();
      },
      failed: () => fail(),
    });
    legs.set(leg, made);
    return made;
  }

  return {
    kind: 'conference',
    epoch,
    focus,
    state,
    remote,
    carrier,
    leadsTo: () => true,
    enter() {
      if (connectTimer !== undefined || over()) return;
      connectTimer = setTimeout(() => fail(), CONNECT_MS);
      // Cut off and too late, or not welcome: the host decides what becomes of it.
      join().catch(() => fail());
    },
    offered(offer) {
      if (over()) return;
      checkStatement(offer.sdp, offer.statement);
      (legs.get(offer.leg) ?? openLeg(offer.leg))?.offered(offer);
    },
    hasLeg: (leg) => legs.has(leg) || ownLeg === leg,
    focusClosed: (reason) => fail(reason === 'leg-lost' ? 'failed' : 'lost'),
    publish: (tracks) => sender.senders.publish(tracks),
    limitVideo: (bitsPerSecond) => sender.senders.limitVideo(bitsPerSecond),
    networkChanged() {
      for (const pc of [sender.pc, ...[...legs.values()].map((leg) => leg.peer.pc)]) observe(pc, pc.connectionState);
    },
    leave() {
      // The room may be gone already, or the network: its focus notices either way.
      request('focus.leave', room, LEAVE_MS).catch(() => undefined);
    },
    close() {
      if (state.get() === 'closed') return;
      clearTimers();
      state.set('closed');
      remote.set([]);
      carrier.set(null);
      sender.close();
      for (const leg of legs.values()) leg.close();
      legs.clear();
    },
    async diagnostics() {
      const receiving = [...legs.values()].map((leg) => leg.peer.diagnostics('receive', epoch));
      return Promise.all([sender.diagnostics('send', epoch), ...receiving]);
    },
  };
}
