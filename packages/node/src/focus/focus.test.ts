// Who gets a room and who gets in. The engine, the sockets and the signatures are fakes; media itself is tested in
// packages/media and in the scenario.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { FOCUS_STATEMENT, mediaKeys } from '@parley/identity';
import type { MediaEngine, MediaRoom, RoomEvents } from '@parley/media';
import {
  type Address,
  asParleyError,
  type ConversationId,
  type DeviceId,
  type Domain,
  ParleyError,
} from '@parley/protocol';
import { pino } from 'pino';
import type { Pass, RoomReport } from '../conversations/api.ts';
import type { DomainSigner, Federation } from '../federation/api.ts';
import type { Recordings } from '../recordings/api.ts';
import type { Devices } from '../signalling/api.ts';
import { createEnginePool } from './engine-pool.ts';
import { createFocus } from './index.ts';

const own = 'enterprise1.example' as Domain;
const other = 'enterprise2.example' as Domain;
const conversation = 'AAAAAAAAAAAAAAAAAAAAAA@enterprise2.example' as ConversationId;
const bob = { address: 'bob@enterprise1.example' as Address, device: 'd_bob0000000000000' as DeviceId };
const alice = { address: 'alice@enterprise2.example' as Address, device: 'd_alice00000000000' as DeviceId };

const member = { id: 'fake', weight: 1, maxRooms: 10, maxDevices: 100, drain: false };
const log = pino({ level: 'silent' });

class FakeRoom extends EventEmitter<RoomEvents> implements MediaRoom {
  readonly id: string;
  readonly present = new Set<string>();
  closed = false;
  readonly preferred: unknown[] = [];
  constructor(id: string) {
    super();
    this.id = id;
  }
  async publish(device: string) {
    this.present.add(device);
    return { leg: 'l_0000000000000000', sdp: 'answer' };
  }
  async subscribe() {}
  async prefer(device: string, pictures: unknown) {
    this.preferred.push([device, pictures]);
  }
  async startRecording() {}
  async stopRecording() {
    return { url: 'file:///recording.webm', milliseconds: 0 };
  }
  async answer() {}
  async addCandidates() {}
  async remove(device: string) {
    this.present.delete(device);
  }
  devices = () => [...this.present];
  statistics = async () => [];
  async close() {
    this.closed = true;
    this.emit('closed', { reason: 'closed' });
  }
}

