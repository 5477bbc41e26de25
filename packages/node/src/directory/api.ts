// What the rest of the node sees of people: who exists here, their contacts, and how available they are.
import type { Address, Contact, Person, Presence } from '@parley/protocol';

export interface Directory {
  /** Someone of this provider; null if nobody has the address. */
  find(address: Address): Promise<Person | null>;
  /**
   * Someone of another provider as last heard of: kept as a contact, or looked up lately. Asks nobody, so that a call to
   * somebody known rings after one trip. Null for whom nobody here has heard of.
   */
  known(owner: Address, address: Address): Promise<Person | null>;
  /** Someone of any provider, asked there if need be. Errors: `unknown-address`, `provider-...`. */
  lookup(address: Address, by: Address): Promise<Contact>;
  /** Presence of one of this provider's people, derived from their choice, their devices and their calls (R14). */
  presenceOf(address: Address): Presence;
  /** Told by the conversations: whether the person is in a call now. Tells everybody who watches. */
  setInCall(address: Address, inCall: boolean): void;
  /** Keeps people met in conversations as contacts, so that they stand in the list next time. Idempotent. */
  remember(owner: Address, person: Person): Promise<void>;
}
