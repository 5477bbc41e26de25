// The files of recordings made here: taken over from the engine, kept for a time, deleted when it is over. Their names
// are random and never leave the node.
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ConversationId, ParleyError } from '@parley/protocol';
import type { Logger } from 'pino';
import type { RecordingsConfig } from '../config/index.ts';
import type { Storage } from '../storage/index.ts';
import type { Recordings } from './api.ts';

export interface RecordingStore extends Recordings {
  /** Where the file of a recording is; null if there is none (any more). */
  find(conversation: ConversationId, recording: number): Promise<{ path: string; bytes: number } | null>;
}

const MEGABYTE = 1_000_000;
const DAY_MS = 86_400_000;
/** At the latest after this long it is looked what has expired. */
const SWEEP_MS = 3_600_000;

export async function createRecordingStore(deps: {
  config: RecordingsConfig;
  storage: Storage;
  log: Logger;
  now?: () => number;
}): Promise<RecordingStore> {
  const { config, storage, log } = deps;
  const now = deps.now ?? Date.now;
  const maxBytes = config.maxMegabytes * MEGABYTE;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function remove(id: string, file: string): Promise<void> {
    // The file first: a row without a file is found again, a file without a row never.
    await rm(join(config.folder, file), { force: true });
    await storage.deleteFrom('recordings').where('id', '=', id).execute();
  }

  async function sweep(): Promise<void> {
    try {
      const over = await storage.selectFrom('recordings').selectAll().where('expires_at', '<=', now()).execute();
      for (const { id, file } of over) await remove(id, file);
      if (over.length > 0) log.info({ deleted: over.length }, 'recordings have expired and are deleted');
      await storage.deleteFrom('recording_rights').where('expires_at', '<=', now()).execute();
    } catch (error) {
      log.error({ err: error }, 'expired recordings could not be deleted');
    }
    if (closed) return;
    const next = await storage
      .selectFrom('recordings')
      .select((of) => of.fn.min('expires_at').as('at'))
      .executeTakeFirst()
      .catch(() => undefined);
    const wait = typeof next?.at === 'number' ? Math.max(1000, next.at - now()) : SWEEP_MS;
    timer = setTimeout(() => void sweep(), Math.min(wait, SWEEP_MS)).unref();
  }
  await sweep();

  async function used(): Promise<number> {
    const sum = await storage
      .selectFrom('recordings')
      .select((of) => of.fn.sum('bytes').as('bytes'))
      .executeTakeFirst();
    return Number(sum?.bytes ?? 0);
  }

  return {
    async requireSpace() {
      if ((await used()) >= maxBytes) throw new ParleyError('recording-storage-full');
    },
    async keep({ conversation, recording, room }, { url, milliseconds }) {
      const made = fileURLToPath(url);
      const { size } = await stat(made);
      if (size > maxBytes) {
        await rm(made, { force: true });
        log.warn({ room, megabytes: Math.ceil(size / MEGABYTE) }, 'a recording was larger than all may be together');
        return null;
      }
      const id = randomBytes(16).toString('base64url');
      const file = `${id}${safeExtension(made)}`;
      await mkdir(config.folder, { recursive: true, mode: 0o700 });
      await take(made, join(config.folder, file));
      const expiresAt = now() + config.keepDays * DAY_MS;
      await storage
        .insertInto('recordings')
        .values({ id, conversation, n: recording, room, file, bytes: size, created_at: now(), expires_at: expiresAt })
        .execute();
      return { bytes: size, milliseconds: Math.round(milliseconds), expiresAt };
    },
    async discard({ conversation, recording, room }) {
      const rows = await storage
        .selectFrom('recordings')
        .selectAll()
        .where('conversation', '=', conversation)
        .where('n', '=', recording)
        .where('room', '=', room)
        .execute();
      for (const { id, file } of rows) await remove(id, file);
    },
    async find(conversation, recording) {
      const row = await storage
        .selectFrom('recordings')
        .selectAll()
        .where('conversation', '=', conversation)
        .where('n', '=', recording)
        .where('expires_at', '>', now())
        .executeTakeFirst();
      return row ? { path: join(config.folder, row.file), bytes: row.bytes } : null;
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** Another file system than the engine's is no obstacle. */
async function take(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error;
    await copyFile(from, to);
    await rm(from, { force: true });
  }
}

function safeExtension(path: string): string {
  const extension = extname(path).toLowerCase();
  return /^\.[a-z0-9]{1,5}$/.test(extension) ? extension : '';
}
