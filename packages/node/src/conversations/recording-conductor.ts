// Carries out at the focus what a conversation says of its recording: begins it once all have agreed, in a room that can
// record, and ends it. Says to the conversation what came of it.
import {
  type Address,
  activeCall,
  asParleyError,
  type ConversationId,
  type ConversationState,
  currentRecording,
  type FocusRoom,
} from '@parley/protocol';
import type { ConferenceRooms } from './api.ts';
import type { RecordingReport } from './recording-decisions.ts';

/** What is to be done now; null: nothing, or to wait for a transfer. */
type Task = { readonly recording: number; readonly by: Address; readonly focus: FocusRoom | null };

function taskOf(state: ConversationState): Task | null {
  const call = activeCall(state);
  const recording = currentRecording(state.recordings);
  if (!call || call.transfer || recording?.state !== 'agreed') return null;
  return { recording: recording.n, by: recording.by, focus: call.path.focus };
}

export interface RecordingConductor {
  /** Events have been stored. Returns without waiting. */
  changed(before: ConversationState, after: ConversationState): void;
}

export function createRecordingConductor(deps: {
  rooms: ConferenceRooms;
  execute: (id: ConversationId, by: Address, command: RecordingReport) => Promise<void>;
  failed: (id: ConversationId, error: unknown) => void;
}): RecordingConductor {
  const { rooms, execute, failed } = deps;

  async function begin(id: ConversationId, { recording, by, focus }: Task): Promise<void> {
    if (!focus) return execute(id, by, { type: 'recording-needs-room', recording });
    try {
      await rooms.record(focus, recording, true);
    } catch (error) {
      const { code } = asParleyError(error);
      if (code === 'not-available') return execute(id, by, { type: 'recording-needs-room', recording });
      return execute(id, by, { type: 'recording-failed', recording, code });
    }
    return execute(id, by, { type: 'recording-running', recording, focus });
  }

  return {
    changed(before, after) {
      const [was, is] = [taskOf(before), taskOf(after)];
      if (is && (was?.recording !== is.recording || was.focus?.room !== is.focus?.room)) {
        begin(after.id, is).catch((error: unknown) => failed(after.id, error));
      }
      const over = currentRecording(before.recordings);
      const focus = over?.focus ?? was?.focus;
      if (!over || !focus || currentRecording(after.recordings)?.n === over.n) return;
      rooms.record(focus, over.n, false).catch((error: unknown) => failed(after.id, error));
    },
  };
}
