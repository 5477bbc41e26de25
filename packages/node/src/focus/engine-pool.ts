// The media engines of this provider as one: places each conference on one of them, notices which are lost, tries those
// again, and empties the ones an administrator drains. What is chosen is decided in engine-choice.ts.
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { EngineCapabilities, MediaEngine, MediaRoom } from '@parley/media';
import { asParleyError, ParleyError } from '@parley/protocol';
import type { Logger } from 'pino';
import { canDo, chooseEngines, type EngineLoad, type EngineState, hasSeat, type Needs } from './engine-choice.ts';

export interface PoolMember {
  readonly id: string;
  readonly weight: number;
  readonly maxRooms: number;
  readonly maxDevices: number;
  readonly drain: boolean;
  readonly engine: MediaEngine;
  /** Makes it ready for its first conference, which then begins sooner. */
  readonly prepare?: () => void;
}

export interface PlacedRoom {
  readonly media: MediaRoom;
  readonly engine: string;
  readonly capabilities: EngineCapabilities;
}

interface PoolEvents {
  /** Another state than before. */
  state: [{ engine: string; state: EngineState }];
}

export interface EnginePool extends EventEmitter<PoolEvents> {
  /**
   * Begins a conference for `expected` devices. Errors: `not-available` (no engine can do that), `conference-full`,
   * `no-conference-available` (none answered).
   */
  place(room: string, needs: Needs, expected: number): Promise<PlacedRoom>;
  /** Throws `conference-full` if the engine of this room has no seat for one more device; those in it are not touched. */
  requireSeat(room: PlacedRoom): void;
  /** What conferences here can do, this one or one that it is moved to. */
  offers(): Needs;
  /** From now on exactly these engines are drained. */
  drain(engines: ReadonlySet<string>): void;
  /** Makes ready what takes time to begin, and finds out whether the servers elsewhere answer. Returns without waiting. */
  start(): void;
  stateOf(engine: string): EngineState;
  status(): readonly { id: string; state: EngineState; rooms: number; devices: number }[];
  close(): Promise<void>;
}

/** An engine that takes longer to begin a conference counts as lost: somebody is waiting. */
const PLACE_MS = 9000;
/** How many engines are tried for one conference. */
const MAX_TRIES = 3;
const RETRY_FIRST_MS = 1000;
const RETRY_LAST_MS = 60_000;

interface Entry {
  readonly member: PoolMember;
  /** By name; one that is being made has its seats already. */
  readonly rooms: Map<string, { readonly expected: number; media: MediaRoom | null }>;
  lost: boolean;
  draining: boolean;
  retryMs: number;
  retry: NodeJS.Timeout | null;
}

