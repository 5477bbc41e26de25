// What the focus asks of a media engine, whichever it is: embedded, Kurento, Janus. A device publishes on one leg and
// receives on one or more others; nobody outside an engine counts connections. Contract tests: contract.ts.
import type { EventEmitter } from 'node:events';

export interface EngineCapabilities {
  /** Each stream is passed on unchanged. */
  readonly forwarding: boolean;
  /** One composed stream for each listener; `sound`: only the sound is composed, a mix has no picture. */
  readonly mixing: boolean | 'sound';
  readonly recording: boolean;
  /** Takes several qualities of one picture from a sender (simulcast) and passes on one of them to each receiver. */
  readonly layers: boolean;
  /** Says who is speaking. */
  readonly speaker: boolean;
}

/** In place of a publisher's name in `OfferedSource`: the composed sound or picture of everybody else. */
export const mixedSource = '*';

export interface SubscribeOptions {
  /** One composed sound and picture, or sound alone, instead of one of each sender; only as the engine declares `mixing`. */
  readonly mixed?: boolean;
}

/** The largest picture a receiver has use for, in CSS pixels times its device's pixel ratio; 0: not shown at all. */
export interface WantedPicture {
  readonly publisher: string;
  readonly height: number;
}

/** RTCIceCandidateInit. */
export interface IceCandidate {
  readonly candidate: string;
  readonly sdpMid?: string | null | undefined;
  readonly sdpMLineIndex?: number | null | undefined;
}

/** Whose sound or picture a media section of an offer carries; `publisher` as given to `publish`. */
export interface OfferedSource {
  readonly mid: string;
  readonly publisher: string;
  readonly kind: 'audio' | 'video';
}

export interface EngineOffer {
  readonly device: string;
  readonly leg: string;
  /** Counts the offers of this leg from 1; an answer must name the latest. */
  readonly revision: number;
  /** With all candidates inside; the browser must not use them before `answer` has resolved. */
  readonly sdp: string;
  readonly sources: readonly OfferedSource[];
}

export interface RoomEvents {
  /** A receiving leg is offered or offered anew, because sources came or went. */
  offer: [EngineOffer];
  /** The first media packet of this publisher has arrived. */
  connected: [{ device: string }];
  /**
   * Which qualities of a picture somebody has a use for now, by the names (rid, RFC 8851) under which the device offers
   * them; the others need not be sent. Only where the engine declares `layers`, and only for sections with several. Until
   * it is said for the first time, the first named is wanted: the full picture. (The answer pauses the others, `~`: else
   * Chromium sends them all.)
   */
  wanted: [{ device: string; leg: string; mid: string; rids: readonly string[] }];
  /** Somebody else is speaking now, or nobody (`null`). Only where the engine declares `speaker`. */
  speaker: [{ device: string | null }];
  /** A leg has failed for good (ICE or DTLS lost). Its resources are already freed. */
  legLost: [{ device: string; leg: string }];
  /** The room is gone: closed, or its engine was lost. Last event. */
  closed: [{ reason: 'closed' | 'engine-lost' }];
}

export interface Recording {
  /** Where the engine has put it: a `file:` URL on the machine the engine runs on. */
  readonly url: string;
  readonly milliseconds: number;
}

export interface LegStatistics {
  readonly device: string;
  readonly leg: string;
  readonly direction: 'publish' | 'subscribe';
  readonly state: 'connecting' | 'connected';
  // null: the engine cannot tell.
  readonly packetsReceived: number | null;
  readonly packetsSent: number | null;
  readonly keyframeRequests: number | null;
  readonly retransmissions: number | null;
}

/**
 * One conference. `device` is an opaque name, unique in the room; a device may publish once and subscribe once at a
 * time, and publishing again replaces the old leg (the new one is connected before the old one is dropped).
 */
export interface MediaRoom extends EventEmitter<RoomEvents> {
  readonly id: string;
  /**
   * Takes a browser's offer (sendonly sections) and answers it with all candidates inside. A picture may be offered in
   * several qualities (RFC 8853), the full one first, each half as high as the one before.
   * Throws `invalid-session-description` for SDP that cannot be used; the room is unchanged then.
   */
  publish(device: string, offerSdp: string): Promise<{ leg: string; sdp: string }>;
  /** From now on `device` is offered every source of the others, present and to come, by `offer` events. Idempotent,
   * but after publishing anew, or asked for the other form (`mixed` or not), it opens a new leg, which replaces the old
   * one once it is connected. Throws `not-available` if the engine cannot mix; the room is unchanged then. */
  subscribe(device: string, options?: SubscribeOptions): Promise<void>;
  /** How large the receiver shows whom; those it does not name are wanted as large as they come. An engine without
   * `layers` ignores it. */
  prefer(device: string, pictures: readonly WantedPicture[]): Promise<void>;
  /** Records what is heard and seen in the room, mixed, into a file the engine names, until `stopRecording` or the room
   * ends (R58). Throws `not-available` without `recording`, `out-of-turn` if it is recording already. */
  startRecording(): Promise<void>;
  /** Ends the recording; the file is complete then. Throws `out-of-turn` if nothing is recorded. */
  stopRecording(): Promise<Recording>;
  /** The answer to an offer. An answer to an older revision is ignored. Throws `invalid-session-description`, `unknown-room`. */
  answer(leg: string, revision: number, sdp: string): Promise<void>;
  /** Candidates of the browser's side. Unknown legs and unreadable candidates are ignored (they may come late). */
  addCandidates(leg: string, candidates: readonly IceCandidate[]): Promise<void>;
  /** Closes every leg of the device; its sources disappear from everybody's offers. Idempotent. */
  remove(device: string): Promise<void>;
  /** Devices with at least one leg. */
  devices(): readonly string[];
  statistics(): Promise<readonly LegStatistics[]>;
  close(): Promise<void>;
}

export interface EngineEvents {
  /** The engine has died or is out of reach; every room has emitted `closed`. */
  lost: [];
}

export interface MediaEngine extends EventEmitter<EngineEvents> {
  readonly name: string;
  readonly capabilities: EngineCapabilities;
  createRoom(options: { id: string }): Promise<MediaRoom>;
  rooms(): readonly string[];
  close(): Promise<void>;
}
