// The recording of a room: a RecorderEndpoint that is fed the mix and writes a WebM file on the server's machine.
import { randomBytes } from 'node:crypto';
import { ParleyError } from '@parley/protocol';
import type { Recording } from '../engine.ts';
import type { EngineLog } from './connection.ts';
import { textOf } from './messages.ts';
import type { Objects } from './objects.ts';

/** The server writes out what it holds before it answers `stopAndWait`. */
const STOP_MS = 15_000;

interface Recorder {
  readonly object: string;
  since: number;
  /** What the server has said of it, if it could not write. */
  failure: string | null;
}

export interface RecordingEvents {
  /** Feeds this object the mix; resolves when the server does. Throws if it cannot. */
  feed(object: string): Promise<void>;
  /** The recorder is gone, or going. */
  unfeed(): void;
}

export interface RoomRecording {
  /** The mix is needed for it. */
  isOn(): boolean;
  /** Throws `out-of-turn`, `not-available`. */
  start(): Promise<void>;
  /** Throws `out-of-turn`; `internal-error` if the file could not be written. */
  stop(): Promise<Recording>;
  /** Completes the file, if there is one. Never throws. */
  close(): Promise<void>;
}

/** `folder`: a `file:` URL that ends with a slash, on the server's machine (which makes it); null: cannot be recorded. */
export function createRecording(
  objects: Objects,
  pipeline: string,
  folder: string | null,
  room: string,
  log: EngineLog,
  events: RecordingEvents,
): RoomRecording {
  let state: 'none' | 'starting' | 'running' | 'stopping' = 'none';
  let recorder: Recorder | null = null;
  let url = '';
  let stopping: Promise<Recording> | null = null;

  async function createRecorder(): Promise<Recorder> {
    const stamp = new Date().toISOString().replace(/[:.]/g, '-');
    const mark = randomBytes(6).toString('hex');
    url = new URL(`${stamp}-${room.replace(/[^\w-]/g, '_').slice(0, 64)}-${mark}.webm`, folder ?? undefined).href;
    const object = await objects.create('RecorderEndpoint', {
      mediaPipeline: pipeline,
      uri: url,
      mediaProfile: 'WEBM',
    });
    const made: Recorder = { object, since: 0, failure: null };
    recorder = made;
    await objects.subscribe(object, 'Error', (data) => {
      made.failure ??= textOf(data, 'type') || 'unknown';
      log.warn({ room, failure: made.failure }, 'Kurento could not write a recording');
    });
    return made;
  }

  async function release(): Promise<void> {
    const ending = recorder;
    recorder = null;
    if (!ending) return;
    events.unfeed();
    await objects.release(ending.object);
  }

  async function finish(): Promise<Recording> {
    const ending = recorder;
    if (!ending) throw new ParleyError('internal-error', 'the recorder is gone');
    const milliseconds = Math.round(performance.now() - ending.since);
    try {
      await objects.invoke(ending.object, 'stopAndWait', {}, STOP_MS);
    } finally {
      await release();
    }
    if (ending.failure !== null) throw new ParleyError('internal-error', `the file was not written: ${ending.failure}`);
    return { url, milliseconds };
  }

  return {
    isOn: () => recorder !== null,
    async start() {
      if (folder === null) throw new ParleyError('not-available', 'this engine does not record');
      if (state !== 'none') throw new ParleyError('out-of-turn', 'the room is recorded already');
      state = 'starting';
      try {
        const made = await createRecorder();
        await events.feed(made.object);
        await objects.invoke(made.object, 'record');
        if (made.failure !== null) throw new Error(made.failure);
        made.since = performance.now();
        state = 'running';
      } catch (error) {
        await release();
        state = 'none';
        throw error instanceof ParleyError ? error : new ParleyError('not-available', String(error), { cause: error });
      }
    },
    async stop() {
      if (state !== 'running') throw new ParleyError('out-of-turn', 'nothing is recorded');
      state = 'stopping';
      stopping = finish();
      try {
        return await stopping;
      } finally {
        stopping = null;
        state = 'none';
      }
    },
    async close() {
      const ending = stopping ?? (state === 'running' ? finish() : null);
      await ending?.catch((error: unknown) => log.warn({ room, err: error }, 'a recording was cut off'));
    },
  };
}
