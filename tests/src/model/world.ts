// The model's world: one host with its event log and rooms, and everything that is under way between it and the devices.
// The host does what packages/node/src/conversations/host.ts does, step by step and without waiting for anything.
import assert from 'node:assert/strict';
import { abandonedRooms, audience, begin, type Command, newlyInvited } from '@parley/node/call-rules';
import {
  type Address,
  activeCall,
  type ConversationId,
  type Domain,
  type EventBody,
  emptyConversation,
  type FocusRoom,
  type MediaPolicy,
  ParleyError,
  type Person,
  reduce,
  reduceAll,
} from '@parley/protocol';
import type { Device, Rules, Sent, World } from './types.ts';

const company = 'one.example' as Domain;
const patience = { ring: 45_000, transfer: 15_000, returnToDirect: 3_000 };
const media = { microphone: true, camera: true };
/** More events than this follow from no single one. */
const MAX_ROUNDS = 20;

export function personOf(address: Address): Person {
  return { address, name: address.slice(0, address.indexOf('@')), company: 'One' };
}

export function createWorld(rules: Rules, devices: readonly Device[], trace: string[] | null): World {
  return {
    rules,
    devices,
    state: emptyConversation('AAAAAAAAAAAAAAAAAAAAAA@one.example' as ConversationId),
    log: [],
    clock: 1_000,
    hearing: { connected: new Set(), rendered: new Set() },
    rooms: new Map(),
    reports: [],
    reservations: [],
    copies: [],
    crashed: false,
    carried: new Set(),
    broken: new Set(),
    unheard: new Set(),
    trace,
  };
}

/** The first device calls the second. */
export function startCall(world: World, policy: MediaPolicy): void {
  const [caller, callee] = world.devices;
  assert.ok(caller && callee);
  const by = personOf(caller.address);
  const focus = policy === 'conference' ? lend(world, 1) : null;
  const to = [personOf(callee.address)];
  commit(world, begin({ by, device: caller.device, media, to, title: undefined, policy, focus }));
}

/** As the focus does: the same room again for the same attempt. */
function lend(world: World, epoch: number): FocusRoom {
  for (const [room, lent] of world.rooms) {
    if (lent.epoch === epoch && lent.state === 'lent') return { domain: company, room };
  }
  const room = `r_${String(world.rooms.size + 1).padStart(22, '0')}`;
  world.rooms.set(room, { epoch, state: 'lent' });
  return { domain: company, room };
}

function release(world: World, name: string): void {
  const room = world.rooms.get(name);
  if (room?.state === 'lent') room.state = 'ended';
}

export function commit(world: World, bodies: readonly EventBody[]): void {
  if (bodies.length === 0) return;
  const before = world.state;
  let next = bodies;
  for (let round = 0; next.length > 0; round += 1) {
    assert.ok(round < MAX_ROUNDS, 'consequences come to rest');
    for (const body of next) append(world, body);
    next = world.rules.consequences(world.state);
  }
  const after = world.state;
  const told = audience(before, after);
  for (const device of world.devices) {
    if (!told.includes(device.address)) continue;
    device.until = after.n;
    // It may have gone between its answer and this event.
    const person = after.participants.get(device.address);
    const comes = person?.device !== before.participants.get(device.address)?.device;
    if (comes && person?.state === 'joined' && (!device.alive || person.device !== device.device))
      report(world, device.address, { type: 'leave', reason: 'lost' });
  }
  for (const { room } of abandonedRooms(before, after)) release(world, room);
  for (const address of newlyInvited(before, after)) {
    const there = world.devices.find((device) => device.address === address)?.alive;
    report(world, address, there ? { type: 'alerting' } : { type: 'refuse', outcome: 'offline' });
  }
}

