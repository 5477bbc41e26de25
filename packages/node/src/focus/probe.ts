// Lets a device of a peer-to-peer call find out, while there is still time, whether its network would let it into a
// conference here: it connects with the engine for a moment, in a room that belongs to no conversation, and goes again.
import { randomBytes } from 'node:crypto';
import type { MediaEngine, MediaRoom } from '@parley/media';
import { ParleyError } from '@parley/protocol';
import type { Devices } from '../signalling/api.ts';

/** How long a device has to connect; then it is taken out, connected or not. */
const PROBE_MS = 12_000;
/** At the same time. Whoever comes when all are taken learns nothing, and is not warned. */
const MAX_PROBES = 64;

export interface Probes {
  close(): void;
}

export function createProbes({ engine, devices }: { engine: MediaEngine | null; devices: Devices }): Probes {
  const timers = new Map<string, NodeJS.Timeout>();
  let room: Promise<MediaRoom> | null = null;

  function enter(on: MediaEngine): Promise<MediaRoom> {
    room ??= on.createRoom({ id: `probes_${randomBytes(9).toString('base64url')}` }).then(
      (made) => {
        made.on('closed', () => {
          room = null;
        });
        return made;
      },
      (error: unknown) => {
        room = null;
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
    if (!engine) throw new ParleyError('no-conference-available', 'this provider runs no conferences');
    if (!timers.has(device) && timers.size >= MAX_PROBES) throw new ParleyError('too-many-requests');
    forget(device);
    const timer = setTimeout(() => {
      timers.delete(device);
      room?.then((open) => open.remove(device)).catch(() => undefined);
    }, PROBE_MS);
    timers.set(device, timer.unref());
    try {
      const probes = await enter(engine);
      return { sdp: (await probes.publish(device, sdp)).sdp };
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
