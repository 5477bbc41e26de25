// The embedded engine, in processes of its own as nodes use it, keeps the contract of media engines, with real browsers;
// and what is special to processes: losing one, spreading rooms, leaving nothing behind.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { testMediaEngine } from '../contract.ts';
import type { MediaEngine } from '../engine.ts';
import { type EngineProcesses, portRanges } from './engine.ts';
import { createEngineProcesses } from './index.ts';

const create = (processes = 1) => createEngineProcesses({ listenAddress: '127.0.0.1', portRange: [0, 0], processes });

const running = (engine: MediaEngine) => (engine as EngineProcesses).pids();
testMediaEngine(
  () => create(),
  { forwarding: true, mixing: false, recording: false, layers: true, speaker: true },
  {
    lose: (engine) => running(engine).forEach((pid) => void process.kill(pid, 'SIGKILL')),
    held: async (engine) => (await Promise.all(running(engine).map((pid) => readdir(`/proc/${pid}/fd`)))).flat().length,
  },
);

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('a process that is killed takes its rooms with it, at once; the next room gets a new one', async () => {
  const engine = create();
  assert.deepEqual(engine.pids(), [], 'nothing runs before it is needed');
  const rooms = await Promise.all(['a', 'b'].map((id) => engine.createRoom({ id })));
  const [pid = 0] = engine.pids();
  const ends = rooms.map((room) => once(room, 'closed'));
  const lost = once(engine, 'lost');
  process.kill(pid, 'SIGKILL');
  assert.deepEqual(await Promise.all(ends), [[{ reason: 'engine-lost' }], [{ reason: 'engine-lost' }]]);
  await lost;
  assert.deepEqual(engine.rooms(), []);
  await assert.rejects(async () => rooms[0]?.subscribe('somebody'), { code: 'unknown-room' });
  const next = await engine.createRoom({ id: 'a' });
  await next.subscribe('somebody');
  assert.deepEqual(next.devices(), ['somebody']);
  const pids = engine.pids();
  assert.notDeepEqual(pids, [pid]);
  await engine.close();
  assert.deepEqual(pids.filter(lives), []);
});

test('what was asked of a process that dies fails with engine-lost, and nothing waits for ever', async () => {
  const engine = create();
  const room = await engine.createRoom({ id: 'a' });
  const [pid = 0] = engine.pids();
  // Stopped, it cannot answer before it is killed.
  process.kill(pid, 'SIGSTOP');
  const asked = assert.rejects(room.statistics(), { code: 'engine-lost' });
  process.kill(pid, 'SIGKILL');
  await asked;
  await engine.close();
});

test('a process that hangs is given up', async () => {
  const engine = create();
  const room = await engine.createRoom({ id: 'a' });
  const closed = once(room, 'closed');
  const [pid = 0] = engine.pids();
  process.kill(pid, 'SIGSTOP');
  await assert.rejects(room.statistics(), { code: 'engine-lost' });
  assert.deepEqual(await closed, [{ reason: 'engine-lost' }]);
  await engine.close();
  assert.ok(!lives(pid));
});

test('rooms are spread over the processes; when one is lost the others go on', async () => {
  const engine = create(3);
  const rooms = [];
  for (const id of ['a', 'b', 'c', 'd']) rooms.push(await engine.createRoom({ id }));
  const pids = engine.pids();
  assert.equal(new Set(pids).size, 3);
  const closed: string[] = [];
  for (const room of rooms) room.on('closed', () => closed.push(room.id));
  const lost = once(engine, 'lost');
  process.kill(pids[1] ?? 0, 'SIGKILL');
  await lost;
  assert.equal(closed.length, 1);
  assert.equal(engine.rooms().length, 3);
  await engine.createRoom({ id: 'e' });
  await engine.close();
  assert.deepEqual(pids.filter(lives), []);
});

test('each process has ports of its own', () => {
  assert.deepEqual(portRanges([40000, 40999], 3), [
    [40000, 40332],
    [40333, 40665],
    [40666, 40999],
  ]);
  assert.deepEqual(portRanges([0, 0], 2), [
    [0, 0],
    [0, 0],
  ]);
  assert.throws(() => portRanges([40000, 40001], 3), RangeError);
});
