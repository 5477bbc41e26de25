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
  /** The node tells nothing more of this one. */
  withdraw(id: ConversationId): void;
  /** Every conversation kept, oldest first. */
  all(): readonly ConversationStore[];
  /** Starts afresh from what hello said. */
  reset(histories: readonly History[]): void;
  /** Keeps a conversation although its call is over, until it is released. */
  hold(id: ConversationId): () => void;
  /** Nothing is beginning any more: forgets what was kept for that. */
  begun(): void;
}

const MAX_CONVERSATIONS = 64;

export interface ConversationsOptions {
  readonly me: Address;
  readonly request: Request;
  /** After every change of any of them. */
  changed(): void;
  /** Whether this device has asked for a call and does not know yet which conversation it is. */
  beginning(): boolean;
}

export function createConversations(options: ConversationsOptions): Conversations {
  const { me, request, changed, beginning } = options;
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
    // What is told of the call may come before the answer that names it, even that it is over: that must not be lost.
    if (!beginning()) for (const [id, { store }] of stores) if (!held.has(id) && !concerns(store)) forget(id);
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
    withdraw(id) {
      if (held.has(id) || !stores.has(id)) return;
      forget(id);
      changed();
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
    begun: prune,
    hold(id) {
      held.add(id);
      return () => {
        held.delete(id);
        prune();
      };
    },
  };
}
