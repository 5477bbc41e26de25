// Sign-in by OpenID Connect at any of several issuers (R1, R2): the routes, and the session that comes out of them.
import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { addressIn, claimsIn } from '@parley/identity';
import { asParleyError, ParleyError, parseWith } from '@parley/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import { type Config, issuerProfile } from '../config/index.ts';
import type { Storage } from '../storage/index.ts';
import type { Web } from '../web/index.ts';
import type { GuestSignIns, SignIn, SignInEvents, WebSession } from './api.ts';
import { ATTEMPT_SECONDS, createAttempts } from './attempts.ts';
import { type CookieKind, readCookie, writeCookie } from './cookies.ts';
import { createIssuer, type Issuer } from './issuers.ts';
import { addLinkRoutes } from './link-routes.ts';
import { createLinkedAccounts } from './linked-accounts.ts';
import { createPeople } from './people.ts';
import { createRateLimit } from './rate-limit.ts';
import { errorPath, LINKED_PATH, linkErrorPath, localPath } from './return-path.ts';
import { isToken, randomToken } from './secrets.ts';
import { type Account, createSessions, type Sessions } from './sessions.ts';

const startQuery = z.object({
  return: z.string().optional().catch(undefined),
  login_hint: z.string().max(300).optional().catch(undefined),
  /** Of the browser's key, by which it will prove who it is (package `identity`). */
  nonce: z
    .string()
    .regex(/^[\w-]{43}$/)
    .optional()
    .catch(undefined),
  prompt: z.enum(['login', 'select_account']).optional().catch(undefined),
});
const callbackQuery = z.object({ state: z.string().max(200) });
const sessionParams = z.object({ id: z.string().max(100) });
const issuerParams = z.object({ issuer: z.string().max(64) });

/**
 * Adds the routes of sign-in to the web server: /api/provider, /api/session, /api/sessions, /sign-in/:issuer,
 * /sign-in/:issuer/callback, /sign-out and those of `link-routes.ts`. People listed in the configuration are in the database once it listens.
 * `now` is milliseconds since 1970.
 */
