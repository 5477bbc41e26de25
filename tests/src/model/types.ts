// What the parts of the model share: devices and their ends of paths, the host, and what is under way between them.
import type { carriesAll, choose, Line, SourceKey, step, TransferState } from '@parley/client/transfer-rules';
import type { Command, consequences, decide, nextDeadline, usesRoom } from '@parley/node/call-rules';
import type {
  Address,
  ConversationEvent,
  ConversationState,
  DeviceId,
  EventBody,
  MediaSwitches,
} from '@parley/protocol';

/** Everything that is tried. A test that wants to see the model fail puts in a wrong one. */
export interface Rules {
  readonly step: typeof step;
  readonly choose: typeof choose;
  readonly carriesAll: typeof carriesAll;
  readonly decide: typeof decide;
  readonly consequences: typeof consequences;
  readonly nextDeadline: typeof nextDeadline;
  readonly usesRoom: typeof usesRoom;
}

/** A command on its way. `joins`: how often its sender had joined when it was sent. */
export interface Sent {
  readonly by: Address;
  /** Null: made by a node, for the person. */
  readonly device: DeviceId | null;
  readonly joins: number;
  readonly command: Command;
}

interface Reservation {
  readonly sent: Sent;
  readonly epoch: number;
  readonly otherwise: EventBody[] | null;
}

export interface World {
  readonly rules: Rules;
  readonly devices: readonly Device[];
  state: ConversationState;
  log: ConversationEvent[];
  clock: number;
  /** As it was after the last step. */
  hearing: Hearing;
  /** Rooms by their name; the engine of a lost one is gone, an ended one was given back. */
  readonly rooms: Map<string, { epoch: number; state: 'lent' | 'ended' | 'lost' }>;
  /** Commands that nodes make, in order: reports of the focus, of lost devices, of ringing ones. */
  readonly reports: Sent[];
  reservations: Reservation[];
  /** Late repetitions of commands. */
  copies: Sent[];
  /** The host has been away, so a room may have been lent for nothing; its focus collects that one. */
  crashed: boolean;
  /** `epoch hearer speaker`: who has been heard by whom on which path. */
  readonly carried: Set<string>;
  /** `epoch person`: for whom a path has failed, though it may have been set up again in place. */
  readonly broken: Set<string>;
  /** Like `carried`: who was to be heard nowhere when the hearer reported ready. */
  readonly unheard: Set<string>;
  /** The course of events; null where nobody wants to read it. */
  readonly trace: string[] | null;
}

/** This device's end of a path. */
export interface End {
  readonly line: Line;
  /** The conference room, or null on a direct path. */
  readonly room: string | null;
  /** The person a direct path leads to, or null. */
  readonly peer: Address | null;
  state: 'connecting' | 'connected' | 'failed' | 'lost';
  /** Its packets get through nowhere. */
  doomed: boolean;
  /** Own sound and picture are sent on it. */
  sending: boolean;
  complete: boolean;
  /** Sources that have been seen to flow and not to stop. */
  readonly flowing: Set<SourceKey>;
}

export type Task = { readonly type: 'close' | 'settled' | 'gone'; readonly line: number };

export interface Device {
  readonly address: Address;
  readonly sound: SourceKey;
  readonly picture: SourceKey;
  device: DeviceId;
  alive: boolean;
  /** What this person's devices are told of: the log up to here. */
  until: number;
  state: ConversationState;
  /** Commands on their way to the host, in order. */
  commands: Sent[];
  /** Has been in the call; `over`: and is so no more. */
  joined: boolean;
  over: boolean;
  joins: number;
  machine: TransferState;
  open: Map<number, End>;
  /** The line each source is rendered from. */
  rendered: ReadonlyMap<SourceKey, number>;
  readonly flowedOn: Map<SourceKey, number>;
  /** Fades and swaps that end, in order; and rooms that are gone, until the host has had its time. */
  fades: Task[];
  patience: Task[];
  switches: MediaSwitches;
  toldSwitches: string;
}

/** Who hears whom: `connected` by any line, `rendered` by the line that is played. */
export interface Hearing {
  readonly connected: ReadonlySet<string>;
  readonly rendered: ReadonlySet<string>;
}

/** `progress`: goes on by itself; `time`: only when enough time has passed; `person`, `fault`: may happen or not. */
export type Kind = 'progress' | 'time' | 'person' | 'fault';

export interface Action {
  readonly kind: Kind;
  readonly name: () => string;
  /** How likely it is, compared with others of its kind. */
  readonly weight: number;
  run(): void;
}

export type May = (kind: Kind, name: () => string, run: () => void, weight?: number) => void;
