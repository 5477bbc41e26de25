// Who is signed in, by browser. A session is a random token in a cookie, known to the database by its hash; it ends by
// signing out or by time.
import { type Address, type ConversationId, isGuestAddress, type Person } from '@parley/protocol';
import type { Storage } from '../storage/index.ts';
import type { WebSession } from './api.ts';
import { hashToken, isToken, randomToken } from './secrets.ts';

/** Browsers one person may be signed in with; the one signed in longest makes room. */
const MAX_SESSIONS_PER_PERSON = 50;
/** How old the note of the last use may get, in milliseconds, before it is written again. */
const LAST_SEEN_MS = 60_000;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export type Ended = (session: Pick<WebSession, 'id' | 'person'>, reason: 'signed-out' | 'expired') => void;

/** With which account somebody signed in. */
export interface Account {
  readonly issuerId: string;
  readonly subject: string;
  /** Null if it is not bound to a key of the browser. */
  readonly idToken: string | null;
  /** When its owner gave a password or the like at the issuer, milliseconds since 1970; null if that is not known. */
  readonly authenticatedAt: number | null;
}

/** A session as its owner sees it. Times are milliseconds since 1970. */
export interface ListedSession {
  readonly id: string;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  readonly userAgent: string;
}

export interface Sessions {
  /** Returns the token for the cookie. */
  create(person: Person, account: Account, userAgent: string): Promise<string>;
  /** Of a person; a guest's token is none here. */
  find(token: string | undefined): Promise<WebSession | null>;
  createGuest(
    guest: { person: Person; expiresAt: number; origin: string } & NonNullable<WebSession['guest']>,
    userAgent: string,
  ): Promise<string>;
  /** Of a guest, at the origin to which it is bound; a person's token is none here. */
  findGuest(token: string | undefined, origin: string): Promise<WebSession | null>;
  /** A guest has signed in with an account somewhere. */
  identify(session: WebSession, account: Account): Promise<void>;
  endGuests(of: { conversation?: ConversationId; link?: string; address?: Address }): Promise<void>;
  countGuests(conversation: ConversationId): Promise<number>;
  /** The account of a session; null if it was begun before accounts were kept. */
  accountOf(session: WebSession): Promise<Account | null>;
  /** Where a person is signed in, the latest first. */
  listOf(person: Person): Promise<ListedSession[]>;
  /** Ends one of a person's own sessions by its id; false if they have none of that id. */
  endOf(person: Person, id: string): Promise<boolean>;
  /** Ends every session that was begun with an account. */
  endOfAccount(issuerId: string, subject: string): Promise<void>;
  /** Ends it; nothing happens without one. */
  end(token: string | undefined): Promise<void>;
  /** Forgets what has expired, and goes on doing so whenever a session does. */
  watch(): Promise<void>;
  close(): void;
}

