// What people do in the model: answer, add, cancel, mute, leave.
import { activeCall, isRinging } from '@parley/protocol';
import { accept, hangUp, inCall, own, send, tellSwitches } from './device.ts';
import type { Device, May, World } from './types.ts';
import { personOf } from './world.ts';

export function peopleActions(world: World, d: Device, may: May): void {
  if (!d.alive) return;
  const self = own(d);
  if (self && isRinging(self) && d.commands.length === 0 && d.state.n === d.until) {
    may(
      'person',
      () => `${d.address} accepts`,
      () => accept(d),
      40,
    );
    may(
      'person',
      () => `${d.address} declines`,
      () => send(d, { type: 'decline' }),
      1,
    );
  }
  if (!inCall(d)) return;
  may(
    'person',
    () => `${d.address} goes away to sign in`,
    () => send(d, { type: 'identify' }),
    0.5,
  );
  if (activeCall(d.state)?.organiser === d.address) {
    for (const { address } of world.devices) {
      if (address === d.address || d.state.participants.get(address)?.state !== 'joined') continue;
      may(
        'person',
        () => `${d.address} takes ${address} out`,
        () => send(d, { type: 'remove', address, because: 'wish' }),
        0.3,
      );
    }
  }
  for (const { address } of world.devices) {
    const person = d.state.participants.get(address);
    if (address === d.address || person?.state === 'joined') continue;
    if (person && isRinging(person))
      may(
        'person',
        () => `${d.address} cancels ${address}`,
        () => send(d, { type: 'cancel', address }),
        0.2,
      );
    else
      may(
        'person',
        () => `${d.address} adds ${address}`,
        () => send(d, { type: 'add', person: personOf(address) }),
        4,
      );
  }
  may(
    'person',
    () => `${d.address} leaves`,
    () => {
      send(d, { type: 'leave', reason: 'hung-up' });
      hangUp(d);
    },
    0.5,
  );
  for (const kind of ['microphone', 'camera'] as const) {
    may(
      'person',
      () => `${d.address} switches ${kind}`,
      () => {
        d.switches = { ...d.switches, [kind]: !d.switches[kind] };
        tellSwitches(d);
      },
    );
  }
}
