// What can happen next in the model: things that are under way go on, people do something, something breaks. Each step
// takes one of them; the invariants are checked in between.
import { crash, fade, hear, inCall, input, reload } from './device.ts';
import { arriving, counterpart, deviceAt, roomIsUp } from './network.ts';
import { peopleActions } from './people.ts';
import type { Action, Device, End, Kind, May, Sent, World } from './types.ts';
import { crashHost, deadlineOf, execute, report, reserved, ringAlarm } from './world.ts';

/** Everything that can happen now, in an order that depends on nothing else. */
export function actionsOf(world: World, kinds: readonly Kind[]): Action[] {
  const actions: Action[] = [];
  const may: May = (kind, name, run, weight = 2) => {
    if (kinds.includes(kind)) actions.push({ kind, name, run, weight });
  };
  hostActions(world, may);
  for (const device of world.devices) {
    deviceActions(world, device, may);
    if (inCall(device)) for (const end of device.open.values()) pathActions(world, device, end, may);
    if (kinds.includes('person')) peopleActions(world, device, may);
  }
  return actions;
}

function hostActions(world: World, may: May): void {
  const [reported] = world.reports;
  if (reported) {
    const take = () => world.reports.shift();
    may(
      'progress',
      () => `report ${text(reported)}`,
      () => take() && execute(world, reported),
    );
  }
  if (world.reservations.length > 0) {
    may(
      'progress',
      () => 'room granted',
      () => reserved(world, true),
    );
    may(
      'fault',
      () => 'no room',
      () => reserved(world, false),
    );
  }
  const deadline = deadlineOf(world);
  if (deadline)
    may(
      'time',
      () => 'deadline',
      () => ringAlarm(world),
    );
  for (const [name, room] of world.rooms) {
    if (room.state !== 'lent') continue;
    may(
      'fault',
      () => 'engine lost',
      () => {
        room.state = 'lost';
        const [someone] = [...world.state.participants.values()].filter((p) => p.state === 'joined');
        if (someone) report(world, someone.person.address, { type: 'room-lost', room: name });
      },
    );
  }
  for (const [i, copy] of world.copies.entries()) {
    may(
      'progress',
      () => `again ${text(copy)}`,
      () => {
        world.copies.splice(i, 1);
        // Requests of an earlier stay in the call are answered with that stay's end.
        if (deviceAt(world, copy.by)?.joins === copy.joins) execute(world, copy);
      },
    );
  }
  may(
    'fault',
    () => 'host crashes',
    () => crashHost(world, false),
    1,
  );
  may(
    'fault',
    () => 'host crashes and ends its calls',
    () => crashHost(world, true),
    0.2,
  );
}

function deviceActions(world: World, d: Device, may: May): void {
  if (!d.alive) {
    may(
      'person',
      () => `${d.address} opens a new page`,
      () => reload(d),
      8,
    );
    return;
  }
  if (d.state.n < d.until)
    may(
      'progress',
      () => `${d.address} hears`,
      () => hear(world, d),
    );
  if (d.fades.length > 0)
    may(
      'progress',
      () => `${d.address} faded`,
      () => fade(world, d),
    );
  const [first] = d.commands;
  if (first) {
    may(
      'progress',
      () => `host hears ${text(first)}`,
      () => d.commands.shift() && execute(world, first),
    );
    if (first.command.type === 'ready')
      may(
        'fault',
        () => `lost ${text(first)}`,
        () => d.commands.shift(),
      );
    if (repeatable.has(first.command.type)) {
      may(
        'fault',
        () => `twice ${text(first)}`,
        () => {
          d.commands.shift();
          world.copies = [...world.copies, first].slice(-4);
          execute(world, first);
        },
      );
    }
  }
  const [gone] = d.patience;
  if (gone) {
    may(
      'time',
      () => `${d.address} waited for the host`,
      () => {
        d.patience.shift();
        input(world, d, { type: 'failed', line: gone.line, again: false });
      },
    );
  }
  may(
    'fault',
    () => `${d.address} crashes`,
    () => {
      const { device, address } = d;
      crash(d);
      const self = world.state.participants.get(address);
      if (self?.state === 'joined' && self.device === device) report(world, address, { type: 'leave', reason: 'lost' });
    },
    0.5,
  );
}

