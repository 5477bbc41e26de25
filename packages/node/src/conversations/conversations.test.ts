// Two providers with real databases and the real conversation service; the sockets between them and to the devices are
// fakes that deliver in order, so that what is seen is the service's own doing.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { type TestContext, test } from 'node:test';
import {
  type Address,
  activeCall,
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
  type LinkMethod,
  linkMethods,
  MAX_FRAME_BYTES,
  ParleyError,
  type Person,
  parseWith,
  reduceAll,
} from '@parley/protocol';
import { pino } from 'pino';
import type { Directory } from '../directory/api.ts';
import type { DomainSigner, Federation } from '../federation/api.ts';
import { testPolicy } from '../policy/testing.ts';
import type { Caller, Devices } from '../signalling/api.ts';
import { openStorage } from '../storage/index.ts';
import type { ConferenceRooms } from './api.ts';
import { createConversations } from './index.ts';

const one = 'enterprise1.example' as Domain;
const two = 'enterprise2.example' as Domain;
const media = { microphone: true, camera: true };
const log = pino({ level: 'silent' });

/** What one device has been told, folded as a client folds it. */
interface FakeDevice {
  readonly id: DeviceId;
  readonly owner: Address;
  readonly states: Map<ConversationId, ConversationState>;
  readonly signals: { from: Address; type: string }[];
  readonly order: string[];
}

type Handlers = Map<string, (a: never, b: never) => unknown>;

class FakeProviders extends EventEmitter<{ told: [] }> {
  readonly handlers = new Map<Domain, Handlers>();
  readonly unreachable = new Set<Domain>();
  readonly linkTraffic: { to: Domain; method: string }[] = [];
}

async function provider(
  t: TestContext,
  world: FakeProviders,
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
  const released: string[] = [];
  const rooms: ConferenceRooms = {
    async reserve(focus) {
      if (world.unreachable.has(focus)) throw new ParleyError('no-conference-available');
      const room = `r_${String(lent.length).padStart(21, '0')}${focus === one ? 1 : 2}`;
      lent.push(room);
      return room;
    },
    release: (_, room) => void released.push(room),
  };
  const signer: DomainSigner = { domain, sign: async () => 'signed', verify: async () => ({}) };
  const policy = testPolicy();
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
    released,
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
      const caller: Caller = { person: person(device.owner), address: device.owner, device: device.id };
      const handler = deviceHandlers.get(method);
      assert.ok(handler, method);
      return (await handler(caller as never, params as never)) as DeviceResult<M>;
    },
  };
}

/** Waits until what a device has been told makes `true`; fails by the runner's time limit. */
async function until(world: FakeProviders, condition: () => boolean | undefined): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => world.once('told', resolve));
}

const stateOf = (device: FakeDevice, id: ConversationId, address: string) =>
  device.states.get(id)?.participants.get(address as Address);
const callOf = (device: FakeDevice, id: ConversationId) => {
  const state = device.states.get(id);
  return state ? activeCall(state) : null;
};
const sdp = 'v=0';
const startWith = (to: string, offer = true) => ({
  to: [to as Address],
  policy: 'direct-first' as const,
  media,
  ...(offer ? { offer: { path: 'p_12345678', sdp } } : {}),
});

test('flow 3 by messages: ring across providers, accept, add, conference at the adder’s provider, all screens agree', {
  timeout: 10_000,
}, async (t) => {
  const world = new FakeProviders();
  const e1 = await provider(t, world, one, ['bob', 'carol']);
  const e2 = await provider(t, world, two, ['alice']);
  const [alice, bob, carol] = [e2.device('alice'), e1.device('bob'), e1.device('carol')];
  const { conversation: id } = await e2.ask(alice, 'call.start', startWith('bob@enterprise1.example'));
  await until(world, () => stateOf(alice, id, 'bob@enterprise1.example')?.state === 'alerting');
  await until(world, () => bob.signals.length > 0);
  assert.deepEqual(bob.order.slice(0, 1), ['conversation.events'], 'the invitation comes before its offer');
  assert.deepEqual(bob.signals, [{ from: alice.owner, type: 'offer' }]);
  await e1.ask(bob, 'call.accept', { conversation: id, media });
  await until(world, () => callOf(alice, id)?.answeredAt != null && callOf(bob, id)?.answeredAt != null);
  assert.ok(e1.inCall('bob') && e2.inCall('alice'));

  await e1.ask(bob, 'call.add', { conversation: id, address: carol.owner });
  await until(world, () => stateOf(carol, id, 'carol@enterprise1.example')?.state === 'alerting');
  assert.equal(callOf(alice, id)?.transfer?.focus?.domain, one, 'the adder’s provider runs the conference');
  await e1.ask(carol, 'call.accept', { conversation: id, media });
  await e2.ask(alice, 'call.ready', { conversation: id, epoch: 2 });
  await e1.ask(bob, 'call.ready', { conversation: id, epoch: 2 });
  await until(world, () => [alice, bob, carol].every((d) => callOf(d, id)?.path.kind === 'conference'));
  const [a, b, c] = [alice, bob, carol].map((d) => d.states.get(id));
  await until(
    world,
    () => alice.states.get(id)?.n === carol.states.get(id)?.n && bob.states.get(id)?.n === carol.states.get(id)?.n,
  );
  assert.deepEqual(a?.participants.size, 3);
  assert.deepEqual([...(b?.participants.keys() ?? [])], [...(c?.participants.keys() ?? [])], 'R26');

  await e2.ask(alice, 'call.leave', { conversation: id });
  await e1.ask(bob, 'call.leave', { conversation: id });
  await until(world, () => carol.states.get(id)?.call?.ended != null);
  assert.ok(!e1.inCall('bob') && !e1.inCall('carol') && !e2.inCall('alice'));
  assert.equal(e2.released.length, 1, 'the room is given back');
});

