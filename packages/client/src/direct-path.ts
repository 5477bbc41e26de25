// The peer-to-peer path: one connection with the other person's device. One side offers, the other answers; whoever
// offers also restarts ICE (RFC 8839). A new pair of connections has a new path id; whatever names another one is late.
//
// The first offer goes to every device of the person called, but a connection can have one partner only: a second one
// that sends to the same ports would spoil its DTLS handshake. So own candidates are told to nobody before one device
// has been chosen, and only that one's are heard.
import type { Carrier } from '@parley/identity';
import {
  type Address,
  type Candidate,
  type DeviceId,
  type Endpoint,
  MAX_CANDIDATES,
  type Signal,
} from '@parley/protocol';
import { type LocalTracks, noTracks, type Path, type PathState, type RemoteTrack } from './path.ts';
import { createPeer, type Peer, splitCandidates } from './peer.ts';
import { createStore } from './readable.ts';
import { createRecovery } from './recovery.ts';

/** A signal about a path; those about identity go elsewhere. */
export type PathSignal = Exclude<Signal, { type: 'proof' | 'proof-wanted' }>;

export interface DirectPath extends Path {
  readonly kind: 'direct';
  readonly peer: Address;
  /** For the offering side, once: the first offer. `announce` false: it travels by other means (in `call.start`). */
  offer(announce: boolean): Promise<{ path: string; sdp: string }>;
  /** A signal of the other person's `device`, for this epoch. */
  signal(device: DeviceId, signal: PathSignal): void;
  /** The other person takes part with this device, and no other. From now on the path has to connect in time. */
  meet(device: DeviceId): void;
}

export interface DirectPathOptions {
  readonly epoch: number;
  readonly role: 'offerer' | 'answerer';
  readonly peer: Address;
  /** As it is now: credentials of relays are renewed. */
  readonly rtc: () => RTCConfiguration;
  send(to: Endpoint, signal: Signal): void;
}

/** Candidates kept until it is clear whom they are for. */
const MAX_EARLY = 64;
/** Devices of one person that answer the same offer. */
const MAX_DEVICES = 16;

