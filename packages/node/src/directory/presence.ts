// How available this provider's people are: derived from what they chose, their devices and their calls (R14).
import type { Address, Presence } from '@parley/protocol';

export type ChosenPresence = Exclude<Presence, 'in-a-call' | 'offline'>;

/** What others see. Do-not-disturb is a wish that a call does not take away; without a device one is offline. */
export function derivePresence(chosen: ChosenPresence, inCall: boolean, devices: number): Presence {
  if (devices === 0) return 'offline';
  if (chosen === 'do-not-disturb') return chosen;
  return inCall ? 'in-a-call' : chosen;
}

export interface OwnPresence {
  of(address: Address): Presence;
  /** The last choice is kept while the node runs, over signing out and in. */
  choose(address: Address, presence: ChosenPresence): void;
  setInCall(address: Address, inCall: boolean): void;
  /** The person's devices came or went. */
  devicesChanged(address: Address): void;
  /** Everybody with a device. */
  readonly online: Iterable<Address>;
}

/** `changed` is called after each change of what others see, once. */
export function createOwnPresence(
  devicesOf: (address: Address) => number,
  changed: (address: Address, presence: Presence) => void,
): OwnPresence {
  // Bounded by the people of this provider: only the signed-in choose or are in calls.
  const choices = new Map<Address, ChosenPresence>();
  const inCalls = new Set<Address>();
  /** What others have been told; who is not in it is offline. */
  const shown = new Map<Address, Presence>();

  const of = (address: Address) =>
    derivePresence(choices.get(address) ?? 'available', inCalls.has(address), devicesOf(address));
  const refresh = (address: Address) => {
    const presence = of(address);
    if (presence === (shown.get(address) ?? 'offline')) return;
    if (presence === 'offline') shown.delete(address);
    else shown.set(address, presence);
    changed(address, presence);
  };

  return {
    of,
    choose(address, presence) {
      choices.set(address, presence);
      refresh(address);
    },
    setInCall(address, inCall) {
      if (inCall) inCalls.add(address);
      else inCalls.delete(address);
      refresh(address);
    },
    devicesChanged: refresh,
    online: { [Symbol.iterator]: () => [...shown.keys()][Symbol.iterator]() },
  };
}