test('R13: unknown, offline and busy are told apart, in the same company and across', {
  timeout: 10_000,
}, async (t) => {
  const world = new FakeProviders();
  const e1 = await provider(t, world, one, ['bob', 'carol', 'erin']);
  const e2 = await provider(t, world, two, ['alice', 'dave']);
  const alice = e2.device('alice');
  const refused = (code: string) => (error: unknown) => error instanceof ParleyError && error.code === code;
  await assert.rejects(
    e2.ask(alice, 'call.start', startWith('nobody@enterprise2.example')),
    refused('unknown-address'),
  );
  await assert.rejects(
    e2.ask(alice, 'call.start', startWith('nobody@enterprise1.example')),
    refused('unknown-address'),
  );
  assert.equal(alice.states.size, 0, 'no conversation is made for nobody');

  for (const who of ['dave@enterprise2.example', 'carol@enterprise1.example']) {
    const { conversation } = await e2.ask(alice, 'call.start', startWith(who));
    await until(world, () => stateOf(alice, conversation, who)?.outcome === 'offline');
  }
  const [bob, erin] = [e1.device('bob'), e1.device('erin')];
  const talk = await e1.ask(bob, 'call.start', startWith('erin@enterprise1.example'));
  await until(world, () => stateOf(erin, talk.conversation, erin.owner)?.state === 'alerting');
  await e1.ask(erin, 'call.accept', { conversation: talk.conversation, media });
  const { conversation } = await e2.ask(alice, 'call.start', startWith('bob@enterprise1.example'));
  await until(world, () => stateOf(alice, conversation, bob.owner)?.outcome === 'busy');
  assert.equal(callOf(bob, talk.conversation)?.ended, null, 'the running call is not disturbed');
});

test('R48: rules refuse calls on either side, and end what runs when they change', { timeout: 10_000 }, async (t) => {
  const world = new FakeProviders();
  const e1 = await provider(t, world, one, ['bob', 'carol']);
  const e2 = await provider(t, world, two, ['alice']);
  const [alice, bob, carol] = [e2.device('alice'), e1.device('bob'), e1.device('carol')];
  const notPermitted = (error: unknown) => error instanceof ParleyError && error.code === 'not-permitted';
  const denyOut = { rules: [{ name: 'out', to: ['*@enterprise1.example'], decision: 'deny' as const }] };
  const denyAlice = { rules: [{ name: 'alice', from: [alice.owner], decision: 'deny' as const }] };

  e2.policy.set(denyOut);
  await assert.rejects(e2.ask(alice, 'call.start', startWith(bob.owner)), notPermitted);
  e2.policy.set({});
  e1.policy.set(denyAlice);
  const refused = await e2.ask(alice, 'call.start', startWith(bob.owner));
  await until(world, () => stateOf(alice, refused.conversation, bob.owner)?.outcome === 'refused');
  assert.equal(stateOf(bob, refused.conversation, bob.owner)?.state === 'alerting', false, 'it never rang');

  // Bob may call Alice, so they may talk; until the rule is about both directions.
  const { conversation: id } = await e1.ask(bob, 'call.start', startWith(alice.owner));
  await until(world, () => stateOf(alice, id, alice.owner)?.state === 'alerting');
  await e2.ask(alice, 'call.accept', { conversation: id, media });
  await until(world, () => callOf(bob, id)?.answeredAt != null);
  e1.policy.set({ ...denyAlice, rules: [...denyAlice.rules, { name: 'back', to: [alice.owner], decision: 'deny' }] });
  await until(world, () => alice.states.get(id)?.call?.ended != null);
  assert.equal(e1.inCall('bob'), false);

  // Whoever is kept apart is not brought together by a third either.
  const group = await e1.ask(carol, 'call.start', startWith(bob.owner));
  await until(world, () => stateOf(bob, group.conversation, bob.owner)?.state === 'alerting');
  await e1.ask(bob, 'call.accept', { conversation: group.conversation, media });
  e1.policy.set({
    rules: [
      { name: 'carol-may', from: [carol.owner], to: [alice.owner], decision: 'allow' },
      { name: 'others', from: ['*@enterprise1.example'], to: [alice.owner], decision: 'deny' },
      { name: 'back', from: [alice.owner], decision: 'deny' },
    ],
  });
  await assert.rejects(
    async () => e1.ask(bob, 'call.add', { conversation: group.conversation, address: alice.owner }),
    notPermitted,
  );
  await e1.ask(carol, 'call.add', { conversation: group.conversation, address: alice.owner });
  await until(world, () => stateOf(alice, group.conversation, alice.owner)?.state === 'alerting');
  await e2.ask(alice, 'call.accept', { conversation: group.conversation, media });
  await until(world, () => stateOf(carol, group.conversation, bob.owner)?.state === 'left');
  assert.equal(stateOf(carol, group.conversation, alice.owner)?.state, 'joined');
});

