// What a conversation's state says of its recording: whom it waits for, and who may come into the conference. Pure.
import type { Address } from './address.ts';
import { type ConversationState, joinedParticipants, type Participant } from './conversation.ts';
import { currentRecording } from './recording.ts';

/** Who is in the call and has not said yes to the recording; empty if there is none. */
export function awaitedForRecording(state: ConversationState): Participant[] {
  const recording = currentRecording(state.recordings);
  if (!recording) return [];
  return joinedParticipants(state).filter((p) => !recording.consented.includes(p.person.address));
}

/** Whoever would be recorded without having agreed is not let into the conference. */
export function mayBeHeard(state: ConversationState, address: Address): boolean {
  const recording = currentRecording(state.recordings);
  if (!recording || recording.state === 'asked') return true;
  return recording.consented.includes(address);
}
