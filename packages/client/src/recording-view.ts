// What an app shows of a recording, made from the conversation's state. Pure.
import { type Address, awaitedForRecording, type ConversationState, currentRecording } from '@parley/protocol';
import type { RecordingView } from './api.ts';

/** Null while none is asked for or made. */
export function recordingView(state: ConversationState, me: Address): RecordingView | null {
  const recording = currentRecording(state.recordings);
  const by = recording && state.participants.get(recording.by)?.person;
  if (!recording || !by) return null;
  return {
    state: recording.state === 'running' ? 'running' : recording.state === 'agreed' ? 'starting' : 'asked',
    by,
    consented: recording.consented.includes(me),
    awaited: awaitedForRecording(state).map(({ person }) => person),
  };
}
