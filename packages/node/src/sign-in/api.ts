// What the rest of the node sees of sign-in: whose request this is, and when that ends.
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Address, Person } from '@parley/protocol';

/** One signed-in browser. */
export interface WebSession {
  /** Stable and not secret: it lets nobody in. */
  readonly id: string;
  readonly person: Person;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface SignInEvents {
  /** The session lets nobody in any more; whatever was opened with it must be closed. */
  ended: [{ id: string; address: Address; reason: 'signed-out' | 'expired' }];
}

export interface SignIn extends EventEmitter<SignInEvents> {
  /** The session of a request by its cookie; null without a valid one. Nothing else, no ID token either, is a sign-in. */
  authenticate(request: Pick<IncomingMessage, 'headers'>): Promise<WebSession | null>;
  /** Stops its timer. */
  close(): void;
}
