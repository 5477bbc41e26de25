// The conversations this node holds, hosted or copied, as folded states: the active ones in memory, others read again
// from the store when asked for.
import {
  activeCall,
  type ConversationEvent,
  type ConversationId,
  type ConversationState,
  type Domain,
  emptyConversation,
  reduceAll,
} from '@parley/protocol';
import type { EventStore } from './event-store.ts';

const MAX_IDLE = 256;
const PAGE = 500;

export interface Histories {
  /** The present state; null if this node has never heard of it. */
  get(id: ConversationId): Promise<ConversationState | null>;
  /** Stores events, to be brought to `owedTo`, and keeps `after`, the state they lead to. Throws `history-conflict`; nothing is changed then. */
  append(
    id: ConversationId,
    events: readonly ConversationEvent[],
    after: ConversationState,
    role: 'host' | 'copy',
    owedTo?: readonly Domain[],
  ): Promise<void>;
  active(): Iterable<ConversationState>;
}

export function createHistories(store: EventStore): Histories {
  const running = new Map<ConversationId, ConversationState>();
  const idle = new Map<ConversationId, ConversationState>();

  function keep(state: ConversationState): void {
    running.delete(state.id);
    idle.delete(state.id);
    if (activeCall(state)) running.set(state.id, state);
    else {
      idle.set(state.id, state);
      const oldest = idle.size > MAX_IDLE ? idle.keys().next() : null;
      if (oldest && !oldest.done) idle.delete(oldest.value);
    }
  }

  async function load(id: ConversationId): Promise<ConversationState | null> {
    let state = emptyConversation(id);
    for (;;) {
      const events = await store.read(id, state.n, PAGE);
      state = reduceAll(state, events);
      if (events.length < PAGE) break;
    }
    if (state.n === 0) return null;
    keep(state);
    return state;
  }

  return {
    async get(id) {
      return running.get(id) ?? idle.get(id) ?? (await load(id));
    },
    async append(id, events, after, role, owedTo) {
      try {
        await store.append(id, events, role, activeCall(after) !== null, owedTo);
      } catch (error) {
        // Another process may have appended: what is in memory is no longer the truth.
        running.delete(id);
        idle.delete(id);
        throw error;
      }
      keep(after);
    },
    active: () => running.values(),
  };
}
