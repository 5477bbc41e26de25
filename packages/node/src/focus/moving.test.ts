// The focus with a pool: rooms leave an engine that is drained or lost, the mix is asked for, and rooms are recorded on
// the host's word. The first test has two real embedded engines in processes of their own; the others have doubles.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createEngineProcesses } from '@parley/media/process';
import type { Address, ConversationId, DeviceId, Domain } from '@parley/protocol';
import { ParleyError } from '@parley/protocol';
import { pino } from 'pino';
import type { RoomReport } from '../conversations/api.ts';
import type { DomainSigner, Federation } from '../federation/api.ts';
import { createRecordingStore } from '../recordings/store.ts';
import type { Devices } from '../signalling/api.ts';
import { openStorage } from '../storage/index.ts';
import { createEnginePool, type PoolMember } from './engine-pool.ts';
import { createFocus } from './index.ts';
import { SilentEngine } from './testing.ts';

const log = pino({ level: 'silent' });
const own = 'enterprise1.example' as Domain;
const limits = { weight: 1, maxRooms: 10, maxDevices: 100, drain: false };
const conversation = (n: number) => `${String(n).padStart(22, 'c')}@enterprise1.example` as ConversationId;
const bob = { address: 'bob@enterprise1.example' as Address, device: 'd_bob0000000000000' as DeviceId };

async function setUp(
  t: TestContext,
  members: readonly (Partial<PoolMember> & Pick<PoolMember, 'id' | 'engine'>)[],
  report: (id: ConversationId, room: string, what: RoomReport) => Promise<void> = async () => {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'parley-focus-'));
  const storage = await openStorage({ file: ':memory:' });
  const config = { folder, maxMinutes: 1, maxMegabytes: 1, keepDays: 1 };
  const store = await createRecordingStore({ config, storage, log });
  const pool = createEnginePool({ members: members.map((member) => ({ ...limits, ...member })), log });
  const handlers = new Map<string, (who: typeof bob, params: unknown) => Promise<unknown>>();
  const reports: { room: string; what: RoomReport }[] = [];
  const told: { method: string; params: { sources?: unknown } }[] = [];
  const changes = new EventEmitter();
  const devices = Object.assign(new EventEmitter(), {
    handle: (method: string, handler: never) => void handlers.set(method, handler),
    tell: (_: DeviceId, method: string, params: never) => told.push({ method, params }) > 0,
  }) as unknown as Devices;
  const federation = { handle: () => {} } as unknown as Federation;
  let passes = 0;
  const signer: DomainSigner = {
    domain: own,
    sign: async () => 'statement',
    // The pass is what it says it is: signatures have tests of their own.
    verify: async (_, token) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()),
  };
  const passFor = async (id: ConversationId, epoch: number, address: Address, device: DeviceId) => {
    const room = await focus.rooms.reserve(own, id, epoch);
    passes += 1;
    const claims = { iss: own, aud: own, sub: address, device, room, conversation: id, epoch, jti: `pass-${passes}-x` };
    return { focus: own, ticket: `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.` };
  };
  const focus = createFocus({
    domain: own,
    pool,
    recordings: { store, maxMinutes: config.maxMinutes },
    emptySeconds: 600,
    ticketType: 'ticket',
    devices,
    federation,
    signer,
    log,
    mayLend: async () => true,
    passFor,
    async report(id, room, what) {
      reports.push({ room, what });
      changes.emit('reported');
      await report(id, room, what);
    },
  });
  t.after(async () => {
    await focus.close();
    store.close();
    await storage.destroy();
    await rm(folder, { recursive: true });
  });
  const ask = (method: string, params: object, who = bob) => {
    const handler = handlers.get(method);
    assert.ok(handler);
    return handler(who, params);
  };
  const join_ = (n: number, who = bob) =>
    ask('focus.join', { conversation: conversation(n), epoch: 1, sdp: 'v=0' }, who) as Promise<{
      room: string;
      offers: object;
    }>;
  const lend = (n: number, epoch = 1) => focus.rooms.reserve(own, conversation(n), epoch);
  const until = async (test: () => boolean) => {
    while (!test()) await new Promise<void>((resolve) => changes.once('reported', resolve));
  };
  return { focus, pool, store, reports, told, ask, join: join_, lend, until, folder };
}

