// One device of the model: the conversation as far as it has heard, the transfer machine, and the paths it has open. It
// does what call.ts, call-media.ts and call-paths.ts do; sound and pictures are booleans, and fades end when told to.
import assert from 'node:assert/strict';
import type { Line, LineSource, SourceKey, TransferEffect, TransferInput } from '@parley/client/transfer-rules';
import { noLines, sourceKey } from '@parley/client/transfer-rules';
import type { Command } from '@parley/node/call-rules';
import {
  type Address,
  activeCall,
  type ConversationId,
  type DeviceId,
  emptyConversation,
  reduce,
  reduceAll,
} from '@parley/protocol';
import { heardBy, sourcesOn } from './network.ts';
import type { Device, End, Task, World } from './types.ts';

export function createDevice(name: string): Device {
  const address = `${name}@one.example` as Address;
  return {
    address,
    sound: sourceKey('audio', address),
    picture: sourceKey('video', address),
    device: deviceId(name, 1),
    alive: true,
    until: 0,
    state: emptyConversation('AAAAAAAAAAAAAAAAAAAAAA@one.example' as ConversationId),
    commands: [],
    joins: 0,
    flowedOn: new Map(),
    ...fresh(),
  };
}

const deviceId = (name: string, generation: number) => `d_${name}${String(generation).padStart(16, '0')}` as DeviceId;

function fresh() {
  return {
    joined: false,
    over: false,
    machine: noLines,
    open: new Map<number, End>(),
    rendered: new Map<SourceKey, number>(),
    fades: [] as Task[],
    patience: [] as Task[],
    switches: { microphone: true, camera: true },
    toldSwitches: '',
  };
}

export const own = (d: Device) => d.state.participants.get(d.address);
/** In the call, as far as the device knows. */
export const inCall = (d: Device) => d.alive && d.joined && !d.over;

export function send(d: Device, command: Command): void {
  d.commands.push({ by: d.address, device: d.device, joins: d.joins, command });
}

export function accept(d: Device): void {
  Object.assign(d, fresh(), { joins: d.joins + 1 });
  d.flowedOn.clear();
  send(d, { type: 'accept', device: d.device, media: d.switches });
}

/** The page is gone, with all it knew. */
export function crash(d: Device): void {
  Object.assign(d, fresh(), { alive: false, commands: [] });
  d.flowedOn.clear();
}

/** A new page, which is told everything it may know. */
export function reload(d: Device): void {
  const name = d.address.slice(0, d.address.indexOf('@'));
  d.device = deviceId(name, Number(d.device.slice(-16)) + 1);
  d.alive = true;
  d.state = emptyConversation(d.state.id);
}

/** What a call begins with comes to the caller at once, as the answer to the request. */
export function hearAll(world: World, d: Device): void {
  d.state = reduceAll(d.state, world.log.slice(d.state.n, d.until));
  follow(world, d);
}

/** The next event of the host's log arrives. */
export function hear(world: World, d: Device): void {
  const event = world.log[d.state.n];
  if (!event || d.state.n >= d.until) return;
  d.state = reduce(d.state, event);
  follow(world, d);
}

function follow(world: World, d: Device): void {
  const self = own(d);
  if (self?.state === 'joined' && self.device === d.device) d.joined = true;
  const call = activeCall(d.state);
  if (d.joined && (!call || self?.state !== 'joined' || self.device !== d.device)) hangUp(d);
  if (!call || !inCall(d)) return;
  input(world, d, { type: 'host', path: call.path, transfer: call.transfer });
  spread(d);
  tellSwitches(d);
}

export function hangUp(d: Device): void {
  d.over = true;
  d.open.clear();
  d.fades = [];
  d.patience = [];
  d.rendered = new Map();
  d.flowedOn.clear();
}

export function tellSwitches(d: Device): void {
  const self = own(d);
  if (!inCall(d) || self?.state !== 'joined') return;
  const { microphone, camera } = d.switches;
  const text = `${microphone} ${camera}`;
  if (self.media.microphone === microphone && self.media.camera === camera) d.toldSwitches = '';
  else if (d.toldSwitches !== text) {
    d.toldSwitches = text;
    send(d, { type: 'media', media: d.switches });
  }
}

/** One input after the other, also when effects bring about new ones; then what is rendered is chosen anew. */
export function input(world: World, d: Device, next: TransferInput): void {
  const inputs = [next];
  for (let one = inputs.shift(); one; one = inputs.shift()) {
    const { state, effects } = world.rules.step(d.machine, one);
    d.machine = state;
    for (const effect of effects) carryOut(world, d, effect, inputs);
    if (inputs.length === 0) render(world, d, inputs);
  }
}

