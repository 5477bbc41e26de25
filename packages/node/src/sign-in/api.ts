// What the rest of the node sees of sign-in: whose request this is, and when that ends.
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Address, ConversationId, Person } from '@parley/protocol';

/** One signed-in browser. */
export interface WebSession {
  /** Stable and not secret: it lets nobody in. */
  readonly id: string;
  readonly person: Person;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** Of a guest: the one conversation that it is good for, and the link by which they came. */
  readonly guest?: { readonly conversation: ConversationId; readonly link: string };
}

/** What becomes of a guest who signs in. Told before the browser is sent back to the app. */
export interface GuestSignIns {
  /** With an account that belongs to nobody here: still a guest, of whom others can verify which account that is. */
  identified(guest: WebSession): Promise<void>;
  /** As one of our own people, who takes the guest's place. */
  became(guest: WebSession, person: Person): Promise<void>;
}

export interface SignInEvents {
  /** The session lets nobody in any more; whatever was opened with it must be closed. */
  ended: [{ id: string; address: Address; reason: 'signed-out' | 'expired' }];
}

export interface SignIn extends EventEmitter<SignInEvents> {
  /** The session of a request by its cookie; null without a valid one. Nothing else, no ID token either, is a sign-in. */
  authenticate(request: Pick<IncomingMessage, 'headers'>): Promise<WebSession | null>;
  /**
   * Begins a guest's session, for the origin at which it was asked for and no other. Returns the `Set-Cookie` value. Ends
   * whatever guest's session the browser had.
   */
  admitGuest(
    request: Pick<IncomingMessage, 'headers'>,
    guest: { readonly person: Person; readonly expiresAt: number } & NonNullable<WebSession['guest']>,
  ): Promise<string>;
  /** Ends guests' sessions: of a conversation, by a link, or one by its address. Each is told by `ended`. */
  endGuests(of: {
    readonly conversation?: ConversationId;
    readonly link?: string;
    readonly address?: Address;
  }): Promise<void>;
  /** Guests with a session for a conversation. */
  countGuests(conversation: ConversationId): Promise<number>;
  /** Stops its timer. */
  close(): void;
}
