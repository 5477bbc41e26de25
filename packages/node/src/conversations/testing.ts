// For tests: two providers with real databases and the real conversation service; the sockets between them and to the
// devices are fakes that deliver in order, so that what is seen is the service's own doing.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { TestContext } from 'node:test';
import {
  type Address,
  activeCall,
  type ConferenceNeeds,
  type ConversationId,
  type ConversationState,
  type DeviceId,
  type DeviceMethod,
  type DeviceParams,
  type DeviceResult,
  type Domain,
  deviceNotifications,
  domainOf,
  emptyConversation,
  type FocusRoom,
  type LinkMethod,
  linkMethods,
  ParleyError,
  type Person,
  parseWith,
  reduceAll,
} from '@parley/protocol';
import { pino } from 'pino';
import type { Directory } from '../directory/api.ts';
import type { DomainSigner, Federation } from '../federation/api.ts';
import type { Policy } from '../policy/api.ts';
import type { Caller, Devices } from '../signalling/api.ts';
import { openStorage } from '../storage/index.ts';
import type { ConferenceRooms, RoomReport } from './api.ts';
import { createConversations } from './index.ts';

export const one = 'enterprise1.example' as Domain;
export const two = 'enterprise2.example' as Domain;
export const media = { microphone: true, camera: true };
const log = pino({ level: 'silent' });

/** What one device has been told, folded as a client folds it. */
export interface FakeDevice {
  readonly id: DeviceId;
  readonly owner: Address;
  readonly states: Map<ConversationId, ConversationState>;
  readonly signals: { from: Address; type: string }[];
  readonly order: string[];
}

type Handlers = Map<string, (a: never, b: never) => unknown>;

export class FakeProviders<P extends Policy = Policy> extends EventEmitter<{ told: [] }> {
  readonly newPolicy: () => P;
  constructor(newPolicy: () => P) {
    super();
    this.newPolicy = newPolicy;
  }
  readonly handlers = new Map<Domain, Handlers>();
  readonly unreachable = new Set<Domain>();
  readonly linkTraffic: { to: Domain; method: string }[] = [];
  /** What a focus answers when a room is to be recorded, or not any more. */
  record: (host: Domain, room: FocusRoom, recording: number, on: boolean) => Promise<void> = async () => {};
}

