// How fast a node can read what devices send, and fold what happens in a conversation.
import { performance } from 'node:perf_hooks';
import {
  type ConversationEvent,
  deviceMethods,
  emptyConversation,
  eventSchema,
  parseFrame,
  parseWith,
  reduceAll,
} from '@parley/protocol';

const SECONDS = 1;

/** Runs `work` for a second and gives how often it ran per second. */
function perSecond(work: () => void): number {
  const end = performance.now() + SECONDS * 1000;
  let count = 0;
  while (performance.now() < end) {
    work();
    count += 1;
  }
  return Math.round(count / SECONDS);
}

export function measureProtocol(): Record<string, number> {
  const conversation = `${'c'.repeat(22)}@enterprise1.example`;
  const frame = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'conversation.send',
    params: { conversation, text: 'Shall we begin at ten?' },
  });
  const events = Array.from({ length: 100 }, (_, i): ConversationEvent => {
    const body =
      i === 0
        ? { type: 'created', by: { address: 'alice@enterprise1.example', name: 'Alice', company: 'Enterprise 1' } }
        : { type: 'message', by: 'alice@enterprise1.example', text: `message ${i}` };
    return eventSchema.parse({ conversation, n: i + 1, at: i, body });
  });
  const id = events[0]?.conversation;
  if (id === undefined) throw new Error('there are no events to fold');
  return {
    requestsReadPerSecond: perSecond(() => {
      const message = parseFrame(frame);
      if (message.kind === 'request') parseWith(deviceMethods['conversation.send'].params, message.params);
    }),
    historiesOf100EventsFoldedPerSecond: perSecond(() => void reduceAll(emptyConversation(id), events)),
  };
}