export function createSessions(options: {
  storage: Storage;
  company: string;
  lifetimeMs: number;
  now: () => number;
  ended: Ended;
  /** Told when the database fails behind the timer, where nobody waits for an answer. */
  failed: (error: unknown) => void;
}): Sessions {
  const { storage, company, lifetimeMs, now, ended, failed } = options;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  const rows = () =>
    storage
      .selectFrom('web_sessions')
      .innerJoin('people', 'people.address', 'web_sessions.address')
      .select(['token_hash', 'people.address', 'people.name', 'expires_at', 'last_seen_at'])
      .select(['conversation', 'link', 'web_sessions.origin']);
  type Row = Awaited<ReturnType<ReturnType<typeof rows>['execute']>>[number];
  const sessionOf = ({ token_hash: id, address, name, expires_at: expiresAt, conversation, link }: Row): WebSession => {
    const session = { id, person: { address, name, company }, expiresAt };
    if (!isGuestAddress(address) || conversation === null || link === null) return session;
    return { ...session, person: { ...session.person, guest: true }, guest: { conversation, link } };
  };

  /** Ends each unless somebody else just has, so that every end is told once. */
  async function remove(sessions: readonly Row[], reason: 'signed-out' | 'expired'): Promise<void> {
    for (const row of sessions) {
      const { numDeletedRows } = await storage
        .deleteFrom('web_sessions')
        .where('token_hash', '=', row.token_hash)
        .executeTakeFirst();
      if (numDeletedRows === 0n) continue;
      // A guest exists no longer than the session.
      if (isGuestAddress(row.address)) await storage.deleteFrom('people').where('address', '=', row.address).execute();
      ended(sessionOf(row), reason);
    }
  }

  async function watch(): Promise<void> {
    await remove(await rows().where('expires_at', '<=', now()).execute(), 'expired');
    const next = await storage
      .selectFrom('web_sessions')
      .select((eb) => eb.fn.min('expires_at').as('at'))
      .executeTakeFirst();
    if (timer) clearTimeout(timer);
    timer = null;
    if (closed || typeof next?.at !== 'number') return;
    const wait = Math.min(Math.max(next.at - now(), 0) + 1, MAX_TIMEOUT_MS);
    timer = setTimeout(() => void watch().catch(failed), wait).unref();
  }

  async function known(token: string | undefined): Promise<Row | null> {
    if (!isToken(token)) return null;
    const row = await rows().where('token_hash', '=', hashToken(token)).executeTakeFirst();
    if (!row || row.expires_at <= now()) return null;
    if (now() - row.last_seen_at > LAST_SEEN_MS) {
      const seen = storage.updateTable('web_sessions').set({ last_seen_at: now() });
      await seen.where('token_hash', '=', row.token_hash).execute();
    }
    return row;
  }

  return {
    async create(person, { issuerId, subject, idToken, authenticatedAt }, userAgent) {
      const token = randomToken();
      const at = now();
      await storage
        .insertInto('web_sessions')
        .values({
          token_hash: hashToken(token),
          address: person.address,
          issuer_id: issuerId,
          created_at: at,
          expires_at: at + lifetimeMs,
          last_seen_at: at,
          user_agent: userAgent.slice(0, 300),
          subject,
          id_token: idToken,
          conversation: null,
          link: null,
          origin: null,
          authenticated_at: authenticatedAt,
        })
        .execute();
      const all = rows().where('web_sessions.address', '=', person.address).orderBy('web_sessions.created_at', 'desc');
      await remove((await all.execute()).slice(MAX_SESSIONS_PER_PERSON), 'expired');
      if (!timer) await watch();
      return token;
    },
    async find(token) {
      const row = await known(token);
      return row && !isGuestAddress(row.address) ? sessionOf(row) : null;
    },
    async createGuest({ person, expiresAt, origin, conversation, link }, userAgent) {
      const token = randomToken();
      const at = now();
      await storage.transaction().execute(async (tx) => {
        const { address, name } = person;
        await tx.insertInto('people').values({ address, name, created_at: at }).execute();
        await tx
          .insertInto('web_sessions')
          .values({
            token_hash: hashToken(token),
            address,
            issuer_id: '',
            created_at: at,
            expires_at: expiresAt,
            last_seen_at: at,
            user_agent: userAgent.slice(0, 300),
            subject: null,
            id_token: null,
            conversation,
            link,
            origin,
          })
          .execute();
      });
      await watch();
      return token;
    },
    async findGuest(token, origin) {
      const row = await known(token);
      return row && isGuestAddress(row.address) && row.origin === origin ? sessionOf(row) : null;
    },
    async identify({ id }, { issuerId, subject, idToken }) {
      const account = { issuer_id: issuerId, subject, id_token: idToken };
      await storage.updateTable('web_sessions').set(account).where('token_hash', '=', id).execute();
    },
    async endGuests({ conversation, link, address }) {
      let meant = rows().where('conversation', 'is not', null);
      if (conversation !== undefined) meant = meant.where('conversation', '=', conversation);
      if (link !== undefined) meant = meant.where('link', '=', link);
      if (address !== undefined) meant = meant.where('web_sessions.address', '=', address);
      await remove(await meant.execute(), 'expired');
    },
    async countGuests(conversation) {
      const { count } = await storage
        .selectFrom('web_sessions')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('conversation', '=', conversation)
        .executeTakeFirstOrThrow();
      return Number(count);
    },
    async listOf({ address }) {
      const found = await storage
        .selectFrom('web_sessions')
        .select(['token_hash', 'created_at', 'last_seen_at', 'user_agent'])
        .where('address', '=', address)
        .where('expires_at', '>', now())
        .orderBy('last_seen_at', 'desc')
        .execute();
      return found.map((row) => ({
        id: row.token_hash,
        createdAt: row.created_at,
        lastSeenAt: row.last_seen_at,
        userAgent: row.user_agent,
      }));
    },
    async endOf({ address }, id) {
      const own = rows().where('web_sessions.address', '=', address).where('token_hash', '=', id);
      const found = await own.execute();
      await remove(found, 'signed-out');
      return found.length > 0;
    },
    async accountOf({ id }) {
      const row = await storage
        .selectFrom('web_sessions')
        .select(['issuer_id', 'subject', 'id_token', 'authenticated_at'])
        .where('token_hash', '=', id)
        .executeTakeFirst();
      if (!row || row.subject === null) return null;
      const { issuer_id: issuerId, subject, id_token: idToken, authenticated_at: authenticatedAt } = row;
      return { issuerId, subject, idToken, authenticatedAt };
    },
    async endOfAccount(issuerId, subject) {
      const of = rows().where('issuer_id', '=', issuerId).where('subject', '=', subject);
      await remove(await of.execute(), 'signed-out');
    },
    async end(token) {
      if (isToken(token)) await remove(await rows().where('token_hash', '=', hashToken(token)).execute(), 'signed-out');
    },
    watch,
    close() {
      closed = true;
      if (timer) clearTimeout(timer);
    },
  };
}
