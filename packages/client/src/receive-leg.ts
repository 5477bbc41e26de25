// One receiving leg of a conference: the focus offers, again and again as people come and go; this side answers the
// latest offer. `sources` says whose sound or picture each media section carries.
import type { Candidate, NotificationParams, Source } from '@parley/protocol';
import { mix, type RemoteTrack } from './path.ts';
import { createPeer, type Peer, splitCandidates } from './peer.ts';

export type FocusOffer = NotificationParams<'focus.offer'>;

export interface ReceiveLeg {
  readonly peer: Peer;
  /** Older revisions than the last one are ignored. */
  offered(offer: FocusOffer): void;
  tracks(): RemoteTrack[];
  close(): void;
}

export function createReceiveLeg(
  rtc: RTCConfiguration,
  on: {
    answer(revision: number, sdp: string): Promise<unknown>;
    candidates(candidates: Candidate[]): void;
    changed(): void;
    state(state: RTCPeerConnectionState): void;
    failed(): void;
  },
): ReceiveLeg {
  let latest: FocusOffer | null = null;
  let done = 0;
  let working = false;
  let sources: readonly Source[] = [];
  const peer = createPeer(rtc, {
    candidates: on.candidates,
    state: on.state,
    tracks: on.changed,
  });

  /** Offers that came while one was being answered are skipped but for the last. */
  async function work(): Promise<void> {
    if (working) return;
    working = true;
    try {
      while (latest && latest.revision > done && !peer.closed) {
        const offer: FocusOffer = latest;
        done = offer.revision;
        const { sdp: description, candidates } = splitCandidates(offer.sdp);
        await peer.setRemote('offer', description);
        const sdp = await peer.createLocal('answer');
        sources = offer.sources;
        on.changed();
        peer.flow.expect();
        await on.answer(offer.revision, sdp);
        // Only now: an engine that is reached before it knows whom to expect may refuse the certificate it is shown.
        peer.addCandidates(candidates);
      }
    } catch {
      if (!peer.closed) on.failed();
    } finally {
      working = false;
    }
  }

  return {
    peer,
    offered(offer) {
      if (offer.revision <= (latest?.revision ?? 0)) return;
      latest = offer;
      void work();
    },
    tracks() {
      const byMid = new Map(sources.map((source) => [source.mid, source]));
      return peer.pc.getTransceivers().flatMap((transceiver): RemoteTrack[] => {
        const { mid, currentDirection } = transceiver;
        const source = mid === null ? undefined : byMid.get(mid);
        const receives = currentDirection === 'recvonly' || currentDirection === 'sendrecv';
        if (!source || !receives || transceiver.receiver.track.kind !== source.kind) return [];
        const { flow } = peer;
        const address = source.address ?? mix;
        return [{ address, kind: source.kind, transceiver, flowing: flow.flowing(mid), level: flow.level(mid) }];
      });
    },
    close: () => peer.close(),
  };
}
