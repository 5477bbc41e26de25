// What a person may do about a recording of the call (R58), as the SDK offers it.
import { type ConversationState, currentRecording, ParleyError } from '@parley/protocol';
import type { Call } from './api.ts';
import type { ConferencePath } from './conference-path.ts';
import type { Path } from './path.ts';
import type { Request } from './socket.ts';

const COMMAND_MS = 20_000;

export function recordingVerbs(
  state: () => ConversationState,
  request: Request,
): Pick<Call, 'record' | 'consentToRecording' | 'stopRecording'> {
  const { id: conversation } = state();

  /** The recording that is asked for or runs. Throws `out-of-turn` without one. */
  function current() {
    const recording = currentRecording(state().recordings);
    if (!recording) throw new ParleyError('out-of-turn', 'there is no recording');
    return { conversation, recording: recording.n };
  }

  return {
    async record() {
      await request('call.record', { conversation }, COMMAND_MS);
    },
    async consentToRecording() {
      await request('call.consent', current(), COMMAND_MS);
    },
    async stopRecording() {
      await request('call.stopRecording', current(), COMMAND_MS);
    },
  };
}

/** In a conference its service says what it can do; before, the own node's is the likely one. */
export function canRecord(paths: readonly Path[], ownNode: { readonly recording: boolean }): boolean {
  const conference = paths.findLast((path): path is ConferencePath => path.kind === 'conference');
  return (conference?.offers() ?? ownNode).recording;
}
