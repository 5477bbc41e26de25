// Trying the way into a conference: what the engine is asked for, and that nothing of it stays. Engine and sockets are
// fakes; the browser's side is tried in tests/src/outcomes.test.ts.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { mock, test } from 'node:test';
import type { MediaEngine } from '@parley/media';
import { asParleyError, type DeviceId } from '@parley/protocol';
import { pino } from 'pino';
import type { Devices } from '../signalling/api.ts';
import { createEnginePool } from './engine-pool.ts';
import { createProbes } from './probe.ts';

const member = { id: 'fake', weight: 1, maxRooms: 10, maxDevices: 100, drain: false };
const log = pino({ level: 'silent' });
type Ask = (caller: { device: DeviceId }, params: { sdp: string }) => Promise<{ sdp: string }>;
const device = (n: number) => ({ device: `d_${String(n).padStart(16, '0')}` as DeviceId });

function setUp(hasEngine = true) {
  const rooms: (EventEmitter & { present: Set<string> })[] = [];
  const engine = Object.assign(new EventEmitter(), {
    capabilities: { forwarding: true, mixing: false, recording: false, layers: false },
    async createRoom() {
      const present = new Set<string>();
      const room = Object.assign(new EventEmitter(), {
        present,
        devices: () => [...present],
        async publish(name: string, sdp: string) {
          if (sdp === 'bad') throw new Error('unreadable');
          present.add(name);
          return { leg: 'l', sdp: `answer to ${sdp}` };
        },
        async remove(name: string) {
          present.delete(name);
        },
      });
      rooms.push(room);
      return room;
    },
  }) as unknown as MediaEngine;
  const handlers: Ask[] = [];
  const devices = { handle: (_: string, handler: Ask) => handlers.push(handler) } as unknown as Devices;
  const probes = createProbes({
    pool: hasEngine ? createEnginePool({ members: [{ ...member, engine }], log }) : null,
    devices,
  });
  const [ask] = handlers;
  assert.ok(ask);
  return { ask, rooms, probes };
}

test('a device is answered by the engine, and taken out again after a while', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const { ask, rooms } = setUp();
  assert.deepEqual(await ask(device(1), { sdp: 'offer' }), { sdp: 'answer to offer' });
  assert.equal(rooms[0]?.present.size, 1);
  mock.timers.tick(12_000);
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(rooms[0]?.present.size, 0);
});

test('devices share a room; when it is lost the next trial has another', async (t) => {
  const { ask, rooms, probes } = setUp();
  t.after(() => probes.close());
  await Promise.all([ask(device(1), { sdp: 'a' }), ask(device(2), { sdp: 'b' })]);
  assert.equal(rooms.length, 1);
  rooms[0]?.emit('closed', { reason: 'engine-lost' });
  await ask(device(1), { sdp: 'c' });
  assert.equal(rooms.length, 2);
});

test('a provider without conferences says so; what the engine refuses takes no place; there are never too many', async (t) => {
  const code = async (asked: Promise<unknown>) =>
    asked.then(
      () => null,
      (error: unknown) => asParleyError(error).code,
    );
  assert.equal(await code(setUp(false).ask(device(1), { sdp: 'x' })), 'no-conference-available');
  const { ask, probes } = setUp();
  t.after(() => probes.close());
  for (let n = 0; n < 100; n += 1) assert.equal(await code(ask(device(n), { sdp: 'bad' })), 'internal-error');
  for (let n = 0; n < 64; n += 1) assert.equal(await code(ask(device(n), { sdp: 'x' })), null);
  assert.equal(await code(ask(device(64), { sdp: 'x' })), 'too-many-requests');
  assert.equal(await code(ask(device(3), { sdp: 'again' })), null);
});
