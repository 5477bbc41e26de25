// What a node bears of devices, and for how long: silence, floods, too many at a time, sessions that run out.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DeviceId, MAX_UNSENT } from '@parley/protocol';
import { addressOf, far, nextEvent, numbersSeen, rejectsWith, sessionOf, startTestNode, upTo } from './test-device.ts';

describe('limits and times', () => {
  test('a device that does not come back is lost; a silent half-open socket too', async (t) => {
    const node = await startTestNode({ sessions: { resumeSeconds: 0.05, heartbeatSeconds: 0.5 } });
    t.after(() => node.close());
    const away = await node.connect(sessionOf('rosa'));
    await away.hello();
    const lost = nextEvent(node, 'gone', addressOf('rosa'));
    away.socket.terminate();
    assert.equal((await lost).reason, 'lost');

    const frozen = await node.connect(sessionOf('saul'));
    await frozen.hello();
    const alsoLost = nextEvent(node, 'gone', addressOf('saul'));
    frozen.socket.pause();
    assert.equal((await alsoLost).reason, 'lost');
    frozen.socket.terminate();
  });

  test('a socket that never says hello is closed', async (t) => {
    const node = await startTestNode({ limits: { helloSeconds: 0.02 } });
    t.after(() => node.close());
    const device = await node.connect(sessionOf('tess'));
    assert.equal((await device.closed).code, 1008);
  });

  test('a session that has run out is ended by the node, and cannot begin', async (t) => {
    let now = Date.now();
    const node = await startTestNode({ now: () => now, sessions: { resumeSeconds: 10, heartbeatSeconds: 0.5 } });
    t.after(() => node.close());
    const session = { ...sessionOf('uma'), expiresAt: now + 1000 };
    const device = await node.connect(session);
    await device.hello();
    const late = await node.connect(session);
    now += 1000;
    await assert.rejects(late.hello(), rejectsWith('session-expired'));
    assert.deepEqual(await device.closed, { code: 4000, reason: 'expired' });
    assert.equal(device.notifications[0]?.method, 'session.ended');
  });

  test('too many messages are refused, a flood is cut, and time heals', async (t) => {
    let now = 0;
    const node = await startTestNode({ now: () => now, limits: { messagesPerSecond: 10, burst: 20 } });
    t.after(() => node.close());
    const session = { ...sessionOf('vera'), expiresAt: far };
    const device = await node.connect(session);
    await device.hello();
    const asked = await Promise.allSettled(upTo(30).map(() => device.request('session.received', { seq: 0 })));
    assert.equal(asked.filter((a) => a.status === 'fulfilled').length, 19);
    for (const a of asked) if (a.status === 'rejected') rejectsWith('too-many-requests')(a.reason);
    now += 1000;
    await device.request('session.received', { seq: 0 });
    for (let i = 0; i < 100; i += 1) device.socket.send('{}');
    assert.equal((await device.closed).code, 1008);
  });

  test('a person has a bounded number of devices: one that is away makes room, else the newcomer is refused', async (t) => {
    const node = await startTestNode({ limits: { devicesPerPerson: 2 } });
    t.after(() => node.close());
    const first = await node.connect(sessionOf('walt'));
    const second = await node.connect(sessionOf('walt'));
    await first.hello();
    const { device: kept } = await second.hello();
    const third = await node.connect(sessionOf('walt'));
    await assert.rejects(third.hello(), rejectsWith('too-many-requests'));
    first.socket.terminate();
    // The node notices the cut in its own time; until then the newcomer is refused.
    let newcomer: DeviceId | null = null;
    while (newcomer === null)
      newcomer = await third.hello().then(
        (hello) => hello.device,
        () => null,
      );
    assert.deepEqual(node.devices.of(addressOf('walt')), [kept, newcomer]);
  });

  test('sockets that keep silent are bounded', async (t) => {
    const node = await startTestNode({ limits: { silentPerPerson: 2 } });
    t.after(() => node.close());
    const session = sessionOf('xena');
    await node.connect(session);
    await node.connect(session);
    const third = await node.connect(session);
    assert.equal((await third.closed).code, 1013);
  });

  test('a slow reader loses nothing and takes no more memory than its bounds', async (t) => {
    const node = await startTestNode();
    t.after(() => node.close());
    const session = sessionOf('yves');
    const device = await node.connect(session);
    const hello = await device.hello();
    device.socket.pause();
    const conversation = `${'c'.repeat(22)}@enterprise1.example` as never;
    const candidates = [{ candidate: 'x'.repeat(1000) }];
    const tell = () =>
      node.devices.tell(hello.device, 'call.signal', {
        conversation,
        from: { address: addressOf('bob'), device: hello.device },
        signal: { type: 'candidates', path: 'p_12345678', epoch: 1, candidates },
      });
    for (let i = 0; i < MAX_UNSENT; i += 1) assert.ok(tell());
    device.socket.resume();
    await device.notified(MAX_UNSENT);
    assert.deepEqual(numbersSeen(device), upTo(MAX_UNSENT));
  });

  test('shutting down tells every device and closes every socket', async () => {
    const node = await startTestNode();
    const device = await node.connect(sessionOf('zoe'));
    await device.hello();
    await node.close();
    assert.deepEqual(await device.closed, { code: 1001, reason: 'shutting-down' });
    assert.deepEqual(device.notifications[0]?.params, { reason: 'shutting-down' });
  });
});
