// What the state says of a call's paths: whether the direct one still has both its ends, and who must still switch. Pure.
import { type ConversationState, joinedParticipants, type Participant } from './conversation.ts';

/** Both ends of the direct path in use are still there, in the call or being rung to it. */
export function directPathIntact(state: ConversationState): boolean {
  const path = state.call?.path;
  return path?.kind === 'direct' && path.between.length === 2;
}

/**
 * Who must still switch to the path being set up: everybody who was in the call when the transfer started, is still in
 * it, and has not reported ready. Later joiners have no old path to leave, so nobody waits for them.
 */
export function awaitedForTransfer(state: ConversationState): Participant[] {
  const transfer = state.call?.transfer;
  if (!transfer) return [];
  return joinedParticipants(state).filter((p) => p.since < transfer.startedN && p.readyEpoch < transfer.epoch);
}