const repeatable = new Set<Sent['command']['type']>(['ready', 'path-failed', 'accept', 'media']);
const text = ({ by, command }: Sent) => `${by} ${JSON.stringify(command)}`;

function pathActions(world: World, d: Device, end: End, may: May): void {
  const { line } = end;
  const name = () => `${d.address} line ${line.id} of epoch ${line.epoch}`;
  const fail = () => {
    end.state = 'failed';
    world.broken.add(`${line.epoch} ${d.address}`);
    end.flowing.clear();
    input(world, d, { type: 'failed', line: line.id, again: true });
  };
  const changed = (change: () => void) => () => {
    change();
    // Nothing that the machine knows a line by: it only looks again at what flows.
    input(world, d, { type: 'settled', line: -1 });
  };
  const up = end.state === 'connecting' || end.state === 'connected';
  if (end.room !== null && up && !roomIsUp(world, end)) {
    may(
      'progress',
      () => `${name()} is lost`,
      () => {
        end.state = 'lost';
        end.flowing.clear();
        d.patience.push({ type: 'gone', line: line.id });
        input(world, d, { type: 'settled', line: -1 });
      },
    );
    return;
  }
  if (end.state === 'connecting') connecting(world, d, end, may, name, changed, fail);
  const arrive = end.state === 'connected' ? arriving(world, d, end) : [];
  for (const key of arrive) {
    if (!end.flowing.has(key))
      may(
        'progress',
        () => `${name()} carries ${key}`,
        changed(() => end.flowing.add(key)),
      );
  }
  for (const key of end.flowing) {
    if (!arrive.includes(key))
      may(
        'progress',
        () => `${name()} stalls ${key}`,
        changed(() => end.flowing.delete(key)),
      );
  }
  if (end.state === 'connected') may('fault', () => `${name()} fails`, fail);
  const alone = end.room === null && counterpart(world, d, end) === undefined;
  if (up && alone && d.state.participants.get(end.peer ?? d.address)?.state === 'joined')
    may('time', () => `${name()} is alone`, fail);
}

function connecting(
  world: World,
  d: Device,
  end: End,
  may: May,
  name: () => string,
  changed: (change: () => void) => () => void,
  fail: () => void,
): void {
  if (end.doomed) {
    may('time', () => `${name()} does not connect`, fail);
    return;
  }
  may(
    'fault',
    () => `${name()} will not connect`,
    () => {
      end.doomed = true;
      const other = counterpart(world, d, end);
      if (other) other.doomed = true;
    },
  );
  const other = end.room === null ? counterpart(world, d, end) : null;
  if (other?.doomed) end.doomed = true;
  else if (end.room !== null || other) {
    may(
      'progress',
      () => `${name()} connects`,
      () => {
        if (end.room !== null && !admitted(world, d, end)) fail();
        else
          changed(() => {
            end.state = 'connected';
          })();
      },
    );
  }
}

/** The host gives a pass into a conference to whoever is in the call, for the paths it has. */
function admitted(world: World, d: Device, end: End): boolean {
  const self = world.state.participants.get(d.address);
  const call = world.state.call;
  const known = [call?.path.epoch, call?.transfer?.epoch].includes(end.line.epoch);
  return self?.state === 'joined' && self.device === d.device && known;
}

/** After a step elsewhere, a device looks again at what is offered to it. */
export function lookAgain(world: World): void {
  for (const d of world.devices) if (inCall(d) && d.open.size > 0) input(world, d, { type: 'settled', line: -1 });
}

/** One of them, by a number from 0 to 1. */
export function choose(actions: readonly Action[], where: number): Action | undefined {
  const end = where * actions.reduce((sum, { weight }) => sum + weight, 0);
  let sum = 0;
  for (const action of actions) {
    sum += action.weight;
    if (end < sum) return action;
  }
  return undefined;
}
