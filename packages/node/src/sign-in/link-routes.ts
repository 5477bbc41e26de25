// What a person does with accounts of theirs elsewhere: sees them, links one, unlinks one. Whoever links an account can
// sign in with it from then on, so only a page of ours may ask for it (the origin of a POST is checked by `web/`), and
// only soon after the person has given their password.
import { ParleyError, parseWith } from '@parley/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { WebSession } from './api.ts';
import { ATTEMPT_SECONDS, type Attempts } from './attempts.ts';
import { readCookie, writeCookie } from './cookies.ts';
import type { Issuer } from './issuers.ts';
import type { LinkedAccounts } from './linked-accounts.ts';
import { LINKED_PATH } from './return-path.ts';
import { isToken, randomToken } from './secrets.ts';
import type { Sessions } from './sessions.ts';

/** How long after a password somebody may link an account, in milliseconds. */
const RECENT_MS = 10 * 60_000;

const issuerParams = z.object({ issuer: z.string().max(64) });
const accountParams = z.object({ id: z.string().max(100) });

/** Adds GET /api/accounts, POST /api/accounts/:issuer (answers with where to send the browser), DELETE /api/accounts/:id. */
export function addLinkRoutes(deps: {
  app: FastifyInstance;
  issuers: ReadonlyMap<string, Issuer>;
  accounts: LinkedAccounts;
  attempts: Attempts;
  sessions: Sessions;
  mayBegin: (address: string) => boolean;
  /** Throws `not-signed-in`. */
  signedIn: (request: FastifyRequest) => Promise<WebSession>;
  ownOrigin: (request: FastifyRequest) => string;
  redirectUri: (origin: string, issuer: Issuer) => string;
  log: Logger;
  now: () => number;
}): void {
  const { app, issuers, accounts, attempts, sessions, signedIn, log, now } = deps;

  app.get('/api/accounts', async (request) => {
    const { person } = await signedIn(request);
    const choices = [...issuers.values()].filter(({ config }) => config.selfLink);
    return {
      accounts: await accounts.listOf(person),
      choices: choices.map(({ config: { id, name } }) => ({ id, name })),
    };
  });

  app.post('/api/accounts/:issuer', async (request, reply) => {
    const session = await signedIn(request);
    const issuer = issuers.get(parseWith(issuerParams, request.params).issuer);
    if (!issuer?.config.selfLink) throw new ParleyError('not-allowed', 'no accounts of there may be linked');
    const { authenticatedAt = null } = (await sessions.accountOf(session)) ?? {};
    if (authenticatedAt === null || now() - authenticatedAt > RECENT_MS) throw new ParleyError('sign-in-again');
    if (!deps.mayBegin(request.ip)) throw new ParleyError('too-many-requests');
    const origin = deps.ownOrigin(request);
    const before = readCookie('sign-in', origin, request.headers);
    const browser = isToken(before) ? before : randomToken();
    const target = { issuerId: issuer.config.id, returnTo: LINKED_PATH, origin, prompted: true, linkFor: session.id };
    const attempt = await attempts.begin(browser, target);
    // Whoever the issuer still knows in this browser may be somebody else.
    const url = await issuer.begin(attempt, deps.redirectUri(origin, issuer), { prompt: 'login' });
    reply.header('set-cookie', writeCookie('sign-in', origin, browser, ATTEMPT_SECONDS));
    return { url: url.href };
  });

  app.delete('/api/accounts/:id', async (request, reply) => {
    const { person } = await signedIn(request);
    const removed = await accounts.remove(person, parseWith(accountParams, request.params).id);
    if (!removed) throw new ParleyError('unknown-method', 'you have no such account');
    // Whoever came in by it, this browser perhaps, is out.
    await sessions.endOfAccount(removed.issuerId, removed.subject);
    log.info({ address: person.address, issuer: removed.issuerId }, 'an account was unlinked');
    return reply.status(204).send();
  });
}
