// Who is told of events, as pure functions: people take part, or did until these events.
import {
  type Address,
  activeCall,
  type ConversationState,
  type DeviceId,
  type Domain,
  domainOf,
  type FocusRoom,
  isRinging,
  joinedParticipants,
  type Participant,
} from '@parley/protocol';

export function takesPart(participant: Participant | undefined): boolean {
  return participant !== undefined && (participant.state === 'joined' || isRinging(participant));
}

/**
 * Everybody who is to learn of the events between two states: those who take part before or after them, and, once the
 * call is over, those who were in it (chat goes on among them).
 */
export function audience(before: ConversationState, after: ConversationState): Address[] {
  const over = activeCall(after) === null;
  return [...after.participants.values()]
    .filter((p) => takesPart(p) || takesPart(before.participants.get(p.person.address)) || (over && p.state === 'left'))
    .map((p) => p.person.address);
}

/** Who has just begun to take part and knows nothing of the earlier events. */
export function newcomers(before: ConversationState, after: ConversationState): Address[] {
  return [...after.participants.values()]
    .filter((p) => takesPart(p) && !takesPart(before.participants.get(p.person.address)))
    .map((p) => p.person.address);
}

/** People newly invited by these events, who must now be looked for; not whoever is away to sign in and comes back. */
export function newlyInvited(before: ConversationState, after: ConversationState): Address[] {
  return [...after.participants.values()]
    .filter((p) => {
      const earlier = before.participants.get(p.person.address);
      return p.state === 'invited' && earlier?.since !== p.since && earlier?.state !== 'joined';
    })
    .map((p) => p.person.address);
}

export function domainsOf(addresses: readonly Address[], except: Domain): Domain[] {
  return [...new Set(addresses.map(domainOf))].filter((domain) => domain !== except);
}

/** Conference rooms that the call used before and does not use after. */
export function abandonedRooms(before: ConversationState, after: ConversationState): FocusRoom[] {
  const kept = new Set(roomsOf(after).map((focus) => focus.room));
  return roomsOf(before).filter((focus) => !kept.has(focus.room));
}

/** The room the call runs in and the one it is on its way to, where there are any. */
function roomsOf(state: ConversationState): FocusRoom[] {
  const call = activeCall(state);
  return [call?.path.focus, call?.transfer?.focus].filter((focus) => focus != null);
}

/** Devices that take part no more, with each room of the call they may still be in. */
export function departures(
  before: ConversationState,
  after: ConversationState,
): { focus: FocusRoom; address: Address; device: DeviceId }[] {
  const gone = joinedParticipants(before).flatMap(({ person: { address }, device }) =>
    device !== null && after.participants.get(address)?.device !== device ? [{ address, device }] : [],
  );
  return roomsOf(after).flatMap((focus) => gone.map((who) => ({ focus, ...who })));
}

/** Whether the call runs in this room or is on its way there: others may have reserved the same one for the same attempt. */
export function usesRoom(state: ConversationState, room: string): boolean {
  const call = activeCall(state);
  return call?.path.focus?.room === room || call?.transfer?.focus?.room === room;
}
