// How a device receives a conference: one stream of each sender, or the mix of all (a weak device, a narrow network), and
// back again during the call. Where the room's engine cannot mix, the conference is moved to one that can.
import { type Address, type DeviceId, type Domain, ParleyError } from '@parley/protocol';
import type { RoomReport } from '../conversations/api.ts';
import type { Federation } from '../federation/api.ts';
import type { Devices } from '../signalling/api.ts';
import type { EnginePool, PlacedRoom } from './engine-pool.ts';
import { memberOf, type RoomRecord } from './room.ts';

export function addReceiving(deps: {
  domain: Domain;
  devices: Devices;
  federation: Federation;
  pool: EnginePool | null;
  room: (id: string) => (RoomRecord & PlacedRoom) | undefined;
  tellHost: (room: RoomRecord, what: RoomReport) => Promise<void>;
}): void {
  const { domain, devices, federation, pool, tellHost } = deps;

  async function receive(from: Domain, id: string, address: Address, device: DeviceId, mixed: boolean) {
    const room = deps.room(id);
    const name = memberOf(room, from, address, device);
    if (!room) throw new ParleyError('unknown-room');
    if (!mixed || room.capabilities.mixing) {
      await room.media.subscribe(name, { mixed });
      return { moving: false };
    }
    if (!pool?.offers().mixing) throw new ParleyError('not-available', 'no media engine here mixes');
    await tellHost(room, { type: 'move', needs: { mixing: true } });
    return { moving: true };
  }

  devices.handle('focus.receive', async ({ address, device }, { focus, room, mixed }) => {
    if (focus === domain) return receive(domain, room, address, device, mixed);
    return federation.request(focus, 'focus.receive', { room, address, device, mixed });
  });
  federation.handle('focus.receive', (from, p) => receive(from, p.room, p.address, p.device, p.mixed));
}
