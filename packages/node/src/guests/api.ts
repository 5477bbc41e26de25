// What the rest of the node sees of guests.
import type { Address, ClientSettings, ConversationId } from '@parley/protocol';
import type { GuestSignIns } from '../sign-in/api.ts';

export interface Guests extends GuestSignIns {
  /** What the rules let this guest do; undefined for people. */
  settingsFor(address: Address): ClientSettings['guest'];
  /** A guest has no more business in a conversation; null: its call is over, and every link into it. */
  released(conversation: ConversationId, guest: Address | null): void;
  /** Knows the guests again who were here when the node stopped. Once, before devices are restored. */
  restore(): Promise<void>;
}
