// Ports that run out, an address that is not ours, one port for everybody: an error with a code, never the end of the node.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { ParleyError } from '@parley/protocol';
import { createEmbeddedEngine } from './index.ts';

const noneFree = (error: unknown) => error instanceof ParleyError && error.code === 'no-conference-available';

/** A UDP port held by a socket here, and the one after it, most likely free. */
async function holdPort() {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, release: () => new Promise<void>((resolve) => socket.close(() => resolve())) };
}

test('a range with every port taken is refused, and serves again when one is free', async () => {
  const held = await holdPort();
  const engine = createEmbeddedEngine({ listenAddress: '127.0.0.1', portRange: [held.port, held.port + 1] });
  const room = await engine.createRoom({ id: 'r' });
  await room.subscribe('alice');
  await assert.rejects(room.subscribe('bob'), noneFree);
  assert.deepEqual(room.devices(), ['alice']);
  await held.release();
  await room.subscribe('bob');
  assert.deepEqual([...room.devices()].sort(), ['alice', 'bob']);
  await engine.close();
});

test('two that use the same ports, in the same moment, never end the process', async () => {
  const { port, release } = await holdPort();
  await release();
  const portRange = [port, port + 39] as const;
  const rooms = await Promise.all(
    [1, 2].map(async () => {
      const engine = createEmbeddedEngine({ listenAddress: '127.0.0.1', portRange });
      return { engine, room: await engine.createRoom({ id: 'r' }) };
    }),
  );
  const devices = Array.from({ length: 15 }, (_, i) => `device${i}`);
  for (const device of devices) await Promise.all(rooms.map(({ room }) => room.subscribe(device)));
  for (const { room } of rooms) assert.equal(room.devices().length, devices.length);
  // What was put by and not used after all is free for the next: together they fill the range nearly to the last port.
  let more = 0;
  for (; more < 10; more += 1) {
    const [one] = rooms;
    const refused = await one?.room.subscribe(`more${more}`).then(
      () => false,
      (error: unknown) => noneFree(error),
    );
    if (refused) break;
  }
  assert.ok(more >= 8, `${more} more of 10`);
  for (const { engine } of rooms) await engine.close();
});

test('one port serves every connection', async () => {
  const { port, release } = await holdPort();
  const engine = createEmbeddedEngine({ listenAddress: '127.0.0.1', portRange: [port, port] });
  const room = await engine.createRoom({ id: 'r' });
  await assert.rejects(room.subscribe('alice'), noneFree);
  await release();
  for (const device of ['alice', 'bob', 'carol']) await room.subscribe(device);
  assert.equal(room.devices().length, 3);
  for (const device of ['alice', 'bob', 'carol']) await room.remove(device);
  await room.subscribe('dave');
  assert.deepEqual(room.devices(), ['dave']);
  await engine.close();
});

test('an address that is not ours is refused', async () => {
  const engine = createEmbeddedEngine({ listenAddress: '192.0.2.77', portRange: [0, 0] });
  const room = await engine.createRoom({ id: 'r' });
  await assert.rejects(room.subscribe('alice'), noneFree);
  assert.deepEqual(room.devices(), []);
  await engine.close();
});
