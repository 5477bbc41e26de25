// All conversations this device knows of. Only those with a call that concerns this person are kept.
import {
  type Address,
  activeCall,
  type ConversationId,
  type History,
  isRinging,
  type NotificationParams,
} from '@parley/protocol';
import { type ConversationStore, createConversationStore } from './conversation-store.ts';
import type { Request } from './socket.ts';

export interface Conversations {
  get(id: ConversationId): ConversationStore | undefined;
  /** A history that a request or hello brought. */
  learn(history: History): ConversationStore;
  told(params: NotificationParams<'conversation.events'>): void;
  /** Every conversation kept, oldest first. */
  all(): readonly ConversationStore[];
  /** Starts afresh from what hello said. */
  reset(histories: readonly History[]): void;
  /** Keeps a conversation although its call is over, until it is released. */
  hold(id: ConversationId): () => void;
}

const MAX_CONVERSATIONS = 64;

/** @param changed after every change of any of them */
export function createConversations(options: { me: Address; request: Request; changed: () => void }): Conversations {
  const { me, request, changed } = options;
  const stores = new Map<ConversationId, { store: ConversationStore; stop: () => void }>();
  const held = new Set<ConversationId>();

  function concerns(store: ConversationStore): boolean {
    const state = store.get();
    const self = state.participants.get(me);
    // Not known yet: its events are being asked for.
    if (state.n === 0) return true;
    return activeCall(state) !== null && self !== undefined && (self.state === 'joined' || isRinging(self));
  }

  function forget(id: ConversationId): void {
    stores.get(id)?.stop();
    stores.delete(id);
  }

  function prune(): void {
    for (const [id, { store }] of stores) if (!held.has(id) && !concerns(store)) forget(id);
    for (const id of stores.keys()) {
      if (stores.size <= MAX_CONVERSATIONS) break;
      if (!held.has(id)) forget(id);
    }
  }

  function open(id: ConversationId): ConversationStore {
    const known = stores.get(id);
    if (known) return known.store;
    const store = createConversationStore(id, (after) => request('conversation.events', { conversation: id, after }));
    stores.set(id, { store, stop: store.subscribe(() => changed()) });
    return store;
  }

  function learn(history: History): ConversationStore {
    const store = open(history.conversation);
    store.take(history.events, false, !history.complete);
    return store;
  }

  return {
    get: (id) => stores.get(id)?.store,
    learn(history) {
      const store = learn(history);
      prune();
      return store;
    },
    told({ conversation, events }) {
      open(conversation).take(events, true);
      prune();
    },
    all: () => [...stores.values()].map(({ store }) => store),
    reset(histories) {
      // Those that go on are kept as they are: a call that rings has a path that was begun with its only offer.
      const going = new Set(histories.map((history) => history.conversation));
      for (const id of [...stores.keys()]) if (!held.has(id) && !going.has(id)) forget(id);
      for (const history of histories) learn(history);
      prune();
      changed();
    },
    hold(id) {
      held.add(id);
      return () => {
        held.delete(id);
        prune();
      };
    },
  };
}
