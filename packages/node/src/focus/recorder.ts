// Records conference rooms when the host of the conversation says so: everybody's consent is the host's matter, and it
// is asked again for nothing (R58). A recording ends on the host's word, after its longest time, or with the room.
import type { MediaRoom } from '@parley/media';
import { asParleyError, ParleyError } from '@parley/protocol';
import type { Logger } from 'pino';
import type { RoomReport } from '../conversations/api.ts';
import type { KeptRecording, Recordings } from '../recordings/api.ts';
import type { RoomRecord } from './room.ts';

/** How long an engine may take to begin, and to have the file complete. */
const BEGIN_MS = 10_000;
const END_MS = 30_000;
/** The host is told again until it knows, for some hours. */
const TELL_FIRST_MS = 1000;
const TELL_LAST_MS = 600_000;
const MAX_TELLINGS = 40;

type Recorded = RoomReport & { type: 'recorded' };

export interface Recordable extends RoomRecord {
  readonly media: MediaRoom;
  readonly capabilities: { readonly recording: boolean };
}

export interface Recorder {
  /** Idempotent. Errors: `not-available`, `recording-storage-full`, `out-of-turn` (another one runs), those of the engine. */
  begin(room: Recordable, recording: number): Promise<void>;
  /** Resolves when the file is kept. Idempotent; does nothing for a room that is not recorded. */
  end(room: Recordable, because?: 'limit'): Promise<void>;
  /** The room is gone and what was recorded with it. */
  lost(room: Recordable): void;
  close(): void;
}

export function createRecorder(deps: {
  recordings: Recordings;
  maxMinutes: number;
  tellHost: (room: RoomRecord, what: RoomReport) => Promise<void>;
  log: Logger;
}): Recorder {
  const { recordings, maxMinutes, tellHost, log } = deps;
  const running = new Map<string, { readonly recording: number; readonly limit: NodeJS.Timeout }>();
  /** Beginning and ending in one room come one after the other. */
  const turns = new Map<string, Promise<unknown>>();
  const retries = new Set<NodeJS.Timeout>();

  function inTurn<T>(room: RoomRecord, work: () => Promise<T>): Promise<T> {
    const result = (turns.get(room.id) ?? Promise.resolve()).then(work, work);
    const settled = result.catch(() => undefined);
    turns.set(room.id, settled);
    void settled.then(() => {
      if (turns.get(room.id) === settled) turns.delete(room.id);
    });
    return result;
  }

  function begin(room: Recordable, recording: number): Promise<void> {
    return inTurn(room, async () => {
      const present = running.get(room.id);
      if (present?.recording === recording) return;
      if (present) throw new ParleyError('out-of-turn', 'another recording runs');
      if (!room.capabilities.recording) throw new ParleyError('not-available', 'this engine does not record');
      await recordings.requireSpace();
      await within(BEGIN_MS, room.media.startRecording());
      const limit = setTimeout(() => void end(room, 'limit'), maxMinutes * 60_000).unref();
      running.set(room.id, { recording, limit });
      log.info({ room: room.id, conversation: room.conversation, recording }, 'a recording has begun');
    });
  }

  function forget(room: RoomRecord): number | null {
    const one = running.get(room.id);
    if (!one) return null;
    clearTimeout(one.limit);
    running.delete(room.id);
    return one.recording;
  }

  function end(room: Recordable, because?: 'limit'): Promise<void> {
    return inTurn(room, async () => {
      const recording = forget(room);
      if (recording === null) return;
      const which = { conversation: room.conversation, recording, room: room.id };
      let report: Recorded = { type: 'recorded', recording, ...(because ? { because } : {}) };
      try {
        const file = await recordings.keep(which, await within(END_MS, room.media.stopRecording()));
        if (file) report = { ...report, file };
        log.info({ ...which, bytes: file?.bytes ?? 0 }, 'a recording has ended');
      } catch (error) {
        log.error({ ...which, code: asParleyError(error).code, err: error }, 'a recording could not be kept');
        report = { type: 'recorded', recording, because: because ?? 'failed' };
      }
      tell(room, which, report, 0);
    });
  }

  /** Not waited for: the host may be away. */
  function tell(room: RoomRecord, which: KeptRecording, report: Recorded, before: number): void {
    tellHost(room, report).catch((error: unknown) => {
      const { code } = asParleyError(error);
      if (code === 'recording-gone') {
        recordings.discard(which).catch((failure: unknown) => log.error({ ...which, err: failure }, 'not discarded'));
        return;
      }
      if (before >= MAX_TELLINGS) {
        log.error({ ...which, code }, 'the host of a conversation never learnt of its recording');
        return;
      }
      const timer = setTimeout(
        () => {
          retries.delete(timer);
          tell(room, which, report, before + 1);
        },
        Math.min(TELL_FIRST_MS * 2 ** before, TELL_LAST_MS),
      ).unref();
      retries.add(timer);
    });
  }

  return {
    begin,
    end,
    lost(room) {
      const recording = forget(room);
      if (recording === null) return;
      const which = { conversation: room.conversation, recording, room: room.id };
      tell(room, which, { type: 'recorded', recording, because: 'failed' }, 0);
    },
    close() {
      for (const { limit } of running.values()) clearTimeout(limit);
      for (const timer of retries) clearTimeout(timer);
      running.clear();
      retries.clear();
    },
  };
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new ParleyError('timed-out', 'the media engine')), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