function setUp(t: TestContext, options: { mayLend?: boolean; engine?: boolean; pass?: () => Pass } = {}) {
  const made: FakeRoom[] = [];
  const engine = Object.assign(new EventEmitter(), {
    name: 'fake',
    capabilities: { forwarding: true, mixing: false, recording: false, layers: false, speaker: false },
    async createRoom({ id }: { id: string }) {
      const room = new FakeRoom(id);
      made.push(room);
      return room;
    },
    rooms: () => made.map((room) => room.id),
    close: async () => {},
  }) as unknown as MediaEngine;
  const handlers = new Map<string, (a: never, b: never) => Promise<unknown>>();
  const passed: unknown[][] = [];
  const told: { method: string; params: unknown }[] = [];
  const asked: { domain: Domain; method: string; params: unknown }[] = [];
  const reports: RoomReport[] = [];
  const devices = Object.assign(new EventEmitter(), {
    of: () => [bob.device],
    ownerOf: (device: DeviceId) => (device === bob.device ? bob.address : null),
    tell: (_: DeviceId, method: string, params: unknown) => told.push({ method, params }) > 0,
    tellPerson: () => 0,
    handle: (method: string, handler: never) => void handlers.set(`device ${method}`, handler),
  }) as unknown as Devices;
  const federation = Object.assign(new EventEmitter(), {
    request: async (domain: Domain, method: string, params: unknown) => {
      asked.push({ domain, method, params });
      return {};
    },
    handle: (method: string, handler: never) => void handlers.set(`link ${method}`, handler),
  }) as unknown as Federation;
  const signer: DomainSigner = {
    domain: own,
    sign: async (type, claims) => JSON.stringify([type, claims]),
    // A fake signature: the third part says whose it is.
    async verify(_, token, issuer) {
      const [, body, signature] = token.split('.');
      if (signature !== Buffer.from(issuer).toString('hex'))
        throw new ParleyError('provider-untrusted', 'signed by somebody else');
      return JSON.parse(Buffer.from(body ?? '', 'base64url').toString()) as Record<string, unknown>;
    },
  };
  const focus = createFocus({
    domain: own,
    pool: options.engine === false ? null : createEnginePool({ members: [{ ...member, engine }], log }),
    recordings: { store: {} as Recordings, maxMinutes: 1 },
    emptySeconds: 60,
    ticketType: 'ticket',
    devices,
    federation,
    signer,
    log,
    mayLend: async () => options.mayLend ?? true,
    passFor: async (id, epoch, ...who) => {
      passed.push([id, epoch, ...who]);
      return options.pass?.() ?? { focus: other, ticket: 'pass' };
    },
    report: async (_, __, report) => void reports.push(report),
  });
  t.after(() => focus.close());
  const link = (method: string, from: Domain, params: unknown) =>
    handlers.get(`link ${method}`)?.(from as never, params as never);
  const device = (method: string, who: typeof bob, params: unknown) =>
    handlers.get(`device ${method}`)?.(who as never, params as never);
  const create = async () => ((await link('focus.create', other, { conversation, epoch: 2 })) as { room: string }).room;
  let passes = 0;
  const ticket = (room: string, who: typeof bob, change: object = {}, signer: string = other) => {
    const claims = {
      iss: other,
      aud: own,
      sub: who.address,
      device: who.device,
      room,
      conversation,
      epoch: 2,
      jti: `pass-${++passes}-x`,
      ...change,
    };
    return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${Buffer.from(signer).toString('hex')}`;
  };
  const join = (from: Domain, who: typeof bob, pass: string) =>
    link('focus.join', from, { ...who, ticket: pass, sdp: 'v=0' });
  return { focus, made, told, asked, reports, passed, link, device, create, ticket, join };
}

test('the same attempt gets the same room; another gets another', async (t) => {
  const f = setUp(t);
  const [a, b] = await Promise.all([f.create(), f.create()]);
  assert.equal(a, b);
  const next = (await f.link('focus.create', other, { conversation, epoch: 3 })) as { room: string };
  assert.notEqual(next.room, a);
  assert.equal((await f.focus.counts()).rooms, 2);
});

test('no room for a provider that does not host the conversation, for one without our people, or without an engine', async (t) => {
  const refused = async (promise: Promise<unknown> | undefined, code: string) =>
    assert.rejects(
      async () => promise,
      (error) => asParleyError(error).code === code,
    );
  await refused(setUp(t).link('focus.create', own, { conversation, epoch: 2 }), 'not-allowed');
  await refused(setUp(t, { mayLend: false }).link('focus.create', other, { conversation, epoch: 2 }), 'not-allowed');
  await refused(
    setUp(t, { engine: false }).link('focus.create', other, { conversation, epoch: 2 }),
    'no-conference-available',
  );
});

test('a pass lets in the one device it was made for, once, and only with the host’s signature', async (t) => {
  const f = setUp(t);
  const room = await f.create();
  const good = f.ticket(room, alice);
  assert.equal(((await f.join(other, alice, good)) as { room: string }).room, room);
  const wrong: [string, Domain, typeof bob, string][] = [
    ['used before', other, alice, good],
    ['another device', other, { ...alice, device: 'd_mallory000000000' as DeviceId }, f.ticket(room, alice)],
    ['another conversation', other, alice, f.ticket(room, alice, { conversation: `B${conversation.slice(1)}` })],
    ['another signer', other, alice, f.ticket(room, alice, {}, own)],
    ['not a pass', other, alice, 'nonsense'],
  ];
  for (const [what, from, who, pass] of wrong) {
    await assert.rejects(
      async () => f.join(from, who, pass),
      (error) => asParleyError(error).code === 'ticket-invalid',
      what,
    );
  }
  await assert.rejects(
    async () => f.join(own, alice, f.ticket(room, alice)),
    { code: 'not-allowed' },
    'a provider speaks for its own',
  );
  assert.equal(f.made[0]?.present.size, 1);
});

test('a device here enters on a pass that the node fetches for it and keeps to itself', async (t) => {
  const wanted = { conversation, epoch: 2, sdp: 'v=0' };
  let room = '';
  const here = setUp(t, { pass: () => ({ focus: own, ticket: here.ticket(room, bob) }) });
  room = await here.create();
  const joined = await here.device('focus.join', bob, wanted);
  assert.deepEqual(here.passed, [[conversation, 2, bob.address, bob.device]]);
  assert.equal(here.made[0]?.present.size, 1);
  assert.ok(!JSON.stringify(joined).includes('ticket'));

  const elsewhere = setUp(t, { pass: () => ({ focus: other, ticket: 'pass' }) });
  await elsewhere.device('focus.join', bob, wanted);
  assert.deepEqual(elsewhere.asked, [
    { domain: other, method: 'focus.join', params: { ticket: 'pass', ...bob, sdp: 'v=0' } },
  ]);

  const refusing = setUp(t, {
    pass: () => {
      throw new ParleyError('not-in-call');
    },
  });
  await assert.rejects(async () => refusing.device('focus.join', bob, wanted), { code: 'not-in-call' });
  assert.deepEqual(refusing.asked, []);
});

test('offers reach the right device with addresses in place of the engine’s names; reports reach the host', async (t) => {
  const f = setUp(t);
  const room = await f.create();
  await f.join(own, bob, f.ticket(room, bob));
  await f.join(other, alice, f.ticket(room, alice));
  const [media] = f.made;
  const [bobName, aliceName] = media?.devices() ?? [];
  assert.ok(media && bobName && aliceName);
  const fingerprint = Array(32).fill('AB').join(':');
  const offer = { leg: 'l_1', revision: 1, sdp: `v=0\r\na=fingerprint:sha-256 ${fingerprint}\r\n` };
  media.emit('offer', { ...offer, device: bobName, sources: [{ mid: '0', publisher: aliceName, kind: 'audio' }] });
  media.emit('offer', { ...offer, device: aliceName, sources: [{ mid: '0', publisher: bobName, kind: 'video' }] });
  // The statement is signed in between.
  await setImmediate();
  const stated = (to: { address: Address; device: DeviceId }) =>
    JSON.stringify([FOCUS_STATEMENT, { aud: to.address, device: to.device, room, mky: mediaKeys([fingerprint]) }]);
  assert.deepEqual(f.told[0]?.params, {
    statement: stated(bob),
    focus: own,
    room,
    ...offer,
    sources: [{ mid: '0', address: alice.address, kind: 'audio' }],
  });
  const remote = f.asked.find((a) => a.method === 'focus.offer');
  assert.equal(remote?.domain, other);
  assert.deepEqual(remote?.params, {
    ...alice,
    statement: stated(alice),
    room,
    ...offer,
    sources: [{ mid: '0', address: bob.address, kind: 'video' }],
  });
  media.emit('connected', { device: aliceName });
  const report = f.asked.find((a) => a.method === 'focus.report');
  assert.deepEqual(report?.params, { conversation, room, report: { type: 'connected', ...alice } });
});

test('only the host closes a room, only a device’s own provider takes it out; R29 nothing is left', async (t) => {
  const f = setUp(t);
  const room = await f.create();
  await f.join(own, bob, f.ticket(room, bob));
  await assert.rejects(async () => f.link('focus.leave', other, { room, ...bob }), { code: 'unknown-room' });
  await assert.rejects(async () => f.link('focus.close', own, { room }), { code: 'not-allowed' });
  await f.link('focus.close', other, { room });
  assert.ok(f.made[0]?.closed);
  assert.deepEqual(await f.focus.counts(), { rooms: 0, legs: 0 });
  assert.deepEqual(f.told.at(-1), { method: 'focus.closed', params: { focus: own, room, reason: 'room-ended' } });
});

test('R55: a room that nobody enters, or that the last one has left, is collected; one with somebody in it is not', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const f = setUp(t);
  const rooms = () => f.focus.counts().then((counts) => counts.rooms);
  await f.create();
  t.mock.timers.tick(59_999);
  assert.equal(await rooms(), 1);
  t.mock.timers.tick(1);
  assert.equal(await rooms(), 0, 'orphaned from the beginning');
  const room = await f.create();
  await f.join(own, bob, f.ticket(room, bob));
  t.mock.timers.tick(600_000);
  assert.equal(await rooms(), 1, 'while somebody is in it');
  await f.link('focus.leave', own, { room, ...bob });
  t.mock.timers.tick(60_000);
  assert.equal(await rooms(), 0, 'left by the last one');
  await setImmediate();
  assert.ok(
    f.made.every(({ closed }) => closed),
    'in the engine, too',
  );
});

test('the host has a device taken out that has left the call and stays; nobody else has', async (t) => {
  const f = setUp(t);
  const room = await f.create();
  await f.join(own, bob, f.ticket(room, bob));
  await assert.rejects(async () => f.link('focus.evict', own, { room, ...bob }), { code: 'not-allowed' });
  assert.equal(f.made[0]?.devices().length, 1);
  await f.link('focus.evict', other, { room, ...bob });
  assert.equal(f.made[0]?.devices().length, 0);
  await f.link('focus.evict', other, { room, ...bob });
  await assert.rejects(async () => f.device('focus.prefer', bob, { focus: own, room, pictures: [] }), {
    code: 'unknown-room',
  });
});

test('whoever was shown while they rang is wanted in that size when they come', async (t) => {
  const f = setUp(t);
  const room = await f.create();
  await f.join(own, bob, f.ticket(room, bob));
  await f.device('focus.prefer', bob, { focus: own, room, pictures: [{ address: alice.address, height: 180 }] });
  assert.deepEqual(f.made[0]?.preferred.at(-1), [`${bob.device} ${bob.address}`, []]);
  await f.join(other, alice, f.ticket(room, alice));
  assert.deepEqual(f.made[0]?.preferred.at(-1), [
    `${bob.device} ${bob.address}`,
    [{ publisher: `${alice.device} ${alice.address}`, height: 180 }],
  ]);
});

test('sizes reach the engine by device; what it says of qualities and speakers reaches the devices', async (t) => {
  const f = setUp(t);
  const room = await f.create();
  const names = [bob, alice].map(({ device, address }) => `${device} ${address}`);
  await f.join(own, bob, f.ticket(room, bob));
  await f.join(other, alice, f.ticket(room, alice));
  const pictures = [
    { address: alice.address, height: 180 },
    { address: 'nobody@enterprise1.example', height: 360 },
  ];
  await f.device('focus.prefer', bob, { focus: own, room, pictures });
  assert.deepEqual(f.made[0]?.preferred, [[names[0], [{ publisher: names[1], height: 180 }]]]);
  await f.device('focus.prefer', bob, { focus: other, room, pictures });
  assert.deepEqual(f.asked.at(-1), { domain: other, method: 'focus.prefer', params: { room, ...bob, pictures } });
  await assert.rejects(async () => f.link('focus.prefer', other, { room, ...bob, pictures }), { code: 'unknown-room' });

  const wanted = { leg: 'l_0000000000000000', mid: '1', rids: ['h', 'm'] };
  f.made[0]?.emit('wanted', { device: names[0] ?? '', ...wanted });
  assert.deepEqual(f.told.at(-1), { method: 'focus.wanted', params: { focus: own, room, ...wanted } });
  f.made[0]?.emit('speaker', { device: names[1] ?? '' });
  const speaks = { room, speaker: alice.address };
  assert.deepEqual(f.told.at(-1), { method: 'focus.speaker', params: { focus: own, ...speaks } });
  assert.deepEqual(f.asked.at(-1), { domain: other, method: 'focus.speaker', params: { ...alice, ...speaks } });
  f.made[0]?.emit('speaker', { device: null });
  assert.deepEqual(f.told.at(-1)?.params, { focus: own, room, speaker: null });
});