test('R48: an invitation that rings is taken back when the rules change', { timeout: 10_000 }, async (t) => {
  const world = new FakeProviders();
  const e1 = await provider(t, world, one, ['bob']);
  const e2 = await provider(t, world, two, ['alice']);
  const [alice, bob] = [e2.device('alice'), e1.device('bob')];
  const denied = { rules: [{ name: 'apart', decision: 'deny' as const }] };
  for (const judge of [e1, e2]) {
    const { conversation: id } = await e2.ask(alice, 'call.start', startWith(bob.owner));
    await until(world, () => stateOf(alice, id, bob.owner)?.state === 'alerting');
    judge.policy.set(denied);
    await until(world, () => stateOf(alice, id, bob.owner)?.state === 'ended');
    assert.equal(stateOf(alice, id, bob.owner)?.outcome, judge === e1 ? 'refused' : 'cancelled');
    await until(world, () => !e2.inCall('alice'));
    judge.policy.set({});
  }
});

test('R10: all devices ring, one answers, the others stop and cannot answer too', { timeout: 10_000 }, async (t) => {
  const world = new FakeProviders();
  const e1 = await provider(t, world, one, ['alice', 'bob']);
  const [alice, desk, phone] = [e1.device('alice'), e1.device('bob', '1'), e1.device('bob', '2')];
  const { conversation: id } = await e1.ask(alice, 'call.start', startWith(desk.owner));
  await until(world, () => [desk, phone].every((d) => stateOf(d, id, desk.owner)?.state === 'alerting'));
  assert.equal(desk.signals.length + phone.signals.length, 2, 'both have the offer');
  await e1.ask(phone, 'call.accept', { conversation: id, media });
  await until(world, () => stateOf(desk, id, desk.owner)?.device === phone.id);
  await assert.rejects(e1.ask(desk, 'call.accept', { conversation: id, media }), { code: 'answered-elsewhere' });
  await assert.rejects(e1.ask(desk, 'call.leave', { conversation: id }), { code: 'not-in-call' });
});

test('R28: a crashed device leaves the call, the other side is told it was lost', { timeout: 10_000 }, async (t) => {
  const world = new FakeProviders();
  const e1 = await provider(t, world, one, ['bob']);
  const e2 = await provider(t, world, two, ['alice']);
  const [alice, bob] = [e2.device('alice'), e1.device('bob')];
  const { conversation: id } = await e2.ask(alice, 'call.start', startWith(bob.owner));
  await until(world, () => stateOf(bob, id, bob.owner)?.state === 'alerting');
  await e1.ask(bob, 'call.accept', { conversation: id, media });
  e1.crash(bob);
  await until(world, () => alice.states.get(id)?.call?.ended != null);
  assert.equal(stateOf(alice, id, bob.owner)?.state, 'left');
});

test('R49: the other provider is down when called, and what it missed arrives once when it is back', {
  timeout: 10_000,
}, async (t) => {
  const world = new FakeProviders();
  const e1 = await provider(t, world, one, ['bob']);
  const e2 = await provider(t, world, two, ['alice']);
  const [alice, bob] = [e2.device('alice'), e1.device('bob')];
  world.unreachable.add(one);
  await assert.rejects(e2.ask(alice, 'call.start', startWith(bob.owner)), { code: 'provider-unreachable' });
  world.unreachable.delete(one);
  const { conversation: id } = await e2.ask(alice, 'call.start', startWith(bob.owner));
  await until(world, () => stateOf(alice, id, bob.owner)?.state === 'alerting');
  await e1.ask(bob, 'call.accept', { conversation: id, media });
  await until(world, () => callOf(bob, id)?.answeredAt != null);
  world.unreachable.add(one);
  await e2.ask(alice, 'conversation.send', { conversation: id, text: 'are you there?' });
  await e2.ask(alice, 'conversation.send', { conversation: id, text: 'hello?' });
  world.unreachable.delete(one);
  await until(world, () => bob.states.get(id)?.messages.length === 2);
  assert.deepEqual(
    bob.states.get(id)?.messages.map((m) => m.text),
    ['are you there?', 'hello?'],
  );
});

