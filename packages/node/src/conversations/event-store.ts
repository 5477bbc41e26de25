// Keeps the events of conversations in the database, and how far each other provider has received them.
import {
  type ConversationEvent,
  type ConversationId,
  type Domain,
  eventSchema,
  ParleyError,
  parseWith,
} from '@parley/protocol';
import type { Storage } from '../storage/index.ts';
import { isUniqueViolation } from '../storage/index.ts';

export interface EventStore {
  /** Events after number `after`, at most `limit`, in order. */
  read(id: ConversationId, after: number, limit: number): Promise<ConversationEvent[]>;
  /**
   * Appends events that follow the stored ones without a gap; all or none. `active` tells whether a call goes on after
   * them; `owedTo` are the providers that are to receive them, noted in the same transaction. Throws `history-conflict` if
   * one of the numbers is taken (compare-and-set).
   */
  append(
    id: ConversationId,
    events: readonly ConversationEvent[],
    role: 'host' | 'copy',
    active: boolean,
    owedTo?: readonly Domain[],
  ): Promise<void>;
  activeIds(): Promise<{ id: ConversationId; role: 'host' | 'copy' }[]>;
  /** Notes that a provider has confirmed the events up to `n`. */
  acknowledge(id: ConversationId, domain: Domain, n: number): Promise<void>;
  acknowledged(id: ConversationId, domain: Domain): Promise<number>;
  /** Providers that lack events of conversations hosted here, with the last number there is. */
  undelivered(): Promise<{ id: ConversationId; domain: Domain; last: number }[]>;
}

export function createEventStore(db: Storage): EventStore {
  return {
    async read(id, after, limit) {
      const rows = await db
        .selectFrom('events')
        .select('body')
        .where('conversation', '=', id)
        .where('n', '>', after)
        .orderBy('n')
        .limit(limit)
        .execute();
      return rows.map((row) => parseWith(eventSchema, JSON.parse(row.body), 'internal-error'));
    },
    async append(id, events, role, active, owedTo = []) {
      const [first] = events;
      if (!first) return;
      try {
        await db.transaction().execute(async (tx) => {
          if (first.n === 1) {
            const host = id.slice(id.indexOf('@') + 1);
            await tx
              .insertInto('conversations')
              .values({ id, host, created_at: first.at, ended_at: null, active: active ? 1 : 0, role })
              .execute();
          } else {
            await tx
              .updateTable('conversations')
              .set({ active: active ? 1 : 0, ended_at: active ? null : (events.at(-1)?.at ?? first.at) })
              .where('id', '=', id)
              .execute();
          }
          await tx
            .insertInto('events')
            .values(
              events.map((event) => ({ conversation: id, n: event.n, at: event.at, body: JSON.stringify(event) })),
            )
            .execute();
          // What it has confirmed so far stays.
          for (const domain of owedTo) {
            await tx
              .insertInto('deliveries')
              .values({ conversation: id, domain, acknowledged: 0 })
              .onConflict((c) => c.columns(['conversation', 'domain']).doNothing())
              .execute();
          }
        });
      } catch (error) {
        if (isUniqueViolation(error)) throw new ParleyError('history-conflict', undefined, { cause: error });
        throw error;
      }
    },
    async activeIds() {
      const rows = await db.selectFrom('conversations').select(['id', 'role']).where('active', '=', 1).execute();
      return rows.map((row) => ({ id: row.id as ConversationId, role: row.role }));
    },
    async acknowledge(id, domain, n) {
      await db
        .insertInto('deliveries')
        .values({ conversation: id, domain, acknowledged: n })
        .onConflict((c) => c.columns(['conversation', 'domain']).doUpdateSet({ acknowledged: n }))
        .execute();
    },
    async acknowledged(id, domain) {
      const row = await db
        .selectFrom('deliveries')
        .select('acknowledged')
        .where('conversation', '=', id)
        .where('domain', '=', domain)
        .executeTakeFirst();
      return row?.acknowledged ?? 0;
    },
    async undelivered() {
      const rows = await db
        .selectFrom('deliveries')
        .innerJoin('events', 'events.conversation', 'deliveries.conversation')
        .select([
          'deliveries.conversation as id',
          'deliveries.domain as domain',
          'deliveries.acknowledged as acknowledged',
        ])
        .select((eb) => eb.fn.max<number>('events.n').as('last'))
        .groupBy(['deliveries.conversation', 'deliveries.domain', 'deliveries.acknowledged'])
        .execute();
      return rows
        .filter((row) => row.acknowledged < row.last)
        .map((row) => ({ id: row.id as ConversationId, domain: row.domain as Domain, last: row.last }));
    },
  };
}
