// The path by way of a conference: one connection on which this device sends (it offers, the focus answers) and one or
// more on which it receives (the focus offers). Nobody else's coming or going touches what is sent.
import { type Carrier, type FocusProof, fingerprintsIn, isUnanswered } from '@parley/identity';
import type {
  Candidate,
  ConferenceOffers,
  ConversationId,
  FocusRoom,
  NotificationParams,
  WantedPictures,
} from '@parley/protocol';
import type { Readable } from './api.ts';
import { isMixed } from './mixed.ts';
import type { Path, PathState, RemoteTrack } from './path.ts';
import { createPeer } from './peer.ts';
import { qualityEncodings } from './qualities.ts';
import { createStore } from './readable.ts';
import { createReceiveLeg, type FocusOffer, type ReceiveLeg } from './receive-leg.ts';
import type { Request } from './socket.ts';
import { untilKnown } from './until-known.ts';

export interface ConferencePath extends Path {
  readonly kind: 'conference';
  readonly focus: FocusRoom;
  /** Asks to be let in. Until then everything that needs nobody else is made ready. Idempotent. */
  enter(): void;
  offered(offer: FocusOffer): void;
  /** True if this path has the leg already. */
  hasLeg(leg: string): boolean;
  focusClosed(reason: NotificationParams<'focus.closed'>['reason']): void;
  /** Whether what is received is the mix of all others, in place of single streams. */
  readonly mixed: Readable<boolean>;
  /** What the conference service can do; null before it has let this device in. */
  offers(): ConferenceOffers | null;
  /** Asks for the mix, or for single streams again. What is received goes on until the other arrives. */
  receive(mixed: boolean): Promise<void>;
  /** The focus says which qualities of the own picture are worth sending. */
  wanted(rids: readonly string[]): void;
  /** How large whom is shown here, from now on. */
  prefer(pictures: WantedPictures): void;
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

/** `heardAt`: when it came, milliseconds since 1970; its time is looked at then, also if it has to be asked for later. */
export type VerifyFocus = (
  focus: FocusRoom,
  fingerprints: readonly string[],
  statement: string,
  heardAt: number,
) => Promise<FocusProof>;

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
  /** Legs that carry the mix; the others carry single streams. */
  const mixedLegs = new Set<string>();
  const mixed = createStore(false);
  let wantsMix = false;
  let offers: ConferenceOffers | null = null;
  const room = { focus: focus.domain, room: focus.room };
  let ownLeg: string | null = null;
  let early: Candidate[] = [];
  /** Legs that were let go: offers of theirs may be on their way. At most one for each change of form. */
  const gone = new Set<string>();
  const trouble = new Map<RTCPeerConnection, ReturnType<typeof setTimeout>>();

  const over = () => state.get() !== 'connecting' && state.get() !== 'connected';
  let connectTimer: ReturnType<typeof setTimeout> | undefined;

