// The devices of a room by their names, whichever engine it runs on. One is forgotten when nothing of it is left and nothing is
// being opened for it.
import { ParleyError } from '@parley/protocol';

/** Twice what a conversation may hold, for devices that come back before their old legs are lost. */
export const MAX_DEVICES = 128;

export interface Roster<D extends { readonly name: string }> {
  get(name: string): D | undefined;
  all(): D[];
  /** The device of that name, a new one if need be. Throws `unknown-room` after the end, `conversation-full`. */
  enter(name: string): D;
  isOn(device: D): boolean;
  /**
   * Opens a leg and puts it in its place, unless the device has left meanwhile: then the leg is closed again.
   * Throws `not-in-call` then, or `unknown-room` if the room is over.
   */
  open<L extends { close(): unknown }>(device: D, work: () => Promise<L>, put: (made: L) => void): Promise<L>;
  /** Forgets it if nothing of it is left. */
  tidy(device: D): void;
  remove(device: D): void;
  readonly isOver: boolean;
  /** Nobody enters any more. @returns who was there */
  end(): D[];
}

export function createRoster<D extends { readonly name: string }>(
  make: (name: string) => D,
  isEmpty: (device: D) => boolean,
): Roster<D> {
  const devices = new Map<string, D>();
  const opening = new Map<D, number>();
  let over = false;
  const isOn = (device: D) => devices.get(device.name) === device;
  const tidy = (device: D) => {
    if (isEmpty(device) && isOn(device) && !opening.has(device)) devices.delete(device.name);
  };
  return {
    get: (name) => devices.get(name),
    all: () => [...devices.values()],
    enter(name) {
      if (over) throw new ParleyError('unknown-room');
      const present = devices.get(name);
      if (present) return present;
      if (devices.size >= MAX_DEVICES) throw new ParleyError('conversation-full');
      const device = make(name);
      devices.set(name, device);
      return device;
    },
    isOn,
    tidy,
    async open(device, work, put) {
      opening.set(device, (opening.get(device) ?? 0) + 1);
      try {
        const made = await work();
        if (!isOn(device)) {
          made.close();
          throw new ParleyError(over ? 'unknown-room' : 'not-in-call', 'left while joining');
        }
        put(made);
        return made;
      } finally {
        const left = (opening.get(device) ?? 1) - 1;
        if (left > 0) opening.set(device, left);
        else opening.delete(device);
        tidy(device);
      }
    },
    remove(device) {
      if (isOn(device)) devices.delete(device.name);
    },
    get isOver() {
      return over;
    },
    end() {
      over = true;
      const all = [...devices.values()];
      devices.clear();
      return all;
    },
  };
}
