// Conferences on a Kurento media server (7.x): forwarding, mixing and recording, by its JSON-RPC protocol over WebSocket.
// What the server needs, and what it cannot: docs/engines.md.
import { EventEmitter } from 'node:events';
import { ParleyError } from '@parley/protocol';
import type { EngineEvents, MediaEngine } from '../engine.ts';
import { type ConnectionTimes, type EngineLog, openConnection } from './connection.ts';
import { engineError } from './failures.ts';
import { readServerInfo, SERVER_MANAGER, type ServerInfo } from './messages.ts';
import { objectsOf } from './objects.ts';
import { collectOrphans, tagPipeline } from './orphans.ts';
import { createRoom, type KurentoRoom } from './room.ts';

export interface KurentoEngineOptions {
  /** `ws://host:8888/kurento`. The server asks nobody who they are, so this must not lead over a public network. */
  readonly url: string;
  /** Names this process among all that use the server, the same after a restart: by it, rooms left behind are found. */
  readonly owner: string;
  /** The folder for recordings on the server's machine, as a `file:` URL; null: none are made. */
  readonly recordings: string | null;
  readonly log: EngineLog;
  /** For tests: how long to wait for the server. */
  readonly times?: ConnectionTimes;
}

const MAX_ROOMS = 500;

/** Connects with the server, and goes on trying while it is away. Throws `RangeError` for a bad URL. */
export function createKurentoEngine({ url, owner, recordings, log, times }: KurentoEngineOptions): MediaEngine {
  requireUrl(url, ['ws:', 'wss:']);
  const folder = recordings === null ? null : `${requireUrl(recordings, ['file:']).href.replace(/\/*$/, '')}/`;
  const events = new EventEmitter<EngineEvents>();
  const connection = openConnection(url, log, times);
  const objects = objectsOf(connection, log);
  const rooms = new Map<string, KurentoRoom | null>();
  let server: ServerInfo | null = null;
  /** Resolves when it is known what the session's server can do. */
  let known: Promise<void> = Promise.resolve();
  let closed = false;

  const isLive = (pipeline: string) => [...rooms.values()].some((room) => room?.pipeline === pipeline);
  connection.on('session', () => {
    known = askServer();
    known
      .then(() => collectOrphans(objects, owner, isLive, log))
      .catch((error: unknown) =>
        log.warn({ url, err: error }, 'what was left behind on Kurento could not be looked up'),
      );
  });
  connection.on('lost', () => {
    for (const room of [...rooms.values()]) room?.end('engine-lost');
    events.emit('lost');
  });

  async function askServer(): Promise<void> {
    server = readServerInfo(await objects.invoke(SERVER_MANAGER, 'getInfo'));
  }

  const has = (factory: string) => server?.factories.has(factory) ?? true;
  const mixes = () => has('Composite') && has('HubPort');

  async function createPipeline(id: string): Promise<KurentoRoom> {
    const pipeline = await objects.create('MediaPipeline', {});
    // A server that does not say is taken for one that can do everything.
    await known.catch(() => undefined);
    const room = createRoom({
      id,
      pipeline,
      objects,
      recordings: has('RecorderEndpoint') ? folder : null,
      mixing: mixes(),
      log,
      ended: () => rooms.delete(id),
    });
    // Before it has its tag: a pipeline of ours that is no room would be released.
    rooms.set(id, room);
    try {
      await tagPipeline(objects, pipeline, owner);
    } catch (error) {
      await room.close();
      throw error;
    }
    if (closed) {
      await room.close();
      throw new ParleyError('engine-lost', 'the engine is closed');
    }
    return room;
  }

  return Object.assign(events, {
    name: 'kurento',
    // What the server is able to is known once it is connected; until then everything is assumed.
    capabilities: {
      forwarding: true,
      get mixing() {
        return mixes();
      },
      get recording() {
        return folder !== null && mixes() && has('RecorderEndpoint');
      },
      layers: false,
      speaker: false,
    },
    async createRoom({ id }: { id: string }) {
      if (closed) throw new ParleyError('engine-lost', 'the engine is closed');
      if (rooms.has(id)) throw new ParleyError('out-of-turn', 'the room exists');
      if (rooms.size >= MAX_ROOMS) throw new ParleyError('no-conference-available', 'all rooms are taken');
      rooms.set(id, null);
      try {
        return await createPipeline(id);
      } catch (error) {
        rooms.delete(id);
        throw engineError(error);
      }
    },
    rooms: () => [...rooms].flatMap(([id, room]) => (room ? [id] : [])),
    async close() {
      if (closed) return;
      closed = true;
      await Promise.all([...rooms.values()].map((room) => room?.close()));
      connection.close();
    },
  });
}

function requireUrl(text: string, protocols: readonly string[]): URL {
  const parsed = URL.parse(text);
  if (!parsed || !protocols.includes(parsed.protocol)) {
    throw new RangeError(`${text} is not a URL that begins with ${protocols.join(' or ')}`);
  }
  return parsed;
}
