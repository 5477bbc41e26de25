// The host's rules of recording (R58), as pure functions: what becomes of a wish, of a yes and of a no, and what follows
// by itself. Nothing is recorded before all who are in the call have agreed, and anybody may end it.
import {
  type Address,
  awaitedForRecording,
  type Call,
  type ConversationState,
  currentRecording,
  type ErrorCode,
  type EventBody,
  type FocusRoom,
  ParleyError,
  type Participant,
  type RecordingFile,
} from '@parley/protocol';
import type { Deadline, Patience } from './deadlines.ts';

/** What people in the call may bring about. */
export type RecordingWish =
  | { type: 'record' }
  | { type: 'consent'; recording: number }
  | { type: 'stop-recording'; recording: number };

/** What the host itself and the focus find out. */
export type RecordingReport =
  | { type: 'recording-running'; recording: number; focus: FocusRoom }
  | { type: 'recording-failed'; recording: number; code: ErrorCode }
  | { type: 'recording-needs-room'; recording: number }
  | { type: 'recorded'; recording: number; because?: 'limit' | 'failed' | undefined; file?: RecordingFile | undefined };

export type RecordingCommand = RecordingWish | RecordingReport;

const types: ReadonlySet<string> = new Set<RecordingCommand['type']>([
  'record',
  'consent',
  'stop-recording',
  'recording-running',
  'recording-failed',
  'recording-needs-room',
  'recorded',
]);
export function isRecordingCommand<C extends { type: string }>(command: C): command is Extract<C, RecordingCommand> {
  return types.has(command.type);
}

type Result = { events: EventBody[] } | { needsFocus: true; needs: { recording: true }; otherwise: EventBody[] };

/**
 * Decides on a command about a recording.
 * @param focus a room that can record, once `needsFocus` was answered
 * @throws ParleyError `not-in-call`, `call-ended`, `out-of-turn` (another one is asked for or runs), `servers-forbidden`
 */
export function decideRecording(
  state: ConversationState,
  call: Call | null,
  self: Participant,
  command: RecordingCommand,
  focus: FocusRoom | null,
): Result {
  const { address } = self.person;
  const current = currentRecording(state.recordings);
  if (command.type === 'recorded') return { events: recorded(state, command) };
  if (!call) throw new ParleyError('call-ended');
  if (command.type === 'record') {
    if (self.state !== 'joined') throw new ParleyError('not-in-call');
    if (current) throw new ParleyError('out-of-turn', 'there is a recording already');
    if (call.policy === 'direct-only') throw new ParleyError('servers-forbidden');
    return { events: [{ type: 'recording-asked', by: address }] };
  }
  // Of a recording that is over by now: whatever was wanted of it has no meaning any more.
  if (current?.n !== command.recording) return { events: [] };
  const failed = (code: ErrorCode): EventBody => ({ type: 'recording-ended', because: 'failed', code });
  switch (command.type) {
    case 'consent':
      if (self.state !== 'joined') throw new ParleyError('not-in-call');
      return { events: current.consented.includes(address) ? [] : [{ type: 'recording-consented', address }] };
    case 'stop-recording':
      if (self.state !== 'joined') throw new ParleyError('not-in-call');
      return { events: [{ type: 'recording-ended', because: refusalOrStop(current.consented, address), by: address }] };
    case 'recording-running':
      return call.path.focus?.room === command.focus.room
        ? { events: [{ type: 'recording-started', focus: command.focus }] }
        : { events: [] };
    case 'recording-failed':
      return { events: [failed(command.code)] };
    case 'recording-needs-room': {
      // Once the transfer that is under way has ended, it is seen again what is needed.
      if (call.transfer || current.state !== 'agreed') return { events: [] };
      if (!focus) return { needsFocus: true, needs: { recording: true }, otherwise: [failed('not-available')] };
      const because = call.path.kind === 'conference' ? { because: 'room-moved' as const } : {};
      return {
        events: [{ type: 'transfer-started', epoch: call.lastEpoch + 1, to: 'conference', focus, ...because }],
      };
    }
  }
}

function refusalOrStop(consented: readonly Address[], by: Address): 'refused' | 'stopped' {
  return consented.includes(by) ? 'stopped' : 'refused';
}

function recorded(state: ConversationState, { recording: n, because, file }: RecordingReport & { type: 'recorded' }) {
  const recording = state.recordings.find((one) => one.n === n);
  if (!recording || recording.startedAt === null || recording.file) return [];
  const events: EventBody[] = [];
  if (recording.state !== 'ended') events.push({ type: 'recording-ended', because: because ?? 'failed' });
  if (file) events.push({ type: 'recording-filed', recording: n, file });
  return events;
}

/** What follows at once: all have agreed; or the conference has gone to another room than the one that is recorded. */
export function recordingConsequences(state: ConversationState, call: Call): EventBody[] {
  const recording = currentRecording(state.recordings);
  if (recording?.state === 'asked' && awaitedForRecording(state).length === 0) return [{ type: 'recording-agreed' }];
  if (recording?.state === 'running' && recording.focus?.room !== call.path.focus?.room) {
    return [{ type: 'recording-ended', because: 'moved' }];
  }
  return [];
}

/** A question that is not answered is no yes; and what does not begin in time has failed. */
export function recordingDeadline(state: ConversationState, patience: Patience): Deadline[] {
  const recording = currentRecording(state.recordings);
  if (recording?.state === 'asked') {
    return [{ at: recording.askedAt + patience.ring, events: [{ type: 'recording-ended', because: 'not-answered' }] }];
  }
  if (recording?.state !== 'agreed' || recording.agreedAt === null) return [];
  const at = recording.agreedAt + 2 * patience.transfer;
  return [{ at, events: [{ type: 'recording-ended', because: 'failed', code: 'timed-out' }] }];
}

/** A call that is recorded, or about to be, needs a conference however few are in it. */
export function keepsConference(state: ConversationState): boolean {
  const recording = currentRecording(state.recordings);
  return recording?.state === 'agreed' || recording?.state === 'running';
}