  const carrier = createStore<Carrier | null>(null);
  /** What its descriptions have stated, by their certificates, and what came of it; looked at while it is set up. */
  const stated = new Set<string>();
  const proofs = new Map<string, FocusProof>();
  const asking = new AbortController();
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
    const heardAt = Date.now();
    void untilKnown(
      () => options.verifyFocus(focus, fingerprints, statement, heardAt),
      ({ problem }) => isUnanswered(problem),
      (proof) => {
        proofs.set(key, proof);
        if (proof.problem === 'focus-unproven') fail();
        else if (state.get() === 'connected') void proveCarrier();
      },
      asking.signal,
    );
  }

  /** All that was stated, and what DTLS agreed on with each connection. */
  async function proveCarrier(): Promise<void> {
    const peers = [sender, ...[...legs.values()].map((leg) => leg.peer)];
    const negotiated = await Promise.all(peers.map((peer) => peer.negotiated().catch(() => null)));
    if (over()) return;
    const strange = negotiated.some((one) => one !== null && !expectedCertificates.has(one));
    if (strange) return fail();
    // Whichever is found out last comes here again.
    if (proofs.size < stated.size) return;
    const all = [...proofs.values()];
    const problem = all.find((one) => one.problem !== null)?.problem ?? null;
    const relayed = all.some((one) => one.relayed);
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
  const video = sender.pc.addTransceiver('video', { direction: 'sendonly', sendEncodings: [...qualityEncodings] });
  sender.senders.attach(audio.sender, video.sender);
  const offer = sender.createLocal('offer');
  // Seen where it is awaited, if this path is ever entered.
  offer.catch(() => undefined);

  async function join(): Promise<void> {
    const joined = await request('focus.join', { conversation, epoch, sdp: await offer });
    if (over()) return;
    ownLeg = joined.leg;
    offers = joined.offers;
    checkStatement(joined.sdp, joined.statement);
    await sender.setRemote('answer', joined.sdp);
    if (early.length > 0) sendCandidates(joined.leg, early.splice(0));
    if (preferred.length > 0) tellPreferred();
  }

  let preferred: WantedPictures = [];
  function tellPreferred(): void {
    // Without it everything comes as large as it is: the next change is told again.
    request('focus.prefer', { ...room, pictures: preferred }).catch(() => undefined);
  }

  function showTracks(): void {
    if (over()) return;
    changeForm();
    remote.set(legsOf(mixed.get()).flatMap(([, leg]) => leg.tracks()));
  }

  const legsOf = (form: boolean) => [...legs].filter(([id]) => mixedLegs.has(id) === form);

  /** The other form is shown from when it flows; its predecessor is let go in the same moment, so nobody is heard twice. */
  function changeForm(): void {
    if (wantsMix === mixed.get()) return;
    const next = legsOf(wantsMix);
    const arrived = next.flatMap(([, leg]) => leg.tracks());
    if (next.some(([, { peer }]) => peer.pc.connectionState !== 'connected')) return;
    if (!arrived.some(({ flowing }) => flowing)) return;
    mixed.set(wantsMix);
    for (const [id, leg] of legsOf(!wantsMix)) {
      legs.delete(id);
      mixedLegs.delete(id);
      gone.add(id);
      clearTimeout(trouble.get(leg.peer.pc));
      trouble.delete(leg.peer.pc);
      leg.close();
    }
  }

  /** The engine ends a leg once its successor of the other form is up. */
  const isReplaced = (id: string) => mixedLegs.has(id) !== wantsMix && legsOf(wantsMix).length > 0;

  function openLeg(leg: string): ReceiveLeg | null {
    if (legs.size >= MAX_LEGS) return null;
    const made = createReceiveLeg(rtc, {
      answer: (revision, sdp) => request('focus.answer', { ...room, leg, revision, sdp }),
      candidates: (candidates) => sendCandidates(leg, candidates),
      changed: showTracks,
      state: (connection) => {
        if (!isReplaced(leg)) observe(made.peer.pc, connection);
        settle();
        showTracks();
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
      if (over() || gone.has(offer.leg)) return;
      checkStatement(offer.sdp, offer.statement);
      if (isMixed(offer)) mixedLegs.add(offer.leg);
      (legs.get(offer.leg) ?? openLeg(offer.leg))?.offered(offer);
    },
    mixed,
    offers: () => offers,
    async receive(wanted) {
      wantsMix = wanted;
      await request('focus.receive', { ...room, mixed: wanted });
      showTracks();
    },
    hasLeg: (leg) => legs.has(leg) || ownLeg === leg,
    focusClosed: (reason) => fail(reason === 'leg-lost' ? 'failed' : 'lost'),
    wanted: (rids) => sender.senders.wantQualities(rids),
    prefer(pictures) {
      preferred = pictures;
      if (ownLeg !== null && !over()) tellPreferred();
    },
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
      asking.abort();
      remote.set([]);
      carrier.set(null);
      sender.close();
      for (const leg of legs.values()) leg.close();
      legs.clear();
      mixedLegs.clear();
      gone.clear();
    },
    async diagnostics() {
      const receiving = [...legs.values()].map((leg) => leg.peer.diagnostics('receive', epoch));
      return Promise.all([sender.diagnostics('send', epoch), ...receiving]);
    },
  };
}
