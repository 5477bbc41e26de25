// Which media engine a conference is placed on: by what it must be able to do, how full it is for its weight and limits,
// and whether it is in order. Pure.
import type { EngineCapabilities } from '@parley/media';

/** `lost`: did not answer or has died, and is tried again in a while. `draining`: an administrator empties it. */
export type EngineState = 'up' | 'lost' | 'draining';

export interface EngineLoad {
  readonly id: string;
  readonly weight: number;
  readonly maxRooms: number;
  readonly maxDevices: number;
  readonly capabilities: EngineCapabilities;
  readonly state: EngineState;
  readonly rooms: readonly RoomLoad[];
}

export interface RoomLoad {
  readonly devices: number;
  /** How many are on their way: seats are kept for them. */
  readonly expected: number;
}

/** What a conference must be able to do besides passing on media. */
export interface Needs {
  readonly mixing?: boolean | undefined;
  readonly recording?: boolean | undefined;
}

export interface Choice {
  /** Engines to try, the best first. Lost ones come last: better to try one than to refuse. */
  readonly order: readonly string[];
  /** Why there is none: no engine can do it, or those that can are full. */
  readonly refusal: 'cannot' | 'full' | null;
}

export function chooseEngines(engines: readonly EngineLoad[], needs: Needs, seats: number): Choice {
  const able = engines.filter((engine) => engine.state !== 'draining' && canDo(engine.capabilities, needs));
  const free = able.filter((engine) => engine.rooms.length < engine.maxRooms && seatsFree(engine) >= seats);
  const order = free.toSorted(
    (a, b) =>
      rank(a) - rank(b) ||
      seatsTaken(a) / a.weight - seatsTaken(b) / b.weight ||
      // Those that can do more are kept for whoever asks for it.
      talents(a) - talents(b) ||
      b.weight - a.weight ||
      (a.id < b.id ? -1 : 1),
  );
  const refusal = order.length > 0 ? null : able.length > 0 ? 'full' : 'cannot';
  return { order: order.map(({ id }) => id), refusal };
}

/** Whether one more device may enter a room on this engine; a seat kept for that room is always there. */
export function hasSeat(engine: EngineLoad, room: RoomLoad): boolean {
  return room.devices < room.expected || seatsFree(engine) >= 1;
}

export function canDo({ forwarding, mixing, recording }: EngineCapabilities, needs: Needs): boolean {
  return forwarding && (Boolean(mixing) || !needs.mixing) && (recording || !needs.recording);
}

export function seatsTaken({ rooms }: EngineLoad): number {
  return rooms.reduce((sum, { devices, expected }) => sum + Math.max(devices, expected), 0);
}

const seatsFree = (engine: EngineLoad) => engine.maxDevices - seatsTaken(engine);
const rank = ({ state }: EngineLoad) => (state === 'up' ? 0 : 1);
const talents = ({ capabilities: { mixing, recording } }: EngineLoad) => Number(Boolean(mixing)) + Number(recording);
