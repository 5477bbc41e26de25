// Conferences on a Janus server: the focus' engine interface on its WebSocket API. One session carries all rooms; it is
// opened with the first room, and after it was lost, anew with the next.
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { ParleyError } from '@parley/protocol';
import type { EngineEvents, MediaEngine } from '../engine.ts';
import { MAX_DEVICES } from '../roster.ts';
import { type AdminOptions, readCounters } from './counters.ts';
import { type AdminKey, createdSchema, type JanusId } from './messages.ts';
import { AUDIO_BRIDGE, createMix, STREAMING } from './mix.ts';
import { orphansOf, roomMark } from './orphans.ts';
import { VIDEO_ROOM } from './publisher.ts';
import { createRoom, type JanusRoom } from './room.ts';
import { type Handle, openSession, type Session } from './session.ts';

export interface JanusEngineOptions {
  /** The server's WebSocket API, as `ws://127.0.0.1:8188`. It must not be reachable by anybody but nodes. */
  readonly url: string;
  /** This engine's name among all that use the server: the same after a restart, no other's. Rooms left behind by an
   * earlier process of this name are destroyed. */
  readonly owner: string;
  /** The server's `api_secret`, if it has one. */
  readonly apiSecret?: string;
  /** The `admin_key` of the server's plugins, if they have one. */
  readonly adminKey?: string;
  /** The server's Admin API, which alone counts packets; without it, statistics say `null`. */
  readonly admin?: AdminOptions;
  /** Whether it mixes sound, with the plugins AudioBridge and Streaming, which not every server has. Default: false. */
  readonly mixing?: boolean;
  /** How long the server may be out of reach before its rooms are given up, in milliseconds; less than the server's
   * `reclaim_session_timeout`. Default: 10 s. */
  readonly awayMs?: number;
  readonly log?: (event: string, details: Record<string, unknown>) => void;
}

interface Connection {
  readonly session: Session;
  readonly control: Handle;
}

const MAX_ROOMS = 1000;
/** 640x360 needs about 800 kbit/s, a shared screen more. */
const MAX_PUBLISH_BITRATE = 2_500_000;

/** Half a second of sound louder than this, in dB below the loudest: speech is at 20 to 40, a quiet room at 60. */
const speaking = { audio_active_packets: 25, audio_level_average: 45 };

export function createJanusEngine(options: JanusEngineOptions): MediaEngine {
  const { url, owner, apiSecret, adminKey, admin, mixing = false, awayMs = 10_000, log = () => undefined } = options;
  const events = new EventEmitter<EngineEvents>();
  const rooms = new Map<string, JanusRoom | null>();
  const run = randomBytes(6).toString('hex');
  const handleMark = `parley ${owner}`;
  const key: AdminKey = adminKey === undefined ? {} : { admin_key: adminKey };
  let connecting: Promise<Connection> | null = null;
  let closed = false;

  const openRooms = () => [...rooms.values()].filter((room) => room !== null);

  async function connect(): Promise<Connection> {
    const session = await openSession(
      { url, apiSecret, awayMs, log },
      {
        resumed() {
          for (const room of openRooms()) room.resumed();
        },
        lost() {
          connecting = null;
          for (const room of openRooms()) room.end('engine-lost');
          events.emit('lost');
        },
      },
    );
    try {
      const control = await session.attach(VIDEO_ROOM, handleMark, () => undefined);
      await collectOrphans(session);
      return { session, control };
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Rooms of an earlier process hold their participants' connections open, and nobody else will ever close them. */
  async function collectOrphans(session: Session): Promise<void> {
    await collectFrom(session, VIDEO_ROOM);
    for (const plugin of mixing ? [AUDIO_BRIDGE, STREAMING] : []) {
      // A server without them carries conferences all the same.
      await collectFrom(session, plugin).catch((error: unknown) =>
        log('janus-no-mix', { plugin, error: String(error) }),
      );
    }
  }

  async function collectFrom(session: Session, plugin: string): Promise<void> {
    const handle = await session.attach(plugin, handleMark, () => undefined);
    const { data } = await handle.message({ request: 'list', ...key });
    for (const orphan of orphansOf(data, owner, run)) {
      log('janus-orphan', { plugin, orphan });
      await destroy(handle, plugin === STREAMING ? { id: orphan } : { room: orphan });
    }
    await handle.detach();
  }

  async function destroy(handle: Handle, what: { room: JanusId } | { id: JanusId }): Promise<void> {
    await handle.message({ request: 'destroy', ...what, ...key }).catch((error: unknown) => {
      log('janus-destroy-failed', { ...what, error: String(error) });
    });
  }

  function connection(): Promise<Connection> {
    if (!connecting) {
      const attempt = connect();
      connecting = attempt;
      attempt.catch(() => {
        if (connecting === attempt) connecting = null;
      });
    }
    return connecting;
  }

  async function create(id: string): Promise<JanusRoom> {
    const { session, control } = await connection();
    const description = roomMark(owner, run, id);
    const { data } = await control.message({
      request: 'create',
      ...key,
      description,
      // Private rooms are listed to those with the key only.
      is_private: adminKey !== undefined,
      publishers: MAX_DEVICES,
      bitrate: MAX_PUBLISH_BITRATE,
      audiocodec: 'opus',
      videocodec: 'vp8',
      audiolevel_event: true,
      ...speaking,
    });
    const { room } = createdSchema.parse(data);
    if (closed) {
      await destroy(control, { room });
      throw new ParleyError('engine-lost', 'the engine is closed');
    }
    return createRoom({
      id,
      room,
      session,
      control,
      mark: handleMark,
      mix: mixing ? createMix({ session, room, control, mark: handleMark, description, key, log }) : null,
      counted: async (handles) => (admin ? readCounters(admin, handles) : []),
      async ended() {
        rooms.delete(id);
        await destroy(control, { room });
      },
    });
  }

  return Object.assign(events, {
    name: 'janus',
    capabilities: {
      forwarding: true,
      mixing: mixing && ('sound' as const),
      recording: false,
      layers: false,
      speaker: true,
    },
    async createRoom({ id }: { id: string }) {
      if (closed) throw new ParleyError('engine-lost', 'the engine is closed');
      if (rooms.has(id)) throw new ParleyError('out-of-turn', 'the room exists');
      if (rooms.size >= MAX_ROOMS) throw new ParleyError('no-conference-available', 'all rooms are taken');
      rooms.set(id, null);
      try {
        const room = await create(id);
        rooms.set(id, room);
        return room;
      } catch (error) {
        rooms.delete(id);
        throw error;
      }
    },
    rooms: () => openRooms().map(({ id }) => id),
    async close() {
      if (closed) return;
      closed = true;
      await Promise.all(openRooms().map((room) => room.close()));
      const open = await connecting?.catch(() => null);
      await open?.session.close();
    },
  });
}
