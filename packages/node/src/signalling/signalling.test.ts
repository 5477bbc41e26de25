// Devices on real sockets: hello, cuts and resumes, leaving, and everything a device may do wrong.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Address, type DeviceId, MAX_FRAME_BYTES, MAX_UNSENT, type ParleyError } from '@parley/protocol';
import type { DeviceEvents } from './api.ts';
import {
  addressOf,
  nextEvent,
  numbersSeen,
  rejectsWith,
  sessionOf,
  startTestNode,
  type TestDevice,
  type TestNode,
  upTo,
} from './test-device.ts';

function tellNumbered(node: TestNode, device: DeviceId, from: number, count: number): void {
  for (let i = from; i < from + count; i += 1) {
    const ok = node.devices.tell(device, 'presence.changed', {
      address: `p${i}@enterprise1.example` as Address,
      presence: 'available',
    });
    assert.ok(ok);
  }
}

describe('a signed-in device', () => {
  let node: TestNode;
  let commands = 0;
  let gate = Promise.withResolvers<void>();
  before(async () => {
    node = await startTestNode();
    node.devices.handle('presence.set', () => {
      commands += 1;
      return {};
    });
    node.devices.handle('call.leave', async () => {
      commands += 1;
      await gate.promise;
      return {};
    });
    node.devices.handle('directory.removeContact', () => {
      throw new Error('a secret in a stack trace');
    });
    node.devices.handle('directory.contacts', () => ({ companies: 'nonsense' }) as never);
  });
  after(() => node.close());

  test('says hello and is told who and where it is', async () => {
    const session = sessionOf('alice');
    const device = await node.connect(session);
    const online = nextEvent(node, 'online', addressOf('alice'));
    const hello = await device.hello();
    assert.equal(hello.resumed, false);
    assert.deepEqual(hello.me, session.person);
    assert.equal(hello.settings.ringSeconds, 45);
    assert.equal((await online).device, hello.device);
    assert.deepEqual(node.devices.of(addressOf('alice')), [hello.device]);
    assert.equal(node.devices.ownerOf(hello.device), addressOf('alice'));
    await device.request('session.bye', {});
    assert.deepEqual(node.devices.of(addressOf('alice')), []);
    assert.equal((await device.closed).code, 1000);
  });

  test('is cut and comes back: nothing lost, nothing doubled, in order', async () => {
    const session = sessionOf('bob');
    const first = await node.connect(session);
    const hello = await first.hello();
    tellNumbered(node, hello.device, 1, 5);
    await first.notified(5);
    await first.request('session.received', { seq: 3 });
    first.socket.terminate();
    tellNumbered(node, hello.device, 6, 5);
    const second = await node.connect(session);
    const resumed = await second.hello({ token: hello.resumeToken, received: 5 });
    assert.equal(resumed.resumed, true);
    assert.equal(resumed.device, hello.device);
    assert.notEqual(resumed.resumeToken, hello.resumeToken);
    tellNumbered(node, hello.device, 11, 2);
    await second.notified(7);
    assert.deepEqual(numbersSeen(first, second), upTo(12));
    second.socket.close();
  });

  test('resumes although the node has not noticed the cut: the new socket takes over', async () => {
    const session = sessionOf('carol');
    const first = await node.connect(session);
    const hello = await first.hello();
    tellNumbered(node, hello.device, 1, 2);
    await first.notified(2);
    const second = await node.connect(session);
    assert.equal((await second.hello({ token: hello.resumeToken, received: 2 })).resumed, true);
    assert.equal((await first.closed).code, 4002);
    tellNumbered(node, hello.device, 3, 1);
    await second.notified(1);
    assert.deepEqual(numbersSeen(first, second), [1, 2, 3]);
    assert.deepEqual(node.devices.of(addressOf('carol')), [hello.device]);
    second.socket.close();
  });

  test('resumes with the token before the newest if the answer with the newest never arrived', async () => {
    const session = sessionOf('dora');
    const first = await node.connect(session);
    const { resumeToken: token } = await first.hello();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const lost = await node.connect(session);
      assert.equal((await lost.hello({ token, received: 0 })).resumed, true);
      lost.socket.terminate();
    }
    const last = await node.connect(session);
    const { resumed, resumeToken } = await last.hello({ token, received: 0 });
    assert.equal(resumed, true);
    last.socket.terminate();
    const next = await node.connect(session);
    assert.equal((await next.hello({ token: resumeToken, received: 0 })).resumed, true);
    const stale = await node.connect(session);
    assert.equal((await stale.hello({ token, received: 0 })).resumed, false, 'used up once the newer one was used');
    next.socket.close();
    stale.socket.close();
  });

  test('cannot be taken over from another session or by another person', async () => {
    const session = sessionOf('erin');
    const first = await node.connect(session);
    const hello = await first.hello();
    for (const other of [sessionOf('erin'), { ...sessionOf('frank'), id: session.id }]) {
      const thief = await node.connect(other);
      const answer = await thief.hello({ token: hello.resumeToken, received: 0 });
      assert.equal(answer.resumed, false);
      assert.notEqual(answer.device, hello.device);
      thief.socket.close();
    }
    tellNumbered(node, hello.device, 1, 1);
    await first.notified(1);
    first.socket.close();
  });

  test('asks again after a cut: carried out once, answered from what is kept or when it is done', async () => {
    const session = sessionOf('gina');
    const first = await node.connect(session);
    const hello = await first.hello();
    commands = 0;
    gate = Promise.withResolvers();
    const conversation = `${'c'.repeat(22)}@enterprise1.example` as never;
    const params = { presence: 'busy' } as const;
    await first.request('presence.set', params, 'done');
    // Its socket is cut before the answer.
    void assert.rejects(first.request('call.leave', { conversation }, 'running'));
    // Answered in order, so the request before it has been taken up.
    await first.request('session.received', { seq: 0 });
    first.socket.terminate();
    const second = await node.connect(session);
    const { resumeToken } = await second.hello({ token: hello.resumeToken, received: 0 });
    await second.request('presence.set', params, 'done');
    const running = second.request('call.leave', { conversation }, 'running');
    gate.resolve();
    await running;
    assert.equal(commands, 2);
    await assert.rejects(second.request('presence.set', { presence: 'away' }, 'done'), rejectsWith('out-of-turn'));
    assert.equal(commands, 2);
    assert.ok(resumeToken);
    second.socket.close();
  });

  test('starts afresh when it fell too far behind, and the node keeps no more than the bound', async () => {
    const session = sessionOf('hal');
    const first = await node.connect(session);
    const hello = await first.hello();
    first.socket.terminate();
    const gone = nextEvent(node, 'gone', addressOf('hal'));
    tellNumbered(node, hello.device, 1, MAX_UNSENT + 1);
    assert.deepEqual(await gone, { address: addressOf('hal'), device: hello.device, reason: 'lost' });
    assert.equal(
      node.devices.tell(hello.device, 'presence.changed', { address: addressOf('x'), presence: 'away' }),
      false,
    );
    const second = await node.connect(session);
    const answer = await second.hello({ token: hello.resumeToken, received: 0 });
    assert.equal(answer.resumed, false);
    assert.notEqual(answer.device, hello.device);
    // Attached and acknowledging nothing: the same bound, and the socket is closed with the code that says so.
    tellNumbered(node, answer.device, 1, MAX_UNSENT + 1);
    assert.equal((await second.closed).code, 4001);
  });

  test('that claims to have received what was never sent starts afresh', async () => {
    const session = sessionOf('ida');
    const first = await node.connect(session);
    const hello = await first.hello();
    await assert.rejects(first.request('session.received', { seq: 1 }), rejectsWith('out-of-turn'));
    const second = await node.connect(session);
    assert.equal((await second.hello({ token: hello.resumeToken, received: 1 })).resumed, false);
    second.socket.close();
  });

  test('closes its tab: gone at once; bye and a plain close() likewise', async () => {
    for (const leave of [
      (d: TestDevice) => d.socket.close(1001),
      (d: TestDevice) => d.socket.close(),
      (d: TestDevice) => void d.request('session.bye', {}),
    ]) {
      const device = await node.connect(sessionOf('jane'));
      await device.hello();
      const gone = nextEvent(node, 'gone', addressOf('jane'));
      leave(device);
      assert.equal((await gone).reason, 'bye');
      assert.deepEqual(node.devices.of(addressOf('jane')), []);
    }
  });

  test('signs out: every device of that session is told why and is gone, other sessions stay', async () => {
    const session = sessionOf('kim');
    const [one, two, other] = [
      await node.connect(session),
      await node.connect(session),
      await node.connect(sessionOf('kim')),
    ];
    const silent = await node.connect(session);
    await one.hello();
    await two.hello();
    const { device: stays } = await other.hello();
    const gone: string[] = [];
    const note = (event: DeviceEvents['gone'][0]) => gone.push(event.reason);
    node.devices.on('gone', note);
    node.devices.endSession(session.id, 'signed-out');
    for (const device of [one, two]) {
      assert.deepEqual(await device.closed, { code: 4000, reason: 'signed-out' });
      assert.deepEqual(device.notifications, [{ method: 'session.ended', params: { reason: 'signed-out' }, seq: 1 }]);
    }
    assert.equal((await silent.closed).code, 4000);
    assert.deepEqual(gone, ['bye', 'bye']);
    assert.deepEqual(node.devices.of(addressOf('kim')), [stays]);
    node.devices.off('gone', note);
    other.socket.close();
  });

  test('is one of several of its person, and all are told', async () => {
    const devices = [await node.connect(sessionOf('leo')), await node.connect(sessionOf('leo'))];
    const ids = [];
    for (const device of devices) ids.push((await device.hello()).device);
    assert.deepEqual(node.devices.of(addressOf('leo')), ids);
    const params = { address: addressOf('alice'), presence: 'busy' } as const;
    assert.equal(node.devices.tellPerson(addressOf('leo'), 'presence.changed', params), 2);
    assert.equal(node.devices.tellPerson(addressOf('nobody'), 'presence.changed', params), 0);
    for (const device of devices) {
      await device.notified(1);
      assert.deepEqual(device.notifications[0]?.params, params);
      device.socket.close();
    }
  });

  test('gets a typed error for everything that is wrong, and goes on', async () => {
    const device = await node.connect(sessionOf('mia'));
    await assert.rejects(device.request('presence.set', { presence: 'away' }), rejectsWith('out-of-turn'));
    await assert.rejects(device.request('session.hello', { version: 2 as 1 }), rejectsWith('unsupported-version'));
    await assert.rejects(device.request('session.hello', {} as never), rejectsWith('invalid-parameters'));
    await device.hello();
    await assert.rejects(device.request('session.hello', { version: 1 }), rejectsWith('out-of-turn'));
    await assert.rejects(device.request('no.suchMethod' as never, {} as never), rejectsWith('unknown-method'));
    await assert.rejects(device.request('call.decline', {} as never), rejectsWith('unknown-method'));
    await assert.rejects(
      device.request('presence.set', { presence: 'offline' as never }),
      rejectsWith('invalid-parameters'),
    );
    const address = addressOf('bob');
    await assert.rejects(device.request('directory.removeContact', { address }), (thrown: ParleyError) => {
      assert.equal(thrown.code, 'internal-error');
      assert.equal(thrown.details, undefined);
      return true;
    });
    await assert.rejects(device.request('directory.contacts', {}), rejectsWith('internal-error'));
    for (const text of ['', 'not json', '[]', 'null', '{"jsonrpc":"2.0","id":{},"method":"a.b"}', '{"id":1}']) {
      device.socket.send(text);
      if (text === '{"id":1}') continue;
      assert.equal((await device.nextUnaddressed()).code, 'malformed-message');
    }
    device.socket.send('x'.repeat(MAX_FRAME_BYTES + 1));
    assert.equal((await device.nextUnaddressed()).code, 'message-too-large');
    await device.request('presence.set', { presence: 'available' });
    device.socket.send(Buffer.from([1, 2, 3]));
    assert.equal((await device.closed).code, 1003);
    assert.equal((await device.nextUnaddressed()).code, 'malformed-message');
  });

  test('that sends a frame beyond all measure is closed with 1009', async () => {
    const device = await node.connect(sessionOf('ned'));
    await device.hello();
    device.socket.send('x'.repeat(2 * MAX_FRAME_BYTES + 1));
    assert.equal((await device.closed).code, 1009);
  });

  test('is not told what breaks the protocol, which is an error of the node', async () => {
    const device = await node.connect(sessionOf('olga'));
    const hello = await device.hello();
    const wrong = { address: addressOf('bob'), presence: 'sleeping' as never };
    assert.equal(node.devices.tell(hello.device, 'presence.changed', wrong), false);
    tellNumbered(node, hello.device, 1, 1);
    await device.notified(1);
    assert.equal(device.notifications[0]?.seq, 1);
    device.socket.close();
  });

  test('may not ask for more at a time than the bound', async () => {
    const device = await node.connect(sessionOf('pat'));
    await device.hello();
    gate = Promise.withResolvers();
    const conversation = `${'c'.repeat(22)}@enterprise1.example` as never;
    const running = upTo(64).map(() => device.request('call.leave', { conversation }));
    await assert.rejects(device.request('call.leave', { conversation }), rejectsWith('too-many-requests'));
    gate.resolve();
    await Promise.all(running);
    await device.request('call.leave', { conversation });
    device.socket.close();
  });
});

