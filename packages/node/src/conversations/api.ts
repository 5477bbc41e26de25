// What the rest of the node sees of conversations.
import type {
  Address,
  ConferenceNeeds,
  ConversationId,
  ConversationState,
  DeviceId,
  Domain,
  FocusRoom,
  History,
  Person,
  RecordingFile,
} from '@parley/protocol';

/** What a focus tells the host of a conversation about the room it lent. */
export type RoomReport =
  | { readonly type: 'connected'; readonly address: Address; readonly device: DeviceId }
  | { readonly type: 'leg-lost'; readonly address: Address; readonly device: DeviceId }
  | { readonly type: 'room-lost' }
  | { readonly type: 'move'; readonly needs: ConferenceNeeds }
  | {
      readonly type: 'recorded';
      readonly recording: number;
      readonly because?: 'limit' | 'failed' | undefined;
      readonly file?: RecordingFile | undefined;
    };

/** A recording that somebody is in, for their list. Times in milliseconds since 1970. */
export interface RecordingOfPerson {
  readonly conversation: ConversationId;
  readonly recording: number;
  readonly title: string | null;
  /** The names of all who are in it. */
  readonly people: readonly string[];
  readonly startedAt: number;
  readonly bytes: number;
  readonly milliseconds: number;
  readonly expiresAt: number;
}

/** Lets one device into one room of one focus, once. */
export interface Pass {
  readonly focus: Domain;
  /** A compact JWS by the conversation's host. */
  readonly ticket: string;
}

export interface Conversations {
  /** Conversations with a call that this person is in or rung for, from the first event on, for a device that starts afresh. */
  historyFor(address: Address): Promise<History[]>;
  state(id: ConversationId): Promise<ConversationState | null>;
  /** The recordings this person of ours is in, the newest first. */
  recordingsOf(address: Address): Promise<RecordingOfPerson[]>;
  /**
   * A pass for a device of this node, for the conference of that epoch. Errors: `unknown-conversation`, `not-in-call` (another
   * device takes part, or none), `out-of-turn` (no conference has this epoch), and those of the link to the host.
   */
  pass(id: ConversationId, epoch: number, address: Address, device: DeviceId): Promise<Pass>;
  /**
   * Brings somebody to the door of a conversation hosted here by the link of `by`; nothing happens if they are in or wait
   * already. Errors: `call-ended`, `conversation-full`, `too-many-requests`, `servers-forbidden`, `no-conference-available`.
   */
  enter(id: ConversationId, who: Entering): Promise<{ readonly waiting: boolean }>;
  /** A guest has signed in with an account somewhere. */
  identified(id: ConversationId, guest: Address): Promise<void>;
  /** A guest has signed in as one of our people, who takes the place. Errors: `not-admitted`, `call-ended`, ... */
  become(id: ConversationId, guest: Address, person: Person): Promise<void>;
  /** A guest's last device is gone: whoever waited does no more. */
  guestGone(id: ConversationId, guest: Address): Promise<void>;
  /**
   * A report about a room that `focus` lent to a conversation hosted here. Errors: `out-of-turn` (it cannot be moved just
   * now), `no-conference-available` (there is nowhere to move it), `recording-gone` (no such recording was made there).
   */
  roomReport(focus: Domain, id: ConversationId, room: string, report: RoomReport): Promise<void>;
  /**
   * Goes on with the calls that were running when the node stopped or was killed. Once, when other providers can reach
   * this one.
   */
  resume(): Promise<void>;
  close(): Promise<void>;
}

/** Somebody who comes by a link. */
export interface Entering {
  readonly person: Person;
  readonly by: Address;
  readonly link: string;
  readonly lobby: boolean;
}

/** What conversations ask of the conference service here or elsewhere. */
export interface ConferenceRooms {
  /** A room at that provider for the conversation's attempt `epoch`. Errors: `no-conference-available`, `provider-...`. */
  reserve(focus: Domain, conversation: ConversationId, epoch: number, needs?: ConferenceNeeds): Promise<string>;
  /** Gives a room back; failures are left to the focus' own collection of empty rooms (R55). */
  release(focus: Domain, room: string): void;
  /** Takes a device that has left the call out of its room, where it does not go by itself; failures are logged. */
  evict(room: FocusRoom, address: Address, device: DeviceId): void;
  /** Begins or ends the recording of a room. Idempotent. Errors: `not-available`, `recording-storage-full`, `unknown-room`. */
  record(room: FocusRoom, recording: number, on: boolean): Promise<void>;
}
