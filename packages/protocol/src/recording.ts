// Recordings of a call, as the reducer keeps them: who asked, who has agreed, whether it runs, and the file (R58). A
// recording belongs to one conference room and ends with it. Pure.
import type { Address } from './address.ts';
import type { ErrorCode } from './errors.ts';
import type { ConversationEvent, FocusRoom, RecordingEnd } from './events.ts';
import { MAX_RECORDINGS } from './limits.ts';

/**
 * `asked`: everybody in the call is asked. `agreed`: all have consented, and it is being started; from here on nobody
 * gets into the conference without having consented. `running`. `ended`: for whatever reason, also before it ran.
 */
export type RecordingState = 'asked' | 'agreed' | 'running' | 'ended';

export interface Recording {
  /** Number of the event by which it was asked for: names the recording within the conversation. */
  readonly n: number;
  readonly by: Address;
  readonly state: RecordingState;
  /** Who consents now; whoever leaves the call is asked anew on coming back. */
  readonly consented: readonly Address[];
  /** Everybody who ever consented: those who can be heard and seen in it, and may have the file. */
  readonly people: readonly Address[];
  /** Times in milliseconds since 1970 by the host's clock. */
  readonly askedAt: number;
  readonly agreedAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Where it is or was made. */
  readonly focus: FocusRoom | null;
  readonly because: RecordingEnd | null;
  /** Who ended it, if a person did. */
  readonly endedBy: Address | null;
  readonly code: ErrorCode | null;
  readonly file: RecordingFile | null;
}

export interface RecordingFile {
  readonly bytes: number;
  readonly milliseconds: number;
  /** When it is deleted. */
  readonly expiresAt: number;
}

/** The recording that is asked for or made; null if there is none. */
export function currentRecording(recordings: readonly Recording[]): Recording | null {
  const last = recordings.at(-1);
  return last && last.state !== 'ended' ? last : null;
}

/** Folds an event in. `joined`: who is in the call before it. */
export function foldRecordings(
  recordings: readonly Recording[],
  { body, n, at }: ConversationEvent,
  joined: (address: Address) => boolean,
): readonly Recording[] {
  const current = currentRecording(recordings);
  const change = (part: Partial<Recording>): readonly Recording[] =>
    current ? [...recordings.slice(0, -1), { ...current, ...part }] : recordings;

  switch (body.type) {
    case 'recording-asked': {
      if (current || !joined(body.by)) return recordings;
      const people = [body.by];
      return [...recordings, { ...blank, n, by: body.by, askedAt: at, consented: people, people }].slice(
        -MAX_RECORDINGS,
      );
    }
    case 'recording-consented': {
      if (!current || !joined(body.address) || current.consented.includes(body.address)) return recordings;
      const people = current.people.includes(body.address) ? current.people : [...current.people, body.address];
      return change({ consented: [...current.consented, body.address], people });
    }
    case 'recording-agreed':
      return current?.state === 'asked' ? change({ state: 'agreed', agreedAt: at }) : recordings;
    case 'recording-started':
      return current?.state === 'agreed' ? change({ state: 'running', startedAt: at, focus: body.focus }) : recordings;
    case 'recording-ended':
      return change({
        state: 'ended',
        endedAt: at,
        because: body.because,
        endedBy: body.by ?? null,
        code: body.code ?? null,
      });
    case 'recording-filed':
      return recordings.map((one) =>
        one.n === body.recording && one.startedAt !== null ? { ...one, file: body.file } : one,
      );
    case 'left':
    case 'identifying':
      return current?.consented.includes(body.address)
        ? change({ consented: current.consented.filter((address) => address !== body.address) })
        : recordings;
    case 'transfer-ended':
      // The room in which it was to be made did not come about.
      return current?.state === 'agreed' && body.outcome !== 'not-needed'
        ? change({ state: 'ended', endedAt: at, because: 'failed', code: body.code ?? 'media-not-connected' })
        : recordings;
    case 'call-ended':
      return change({ state: 'ended', endedAt: at, because: 'call-ended' });
    default:
      return recordings;
  }
}

const blank = {
  state: 'asked',
  agreedAt: null,
  startedAt: null,
  endedAt: null,
  focus: null,
  because: null,
  endedBy: null,
  code: null,
  file: null,
} as const;
