// One run of the model: a call begins, anything happens in any order, and then everything comes to rest.
import assert from 'node:assert/strict';
import * as client from '@parley/client/transfer-rules';
import * as host from '@parley/node/call-rules';
import { activeCall, type MediaPolicy } from '@parley/protocol';
import { accept, createDevice, hearAll, send } from './device.ts';
import { checkHearing, checkRest, hearing } from './invariants.ts';
import { actionsOf, choose, lookAgain } from './play.ts';
import type { Action, Device, Rules, World } from './types.ts';
import { checkRooms, createWorld, personOf, startCall } from './world.ts';

export const rules: Rules = { ...client, ...host };

export interface Script {
  readonly people: number;
  readonly policy: MediaPolicy;
  /** So many are in the call, and hear each other, before the choices begin. */
  readonly talking: number;
  /** Each chooses one of what can happen then. */
  readonly choices: readonly number[];
}

const names = ['alice', 'bob', 'carol', 'dave'];
/** A world that does not come to rest within this many steps never does. */
const MAX_STEPS = 4000;
/** Of 64 steps, so many are of each kind. */
const odds = { progress: 52, person: 8, time: 1, fault: 3 };
const kinds = Object.entries(odds).flatMap(([kind, n]) => Array<keyof typeof odds>(n).fill(kind as keyof typeof odds));

/** Plays a script with these rules. Throws an AssertionError with the course of events where an invariant is broken. */
export function play(script: Script, by: Rules = rules): World {
  try {
    return run(script, by, null);
  } catch {
    const trace: string[] = [];
    try {
      return run(script, by, trace);
    } catch (error) {
      if (error instanceof Error) error.message += `\n${trace.join('\n')}`;
      throw error;
    }
  }
}

function run(script: Script, by: Rules, trace: string[] | null): World {
  const world = createWorld(by, names.slice(0, script.people).map(createDevice), trace);
  startCall(world, script.policy);
  for (const caller of world.devices.slice(0, 1)) hearAll(world, caller);
  for (const device of world.devices.slice(1, script.talking)) bringIn(world, device);
  for (const choice of script.choices) {
    const possible = actionsOf(world, [kinds[choice % kinds.length] ?? 'progress']);
    const chosen = choose(possible, (choice >> 6) / 1024);
    if (chosen) take(world, chosen);
    if (!activeCall(world.state)) break;
  }
  untilRest(world, () => actionsOf(world, ['progress'])[0] ?? actionsOf(world, ['time'])[0]);
  checkRest(world);
  return world;
}

/** The person is added, if need be, and answers. */
function bringIn(world: World, device: Device): void {
  const [caller] = world.devices;
  if (caller && !world.state.participants.has(device.address))
    send(caller, { type: 'add', person: personOf(device.address) });
  const progress = () => actionsOf(world, ['progress'])[0];
  untilRest(world, progress);
  accept(device);
  untilRest(world, progress);
}

function untilRest(world: World, next: () => Action | undefined): void {
  let steps = 0;
  for (let action = next(); action; action = next()) {
    steps += 1;
    assert.ok(steps < MAX_STEPS, 'c: it comes to rest');
    take(world, action);
  }
}

function take(world: World, action: Action): void {
  const before = world.hearing;
  world.trace?.push(action.name());
  action.run();
  checkRooms(world);
  lookAgain(world);
  world.hearing = hearing(world);
  if (action.kind !== 'fault') checkHearing(world, before, world.hearing);
}
