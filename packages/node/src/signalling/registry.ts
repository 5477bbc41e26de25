// Which devices are there: by id, by person, by resume token. Only bookkeeping; nothing is sent from here.
import { type Address, type DeviceId, ParleyError } from '@parley/protocol';
import { createResumeToken, type Device, hashToken, type WebSession } from './device.ts';

export interface Registry {
  readonly all: Iterable<Device>;
  get(id: DeviceId): Device | undefined;
  of(address: Address): readonly Device[];
  add(device: Device): void;
  /** False: it was not there any more. */
  remove(device: Device): boolean;
  /** Gives the device a new token. `used` stays good beside it until the next, should the answer with the new one be lost. */
  rotateToken(device: Device, used: string | null): string;
  /** The device this token resumes; only for the same person in the same web session. */
  byToken(token: string, session: WebSession): Device | undefined;
}

export function createRegistry(): Registry {
  const byId = new Map<DeviceId, Device>();
  const byAddress = new Map<Address, Device[]>();
  const byHash = new Map<string, Device>();

  return {
    all: { [Symbol.iterator]: () => [...byId.values()][Symbol.iterator]() },
    get: (id) => byId.get(id),
    of: (address) => byAddress.get(address) ?? [],
    add(device) {
      byId.set(device.id, device);
      byAddress.set(device.address, [...(byAddress.get(device.address) ?? []), device]);
      for (const hash of device.tokens) byHash.set(hash, device);
    },
    remove(device) {
      if (!byId.delete(device.id)) return false;
      const others = (byAddress.get(device.address) ?? []).filter((d) => d !== device);
      if (others.length > 0) byAddress.set(device.address, others);
      else byAddress.delete(device.address);
      for (const hash of device.tokens) byHash.delete(hash);
      return true;
    },
    rotateToken(device, used) {
      for (const hash of device.tokens) byHash.delete(hash);
      const { token, hash } = createResumeToken();
      device.tokens = used === null ? [hash] : [hash, hashToken(used)];
      for (const good of device.tokens) byHash.set(good, device);
      return token;
    },
    byToken(token, session) {
      const device = byHash.get(hashToken(token));
      return device?.session.id === session.id && device.address === session.person.address ? device : undefined;
    },
  };
}

/** Room for one more device of a person, or whom to let go for it: the oldest that is away. Throws when all are there. */
export function makeRoom(devices: readonly Device[], most: number): Device | null {
  if (devices.length < most) return null;
  const away = devices.find((device) => device.connection === null);
  if (!away) throw new ParleyError('too-many-requests', `at most ${most} devices at once`);
  return away;
}
