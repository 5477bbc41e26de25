// A node that is stopped or killed and started again on the same database knows its devices when they come back.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openStorage } from '../storage/index.ts';
import { createDeviceStore, type WebSession } from './index.ts';
import { personOf, startTestNode } from './test-device.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-restart-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

const alice = personOf('alice');
const session: WebSession = { id: 'session-1', person: alice, expiresAt: Date.now() + 3_600_000 };

async function signedInDatabase() {
  const file = join(folder, `${++files}.db`);
  const storage = await openStorage({ file });
  const at = Date.now();
  await storage.insertInto('people').values({ address: alice.address, name: alice.name, created_at: at }).execute();
  await storage
    .insertInto('web_sessions')
    .values({
      token_hash: session.id,
      address: alice.address,
      issuer_id: 'own',
      created_at: at,
      expires_at: session.expiresAt,
      last_seen_at: at,
      user_agent: '',
    })
    .execute();
  await storage.destroy();
  return file;
}

async function nodeOn(file: string, seconds = 10) {
  const storage = await openStorage({ file });
  const node = await startTestNode({
    store: createDeviceStore(storage, alice.company),
    sessions: { resumeSeconds: seconds, heartbeatSeconds: 5 },
  });
  const seen: string[] = [];
  node.devices.on('online', ({ device }) => seen.push(`online ${device}`));
  node.devices.on('gone', ({ device, reason }) => seen.push(`gone ${device} ${reason}`));
  await node.devices.restore();
  return {
    ...node,
    seen,
    async close() {
      await node.close();
      await storage.destroy();
    },
  };
}

test('a stopped node lets nobody go, and knows the device again', async () => {
  const file = await signedInDatabase();
  const first = await nodeOn(file);
  const before = await (await first.connect(session)).hello();
  await first.close();
  assert.deepEqual(first.seen, [`online ${before.device}`]);

  const second = await nodeOn(file);
  assert.deepEqual(second.devices.of(alice.address), [before.device]);
  assert.equal(second.devices.tell(before.device, 'session.ended', { reason: 'replaced' }), true);
  const device = await second.connect(session);
  const again = await device.hello({ token: before.resumeToken, received: 7 });
  assert.equal(again.device, before.device);
  assert.equal(again.resumed, false);
  assert.notEqual(again.resumeToken, before.resumeToken);
  // Told while it was away, numbered from the beginning.
  await device.notified(1);
  assert.equal(device.notifications[0]?.seq, 1);
  assert.deepEqual(second.seen, [`online ${before.device}`]);

  device.socket.terminate();
  const third = await (await second.connect(session)).hello({ token: again.resumeToken, received: 1 });
  assert.equal(third.resumed, true);
  await second.close();
});

test('an answer to hello that was cut off is given again', async () => {
  const file = await signedInDatabase();
  const first = await nodeOn(file);
  const before = await (await first.connect(session)).hello();
  await first.close();
  const second = await nodeOn(file);
  const cut = await second.connect(session);
  await cut.hello({ token: before.resumeToken, received: 3 });
  cut.socket.terminate();
  const again = await (await second.connect(session)).hello({ token: before.resumeToken, received: 3 });
  assert.deepEqual([again.device, again.resumed], [before.device, false]);
  await second.close();
});

test('a device that has gone, or whose web session is over, is not known again', async () => {
  const file = await signedInDatabase();
  const first = await nodeOn(file);
  const bye = await first.connect(session);
  await bye.hello();
  await bye.request('session.bye', {});
  await bye.closed;
  const signedOut = await first.connect(session);
  await signedOut.hello();
  first.devices.endSession(session.id, 'signed-out');
  await signedOut.closed;
  const stays = await (await first.connect(session)).hello();
  await first.close();

  const second = await nodeOn(file);
  assert.deepEqual(second.devices.of(alice.address), [stays.device]);
  await second.close();
  const storage = await openStorage({ file });
  await storage.deleteFrom('web_sessions').execute();
  await storage.destroy();
  const third = await nodeOn(file);
  assert.deepEqual(third.devices.of(alice.address), []);
  await third.close();
});
