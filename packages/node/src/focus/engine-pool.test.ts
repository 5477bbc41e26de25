// Engines that come and go: who gets the next conference, and who gets none.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mock, type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { createEnginePool, type PoolMember } from './engine-pool.ts';
import { SilentEngine } from './testing.ts';

const log = pino({ level: 'silent' });
const limits = { weight: 1, maxRooms: 10, maxDevices: 100, drain: false };

function setUp(t: TestContext, members: readonly (Partial<PoolMember> & { id: string; engine: SilentEngine })[]) {
  const pool = createEnginePool({ members: members.map((member) => ({ ...limits, ...member })), log });
  t.after(() => pool.close());
  return pool;
}

test('a lost engine gets nothing while another can have it, is tried again with more and more patience, and comes back', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const [a, b] = [new SilentEngine(), new SilentEngine()];
  const pool = setUp(t, [
    { id: 'a', engine: a },
    { id: 'b', engine: b, weight: 0.01 },
  ]);
  const states: string[] = [];
  pool.on('state', ({ engine, state }) => states.push(`${engine} ${state}`));
  assert.equal((await pool.place('r_1', {}, 3)).engine, 'a');
  a.die();
  assert.equal((await pool.place('r_2', {}, 3)).engine, 'b');
  let tries = 0;
  const create = a.createRoom.bind(a);
  a.createRoom = (options) => {
    tries += 1;
    return create(options);
  };
  const later = async (ms: number) => {
    mock.timers.tick(ms);
    await setImmediate();
    await setImmediate();
  };
  await later(1000);
  assert.equal(tries, 1);
  await later(1999);
  assert.equal(tries, 1, 'twice as long now');
  await later(1);
  assert.equal(tries, 2);
  a.dead = false;
  await later(4000);
  assert.deepEqual(states, ['a lost', 'a up']);
  assert.deepEqual(a.rooms(), [], 'nothing of the trial is left');
  assert.equal((await pool.place('r_3', {}, 3)).engine, 'a');
});

test('if there is no other, the lost one is tried at once, and is back if that works', async (t) => {
  const only = new SilentEngine();
  const pool = setUp(t, [{ id: 'only', engine: only }]);
  await pool.place('r_1', {}, 3);
  only.die();
  assert.equal(pool.stateOf('only'), 'lost');
  await assert.rejects(pool.place('r_2', {}, 3), { code: 'no-conference-available' });
  only.dead = false;
  await pool.place('r_3', {}, 3);
  assert.equal(pool.stateOf('only'), 'up');
});

test('an engine that does not answer is passed over, and what it makes too late is ended', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const [slow, other] = [new SilentEngine(), new SilentEngine()];
  const pool = setUp(t, [
    { id: 'slow', engine: slow, weight: 100 },
    { id: 'z', engine: other },
  ]);
  const create = slow.createRoom.bind(slow);
  const answer = Promise.withResolvers<void>();
  slow.createRoom = async (options) => {
    await answer.promise;
    return create(options);
  };
  const placed = pool.place('r_1', {}, 3);
  await setImmediate();
  mock.timers.tick(9000);
  assert.equal((await placed).engine, 'z');
  answer.resolve();
  await setImmediate();
  assert.deepEqual(slow.rooms(), []);
});

test('what is beyond the limits is refused with a reason; who is in a conference stays', async (t) => {
  const engine = new SilentEngine();
  const pool = setUp(t, [{ id: 'small', engine, maxRooms: 2, maxDevices: 7 }]);
  const first = await pool.place('r_1', {}, 3);
  await pool.place('r_2', {}, 3);
  await assert.rejects(pool.place('r_3', {}, 3), { code: 'conference-full' });
  for (const name of ['a', 'b', 'c', 'd']) {
    pool.requireSeat(first);
    await first.media.publish(name, 'v=0');
  }
  assert.throws(() => pool.requireSeat(first), { code: 'conference-full' });
  assert.equal(first.media.devices().length, 4);
  await first.media.remove('a');
  pool.requireSeat(first);
  await assert.rejects(pool.place('r_4', { mixing: true }, 3), { code: 'not-available' });
});

test('a room that is being made has its seats already', async (t) => {
  const pool = setUp(t, [{ id: 'small', engine: new SilentEngine(), maxRooms: 1 }]);
  const results = await Promise.allSettled([pool.place('r_1', {}, 3), pool.place('r_2', {}, 3)]);
  assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
});

test('a drained engine gets no conference, says so, and serves again when it is not drained any more', async (t) => {
  const [a, b] = [new SilentEngine({ mixing: true }), new SilentEngine()];
  const pool = setUp(t, [
    { id: 'a', engine: a, weight: 100 },
    { id: 'b', engine: b },
  ]);
  assert.deepEqual(pool.offers(), { mixing: true, recording: false });
  const told = once(pool, 'state');
  pool.drain(new Set(['a']));
  assert.deepEqual(await told, [{ engine: 'a', state: 'draining' }]);
  assert.deepEqual(pool.offers(), { mixing: false, recording: false });
  for (let n = 0; n < 5; n += 1) assert.equal((await pool.place(`r_${n}`, {}, 3)).engine, 'b');
  pool.drain(new Set(['b']));
  assert.equal((await pool.place('r_9', {}, 3)).engine, 'a');
  assert.deepEqual(
    pool.status().map(({ state, rooms }) => [state, rooms]),
    [
      ['up', 1],
      ['draining', 5],
    ],
  );
});
