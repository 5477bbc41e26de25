// Who waits to be let in, and until when somebody has to have proven who they are: what follows from
// the state for everybody alike. Pure.
import type { ConversationState, Participant } from './conversation.ts';

/** Guests who wait to be let in, the longest waiting first. */
export function knockingParticipants(state: ConversationState): Participant[] {
  return [...state.participants.values()].filter((p) => p.state === 'knocking');
}

/**
 * When somebody has to have proven who they are, by the host's clock in milliseconds since 1970; null while nobody asks. Who
 * comes later has as long as those who were there (R68).
 */
export function identifyBy({ call }: ConversationState, participant: Participant): number | null {
  if (!call?.raised || call.ended !== null || participant.state !== 'joined') return null;
  return Math.max(call.raised.at, participant.sinceAt) + call.raised.seconds * 1000;
}

/** A guest of whom the host knows that they are not verified, since they have signed in nowhere. */
export function isUnidentified({ person, identified }: Participant): boolean {
  return person.guest === true && !identified;
}
