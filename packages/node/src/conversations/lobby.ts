// What guests of this node are told who are not, or not any more, part of a call: that they are not let in, and that their
// session has no use any longer. Nothing else of the conversation reaches whoever waits.
import {
  type Address,
  activeCall,
  type ConversationEvent,
  type ConversationId,
  type ConversationState,
  type Domain,
  domainOf,
  type NotificationParams,
} from '@parley/protocol';
import type { Devices } from '../signalling/api.ts';

export interface Gone {
  readonly address: Address;
  /** Told to whoever waited; null for somebody who was in the call. */
  readonly outcome: NotificationParams<'call.lobby'>['outcome'] | null;
}

/** Who has no more business here after these events: not let in, taken out, or left behind by the call's end. Pure. */
export function goneBy(
  before: ConversationState,
  after: ConversationState,
  events: readonly ConversationEvent[],
): Gone[] {
  const over = activeCall(before) !== null && activeCall(after) === null;
  const gone: Gone[] = [];
  for (const { person, state } of before.participants.values()) {
    const { address } = person;
    if (state === 'knocking' && !after.participants.has(address)) {
      const said = events.find(({ body }) => body.type === 'invitation-ended' && body.address === address)?.body;
      const refused = said?.type === 'invitation-ended' && said.outcome === 'refused';
      gone.push({ address, outcome: refused ? 'refused' : said ? 'no-answer' : 'call-ended' });
    } else if (person.guest && (over || takenOut(events, address))) gone.push({ address, outcome: null });
  }
  return gone;
}

const takenOut = (events: readonly ConversationEvent[], address: Address) =>
  events.some(
    ({ body }) =>
      body.type === 'left' && body.address === address && (body.reason === 'removed' || body.reason === 'untrusted'),
  );

/** Tells those of `domain`; `released` hears of each guest who is gone, and of each call that is over. */
export function tellLobby(
  deps: { domain: Domain; devices: Devices; released: (id: ConversationId, address: Address | null) => void },
  before: ConversationState,
  after: ConversationState,
  events: readonly ConversationEvent[],
): void {
  const { domain, devices, released } = deps;
  for (const { address, outcome } of goneBy(before, after, events)) {
    if (domainOf(address) !== domain) continue;
    if (outcome) devices.tellPerson(address, 'call.lobby', { conversation: after.id, outcome });
    released(after.id, address);
  }
  if (activeCall(before) && !activeCall(after)) released(after.id, null);
}
