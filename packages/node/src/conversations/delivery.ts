// Brings the events of hosted conversations to the other providers whose people take part: in order, at least once,
// applied once by their numbers. What a provider that is away has missed waits in the store (R49).
import {
  asParleyError,
  type ConversationEvent,
  type ConversationId,
  type Domain,
  type ErrorCode,
  MAX_EVENTS_PER_MESSAGE,
  ParleyError,
} from '@parley/protocol';
import type { Logger } from 'pino';
import type { Federation } from '../federation/api.ts';
import type { EventStore } from './event-store.ts';
import { firstPage } from './pages.ts';

const RETRY_FIRST_MS = 1000;
const RETRY_LAST_MS = 60_000;
const MAX_REWINDS = 3;
/** Conversations that may wait for one provider in memory; more wait in the store until the next start. */
const MAX_WAITING = 10_000;

interface Delivery {
  readonly id: ConversationId;
  readonly domain: Domain;
  /** Last number that provider is to have. */
  target: number;
  running: boolean;
  retryMs: number;
  retry: NodeJS.Timeout | null;
}

export interface Deliveries {
  /**
   * Events up to number `n` are stored and meant for `domain`; `latest` are the last of them. Returns without waiting; a
   * conversation that is new has its first request on the link by then, so that a signal sent next does not overtake it.
   */
  push(id: ConversationId, domain: Domain, n: number, latest: readonly ConversationEvent[]): void;
  /** Takes up again what was not delivered before the node stopped. */
  resume(): Promise<void>;
  close(): void;
}

export function createDeliveries(deps: {
  store: EventStore;
  federation: Federation;
  log: Logger;
  /** A provider could not be told; people it was to ring will not ring. */
  failed: (id: ConversationId, domain: Domain, code: ErrorCode) => void;
}): Deliveries {
  const { store, federation, log, failed } = deps;
  const waiting = new Map<string, Delivery>();
  const acknowledged = new Map<string, number>();
  let closed = false;
  const key = (id: ConversationId, domain: Domain) => `${id} ${domain}`;

  async function run(delivery: Delivery, latest: readonly ConversationEvent[] = []): Promise<void> {
    const k = key(delivery.id, delivery.domain);
    delivery.running = true;
    if (delivery.retry) clearTimeout(delivery.retry);
    delivery.retry = null;
    try {
      let rewinds = 0;
      const isNew = latest[0]?.n === 1;
      let have = isNew ? 0 : (acknowledged.get(k) ?? (await store.acknowledged(delivery.id, delivery.domain)));
      let first = isNew ? latest.slice(0, MAX_EVENTS_PER_MESSAGE) : null;
      while (have < delivery.target && !closed) {
        const limit = Math.min(MAX_EVENTS_PER_MESSAGE, delivery.target - have);
        const events = firstPage(first ?? (await store.read(delivery.id, have, limit)));
        first = null;
        const answer = await federation.request(delivery.domain, 'conversation.deliver', {
          conversation: delivery.id,
          events,
        });
        if (answer.have > delivery.target || answer.have === have) {
          throw new ParleyError('history-conflict', 'acknowledges events it was not sent');
        }
        // A receiver that lost its copy asks for events again; one that keeps doing so would have us send for ever.
        if (answer.have < have && ++rewinds > MAX_REWINDS)
          throw new ParleyError('history-conflict', 'does not advance');
        have = answer.have;
        acknowledged.set(k, have);
        await store.acknowledge(delivery.id, delivery.domain, have);
      }
      delivery.running = false;
      waiting.delete(k);
      acknowledged.delete(k);
    } catch (error) {
      delivery.running = false;
      if (closed) return;
      const { code } = asParleyError(error);
      log.warn({ conversation: delivery.id, domain: delivery.domain, code }, 'events could not be delivered');
      failed(delivery.id, delivery.domain, code);
      delivery.retry = setTimeout(() => void run(delivery), delivery.retryMs).unref();
      delivery.retryMs = Math.min(delivery.retryMs * 2, RETRY_LAST_MS);
    }
  }

  function push(id: ConversationId, domain: Domain, n: number, latest: readonly ConversationEvent[]): void {
    if (closed) return;
    const k = key(id, domain);
    const delivery = waiting.get(k);
    if (delivery) {
      delivery.target = Math.max(delivery.target, n);
      if (!delivery.running) void run(delivery);
      return;
    }
    if (waiting.size >= MAX_WAITING) {
      log.error({ domain }, 'too many conversations wait for other providers; the rest is sent after the next start');
      return;
    }
    const fresh: Delivery = { id, domain, target: n, running: false, retryMs: RETRY_FIRST_MS, retry: null };
    waiting.set(k, fresh);
    void run(fresh, latest);
  }

  federation.on('up', ({ domain }) => {
    for (const delivery of waiting.values()) if (delivery.domain === domain && !delivery.running) void run(delivery);
  });

  return {
    push,
    async resume() {
      for (const { id, domain, last } of await store.undelivered()) push(id, domain, last, []);
    },
    close() {
      closed = true;
      for (const delivery of waiting.values()) if (delivery.retry) clearTimeout(delivery.retry);
      waiting.clear();
    },
  };
}