test('two real engines: rooms of a killed one are reported lost, those of a drained one asked to move, and new ones go elsewhere', {
  timeout: 60_000,
}, async (t) => {
  const options = { listenAddress: '127.0.0.1', portRange: [0, 0] as const };
  const [a, b] = [createEngineProcesses(options), createEngineProcesses(options)];
  const f = await setUp(t, [
    { id: 'a', engine: a, prepare: a.prepare },
    { id: 'b', engine: b, prepare: b.prepare },
  ]);
  const [first, second] = [await f.lend(1), await f.lend(2)];
  assert.deepEqual([a.rooms(), b.rooms()], [[first], [second]], 'one on each');

  const [pid] = a.pids();
  assert.ok(pid);
  process.kill(pid, 'SIGKILL');
  await f.until(() => f.reports.length > 0);
  assert.deepEqual(f.reports, [{ room: first, what: { type: 'room-lost' } }]);
  // As the host of the call does now: it asks for another room.
  const third = await f.lend(1, 2);
  assert.deepEqual(b.rooms(), [second, third]);
  while (f.pool.stateOf('a') !== 'up') await new Promise((resolve) => f.pool.once('state', resolve));
  const fourth = await f.lend(4);
  assert.deepEqual(a.rooms(), [fourth], 'it has come back');

  f.pool.drain(new Set(['b']));
  await f.until(() => f.reports.length >= 3);
  const moves = f.reports.filter(({ what }) => what.type === 'move').map(({ room }) => room);
  assert.deepEqual(moves.toSorted(), [second, third].toSorted());
  for (let n = 5; n < 8; n += 1) await f.lend(n);
  assert.equal(b.rooms().length, 2, 'none is placed on it');
  assert.equal(a.rooms().length, 4);
});

test('a room on a drained engine is asked to move until it has gone, however often it cannot', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const f = await setUp(t, [{ id: 'a', engine: new SilentEngine() }], async () => {
    throw new ParleyError('no-conference-available');
  });
  const room = await f.lend(1);
  f.pool.drain(new Set(['a']));
  for (const ms of [0, 1000, 2000, 4000]) {
    mock.timers.tick(ms);
    await setImmediate();
  }
  assert.equal(f.reports.length, 4);
  f.pool.drain(new Set());
  mock.timers.tick(60_000);
  assert.equal(f.reports.length, 4, 'it is not drained any more');
  f.pool.drain(new Set(['a']));
  await setImmediate();
  f.focus.rooms.release(own, room);
  await setImmediate();
  const before = f.reports.length;
  mock.timers.tick(60_000);
  await setImmediate();
  assert.equal(f.reports.length, before, 'it has gone');
});

test('the mix: given where the engine can, moved to where one can, refused where none can', async (t) => {
  const [plain, mixer] = [new SilentEngine(), new SilentEngine({ mixing: true })];
  const f = await setUp(t, [
    { id: 'plain', engine: plain, weight: 100 },
    { id: 'mixer', engine: mixer },
  ]);
  const { room, offers } = await f.join(1);
  assert.deepEqual(offers, { mixing: true, recording: false });
  const wish = { focus: own, room, mixed: true };
  assert.deepEqual(await f.ask('focus.receive', wish), { moving: true });
  assert.deepEqual(f.reports.at(-1), { room, what: { type: 'move', needs: { mixing: true } } });

  const moved = await f.focus.rooms.reserve(own, conversation(1), 2, { mixing: true });
  const [media] = [...mixer.made];
  assert.equal(media?.id, moved);
  await assert.rejects(f.ask('focus.receive', { ...wish, room: moved }), { code: 'unknown-room' }, 'not in it yet');
  await f.ask('focus.join', { conversation: conversation(1), epoch: 2, sdp: 'v=0' });
  assert.deepEqual(await f.ask('focus.receive', { ...wish, room: moved }), { moving: false });
  const [name = ''] = media?.devices() ?? [];
  assert.equal(media?.mixed.get(name), true);
  media?.emit('offer', {
    device: name,
    leg: 'l_1',
    revision: 1,
    sdp: 'v=0',
    sources: [{ mid: '0', publisher: '*', kind: 'audio' }],
  });
  await setImmediate();
  assert.deepEqual(f.told.at(-1)?.params.sources, [{ mid: '0', address: null, kind: 'audio' }], 'it is nobody’s');
  await f.ask('focus.receive', { ...wish, room: moved, mixed: false });
  assert.equal(media?.mixed.get(name), false);

  const g = await setUp(t, [{ id: 'plain', engine: new SilentEngine() }]);
  const only = await g.join(1);
  await assert.rejects(g.ask('focus.receive', { ...wish, room: only.room }), { code: 'not-available' });
});

