// Sends signals of a path that is set up before its conversation has an id: until the node has named it, they wait.
import type { ConversationId, Endpoint, Signal } from '@parley/protocol';
import type { Request } from './socket.ts';

export interface SignalSender {
  send(to: Endpoint, signal: Signal): void;
  bind(conversation: ConversationId): void;
}

const MAX_WAITING = 32;

export function createSignalSender(request: Request): SignalSender {
  let conversation: ConversationId | null = null;
  let waiting: { to: Endpoint; signal: Signal }[] = [];
  // A lost signal shows as a path that does not connect, and that has its own remedies.
  const put = (id: ConversationId, to: Endpoint, signal: Signal) =>
    void request('call.signal', { conversation: id, to, signal }).catch(() => undefined);

  return {
    send(to, signal) {
      if (conversation) put(conversation, to, signal);
      else waiting = [...waiting, { to, signal }].slice(0, MAX_WAITING);
    },
    bind(id) {
      conversation = id;
      for (const { to, signal } of waiting) put(id, to, signal);
      waiting = [];
    },
  };
}