function carryOut(world: World, d: Device, effect: TransferEffect, inputs: TransferInput[]): void {
  world.trace?.push(`  ${d.address} ${JSON.stringify(effect)}`);
  switch (effect.type) {
    case 'open':
      open(d, effect.line);
      return;
    case 'close':
      d.fades.push({ type: 'close', line: effect.line });
      return;
    case 'prefer':
      render(world, d, inputs);
      d.fades.push({ type: 'settled', line: effect.line });
      return;
    case 'ready':
      for (const other of world.devices)
        if (heardBy(world, d, other).length === 0) world.unheard.add(`${effect.epoch} ${d.address} ${other.address}`);
      send(d, { type: 'ready', epoch: effect.epoch });
      return;
    case 'path-failed':
      send(d, { type: 'path-failed', epoch: effect.epoch });
  }
}

/** A fade has ended. */
export function fade(world: World, d: Device): void {
  const task = d.fades.shift();
  if (task?.type === 'settled') settled(world, d, task.line);
  else if (task && d.open.delete(task.line)) {
    spread(d);
    input(world, d, { type: 'settled', line: -1 });
  }
}

/** As call-media.ts: what has begun to flow by another line in the meantime must come by this one too. */
function settled(world: World, d: Device, line: number): void {
  const end = d.open.get(line);
  const sources = sourcesOf(world, d);
  if (end?.state === 'connected' && world.rules.carriesAll(line, needed(d, line, sources), sources))
    input(world, d, { type: 'settled', line });
  else if (end) end.complete = false;
}

function sourcesOf(world: World, d: Device): LineSource[] {
  const sources: LineSource[] = [];
  for (const [line, end] of d.open) {
    for (const key of sourcesOn(world, d, end)) sources.push({ line, key, flowing: end.flowing.has(key) });
  }
  return sources;
}

function open(d: Device, line: Line): void {
  const call = activeCall(d.state);
  const wanted = [call?.transfer, call?.path].find((path) => path?.epoch === line.epoch);
  if (!wanted) return;
  const peer = wanted.focus ? null : wanted.between.find((address) => address !== d.address);
  // Whom it leads to is gone already.
  if (peer === undefined) return;
  const none = { state: 'connecting', doomed: false, sending: false, complete: false } as const;
  d.open.set(line.id, { line, room: wanted.focus?.room ?? null, peer, ...none, flowing: new Set() });
  spread(d);
}

/** Own sound and picture go onto every path whose other end may have them. */
function spread(d: Device): void {
  for (const end of d.open.values())
    end.sending = end.peer === null || d.state.participants.get(end.peer)?.state === 'joined';
}

/** As call-media.ts does after every change of anything. */
export function render(world: World, d: Device, inputs: TransferInput[]): void {
  const { rules } = world;
  const sources = sourcesOf(world, d);
  d.rendered = rules.choose(d.rendered, d.machine.preferred, sources);
  checkRendered(d, sources);
  for (const { key, line, flowing } of sources) if (flowing && d.rendered.get(key) === line) d.flowedOn.set(key, line);
  for (const key of d.flowedOn.keys()) if (!d.rendered.has(key)) d.flowedOn.delete(key);
  for (const [line, end] of d.open) {
    if (end.complete || end.state !== 'connected' || !rules.carriesAll(line, needed(d, line, sources), sources))
      continue;
    end.complete = true;
    inputs.push({ type: 'complete', line });
  }
}

function checkRendered(d: Device, sources: readonly LineSource[]): void {
  const loud = sources.filter(({ key, line }) => d.rendered.get(key) === line);
  const keys = new Set(sources.map(({ key }) => key));
  assert.equal(loud.length, keys.size, 'b: every source is rendered from exactly one line');
  for (const { key, flowing } of loud) {
    const better = !flowing && sources.some((source) => source.key === key && source.flowing);
    assert.ok(!better, 'b: nothing silent is rendered while it flows elsewhere');
  }
}

function needed(d: Device, line: number, sources: readonly LineSource[]): SourceKey[] {
  return [...d.rendered].flatMap(([key, from]) => {
    if (from === line || d.flowedOn.get(key) !== from) return [];
    const [kind, address] = key.split(' ') as ['audio' | 'video', Address];
    const person = d.state.participants.get(address);
    if (person?.state !== 'joined') return [];
    const flows = sources.some((s) => s.key === key && s.line === from && s.flowing);
    const expected = kind === 'video' ? person.media.camera : person.media.microphone || flows;
    return expected ? [key] : [];
  });
}