test('a device that would be one too many is refused, with a reason; who is in comes back any time', async (t) => {
  const f = await setUp(t, [{ id: 'small', engine: new SilentEngine(), maxDevices: 3 }]);
  const person = (n: number) => ({
    address: `p${n}@enterprise1.example` as Address,
    device: `d_${n}000000000000000` as DeviceId,
  });
  for (const n of [1, 2, 3]) await f.join(1, person(n));
  await assert.rejects(f.join(1, person(4)), { code: 'conference-full' });
  await f.join(1, person(2));
  await assert.rejects(f.lend(2), { code: 'conference-full' });
});

test('R58: a room is recorded into a real file, which the host is told of; it ends with the room and with the time', async (t) => {
  const made = await mkdtemp(join(tmpdir(), 'parley-engine-'));
  t.after(() => rm(made, { recursive: true }));
  const engine = new SilentEngine({ folder: made });
  const f = await setUp(t, [{ id: 'recorder', engine }]);
  const room = await f.lend(1);
  const where = { domain: own, room };
  await f.focus.rooms.record(where, 5, true);
  await f.focus.rooms.record(where, 5, true);
  await assert.rejects(f.focus.rooms.record(where, 6, true), { code: 'out-of-turn' });
  await f.focus.rooms.record(where, 5, false);
  await f.until(() => f.reports.length === 1);
  const [{ what } = { what: null }] = f.reports;
  assert.ok(what?.type === 'recorded' && what.file && what.recording === 5);
  const found = await f.store.find(conversation(1), 5);
  assert.equal(await readFile(found?.path ?? '', 'utf8'), `what was heard in ${room}`);
  assert.equal(what.file.bytes, found?.bytes);

  await f.focus.rooms.record(where, 6, true);
  f.focus.rooms.release(own, room);
  await f.until(() => f.reports.length === 2);
  assert.equal((await f.store.find(conversation(1), 6))?.bytes, found?.bytes, 'the room ends after its recording');

  const lost = await f.lend(2);
  await f.focus.rooms.record({ domain: own, room: lost }, 3, true);
  engine.die();
  await f.until(() => f.reports.some(({ what }) => what.type === 'recorded' && what.because === 'failed'));
  assert.equal(await f.store.find(conversation(2), 3), null);
});

test('R58: a recording that reaches its longest time is ended, and one that nobody knows of is deleted', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const made = await mkdtemp(join(tmpdir(), 'parley-engine-'));
  t.after(() => rm(made, { recursive: true }));
  const f = await setUp(t, [{ id: 'recorder', engine: new SilentEngine({ folder: made }) }], async () => {
    throw new ParleyError('recording-gone');
  });
  const room = await f.lend(1);
  await f.focus.rooms.record({ domain: own, room }, 5, true);
  mock.timers.tick(60_000);
  await f.until(() => f.reports.length === 1);
  assert.ok(f.reports[0]?.what.type === 'recorded' && f.reports[0].what.because === 'limit');
  while (await f.store.find(conversation(1), 5)) await setImmediate();
});

test('R58: an engine that does not record says so', async (t) => {
  const f = await setUp(t, [{ id: 'plain', engine: new SilentEngine() }]);
  const room = await f.lend(1);
  await assert.rejects(f.focus.rooms.record({ domain: own, room }, 5, true), { code: 'not-available' });
  await assert.rejects(f.focus.rooms.reserve(own, conversation(1), 2, { recording: true }), { code: 'not-available' });
});