export async function provider<P extends Policy>(
  t: TestContext,
  world: FakeProviders<P>,
  domain: Domain,
  people: readonly string[],
  patience = { ring: 60_000, transfer: 60_000, returnToDirect: 60_000 },
) {
  const all: FakeDevice[] = [];
  const deviceHandlers: Handlers = new Map();
  const busy = new Map<Address, boolean>();
  const events = new EventEmitter();
  const person = (address: Address): Person => ({ address, name: address.split('@')[0] ?? '', company: domain });
  const devices = Object.assign(events, {
    of: (address: Address) => all.filter((d) => d.owner === address).map((d) => d.id),
    ownerOf: (id: DeviceId) => all.find((d) => d.id === id)?.owner ?? null,
    tell(id: DeviceId, method: keyof typeof deviceNotifications, params: unknown) {
      const device = all.find((d) => d.id === id);
      if (!device) return false;
      parseWith(deviceNotifications[method] as never, params, 'internal-error');
      device.order.push(method);
      if (method === 'conversation.events') {
        const { conversation, events: fresh } = params as { conversation: ConversationId; events: never[] };
        const before = device.states.get(conversation) ?? emptyConversation(conversation);
        device.states.set(conversation, reduceAll(before, fresh));
      }
      if (method === 'call.withdrawn') device.states.delete((params as { conversation: ConversationId }).conversation);
      if (method === 'call.signal') {
        const { from, signal } = params as { from: { address: Address }; signal: { type: string } };
        device.signals.push({ from: from.address, type: signal.type });
      }
      world.emit('told');
      return true;
    },
    tellPerson(address: Address, method: keyof typeof deviceNotifications, params: unknown) {
      const mine = all.filter((d) => d.owner === address);
      for (const device of mine) devices.tell(device.id, method, params as never);
      return mine.length;
    },
    handle: (method: string, handler: never) => void deviceHandlers.set(method, handler),
  }) as unknown as Devices;

  const linkHandlers: Handlers = new Map();
  world.handlers.set(domain, linkHandlers);
  const federation = Object.assign(new EventEmitter(), {
    async request(to: Domain, method: LinkMethod, params: unknown) {
      world.linkTraffic.push({ to, method });
      const handler = world.handlers.get(to)?.get(method);
      if (world.unreachable.has(to) || !handler) throw new ParleyError('provider-unreachable');
      const sent = JSON.parse(JSON.stringify(params)) as never;
      const result: unknown = await handler(
        domain as never,
        parseWith(linkMethods[method].params as never, sent) as never,
      );
      return parseWith(linkMethods[method].result as never, result, 'internal-error');
    },
    handle: (method: string, handler: never) => void linkHandlers.set(method, handler),
  }) as unknown as Federation;
  linkHandlers.set('directory.lookup', ((_: Domain, { address }: { address: Address }) => {
    if (!people.includes(address.split('@')[0] ?? '')) throw new ParleyError('unknown-address');
    return { contact: { person: person(address), presence: 'available' } };
  }) as never);

  const directory: Directory = {
    find: async (address) =>
      domainOf(address) === domain && people.includes(address.split('@')[0] ?? '') ? person(address) : null,
    known: async () => null,
    lookup: async (address, by) =>
      (await federation.request(domainOf(address), 'directory.lookup', { address, by })).contact,
    presenceOf: (address) => (devices.of(address).length === 0 ? 'offline' : 'available'),
    setInCall: (address, inCall) => void busy.set(address, inCall),
    remember: async () => {},
  };
  const lent: string[] = [];
  const needed: ConferenceNeeds[] = [];
  const released: string[] = [];
  const evicted: Address[] = [];
  const rooms: ConferenceRooms = {
    async reserve(focus, _, __, needs) {
      needed.push(needs ?? {});
      if (world.unreachable.has(focus)) throw new ParleyError('no-conference-available');
      const room = `r_${String(lent.length).padStart(21, '0')}${focus === one ? 1 : 2}`;
      lent.push(room);
      return room;
    },
    evict: (_, address) => void evicted.push(address),
    release: (_, room) => void released.push(room),
    record: (room, n, on) => world.record(domain, room, n, on),
  };
  const signer: DomainSigner = { domain, sign: async () => 'signed', verify: async () => ({}) };
  const policy = world.newPolicy();
  const storage = await openStorage({ file: ':memory:' });
  const conversations = await createConversations({
    domain,
    storage,
    devices,
    directory,
    federation,
    signer,
    rooms,
    policy,
    paths: 'any',
    patience,
    log,
  });
  t.after(async () => {
    await conversations.close();
    await storage.destroy();
  });
  return {
    policy,
    lent,
    needed,
    evicted,
    released,
    report: (room: FocusRoom, id: ConversationId, report: RoomReport) =>
      conversations.roomReport(room.domain, id, room.room, report),
    recordingsOf: conversations.recordingsOf,
    pass: conversations.pass,
    inCall: (name: string) => busy.get(`${name}@${domain}` as Address) ?? false,
    device(name: string, suffix = '1'): FakeDevice {
      const id = `d_${(name + suffix).padEnd(16, '0')}` as DeviceId;
      const device = { id, owner: `${name}@${domain}` as Address, states: new Map(), signals: [], order: [] };
      all.push(device);
      return device;
    },
    crash(device: FakeDevice) {
      all.splice(all.indexOf(device), 1);
      events.emit('gone', { address: device.owner, device: device.id, reason: 'lost' });
    },
    async ask<M extends DeviceMethod>(
      device: FakeDevice,
      method: M,
      params: DeviceParams<M>,
    ): Promise<DeviceResult<M>> {
      const caller: Caller = { person: person(device.owner), address: device.owner, device: device.id, only: null };
      const handler = deviceHandlers.get(method);
      assert.ok(handler, method);
      return (await handler(caller as never, params as never)) as DeviceResult<M>;
    },
  };
}

/** Waits until what a device has been told makes `true`; fails by the runner's time limit. */
export async function until(world: FakeProviders, condition: () => boolean | undefined): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => world.once('told', resolve));
}

export const stateOf = (device: FakeDevice, id: ConversationId, address: string) =>
  device.states.get(id)?.participants.get(address as Address);
export const callOf = (device: FakeDevice, id: ConversationId) => {
  const state = device.states.get(id);
  return state ? activeCall(state) : null;
};
export const sdp = 'v=0';
export const startWith = (to: string, offer = true) => ({
  to: [to as Address],
  policy: 'direct-first' as const,
  media,
  ...(offer ? { offer: { path: 'p_12345678', sdp } } : {}),
});
