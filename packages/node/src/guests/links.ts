// Links by which guests come in (R30, R31): 256 random bits, of which only a hash is kept. A link is good for one conversation,
// until its time is over, its call is, or it is withdrawn.
import { createHash, randomBytes } from 'node:crypto';
import { type Address, type ConversationId, type GuestLink, ParleyError } from '@parley/protocol';
import type { Storage } from '../storage/index.ts';

/** Links into one call at a time. */
const MAX_LINKS = 50;
/** How long a link that is over is told from one that never was, in milliseconds. */
const KEPT_MS = 7 * 24 * 3_600_000;

export interface OpenLink extends GuestLink {
  readonly conversation: ConversationId;
}

export interface Links {
  /** `secret` is told now and never again. Errors: `too-many-requests`. */
  make(
    conversation: ConversationId,
    by: Address,
    lobby: boolean,
    expiresAt: number,
  ): Promise<{ link: OpenLink; secret: string }>;
  /** By what stands in the URL. Errors: `link-invalid` if there is none, `link-ended` if its time is over. */
  bySecret(secret: string): Promise<OpenLink>;
  /** By its name; null if it is not good any more. */
  byId(id: string): Promise<OpenLink | null>;
  of(conversation: ConversationId): Promise<OpenLink[]>;
  remove(id: string): Promise<void>;
  removeAll(conversation: ConversationId): Promise<void>;
  /** Every link that is good. */
  all(): Promise<OpenLink[]>;
}

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('base64url');

export function createLinks(storage: Storage, now: () => number): Links {
  const rows = () => storage.selectFrom('guest_links').select(['id', 'conversation', 'made_by', 'lobby', 'expires_at']);
  type Row = Awaited<ReturnType<ReturnType<typeof rows>['execute']>>[number];
  const linkOf = ({ id, conversation, made_by, lobby, expires_at }: Row): OpenLink => ({
    id,
    conversation,
    by: made_by,
    lobby: lobby === 1,
    expiresAt: expires_at,
  });
  const of = async (conversation: ConversationId) => {
    const good = rows().where('conversation', '=', conversation).where('expires_at', '>', now());
    return (await good.orderBy('created_at').execute()).map(linkOf);
  };
  const end = () => storage.updateTable('guest_links').set({ expires_at: now() }).where('expires_at', '>', now());
  return {
    async make(conversation, by, lobby, expiresAt) {
      await storage
        .deleteFrom('guest_links')
        .where('expires_at', '<=', now() - KEPT_MS)
        .execute();
      if ((await of(conversation)).length >= MAX_LINKS)
        throw new ParleyError('too-many-requests', 'many links already');
      const id = `g_${randomBytes(16).toString('base64url')}`;
      const secret = randomBytes(32).toString('base64url');
      await storage
        .insertInto('guest_links')
        .values({
          id,
          secret_hash: hashOf(secret),
          conversation,
          made_by: by,
          lobby: lobby ? 1 : 0,
          created_at: now(),
          expires_at: expiresAt,
        })
        .execute();
      return { link: { id, conversation, by, lobby, expiresAt }, secret };
    },
    async bySecret(secret) {
      const row = await rows().where('secret_hash', '=', hashOf(secret)).executeTakeFirst();
      if (!row) throw new ParleyError('link-invalid');
      if (row.expires_at <= now()) throw new ParleyError('link-ended');
      return linkOf(row);
    },
    async byId(id) {
      const row = await rows().where('id', '=', id).where('expires_at', '>', now()).executeTakeFirst();
      return row ? linkOf(row) : null;
    },
    of,
    async remove(id) {
      await end().where('id', '=', id).execute();
    },
    async removeAll(conversation) {
      await end().where('conversation', '=', conversation).execute();
    },
    all: async () => (await rows().where('expires_at', '>', now()).execute()).map(linkOf),
  };
}
