// What must hold after every step of the model, and when it has come to rest.
import assert from 'node:assert/strict';
import { activeCall, type CallPath, isRinging } from '@parley/protocol';
import { inCall } from './device.ts';
import { deviceAt, heardBy } from './network.ts';
import type { Device, Hearing, World } from './types.ts';
import { deadlineOf } from './world.ts';

export function hearing(world: World): Hearing {
  const connected = new Set<string>();
  const rendered = new Set<string>();
  for (const d of world.devices) {
    if (!inCall(d) || d.open.size === 0) continue;
    for (const other of world.devices) {
      if (other === d) continue;
      const lines = heardBy(world, d, other);
      const pair = `${d.address} ${other.address}`;
      if (lines.length > 0) connected.add(pair);
      for (const line of lines) world.carried.add(`${d.open.get(line)?.line.epoch} ${pair}`);
      if (lines.includes(d.rendered.get(other.sound) ?? 0)) rendered.add(pair);
    }
  }
  return { connected, rendered };
}

function bothThere(world: World, [a, b]: readonly (Device | undefined)[]): boolean {
  return [a, b].every((d) => {
    const person = d && world.state.participants.get(d.address);
    return d && inCall(d) && person?.state === 'joined' && person.device === d.device;
  });
}

/** Whether one of these paths has itself failed for one of the two, or for everybody. */
function broken(world: World, pair: readonly (Device | undefined)[], paths: readonly (CallPath | null)[]): boolean {
  return paths.some((path) => {
    if (path?.focus && world.rooms.get(path.focus.room)?.state === 'lost') return true;
    return pair.some((d) => world.broken.has(`${path?.epoch} ${d?.address}`));
  });
}

/** a: nobody who was heard falls silent, unless a path broke or they went. */
export function checkHearing(world: World, before: Hearing, after: Hearing): void {
  const call = activeCall(world.state);
  if (!call) return;
  for (const by of ['connected', 'rendered'] as const) {
    for (const pair of before[by]) {
      if (after[by].has(pair)) continue;
      const two = pair.split(' ').map((address) => world.devices.find((d) => d.address === address));
      const paths = by === 'connected' ? [call.path] : [call.path, call.transfer];
      if (!bothThere(world, two) || broken(world, two, paths)) continue;
      // Who was not to be heard anywhere when the hearer reported ready could not be waited for.
      if (world.unheard.has(`${call.path.epoch} ${pair}`)) continue;
      // A new path that is given up before the old one has carried anything leaves them as they were.
      if (call.transferFailure && !world.carried.has(`${call.path.epoch} ${pair}`)) continue;
      // The others give up a new path on the host's word; whoever has not heard it yet still plays from there.
      const given = world.log.slice(two[0]?.state.n ?? 0).some(({ body }) => body.type === 'transfer-ended');
      if (by === 'rendered' && given) continue;
      assert.fail(by === 'connected' ? `a: ${pair}: no path flows any more` : `a: ${pair}: what is played has stopped`);
    }
  }
}

/** c: nothing is left to happen, and everything is as the host says. */
export function checkRest(world: World): void {
  assert.equal(deadlineOf(world), null, 'c: no deadline is left');
  const call = activeCall(world.state);
  const people = [...world.state.participants.values()];
  assert.equal(call?.transfer ?? null, null, 'c: no transfer is under way');
  assert.ok(!people.some(isRinging), 'c: nobody rings');
  const inside = new Set(people.filter((p) => p.state === 'joined').map((p) => p.person.address));
  for (const d of world.devices) {
    assert.equal(inCall(d), inside.has(d.address), `c: ${d.address} knows whether it is in the call`);
    const lines = [...d.open.values()];
    if (!inCall(d)) assert.equal(lines.length, 0, `c: ${d.address} is out and has nothing open`);
    else {
      assert.deepEqual(
        lines.map((end) => end.line.epoch),
        [call?.path.epoch],
        `c: ${d.address} has the one path`,
      );
      assert.deepEqual(
        d.machine.lines.map((line) => line.id),
        [...d.open.keys()],
        'c: the machine knows it',
      );
    }
  }
  for (const a of inside) {
    for (const b of inside) {
      const [hearer, speaker] = [deviceAt(world, a), deviceAt(world, b)];
      if (!hearer || !speaker || a === b) continue;
      const line = hearer.rendered.get(speaker.sound) ?? 0;
      assert.ok(heardBy(world, hearer, speaker).includes(line), `c: ${a} hears ${b}`);
    }
  }
  const used = [call?.path.focus?.room, call?.transfer?.focus?.room];
  for (const [name, room] of world.rooms) {
    if (used.includes(name)) assert.equal(room.state, 'lent', 'c: the room in use is there');
    else assert.ok(room.state !== 'lent' || world.crashed, 'c: no room is kept for nothing');
  }
}
