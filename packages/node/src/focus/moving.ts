// Empties the engines that an administrator drains: each conference there is asked to move, by its host and by the same
// transfer as any other, and asked again until it has gone. Nobody in it notices more than a transfer.
import { asParleyError } from '@parley/protocol';
import type { Logger } from 'pino';
import type { EnginePool } from './engine-pool.ts';

/** Just now it may be on its way already, or the host out of reach. */
const AGAIN_FIRST_MS = 1000;
const AGAIN_LAST_MS = 30_000;

interface Movable {
  readonly id: string;
  readonly engine: string;
}

export interface Moving<R extends Movable> {
  /** To be called with a room that begins: its engine may be drained by then. */
  began(room: R): void;
  ended(room: R): void;
  close(): void;
}

export function createMoving<R extends Movable>(deps: {
  pool: EnginePool;
  /** Asks the host to leave the room. */
  ask: (room: R) => Promise<void>;
  log: Logger;
}): Moving<R> {
  const { pool, ask, log } = deps;
  /** Every room there is; with a timer while it is to go. */
  const rooms = new Map<R, { ms: number; timer: NodeJS.Timeout | null }>();
  let closed = false;

  async function move(room: R): Promise<void> {
    const waiting = rooms.get(room);
    if (!waiting || waiting.timer || closed) return;
    waiting.timer = setTimeout(() => {
      waiting.timer = null;
      waiting.ms = Math.min(waiting.ms * 2, AGAIN_LAST_MS);
      if (pool.stateOf(room.engine) === 'draining') void move(room);
    }, waiting.ms).unref();
    try {
      await ask(room);
    } catch (error) {
      log.warn({ room: room.id, code: asParleyError(error).code }, 'a conference cannot leave a drained engine yet');
    }
  }

  const follow = ({ engine, state }: { engine: string; state: string }) => {
    if (state !== 'draining') return;
    for (const room of [...rooms.keys()]) if (room.engine === engine) void move(room);
    tellIfEmpty(engine);
  };
  pool.on('state', follow);

  function tellIfEmpty(engine: string): void {
    if (closed || pool.stateOf(engine) !== 'draining' || [...rooms.keys()].some((room) => room.engine === engine))
      return;
    log.info({ engine }, 'a drained media engine is empty now');
  }

  return {
    began(room) {
      rooms.set(room, { ms: AGAIN_FIRST_MS, timer: null });
      if (pool.stateOf(room.engine) === 'draining') void move(room);
    },
    ended(room) {
      const timer = rooms.get(room)?.timer;
      if (timer) clearTimeout(timer);
      if (rooms.delete(room)) tellIfEmpty(room.engine);
    },
    close() {
      closed = true;
      pool.off('state', follow);
      for (const { timer } of rooms.values()) if (timer) clearTimeout(timer);
      rooms.clear();
    },
  };
}
