// Sign-ins under way: each belongs to one browser, works once, and is forgotten after a while.

import { ParleyError } from '@parley/protocol';
import { randomPKCECodeVerifier } from 'openid-client';
import type { Storage } from '../storage/index.ts';
import { hashToken, randomToken } from './secrets.ts';

/** How long somebody may take at the OpenID provider, in seconds. */
export const ATTEMPT_SECONDS = 600;
const MAX_ATTEMPTS = 10_000;

export interface Attempt {
  /** Goes to the OpenID provider and comes back. */
  readonly state: string;
  readonly nonce: string;
  /** Whether the browser chose the nonce, so that the ID token is bound to its key. */
  readonly nonceGiven: boolean;
  /** Proves at the token endpoint that the one who began is the one who ends it (RFC 7636). */
  readonly verifier: string;
  readonly issuerId: string;
  readonly returnTo: string;
  readonly origin: string;
  /** Whether the issuer was asked for the password, whoever it still knew. */
  readonly prompted: boolean;
  /** Id of the web session whose person wants to link the account; null for a sign-in. */
  readonly linkFor: string | null;
}

export interface Attempts {
  /** Throws `too-many-requests` when there are too many at a time. */
  begin(
    browser: string,
    target: Pick<Attempt, 'issuerId' | 'returnTo' | 'origin' | 'prompted' | 'linkFor'> & {
      readonly nonce?: string | undefined;
    },
  ): Promise<Attempt>;
  /** The attempt, which is gone with that; null if it is not known, too old or of another browser. */
  take(browser: string, state: string): Promise<Attempt | null>;
}

// Stored under a hash of both: an answer is worth nothing in a browser other than the one that asked, so nobody can be
// signed in as somebody else by following a link (RFC 6749 section 10.12).
const keyOf = (browser: string, state: string) => hashToken(`${browser}.${state}`);

export function createAttempts(storage: Storage, now: () => number): Attempts {
  return {
    async begin(browser, { nonce, ...target }) {
      await storage.deleteFrom('sign_in_attempts').where('expires_at', '<=', now()).execute();
      const { open } = await storage
        .selectFrom('sign_in_attempts')
        .select((eb) => eb.fn.countAll<number>().as('open'))
        .executeTakeFirstOrThrow();
      if (open >= MAX_ATTEMPTS) throw new ParleyError('too-many-requests', 'too many sign-ins are under way');
      const attempt: Attempt = {
        state: randomToken(),
        nonce: nonce ?? randomToken(),
        nonceGiven: nonce !== undefined,
        verifier: randomPKCECodeVerifier(),
        ...target,
      };
      const { issuerId, returnTo, origin, prompted, linkFor } = target;
      await storage
        .insertInto('sign_in_attempts')
        .values({
          state: keyOf(browser, attempt.state),
          nonce: attempt.nonce,
          nonce_given: attempt.nonceGiven ? 1 : 0,
          verifier: attempt.verifier,
          issuer_id: issuerId,
          return_to: returnTo,
          origin,
          prompted: prompted ? 1 : 0,
          link_for: linkFor,
          expires_at: now() + ATTEMPT_SECONDS * 1000,
        })
        .execute();
      return attempt;
    },
    async take(browser, state) {
      const row = await storage
        .deleteFrom('sign_in_attempts')
        .where('state', '=', keyOf(browser, state))
        .returningAll()
        .executeTakeFirst();
      if (!row || row.expires_at <= now()) return null;
      const { nonce, verifier, issuer_id: issuerId, return_to: returnTo, origin, link_for: linkFor } = row;
      const flags = { nonceGiven: row.nonce_given === 1, prompted: row.prompted === 1 };
      return { state, nonce, verifier, issuerId, returnTo, origin, linkFor, ...flags };
    },
  };
}
