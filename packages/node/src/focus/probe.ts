// Lets a device of a peer-to-peer call find out, while there is still time, whether its network would let it into a
// conference here: it connects with the engine for a moment, in a room that belongs to no conversation, and goes again.
import { randomBytes } from 'node:crypto';
import { ParleyError } from '@parley/protocol';
import type { Devices } from '../signalling/api.ts';
import type { EnginePool, PlacedRoom } from './engine-pool.ts';

/** How long a device has to connect; then it is taken out, connected or not. */
const PROBE_MS = 12_000;
/** At the same time. Whoever comes when all are taken learns nothing, and is not warned. */
const MAX_PROBES = 64;

export interface Probes {
  close(): void;
}

export function createProbes({ pool, devices }: { pool: EnginePool | null; devices: Devices }): Probes {
  const timers = new Map<string, NodeJS.Timeout>();
  let room: Promise<PlacedRoom> | null = null;
  let placed: PlacedRoom | null = null;

  function leaveRoom(): void {
    room = null;
    placed = null;
  }

  function enter(on: EnginePool): Promise<PlacedRoom> {
    if (placed && on.stateOf(placed.engine) === 'draining') {
      // Its engine is to be empty; who connects there just now learns nothing.
      placed.media.close().catch(() => undefined);
      leaveRoom();
    }
    room ??= on.place(`probes_${randomBytes(9).toString('base64url')}`, {}, 0).then(
      (made) => {
        placed = made;
        made.media.on('closed', () => {
          if (placed === made) leaveRoom();
        });
        return made;
      },
      (error: unknown) => {
        leaveRoom();
        throw error;
      },
    );
    return room;
  }

  function forget(name: string): void {
    clearTimeout(timers.get(name));
    timers.delete(name);
  }

  devices.handle('focus.probe', async ({ device }, { sdp }) => {
    if (!pool) throw new ParleyError('no-conference-available', 'this provider runs no conferences');
    if (!timers.has(device) && timers.size >= MAX_PROBES) throw new ParleyError('too-many-requests');
    forget(device);
    const timer = setTimeout(() => {
      timers.delete(device);
      room?.then(({ media }) => media.remove(device)).catch(() => undefined);
    }, PROBE_MS);
    timers.set(device, timer.unref());
    try {
      const { media } = await enter(pool);
      return { sdp: (await media.publish(device, sdp)).sdp };
    } catch (error) {
      forget(device);
      throw error;
    }
  });

  return {
    close() {
      for (const name of [...timers.keys()]) forget(name);
    },
  };
}
