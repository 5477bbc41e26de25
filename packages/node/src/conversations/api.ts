// What the rest of the node sees of conversations.
import type { Address, ConversationId, ConversationState, DeviceId, Domain, History } from '@parley/protocol';

/** What a focus tells the host of a conversation about the room it lent. */
export type RoomReport =
  | { readonly type: 'connected'; readonly address: Address; readonly device: DeviceId }
  | { readonly type: 'leg-lost'; readonly address: Address; readonly device: DeviceId }
  | { readonly type: 'room-lost' };

export interface Conversations {
  /** Conversations with a call that this person is in or rung for, from the first event on, for a device that starts afresh. */
  historyFor(address: Address): Promise<History[]>;
  state(id: ConversationId): Promise<ConversationState | null>;
  /** A report about a room that `focus` lent to a conversation hosted here. */
  roomReport(focus: Domain, id: ConversationId, room: string, report: RoomReport): Promise<void>;
  /**
   * Goes on with the calls that were running when the node stopped or was killed. Once, when other providers can reach
   * this one.
   */
  resume(): Promise<void>;
  close(): Promise<void>;
}

/** What conversations ask of the conference service here or elsewhere. */
export interface ConferenceRooms {
  /** A room at that provider for the conversation's attempt `epoch`. Errors: `no-conference-available`, `provider-...`. */
  reserve(focus: Domain, conversation: ConversationId, epoch: number): Promise<string>;
  /** Gives a room back; failures are left to the focus' own collection of empty rooms (R55). */
  release(focus: Domain, room: string): void;
}
