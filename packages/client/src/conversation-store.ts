// One conversation as this device knows it: folds the host's events, and asks for what is missing between them.
import {
  asParleyError,
  type ConversationEvent,
  type ConversationId,
  type ConversationState,
  emptyConversation,
  type History,
  reduce,
} from '@parley/protocol';
import type { Readable } from './api.ts';
import { createStore } from './readable.ts';

export interface Change {
  readonly event: ConversationEvent;
  readonly before: ConversationState;
  readonly after: ConversationState;
  /** Just told, not read from history: its time is now. */
  readonly live: boolean;
}

export interface ConversationStore extends Readable<ConversationState> {
  /** `more`: the host has told us only the beginning. */
  take(events: readonly ConversationEvent[], live: boolean, more?: boolean): void;
  /** Called for each event in turn, before the listeners of the new state. */
  onEvent(listener: (change: Change) => void): () => void;
}

/** More gaps than this in a row, each closed only for another to open, are a node that cannot count. */
const MAX_FILLS = 50;

/** @param ask requests `conversation.events` after a number */
export function createConversationStore(
  id: ConversationId,
  ask: (after: number) => Promise<History>,
): ConversationStore {
  const state = createStore(emptyConversation(id));
  const listeners = new Set<(change: Change) => void>();
  let filling = false;
  let highest = 0;

  function fold(events: readonly ConversationEvent[], live: boolean): void {
    let current = state.get();
    for (const event of events) {
      if (event.conversation !== id) continue;
      highest = Math.max(highest, event.n);
      const before = current;
      const after = reduce(before, event);
      if (after === before) continue;
      current = after;
      for (const listener of [...listeners]) listener({ event, before, after, live });
    }
    state.set(current);
  }

  async function fill(): Promise<void> {
    if (filling) return;
    filling = true;
    try {
      for (let round = 0; round < MAX_FILLS; round += 1) {
        const { n } = state.get();
        const history = await ask(n);
        fold(history.events, false);
        if ((history.complete && state.get().n >= highest) || state.get().n === n) return;
      }
    } catch (error) {
      // What cannot be asked for now is asked for again when the next event shows the gap.
      if (!asParleyError(error).retry) highest = state.get().n;
    } finally {
      filling = false;
    }
  }

  return {
    ...state,
    take(events, live, more = false) {
      fold(events, live);
      if (more || state.get().n < highest) void fill();
    },
    onEvent(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
