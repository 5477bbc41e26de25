// The participants' provider's side: keeps a copy of conversations hosted elsewhere, for its own people, exactly as the
// host numbers them. What arrives is checked by the same reducer; anything out of order is asked for again.
import {
  activeCall,
  type ConversationEvent,
  type ConversationId,
  type ConversationState,
  type Domain,
  domainOf,
  emptyConversation,
  hostOf,
  ParleyError,
  reduce,
} from '@parley/protocol';
import type { Histories } from './histories.ts';
import type { Publish } from './host.ts';
import type { createSerialQueues } from './queue.ts';

/**
 * Takes in events from the host. Returns the last number now held; below the first event's number if events before it
 * are missing here. Errors: `not-allowed` from anybody but the host, or if none of our people take part.
 */
export async function receiveEvents(
  deps: { domain: Domain; histories: Histories; queues: ReturnType<typeof createSerialQueues>; publish: Publish },
  from: Domain,
  id: ConversationId,
  events: readonly ConversationEvent[],
): Promise<number> {
  const { domain, histories, queues, publish } = deps;
  if (hostOf(id) !== from) throw new ParleyError('not-allowed', 'only the host numbers events');
  return queues.run(id, async () => {
    const before = (await histories.get(id)) ?? emptyConversation(id);
    const { after, fresh } = follow(before, events);
    if (fresh.length === 0) return before.n;
    if (![...after.participants.keys()].some((address) => domainOf(address) === domain)) {
      throw new ParleyError('not-allowed', 'nobody of this provider takes part');
    }
    await histories.append(id, fresh, after, 'copy');
    publish(before, after, fresh);
    return after.n;
  });
}

/** The events that continue the state, and where they lead; repetitions are passed over, a gap ends it. */
export function follow(
  before: ConversationState,
  events: readonly ConversationEvent[],
): { after: ConversationState; fresh: ConversationEvent[] } {
  const fresh: ConversationEvent[] = [];
  let after = before;
  for (const event of events) {
    const next = reduce(after, event);
    if (next.n === after.n) continue;
    fresh.push(event);
    after = next;
  }
  return { after, fresh };
}

/**
 * Whether this provider lends a room to the host of a conversation: the conversation is the host's, its call goes on, and
 * somebody of ours is in it. To itself a provider lends for whatever it hosts, also before the call has begun.
 */
export function mayLendRoom(
  state: ConversationState | null,
  id: ConversationId,
  host: Domain,
  domain: Domain,
): boolean {
  if (hostOf(id) !== host) return false;
  if (host === domain) return true;
  if (!state || !activeCall(state)) return false;
  return [...state.participants.values()].some((p) => domainOf(p.person.address) === domain && p.state === 'joined');
}