export function createEnginePool({ members, log }: { members: readonly PoolMember[]; log: Logger }): EnginePool {
  const events = new EventEmitter<PoolEvents>();
  const entries = new Map<string, Entry>();
  let closed = false;

  for (const member of members) {
    const entry: Entry = {
      member,
      rooms: new Map(),
      lost: false,
      draining: member.drain,
      retryMs: RETRY_FIRST_MS,
      retry: null,
    };
    entries.set(member.id, entry);
    member.engine.on('lost', () => lose(entry));
  }

  const stateOf = ({ draining, lost }: Entry): EngineState => (draining ? 'draining' : lost ? 'lost' : 'up');
  const loadOf = (entry: Entry): EngineLoad => ({
    ...entry.member,
    capabilities: entry.member.engine.capabilities,
    state: stateOf(entry),
    rooms: [...entry.rooms.values()].map(({ media, expected }) => ({ devices: devicesIn(media), expected })),
  });

  function change(entry: Entry, how: Partial<Pick<Entry, 'lost' | 'draining'>>): void {
    const before = stateOf(entry);
    Object.assign(entry, how);
    const state = stateOf(entry);
    if (state === before || closed) return;
    const { id: engine } = entry.member;
    log[state === 'lost' ? 'warn' : 'info']({ engine, state }, 'a media engine has another state');
    events.emit('state', { engine, state });
  }

  function lose(entry: Entry): void {
    if (closed) return;
    change(entry, { lost: true });
    entry.retry ??= setTimeout(() => {
      entry.retry = null;
      void tryAgain(entry);
    }, entry.retryMs).unref();
    entry.retryMs = Math.min(entry.retryMs * 2, RETRY_LAST_MS);
  }

  function found(entry: Entry): void {
    if (entry.retry) clearTimeout(entry.retry);
    entry.retry = null;
    entry.retryMs = RETRY_FIRST_MS;
    change(entry, { lost: false });
  }

  /** A room that belongs to nobody: if it can be made, the engine is in order. */
  async function tryAgain(entry: Entry): Promise<void> {
    try {
      const room = await open(entry, `check_${randomBytes(12).toString('base64url')}`);
      found(entry);
      await room.close();
    } catch {
      lose(entry);
    }
  }

  async function open({ member: { engine } }: Entry, id: string): Promise<MediaRoom> {
    const made = engine.createRoom({ id });
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new ParleyError('timed-out', 'the media engine'));
      // It may still come about, and nobody would end it.
      made.then((room) => room.close()).catch(() => undefined);
    }, PLACE_MS);
    try {
      return await Promise.race([made, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async function place(id: string, needs: Needs, expected: number): Promise<PlacedRoom> {
    const { order, refusal } = chooseEngines([...entries.values()].map(loadOf), needs, expected);
    if (refusal === 'cannot') throw new ParleyError('not-available', 'no media engine here can do this');
    if (refusal === 'full') throw new ParleyError('conference-full', 'all media engines are at their limits');
    for (const engine of order.slice(0, MAX_TRIES)) {
      const entry = entries.get(engine);
      if (!entry) continue;
      try {
        const room: { expected: number; media: MediaRoom | null } = { expected, media: null };
        entry.rooms.set(id, room);
        const media = await open(entry, id);
        room.media = media;
        media.on('closed', () => entry.rooms.delete(id));
        found(entry);
        return { media, engine, capabilities: entry.member.engine.capabilities };
      } catch (error) {
        entry.rooms.delete(id);
        log.warn(
          { engine, code: asParleyError(error).code, err: error },
          'a media engine could not begin a conference',
        );
        lose(entry);
      }
    }
    throw new ParleyError('no-conference-available', 'no media engine answered');
  }

  return Object.assign(events, {
    place,
    requireSeat({ engine, media }: PlacedRoom) {
      const entry = entries.get(engine);
      const room = entry?.rooms.get(media.id);
      if (!entry || !room) return;
      if (hasSeat(loadOf(entry), { devices: devicesIn(media), expected: room.expected })) return;
      throw new ParleyError('conference-full', 'the media engine of this conference is at its limit');
    },
    offers() {
      const usable = [...entries.values()].filter(({ draining }) => !draining);
      const can = (needs: Needs) => usable.some(({ member }) => canDo(member.engine.capabilities, needs));
      return { mixing: can({ mixing: true }), recording: can({ recording: true }) };
    },
    drain(engines: ReadonlySet<string>) {
      for (const [id, entry] of entries) change(entry, { draining: engines.has(id) });
    },
    start() {
      for (const entry of entries.values()) {
        if (entry.member.prepare) entry.member.prepare();
        else void tryAgain(entry);
      }
    },
    stateOf: (engine: string): EngineState => {
      const entry = entries.get(engine);
      return entry ? stateOf(entry) : 'lost';
    },
    status: () =>
      [...entries.values()].map((entry) => ({
        id: entry.member.id,
        state: stateOf(entry),
        rooms: entry.rooms.size,
        devices: [...entry.rooms.values()].reduce((sum, { media }) => sum + devicesIn(media), 0),
      })),
    async close() {
      closed = true;
      for (const { retry } of entries.values()) if (retry) clearTimeout(retry);
      await Promise.allSettled([...entries.values()].map(({ member }) => member.engine.close()));
    },
  });
}

const devicesIn = (media: MediaRoom | null): number => media?.devices().length ?? 0;
