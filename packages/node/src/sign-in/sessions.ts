// Who is signed in, by browser. A session is a random token in a cookie, known to the database by its hash; it ends by
// signing out or by time.
import type { Person } from '@parley/protocol';
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
  find(token: string | undefined): Promise<WebSession | null>;
  /** The account of a session; null if it was begun before accounts were kept. */
  accountOf(session: WebSession): Promise<Account | null>;
  /** Where a person is signed in, the latest first. */
  listOf(person: Person): Promise<ListedSession[]>;
  /** Ends one of a person's own sessions by its id; false if they have none of that id. */
  endOf(person: Person, id: string): Promise<boolean>;
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
      .select(['token_hash', 'people.address', 'people.name', 'expires_at', 'last_seen_at']);
  type Row = Awaited<ReturnType<ReturnType<typeof rows>['execute']>>[number];
  const sessionOf = ({ token_hash: id, address, name, expires_at: expiresAt }: Row): WebSession => {
    return { id, person: { address, name, company }, expiresAt };
  };

  /** Ends each unless somebody else just has, so that every end is told once. */
  async function remove(sessions: readonly Row[], reason: 'signed-out' | 'expired'): Promise<void> {
    for (const row of sessions) {
      const { numDeletedRows } = await storage
        .deleteFrom('web_sessions')
        .where('token_hash', '=', row.token_hash)
        .executeTakeFirst();
      if (numDeletedRows > 0n) ended(sessionOf(row), reason);
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

  return {
    async create(person, { issuerId, subject, idToken }, userAgent) {
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
        })
        .execute();
      const all = rows().where('web_sessions.address', '=', person.address).orderBy('web_sessions.created_at', 'desc');
      await remove((await all.execute()).slice(MAX_SESSIONS_PER_PERSON), 'expired');
      if (!timer) await watch();
      return token;
    },
    async find(token) {
      if (!isToken(token)) return null;
      const row = await rows().where('token_hash', '=', hashToken(token)).executeTakeFirst();
      if (!row || row.expires_at <= now()) return null;
      if (now() - row.last_seen_at > LAST_SEEN_MS) {
        const seen = storage.updateTable('web_sessions').set({ last_seen_at: now() });
        await seen.where('token_hash', '=', row.token_hash).execute();
      }
      return sessionOf(row);
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
        .select(['issuer_id', 'subject', 'id_token'])
        .where('token_hash', '=', id)
        .executeTakeFirst();
      if (!row || row.subject === null) return null;
      return { issuerId: row.issuer_id, subject: row.subject, idToken: row.id_token };
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