describe('what a fresh device is told', () => {
  const conversation = `${'c'.repeat(22)}@enterprise1.example` as never;
  const events = (count: number, text: string) =>
    upTo(count).map((n) => ({
      conversation,
      n,
      at: 0,
      body: { type: 'message', by: addressOf('bob'), text } as const,
    }));

  test('is registered before its history is read, so that nothing falls between', async (t) => {
    const node = await startTestNode({
      historyFor: async (address) => {
        node.devices.tellPerson(address, 'presence.changed', { address: addressOf('bob'), presence: 'busy' });
        t.after(() => node.close());
        return [{ conversation, events: events(1, 'hello'), complete: true }];
      },
    });
    const device = await node.connect(sessionOf('alice'));
    const hello = await device.hello();
    assert.equal(hello.conversations[0]?.events.length, 1);
    await device.notified(1);
    assert.equal(device.notifications[0]?.seq, 1);
  });

  test('fits into one frame however long the histories are', async (t) => {
    const long = { conversation, events: events(100, '☎'.repeat(4000)), complete: true };
    const short = { conversation, events: events(3, 'hi'), complete: true };
    const node = await startTestNode({ historyFor: async () => [short, long, long, short] });
    t.after(() => node.close());
    const device = await node.connect(sessionOf('alice'));
    const { conversations } = await device.hello();
    assert.deepEqual(
      conversations.map((c) => c.complete),
      [true, false, false, true],
    );
    assert.ok((conversations[1]?.events.length ?? 0) > 1);
    assert.deepEqual(
      conversations[1]?.events.map((e) => e.n),
      upTo(conversations[1]?.events.length ?? 0),
    );
  });

  test('is an error, and leaves no device behind, when the history cannot be read', async (t) => {
    const node = await startTestNode({ historyFor: () => Promise.reject(new Error('disk')) });
    t.after(() => node.close());
    const device = await node.connect(sessionOf('alice'));
    await assert.rejects(device.hello(), rejectsWith('internal-error'));
    assert.equal((await device.closed).code, 1011);
    assert.deepEqual(node.devices.of(addressOf('alice')), []);
  });
});
