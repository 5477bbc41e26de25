// One RTCPeerConnection with what every use of it needs: candidates in both directions, own tracks, state, an end.
import { type Candidate, MAX_CANDIDATES } from '@parley/protocol';
import type { CallDiagnostics } from './api.ts';
import { negotiateCaptureTimes } from './capture-times.ts';
import { preferCodecs } from './codec-preferences.ts';
import { readConnection } from './diagnostics.ts';
import { type FlowWatch, watchFlow } from './flowing.ts';
import { createSenders, type Senders } from './senders.ts';

export interface Peer {
  readonly pc: RTCPeerConnection;
  readonly senders: Senders;
  readonly flow: FlowWatch;
  /** Candidates of the other side; those that come before the description wait for it. */
  addCandidates(candidates: readonly Candidate[]): void;
  setRemote(type: 'offer' | 'answer', sdp: string): Promise<void>;
  /** Creates, sets and returns the own description. It goes out at once: candidates follow. */
  createLocal(type: 'offer' | 'answer'): Promise<string>;
  /** SHA-256 of the certificate that DTLS negotiates with the other end, `AB:CD:…`; null if it never comes to that. */
  negotiated(): Promise<string | null>;
  diagnostics(purpose: 'direct' | 'send' | 'receive', epoch: number): Promise<CallDiagnostics['connections'][number]>;
  readonly closed: boolean;
  close(): void;
}

export interface PeerEvents {
  candidates(candidates: Candidate[]): void;
  /** connectionState has changed. */
  state(state: RTCPeerConnectionState): void;
  /** A remote track came, or one began or ceased to flow. */
  tracks(): void;
}

/** Early candidates kept for a description that is on its way. */
const MAX_WAITING = 64;

export function createPeer(rtc: RTCConfiguration, events: PeerEvents): Peer {
  const pc = new RTCPeerConnection({ ...rtc, bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' });
  const senders = createSenders();
  const flow = watchFlow(pc, () => events.tracks());
  let waiting: Candidate[] = [];
  const outgoing: Candidate[] = [];
  let flushing = false;
  let closed = false;

  function flush(): void {
    flushing = false;
    while (outgoing.length > 0 && !closed) events.candidates(outgoing.splice(0, MAX_CANDIDATES));
  }

  pc.onicecandidate = ({ candidate }) => {
    if (!candidate?.candidate || closed) return;
    const { sdpMid, sdpMLineIndex, usernameFragment } = candidate;
    outgoing.push({ candidate: candidate.candidate, sdpMid, sdpMLineIndex, usernameFragment });
    // Those of one gathering come within a few milliseconds: one message for each turn of the event loop.
    if (!flushing) setTimeout(flush, 0);
    flushing = true;
  };
  pc.onconnectionstatechange = () => {
    if (closed) return;
    if (pc.connectionState === 'connected') flow.expect();
    events.state(pc.connectionState);
  };
  pc.ontrack = ({ track }) => {
    track.onunmute = () => flow.expect();
    if (!closed) events.tracks();
  };

  function add(candidate: Candidate): void {
    // One that cannot be used is as if it had not come: others may work.
    pc.addIceCandidate(candidate as RTCIceCandidateInit).catch(() => undefined);
  }

  return {
    pc,
    senders,
    flow,
    addCandidates(candidates) {
      if (closed) return;
      if (pc.remoteDescription) for (const candidate of candidates) add(candidate);
      else waiting = [...waiting, ...candidates].slice(0, MAX_WAITING);
    },
    async setRemote(type, sdp) {
      await pc.setRemoteDescription({ type, sdp });
      for (const candidate of waiting.splice(0)) add(candidate);
    },
    async createLocal(type) {
      preferCodecs(pc);
      negotiateCaptureTimes(pc);
      await pc.setLocalDescription(await (type === 'offer' ? pc.createOffer() : pc.createAnswer()));
      return pc.localDescription?.sdp ?? '';
    },
    async negotiated() {
      // Everything is bundled, so there is one transport.
      const transport = pc.getTransceivers()[0]?.sender.transport;
      const certificate = transport ? await certificateOf(transport) : null;
      if (!certificate) return null;
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', certificate));
      return [...digest].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
    },
    diagnostics: (purpose, epoch) => readConnection(pc, purpose, epoch),
    get closed() {
      return closed;
    },
    close() {
      if (closed) return;
      closed = true;
      flow.close();
      senders.publish({ audio: null, video: null });
      pc.onicecandidate = null;
      pc.onconnectionstatechange = null;
      pc.ontrack = null;
      pc.close();
    },
  };
}

/** The connection may be up a moment before its transport says so, and only then are its certificates to be had. */
function certificateOf(transport: RTCDtlsTransport): Promise<ArrayBuffer | null> {
  return new Promise((resolve) => {
    const look = () => {
      const [certificate] = transport.getRemoteCertificates();
      const over = transport.state === 'closed' || transport.state === 'failed';
      if (!certificate && !over) return;
      transport.removeEventListener('statechange', look);
      resolve(certificate ?? null);
    };
    transport.addEventListener('statechange', look);
    look();
  });
}

const candidateLines = /^a=candidate:.*\r?\n/gm;

/** A description and its candidates, apart: whoever gets only the first cannot reach this connection yet. */
export function splitCandidates(sdp: string): { sdp: string; candidates: Candidate[] } {
  const candidates = (sdp.match(candidateLines) ?? []).map((line) => ({
    candidate: line.trim().slice('a='.length),
    // Everything is bundled, so the first section's transport is the only one.
    sdpMid: null,
    sdpMLineIndex: 0,
    usernameFragment: null,
  }));
  return { sdp: sdp.replace(candidateLines, '').replace(/^a=end-of-candidates\r?\n/gm, ''), candidates };
}
