// What the node and an engine process say to each other, over the channel between parent and child. Both ends are ours
// and of the same version, so the types are the contract; everything a browser sent inside it is parsed by the engine.
import type { ErrorCode } from '@parley/protocol';
import type { EmbeddedEngineOptions } from '../embedded/index.ts';
import type { IceCandidate, LegStatistics, RoomEvents, WantedPicture } from '../engine.ts';

/** What can be asked: parameters and result. */
export interface EngineCalls {
  open: { args: [options: EmbeddedEngineOptions]; result: null };
  /** Answered at once: the process lives and is not held up. */
  ping: { args: []; result: null };
  createRoom: { args: [room: string]; result: null };
  publish: { args: [room: string, device: string, sdp: string]; result: { leg: string; sdp: string } };
  subscribe: { args: [room: string, device: string]; result: null };
  prefer: { args: [room: string, device: string, pictures: readonly WantedPicture[]]; result: null };
  answer: { args: [room: string, leg: string, revision: number, sdp: string]; result: null };
  addCandidates: { args: [room: string, leg: string, candidates: readonly IceCandidate[]]; result: null };
  remove: { args: [room: string, device: string]; result: null };
  statistics: { args: [room: string]; result: readonly LegStatistics[] };
  closeRoom: { args: [room: string]; result: null };
}
export type EngineCall = keyof EngineCalls;

export type Request = { [C in EngineCall]: { id: number; call: C; args: EngineCalls[C]['args'] } }[EngineCall];

/** Who is in a room, as of this message: the node's side answers `devices()` from it without asking. */
interface Present {
  readonly room?: string;
  readonly devices?: readonly string[];
}

export type Reply = Present &
  ({ id: number; result: unknown } | { id: number; error: { code: ErrorCode; details: string | null } });

export type RoomEvent = Required<Present> &
  {
    [E in keyof RoomEvents]: { event: E; args: RoomEvents[E] };
  }[keyof RoomEvents];

export type FromEngine = Reply | RoomEvent;