test('a provider may not number events of others, act for others’ people, or relay', { timeout: 10_000 }, async (t) => {
  const world = new FakeProviders();
  const e1 = await provider(t, world, one, ['bob', 'carol']);
  await provider(t, world, two, ['alice']);
  const [bob, carol] = [e1.device('bob'), e1.device('carol')];
  const { conversation: id } = await e1.ask(bob, 'call.start', startWith(carol.owner));
  const say = async (method: LinkMethod, params: unknown) => {
    const handler = world.handlers.get(one)?.get(method);
    assert.ok(handler);
    await handler(two as never, params as never);
  };
  const event = { conversation: id, n: 99, at: 1, body: { type: 'call-ended', reason: 'lost' } };
  await assert.rejects(say('conversation.deliver', { conversation: id, events: [event] }), { code: 'not-allowed' });
  await assert.rejects(
    say('conversation.command', { conversation: id, by: bob.owner, command: { type: 'leave', reason: 'lost' } }),
    {
      code: 'not-allowed',
    },
  );
  await assert.rejects(
    say('conversation.command', {
      conversation: id,
      by: 'alice@enterprise2.example',
      command: { type: 'add', address: bob.owner },
    }),
    { code: 'unknown-conversation' },
  );
  const signal = { type: 'restart', path: 'p_12345678', epoch: 1, kind: 'ice' };
  const from = { address: 'alice@enterprise2.example', device: 'd_0000000000000000' };
  await assert.rejects(say('call.signal', { conversation: id, from, to: { address: bob.owner }, signal }), {
    code: 'not-in-call',
  });
  assert.equal(callOf(bob, id)?.ended, null);
});

test('somebody who was never in a conversation reads nothing of it; who left reads no further', {
  timeout: 10_000,
}, async (t) => {
  const world = new FakeProviders();
  const e1 = await provider(t, world, one, ['alice', 'bob', 'carol', 'erin']);
  const [alice, bob, carol, erin] = ['alice', 'bob', 'carol', 'erin'].map((name) => e1.device(name)) as [
    FakeDevice,
    FakeDevice,
    FakeDevice,
    FakeDevice,
  ];
  const { conversation: id } = await e1.ask(alice, 'call.start', {
    ...startWith(bob.owner, false),
    to: [bob.owner, carol.owner],
  });
  for (const device of [bob, carol]) {
    await until(world, () => stateOf(device, id, device.owner)?.state === 'alerting');
    await e1.ask(device, 'call.accept', { conversation: id, media });
  }
  await e1.ask(carol, 'call.leave', { conversation: id });
  await e1.ask(alice, 'conversation.send', { conversation: id, text: 'between us' });
  await assert.rejects(e1.ask(erin, 'conversation.events', { conversation: id, after: 0 }), {
    code: 'unknown-conversation',
  });
  const seen = await e1.ask(carol, 'conversation.events', { conversation: id, after: 0 });
  assert.ok(seen.complete && !seen.events.some((event) => event.body.type === 'message'));
  assert.equal(carol.states.get(id)?.messages.length, 0, 'nor is it sent to her');
});

test('a long conversation reaches a newcomer in messages that fit, complete and in order', {
  timeout: 20_000,
}, async (t) => {
  const world = new FakeProviders();
  const e1 = await provider(t, world, one, ['alice', 'bob', 'carol']);
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => e1.device(name)) as [
    FakeDevice,
    FakeDevice,
    FakeDevice,
  ];
  const { conversation: id } = await e1.ask(alice, 'call.start', startWith(bob.owner, false));
  await until(world, () => stateOf(bob, id, bob.owner)?.state === 'alerting');
  await e1.ask(bob, 'call.accept', { conversation: id, media });
  const long = '\u{1F4AC}'.repeat(1900);
  for (let i = 0; i < 120; i++) await e1.ask(alice, 'conversation.send', { conversation: id, text: `${i} ${long}` });
  await e1.ask(alice, 'call.add', { conversation: id, address: carol.owner });
  await until(world, () => carol.states.get(id)?.n === alice.states.get(id)?.n);
  assert.equal(carol.states.get(id)?.messages.length, 120);
  const page = await e1.ask(carol, 'conversation.events', { conversation: id, after: 0 });
  assert.ok(!page.complete && JSON.stringify(page).length < MAX_FRAME_BYTES);
});