export function createDirectPath(options: DirectPathOptions): DirectPath {
  const { epoch, role, peer: address, rtc, send } = options;
  const state = createStore<PathState>('connecting');
  const remote = createStore<readonly RemoteTrack[]>([]);
  const carrier = createStore<Carrier | null>(null);
  let pair: { readonly id: string; readonly peer: Peer } | null = null;
  /** The other side's device: the one that answered first, then the one that takes part. */
  let partner: DeviceId | null = null;
  let met = false;
  let published: LocalTracks = noTracks;
  let videoLimit: number | null = null;
  /** Offering side, while no partner is chosen: own candidates, and those of each device that may be. */
  let held: Candidate[] = [];
  const heard = new Map<DeviceId, Candidate[]>();
  /** Answering side: candidates that came before the offer they belong to. */
  let early: { path: string; candidates: Candidate[] } | null = null;
  /** Negotiation steps, one after the other. */
  let steps: Promise<unknown> = Promise.resolve();

  const over = () => state.get() === 'closed' || state.get() === 'failed';
  const tell = (signal: Signal) => {
    if (!over()) send(partner ? { address, device: partner } : { address }, signal);
  };
  const recovery = createRecovery({
    restart: () => {
      if (!pair) {
        if (role === 'answerer') askAnew();
      } else if (role === 'offerer') void inTurn(reoffer);
      else tell({ type: 'restart', path: pair.id, epoch, kind: 'ice' });
    },
    giveUp: () => fail(),
  });

  function inTurn(step: () => Promise<void>): Promise<void> {
    const done = steps.then(() => (over() ? undefined : step()));
    // A description that cannot be used leaves the path as it is; if that does not connect, it fails by time.
    steps = done.catch(() => undefined);
    return done.catch(() => undefined);
  }

  function replacePair(id: string): Peer {
    pair?.peer.close();
    held = [];
    heard.clear();
    carrier.set(null);
    const peer: Peer = createPeer(rtc(), {
      candidates: (candidates) => {
        if (pair?.peer !== peer) return;
        if (partner) tell({ type: 'candidates', path: id, epoch, candidates });
        else held = [...held, ...candidates].slice(0, MAX_EARLY);
      },
      state: (connection) => {
        if (pair?.peer !== peer || over()) return;
        if (connection === 'connected') {
          state.set('connected');
          void findCarrier(peer);
        }
        recovery.observed(connection);
      },
      tracks: () => {
        if (pair?.peer === peer) showTracks();
      },
    });
    pair = { id, peer };
    peer.senders.publish(published);
    if (videoLimit !== null) peer.senders.limitVideo(videoLimit);
    if (early?.path === id) peer.addCandidates(early.candidates);
    early = null;
    return peer;
  }

  /** Whose certificate it really was that DTLS agreed on. */
  async function findCarrier(peer: Peer): Promise<void> {
    const certificate = await peer.negotiated().catch(() => null);
    if (pair?.peer === peer && !over() && certificate) carrier.set({ kind: 'direct', certificate });
  }

  function showTracks(): void {
    if (!pair || over()) return;
    const { pc, flow } = pair.peer;
    remote.set(
      pc.getTransceivers().flatMap((transceiver): RemoteTrack[] => {
        const { mid } = transceiver;
        if (mid === null) return [];
        const kind = transceiver.receiver.track.kind === 'audio' ? 'audio' : 'video';
        return [{ address, kind, transceiver, flowing: flow.flowing(mid), level: flow.level(mid) }];
      }),
    );
  }

  function attachSenders(peer: Peer): void {
    const all = peer.pc.getTransceivers();
    const ofKind = (kind: string) => all.find((t) => t.receiver.track.kind === kind);
    peer.senders.attach(ofKind('audio')?.sender ?? null, ofKind('video')?.sender ?? null);
  }

  async function offerNewPair(): Promise<{ path: string; sdp: string }> {
    const path = newPathId();
    const peer = replacePair(path);
    // One stream: sound and picture that belong together are kept together.
    const streams = [new MediaStream()];
    peer.pc.addTransceiver('audio', { direction: 'sendrecv', streams });
    peer.pc.addTransceiver('video', { direction: 'sendrecv', streams });
    attachSenders(peer);
    const sdp = await peer.createLocal('offer');
    return { path, sdp: partner ? sdp : splitCandidates(sdp).sdp };
  }

  /** From now on signalling is between the two devices alone. */
  function choosePartner(device: DeviceId): void {
    partner = device;
    if (!pair) return;
    pair.peer.addCandidates(heard.get(device) ?? []);
    heard.clear();
    for (const { id } = pair; held.length > 0; ) {
      tell({ type: 'candidates', path: id, epoch, candidates: held.splice(0, MAX_CANDIDATES) });
    }
  }

  async function offerAnew(): Promise<void> {
    const { path, sdp } = await offerNewPair();
    tell({ type: 'offer', path, epoch, sdp });
  }

  /** ICE restart: same connection, new credentials and candidates. */
  async function reoffer(): Promise<void> {
    if (!pair) return;
    const { id, peer } = pair;
    // A lost offer or answer must not block the next one (RFC 9429 section 4.1.10.2).
    if (peer.pc.signalingState === 'have-local-offer' && peer.pc.remoteDescription) {
      await peer.pc.setLocalDescription({ type: 'rollback' });
    }
    if (!peer.pc.remoteDescription) return offerAnew();
    const { iceServers = [] } = rtc();
    peer.pc.setConfiguration({ ...peer.pc.getConfiguration(), iceServers });
    peer.pc.restartIce();
    tell({ type: 'offer', path: id, epoch, sdp: await peer.createLocal('offer') });
  }

  async function answer(path: string, sdp: string): Promise<void> {
    const peer = pair?.id === path ? pair.peer : replacePair(path);
    await peer.setRemote('offer', sdp);
    const stream = new MediaStream();
    for (const transceiver of peer.pc.getTransceivers()) {
      transceiver.direction = 'sendrecv';
      transceiver.sender.setStreams(stream);
    }
    attachSenders(peer);
    tell({ type: 'answer', path, epoch, sdp: await peer.createLocal('answer') });
    showTracks();
  }

  /** Nothing has come of an offer that should be here. */
  function askAnew(): void {
    tell({ type: 'restart', path: pair?.id ?? newPathId(), epoch, kind: 'new' });
  }

  function takeAnswer(device: DeviceId, path: string, sdp: string): void {
    if (pair?.id !== path || (partner !== null && partner !== device)) return;
    const { peer } = pair;
    choosePartner(device);
    void inTurn(async () => {
      if (peer.closed || peer.pc.signalingState !== 'have-local-offer') return;
      await peer.setRemote('answer', sdp);
      showTracks();
    });
  }

  function takeRestart(path: string, kind: 'ice' | 'new'): void {
    void inTurn(async () => {
      if (kind === 'ice') {
        if (pair?.id === path) await reoffer();
      } else if (!pair || pair.peer.pc.remoteDescription || pair.id === path) {
        await offerAnew();
      } else {
        // Our offer is on its way to them, or was made before they could get it: the same one again.
        const sdp = pair.peer.pc.localDescription?.sdp;
        if (sdp) tell({ type: 'offer', path: pair.id, epoch, sdp });
      }
    });
  }

  function takeCandidates(device: DeviceId, path: string, candidates: readonly Candidate[]): void {
    if (pair?.id === path && partner === device) pair.peer.addCandidates(candidates);
    else if (pair?.id === path && partner === null && (heard.has(device) || heard.size < MAX_DEVICES)) {
      heard.set(device, [...(heard.get(device) ?? []), ...candidates].slice(0, MAX_EARLY));
    } else if (role === 'answerer') {
      const before = early?.path === path ? early.candidates : [];
      early = { path, candidates: [...before, ...candidates].slice(0, MAX_EARLY) };
    }
  }

  function fail(): void {
    if (over()) return;
    recovery.close();
    state.set('failed');
  }

  return {
    kind: 'direct',
    peer: address,
    epoch,
    state,
    remote,
    carrier,
    leadsTo: (person) => person === address,
    async offer(announce) {
      const offer = await offerNewPair();
      if (announce) tell({ type: 'offer', epoch, ...offer });
      return offer;
    },
    signal(device, signal) {
      if (over() || signal.epoch !== epoch || (met && device !== partner)) return;
      if (signal.type === 'candidates') takeCandidates(device, signal.path, signal.candidates);
      else if (signal.type === 'offer' && role === 'answerer') {
        partner = device;
        void inTurn(() => answer(signal.path, signal.sdp));
      } else if (signal.type === 'answer' && role === 'offerer') takeAnswer(device, signal.path, signal.sdp);
      else if (signal.type === 'restart' && role === 'offerer') {
        if (met) takeRestart(signal.path, signal.kind);
      }
    },
    meet(device) {
      if (met && partner === device) return;
      const other = partner !== null && partner !== device;
      choosePartner(device);
      met = true;
      if (role === 'offerer' && other) void inTurn(offerAnew);
      recovery.start(pair?.peer.pc.connectionState ?? 'new');
    },
    publish(tracks) {
      published = tracks;
      pair?.peer.senders.publish(tracks);
      if (tracks.audio || tracks.video) pair?.peer.flow.expect();
    },
    limitVideo(bitsPerSecond) {
      videoLimit = bitsPerSecond;
      pair?.peer.senders.limitVideo(bitsPerSecond);
    },
    networkChanged: () => recovery.suspect(),
    close() {
      if (state.get() === 'closed') return;
      recovery.close();
      state.set('closed');
      remote.set([]);
      carrier.set(null);
      pair?.peer.close();
      pair = null;
    },
    async diagnostics() {
      return pair ? [await pair.peer.diagnostics('direct', epoch)] : [];
    },
  };
}

function newPathId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `p_${[...bytes].map((byte) => byte.toString(36).padStart(2, '0')).join('')}`;
}