function append(world: World, body: EventBody): void {
  const { state } = world;
  const event = { conversation: state.id, n: state.n + 1, at: world.clock, body };
  world.log.push(event);
  world.state = reduce(state, event);
  // Whoever comes back has lines of their own to set up, on a path that may have carried them before.
  if (body.type === 'joined') {
    for (const key of world.carried) if (key.split(' ').includes(body.address)) world.carried.delete(key);
  }
  world.trace?.push(`  ${event.n} ${JSON.stringify(body)}`);
  const [old, present] = [state.call?.path.epoch ?? 0, world.state.call?.path.epoch ?? 0];
  assert.ok(present >= old, 'd: epochs only grow');
  assert.ok((world.state.call?.transfer?.epoch ?? present + 1) > present, 'd: a transfer leads to a later epoch');
}

/** A call never runs in, or on its way to, a room that was given back. */
export function checkRooms(world: World): void {
  const call = activeCall(world.state);
  for (const path of [call?.path, call?.transfer]) {
    if (path?.focus)
      assert.notEqual(world.rooms.get(path.focus.room)?.state, 'ended', 'c: the room in use was given back');
  }
}

export function report(world: World, by: Address, command: Command): void {
  world.reports.push({ by, device: null, joins: 0, command });
}

/** One command reaches the host; what it refuses changes nothing. */
export function execute(world: World, sent: Sent): void {
  const self = world.state.participants.get(sent.by);
  if (sent.device && self?.state === 'joined' && self.device !== sent.device) return;
  attempt(world, sent, null);
}

function attempt(world: World, sent: Sent, focus: FocusRoom | null): void {
  world.clock += 10;
  const { command } = sent;
  const call = activeCall(world.state);
  try {
    const decision = world.rules.decide(world.state, sent.by, command, focus);
    if ('needsFocus' in decision) {
      const epoch = (call?.lastEpoch ?? 0) + 1;
      world.reservations.push({ sent, epoch, otherwise: decision.otherwise });
      return;
    }
    if (command.type === 'ready' || command.type === 'path-failed') {
      const present = command.epoch === call?.path.epoch || command.epoch === call?.transfer?.epoch;
      assert.ok(present || decision.events.length === 0, 'd: what is said of an older path changes nothing');
    }
    commit(world, decision.events);
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    world.trace?.push(`  refused: ${error.code}`);
  } finally {
    // Also after a refusal: somebody else may have reserved the same room for the same attempt.
    if (focus && !world.rules.usesRoom(world.state, focus.room)) release(world, focus.room);
  }
}

/** A focus answers the oldest request for a room, or none does. */
export function reserved(world: World, granted: boolean): void {
  const wanted = world.reservations.shift();
  if (!wanted) return;
  if (granted) attempt(world, wanted.sent, lend(world, wanted.epoch));
  else if (wanted.otherwise && activeCall(world.state)) commit(world, wanted.otherwise);
}

export function deadlineOf(world: World) {
  return world.rules.nextDeadline(world.state, patience);
}

/** Time passes until the next deadline of the host. */
export function ringAlarm(world: World): void {
  const deadline = deadlineOf(world);
  if (!deadline) return;
  world.clock = Math.max(world.clock, deadline.at);
  commit(world, deadline.events);
}

/**
 * The host goes and comes back with what it stored. Rooms asked for are lent for nothing, commands under way are lost;
 * devices send again what they have no answer to.
 */
export function crashHost(world: World, endsCalls: boolean): void {
  world.crashed = true;
  for (const { epoch } of world.reservations) lend(world, epoch);
  const open = world.reservations.map(({ sent }) => sent);
  world.reservations = [];
  world.copies = [];
  for (const device of world.devices) {
    const mine = [...open.filter((sent) => sent.device === device.device), ...device.commands];
    device.commands = mine.filter(({ command: { type } }) => device.alive && keptByDevices.has(type));
  }
  const refolded = reduceAll(emptyConversation(world.state.id), world.log);
  assert.deepEqual(refolded, world.state, 'the log says everything');
  if (endsCalls && activeCall(world.state)) commit(world, [{ type: 'call-ended', reason: 'lost' }]);
}
const keptByDevices = new Set<Command['type']>(['ready', 'path-failed', 'leave', 'media']);
