// The embedded forwarding engine: conferences with nothing else installed. Every packet of
// a publisher is passed on to every receiver that has a use for it, unchanged but for its numbers.
import { EventEmitter } from 'node:events';
import { ParleyError } from '@parley/protocol';
import type { EngineEvents, MediaEngine } from '../engine.ts';
import { systemClock } from './keyframe-requests.ts';
import { createPorts } from './ports.ts';
import { createRoom, type EmbeddedRoom } from './room.ts';

export interface EmbeddedEngineOptions {
  /** The local address for media; 0.0.0.0 for all. */
  readonly listenAddress: string;
  /** The address browsers are told, if a router translates it; null: the local ones. */
  readonly announcedAddress?: string | null;
  /** First and last UDP port, [0, 0] for any; if both are equal, all connections share that one port. */
  readonly portRange: readonly [number, number];
  /** How many pictures a receiver gets that it has not asked for by size: those of who spoke last. Default: 16. */
  readonly lastN?: number;
}

const MAX_ROOMS = 1000;
const LAST_N = 16;

/** Opens an engine. It holds no port and no thread until a device joins a room. */
export function createEmbeddedEngine(options: EmbeddedEngineOptions): MediaEngine {
  const { listenAddress, announcedAddress = null, portRange, lastN = LAST_N } = options;
  const events = new EventEmitter<EngineEvents>();
  const transport = { listenAddress, announcedAddress, ports: createPorts(listenAddress, portRange), lastN };
  const rooms = new Map<string, EmbeddedRoom>();
  let closed = false;
  return Object.assign(events, {
    name: 'embedded',
    capabilities: { forwarding: true, mixing: false, recording: false, layers: true, speaker: true },
    async createRoom({ id }: { id: string }) {
      if (closed) throw new ParleyError('engine-lost', 'the engine is closed');
      if (rooms.has(id)) throw new ParleyError('out-of-turn', 'the room exists');
      if (rooms.size >= MAX_ROOMS) throw new ParleyError('no-conference-available', 'all rooms are taken');
      const room = createRoom(id, transport, systemClock, () => rooms.delete(id));
      rooms.set(id, room);
      return room;
    },
    rooms: () => [...rooms.keys()],
    async close() {
      closed = true;
      for (const room of [...rooms.values()]) room.end('closed');
    },
  });
}
