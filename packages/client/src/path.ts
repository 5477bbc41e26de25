// What the rest of the client sees of a way media flows, whichever it is.
import type { Carrier } from '@parley/identity';
import type { Address, PathKind } from '@parley/protocol';
import type { CallDiagnostics, Readable } from './api.ts';

export type MediaKind = 'audio' | 'video';

/** Own tracks; null where nothing is sent. */
export interface LocalTracks {
  readonly audio: MediaStreamTrack | null;
  readonly video: MediaStreamTrack | null;
}
export const noTracks: LocalTracks = { audio: null, video: null };

/** In place of an address: everybody else in a conference, mixed. No person has it. */
export const mix = '*';
export type SourceOwner = Address | typeof mix;

/** A track of somebody else that came by a path. */
export interface RemoteTrack {
  readonly address: SourceOwner;
  readonly kind: MediaKind;
  /** Its receiver has the track. */
  readonly transceiver: RTCRtpTransceiver;
  /** Sound leaves the jitter buffer, or frames are decoded, right now. */
  readonly flowing: boolean;
  /** How loud it has been lately, 0 to 1; 0 for pictures. */
  readonly level: number;
}

/**
 * `connecting`: never connected yet. `failed`: will not come back by itself. `lost`: the other end is gone for everybody,
 * so that the host will decide what comes next.
 */
export type PathState = 'connecting' | 'connected' | 'failed' | 'lost' | 'closed';

export interface Path {
  readonly kind: PathKind;
  readonly epoch: number;
  readonly state: Readable<PathState>;
  readonly remote: Readable<readonly RemoteTrack[]>;
  /** How media come by it: with which certificate, or by whose conference service; null while it is not up. */
  readonly carrier: Readable<Carrier | null>;
  /** Whether this person's media come by it, if they come. */
  leadsTo(address: Address): boolean;
  /** Sends these tracks from now on. No renegotiation, so it works at any time. */
  publish(tracks: LocalTracks): void;
  /** Upper bound for the own picture, in bits per second. */
  limitVideo(bitsPerSecond: number): void;
  /** Looks after the connections now rather than when they notice: the network has changed. */
  networkChanged(): void;
  /** Stops sending, then frees everything. Idempotent. */
  close(): void;
  diagnostics(): Promise<CallDiagnostics['connections']>;
}