export function createSignIn(options: {
  config: Config;
  storage: Storage;
  web: Web;
  log: Logger;
  /** Signs, as the domain, that an account elsewhere is a person's. */
  vouch?: (claims: { sub: string; issuer: string; account: string }) => Promise<string>;
  /** What becomes of guests who sign in. */
  guests?: GuestSignIns;
  now?: () => number;
}): SignIn {
  const { config, storage, web, now = Date.now } = options;
  const log = options.log.child({ room: 'sign-in' });
  const { app } = web;
  const provider = { domain: config.provider.domain, name: config.provider.name };
  const issuers = new Map(config.signIn.issuers.map((issuer) => [issuer.id, createIssuer(issuer)] as const));
  const people = createPeople(config, storage, now);
  const accounts = createLinkedAccounts(config, storage, now);
  const attempts = createAttempts(storage, now);
  const mayBegin = createRateLimit(now);
  const events = new EventEmitter<SignInEvents>();
  const lifetimeMs = config.signIn.sessionHours * 3_600_000;
  const sessions: Sessions = createSessions({
    storage,
    company: provider.name,
    lifetimeMs,
    now,
    ended: ({ id, person: { address } }, reason) => {
      log.info({ address, reason }, 'a session has ended');
      events.emit('ended', { id, address, reason });
    },
    failed: (error) => log.error({ err: error }, 'expired sessions could not be removed'),
  });

  app.addHook('onReady', async () => {
    await people.seed();
    await sessions.watch();
  });
  app.addHook('onClose', async () => sessions.close());

  const tokenOf = (headers: IncomingHttpHeaders, kind: CookieKind = 'session'): string | undefined => {
    const origin = web.originOf({ headers });
    return origin === null ? undefined : readCookie(kind, origin, headers);
  };
  const guestOf = async (headers: IncomingHttpHeaders): Promise<WebSession | null> => {
    const origin = web.originOf({ headers });
    return origin === null ? null : await sessions.findGuest(readCookie('guest', origin, headers), origin);
  };
  /** Who is signed in; a guest only where nobody is. */
  const authenticate = async ({ headers }: Pick<IncomingMessage, 'headers'>): Promise<WebSession | null> =>
    (await sessions.find(tokenOf(headers))) ?? (await guestOf(headers));

  /** What the browser needs to prove who it is: the ID token that names its key, and the domain's word for the account. */
  async function proofOf(session: WebSession): Promise<{ idToken: string; link: string | null } | null> {
    const account = await sessions.accountOf(session);
    const issuer = issuers.get(account?.issuerId ?? '')?.config;
    if (!account?.idToken || !issuer) return null;
    if (issuer.member !== undefined) {
      // A token that names somebody else, or nobody (some issuers tell that only to the node), would look like a lie.
      const named = addressIn(claimsIn(account.idToken), issuerProfile(issuer, provider.domain), provider.domain);
      return named === session.person.address ? { idToken: account.idToken, link: null } : null;
    }
    const claims = { sub: session.person.address, issuer: issuer.issuer, account: account.subject };
    return { idToken: account.idToken, link: (await options.vouch?.(claims)) ?? null };
  }

  const ownOrigin = (request: FastifyRequest): string => {
    const origin = web.originOf(request.raw);
    if (origin === null) throw new ParleyError('origin-not-allowed', 'http.origins has no such address');
    return origin;
  };
  const issuerOf = (request: FastifyRequest): Issuer => {
    const issuer = issuers.get(parseWith(issuerParams, request.params).issuer);
    if (!issuer) throw new ParleyError('unknown-method', 'there is no such place to sign in');
    return issuer;
  };
  const redirectUri = (origin: string, issuer: Issuer): string =>
    // One for each issuer, so that the answer of one cannot be passed off as another's (RFC 9700 section 4.4.2).
    `${origin}/sign-in/${issuer.config.id}/callback`;
  /** A person is looking at this, so a refusal leads to the app, which says what to do. */
  const refuse = (reply: FastifyReply, thrown: unknown, issuer: Issuer, to = errorPath): FastifyReply => {
    const error = asParleyError(thrown);
    const level = error.code === 'internal-error' ? 'error' : 'info';
    log[level]({ issuer: issuer.config.id, err: error }, 'a sign-in was refused');
    return reply.redirect(to(error.code), 303);
  };

  /** Whether somebody is signed in here, and whether as a guest. */
  async function presentAt(request: FastifyRequest): Promise<{ signedIn: boolean; guest: boolean }> {
    const session = await authenticate(request);
    return { signedIn: session !== null && !session.guest, guest: session?.guest !== undefined };
  }

  app.get('/api/provider', async (request) => ({
    provider,
    signIn: config.signIn.issuers.map(({ id, name }) => ({ id, name })),
    ...(await presentAt(request)),
  }));

  app.get('/api/session', async (request) => {
    const session = await authenticate(request);
    if (!session) throw new ParleyError(tokenOf(request.headers) === undefined ? 'not-signed-in' : 'session-expired');
    const account = await sessions.accountOf(session);
    return { me: session.person, provider, issuer: account?.issuerId ?? null, proof: await proofOf(session) };
  });

  const signedIn = async (request: FastifyRequest): Promise<WebSession> => {
    const session = await authenticate(request.raw);
    if (!session) throw new ParleyError('not-signed-in');
    if (session.guest) throw new ParleyError('not-for-guests');
    return session;
  };

  app.get('/api/sessions', async (request) => {
    const session = await signedIn(request);
    const all = await sessions.listOf(session.person);
    return { sessions: all.map((one) => ({ ...one, current: one.id === session.id })) };
  });

  app.delete('/api/sessions/:id', async (request, reply) => {
    const session = await signedIn(request);
    const { id } = parseWith(sessionParams, request.params);
    // Of others it is not even said whether there is one.
    if (!(await sessions.endOf(session.person, id)))
      throw new ParleyError('unknown-method', 'you have no such session');
    return reply.status(204).send();
  });

  app.get('/sign-in/:issuer', async (request, reply) => {
    const issuer = issuerOf(request);
    const origin = ownOrigin(request);
    const query = parseWith(startQuery, request.query);
    try {
      if (!mayBegin(request.ip)) throw new ParleyError('too-many-requests');
      const before = readCookie('sign-in', origin, request.headers);
      // Kept while it lasts, so that two tabs can sign in at the same time.
      const browser = isToken(before) ? before : randomToken();
      const returnTo = localPath(query.return);
      // Whoever led the browser here from elsewhere may have chosen a nonce for a key of their own.
      const nonce = isOwnPage(request) ? query.nonce : undefined;
      const target = {
        issuerId: issuer.config.id,
        returnTo,
        origin,
        prompted: query.prompt === 'login',
        linkFor: null,
      };
      const attempt = await attempts.begin(browser, { ...target, nonce });
      const hints = {
        ...(query.login_hint === undefined ? {} : { loginHint: query.login_hint }),
        ...(query.prompt === undefined ? {} : { prompt: query.prompt }),
      };
      const url = await issuer.begin(attempt, redirectUri(origin, issuer), hints);
      reply.header('set-cookie', writeCookie('sign-in', origin, browser, ATTEMPT_SECONDS));
      return reply.redirect(url.href, 303);
    } catch (error) {
      return refuse(reply, error, issuer);
    }
  });

  app.get('/sign-in/:issuer/callback', async (request, reply) => {
    const issuer = issuerOf(request);
    const origin = ownOrigin(request);
    let linking = false;
    try {
      const { state } = parseWith(callbackQuery, request.query, 'sign-in-refused');
      const browser = readCookie('sign-in', origin, request.headers);
      const attempt = isToken(browser) ? await attempts.take(browser, state) : null;
      if (attempt?.issuerId !== issuer.config.id || attempt.origin !== origin) {
        throw new ParleyError('sign-in-refused', 'this browser has no such sign-in under way');
      }
      linking = attempt.linkFor !== null;
      const identity = await issuer.finish(attempt, new URL(request.url, origin));
      const idToken = attempt.nonceGiven ? identity.idToken : null;
      // An issuer that was told to ask for the password, and says nothing of when, is taken to have done so.
      const authenticatedAt = identity.authenticatedAt ?? (attempt.prompted ? now() : null);
      const account = { issuerId: issuer.config.id, subject: identity.subject, idToken, authenticatedAt };
      if (attempt.linkFor !== null) {
        const session = await authenticate(request.raw);
        if (session?.id !== attempt.linkFor) throw new ParleyError('session-expired', 'it asked for this link');
        await accounts.add(session.person, identity);
        log.info({ address: session.person.address, issuer: issuer.config.id }, 'an account was linked');
        return reply.redirect(LINKED_PATH, 303);
      }
      const guest = await guestOf(request.headers);
      const person = await people.personOf(identity).catch((error: unknown) => {
        // An account of nobody here is as good as any to say who a guest is; others verify it by themselves.
        const elsewhere = guest && issuer.config.member === undefined && identity.meets;
        if (elsewhere && asParleyError(error).code === 'not-a-member') return null;
        throw error;
      });
      if (!person) {
        if (guest) await identifyGuest(guest, account);
        return reply.redirect(attempt.returnTo, 303);
      }
      await sessions.end(tokenOf(request.headers));
      const token = await sessions.create(person, account, request.headers['user-agent'] ?? '');
      log.info({ address: person.address, issuer: issuer.config.id }, 'signed in');
      const cookies = [writeCookie('session', origin, token, lifetimeMs / 1000)];
      if (guest) {
        await options.guests?.became(guest, person).catch((err: unknown) => log.info({ err }, 'the call is over'));
        await sessions.endGuests({ address: guest.person.address });
        cookies.push(writeCookie('guest', origin, '', 0));
      }
      reply.header('set-cookie', cookies);
      return reply.redirect(attempt.returnTo, 303);
    } catch (error) {
      return refuse(reply, error, issuer, linking ? linkErrorPath : errorPath);
    }
  });

  async function identifyGuest(guest: WebSession, account: Account): Promise<void> {
    await sessions.identify(guest, account);
    // Without a key of the browser nobody could verify it.
    if (account.idToken !== null) await options.guests?.identified(guest);
  }
  addLinkRoutes({
    app,
    issuers,
    accounts,
    attempts,
    sessions,
    mayBegin,
    signedIn,
    ownOrigin,
    redirectUri,
    log,
    now,
  });

  app.post('/sign-out', async (request, reply) => {
    const origin = ownOrigin(request);
    await sessions.end(tokenOf(request.headers));
    const guest = await guestOf(request.headers);
    if (guest) await sessions.endGuests({ address: guest.person.address });
    reply.header('set-cookie', [writeCookie('session', origin, '', 0), writeCookie('guest', origin, '', 0)]);
    return reply.status(204).send();
  });

  return Object.assign(events, {
    authenticate,
    async admitGuest({ headers }: Pick<IncomingMessage, 'headers'>, guest: Parameters<SignIn['admitGuest']>[1]) {
      const origin = web.originOf({ headers });
      if (origin === null) throw new ParleyError('origin-not-allowed');
      const before = await guestOf(headers);
      if (before) await sessions.endGuests({ address: before.person.address });
      const token = await sessions.createGuest({ ...guest, origin }, headers['user-agent'] ?? '');
      return writeCookie('guest', origin, token, (guest.expiresAt - now()) / 1000);
    },
    endGuests: sessions.endGuests,
    countGuests: sessions.countGuests,
    close: () => sessions.close(),
  });
}

/**
 * Whether a page of this very origin led the browser here: others of the company's site may be anybody's. Sent by every
 * browser that has WebCrypto (Fetch Metadata Request Headers section 2.3), and not to be forged by pages.
 */
function isOwnPage({ headers }: FastifyRequest): boolean {
  return headers['sec-fetch-site'] === 'same-origin';
}
