// The embedded engine in processes of its own: signalling never waits for media, a crash of native code takes no call's
// signalling with it, and the loss of a process is an event like any other (R54). Rooms are spread over the processes.
import { EventEmitter } from 'node:events';
import { ParleyError } from '@parley/protocol';
import type { EmbeddedEngineOptions } from '../embedded/index.ts';
import type { EngineEvents, MediaEngine, MediaRoom, RoomEvents, SubscribeOptions, WantedPicture } from '../engine.ts';
import { requireUnmixed, withoutRecording } from '../unavailable.ts';
import { createEngineChild, type EngineChild } from './child.ts';
import type { RoomEvent } from './messages.ts';

export interface EngineProcessOptions extends EmbeddedEngineOptions {
  /** How many processes; each begins with its first room or with `prepare`. Default: 1. */
  readonly processes?: number;
}

export interface EngineProcesses extends MediaEngine {
  /** Starts a process for the first room: that takes longer than all the rest of adding somebody to a call. */
  prepare(): void;
  /** Those that run now. */
  pids(): readonly number[];
}

interface Room extends MediaRoom {
  happened(event: RoomEvent): void;
  present(devices: readonly string[]): void;
  end(reason: 'closed' | 'engine-lost'): void;
}

interface Slot {
  readonly child: EngineChild;
  readonly rooms: Map<string, Room>;
}

export function createEngineProcesses({ processes = 1, ...options }: EngineProcessOptions): EngineProcesses {
  const events = new EventEmitter<EngineEvents>();
  const slots = portRanges(options.portRange, processes).map((portRange): Slot => {
    const rooms = new Map<string, Room>();
    const child = createEngineChild(
      { ...options, portRange },
      {
        event: (event) => rooms.get(event.room)?.happened(event),
        present: (room, devices) => rooms.get(room)?.present(devices),
        lost() {
          for (const room of [...rooms.values()]) room.end('engine-lost');
          events.emit('lost');
        },
      },
    );
    return { child, rooms };
  });
  let closed = false;
  const roomIds = () => slots.flatMap(({ rooms }) => [...rooms.keys()]);

  /** The process with the fewest rooms; one that runs already rather than one that must be started first. */
  function inOrder(): Slot[] {
    const idle = (slot: Slot) => (slot.child.pid() === null ? 1 : 0);
    return [...slots].sort((a, b) => a.rooms.size - b.rooms.size || idle(a) - idle(b));
  }

  async function createRoom({ id }: { id: string }): Promise<MediaRoom> {
    if (closed) throw new ParleyError('engine-lost', 'the engine is closed');
    if (roomIds().includes(id)) throw new ParleyError('out-of-turn', 'the room exists');
    let failure: unknown = new ParleyError('no-conference-available');
    for (const { child, rooms } of inOrder()) {
      const room = createRoomOn(id, child, () => rooms.delete(id));
      rooms.set(id, room);
      try {
        await child.ask('createRoom', id);
        return room;
      } catch (error) {
        rooms.delete(id);
        failure = error;
      }
    }
    throw failure;
  }

  return Object.assign(events, {
    name: 'embedded',
    capabilities: { forwarding: true, mixing: false, recording: false, layers: true, speaker: true },
    createRoom,
    rooms: roomIds,
    prepare: () => inOrder()[0]?.child.prepare(),
    pids: () => slots.flatMap(({ child }) => child.pid() ?? []),
    async close() {
      closed = true;
      for (const { rooms } of slots) for (const room of [...rooms.values()]) room.end('closed');
      await Promise.all(slots.map(({ child }) => child.stop()));
    },
  });
}

function createRoomOn(id: string, child: EngineChild, ended: () => void): Room {
  const events = new EventEmitter<RoomEvents>();
  let devices: readonly string[] = [];
  let over = false;
  const requireOpen = () => {
    if (over) throw new ParleyError('unknown-room');
  };

  function end(reason: 'closed' | 'engine-lost'): void {
    if (over) return;
    over = true;
    devices = [];
    ended();
    events.emit('closed', { reason });
  }

  return Object.assign(events, {
    ...withoutRecording,
    id,
    end,
    present(now: readonly string[]) {
      if (!over) devices = now;
    },
    happened({ event, args }: RoomEvent) {
      if (over) return;
      if (event === 'closed') end(args[0].reason);
      else events.emit(event, ...(args as never));
    },
    async publish(device: string, sdp: string) {
      requireOpen();
      return child.ask('publish', id, device, sdp);
    },
    async subscribe(device: string, options?: SubscribeOptions) {
      requireOpen();
      requireUnmixed(options);
      await child.ask('subscribe', id, device);
    },
    async prefer(device: string, pictures: readonly WantedPicture[]) {
      if (!over) await child.ask('prefer', id, device, pictures);
    },
    async answer(leg: string, revision: number, sdp: string) {
      requireOpen();
      await child.ask('answer', id, leg, revision, sdp);
    },
    async addCandidates(leg: string, candidates: Parameters<MediaRoom['addCandidates']>[1]) {
      if (!over) await child.ask('addCandidates', id, leg, candidates);
    },
    async remove(device: string) {
      if (!over) await child.ask('remove', id, device);
    },
    devices: () => devices,
    async statistics() {
      return over ? [] : child.ask('statistics', id);
    },
    async close() {
      if (over) return;
      // What the process says of it afterwards concerns nobody any more.
      const asked = child.ask('closeRoom', id);
      end('closed');
      await asked.catch(() => undefined);
    },
  });
}

/** Each process has ports of its own; [0, 0] (any) and a single port stay as they are. Throws if there are too few. */
export function portRanges(
  [first, last]: readonly [number, number],
  processes: number,
): readonly (readonly [number, number])[] {
  if (first === 0) return Array.from({ length: processes }, () => [0, 0] as const);
  const each = Math.floor((last - first + 1) / processes);
  if (each < 1) throw new RangeError(`${processes} processes need as many ports at least`);
  return Array.from({ length: processes }, (_, index) => {
    const begin = first + index * each;
    return [begin, index === processes - 1 ? last : begin + each - 1] as const;
  });
}
