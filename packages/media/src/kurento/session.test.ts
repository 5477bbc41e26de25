// The traps of Kurento's protocol that concern sockets, sessions and the numbers of requests, each on a double of the
// server that has it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { openConnection } from './connection.ts';
import { answering, arrive, browserOffer, endpoints, engineOn, nextEvent, until } from './double/browser.ts';
import { type DoubleOptions, openKurentoDouble } from './double/server.ts';
import type { KurentoEngineOptions } from './index.ts';

async function start(t: TestContext, more: Partial<KurentoEngineOptions> = {}, options: DoubleOptions = {}) {
  const double = await openKurentoDouble(options);
  const { engine, logged } = engineOn(double, more);
  let losses = 0;
  engine.on('lost', () => {
    losses += 1;
  });
  t.after(async () => {
    await engine.close();
    await double.stop();
  });
  return { double, engine, logged, losses: () => losses };
}

async function rawSocket(t: TestContext, url: string) {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  t.after(() => socket.terminate());
  let id = 0;
  return {
    socket,
    async ask(method: string, params?: object): Promise<{ value: string; sessionId: string }> {
      id += 1;
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      const [data] = await once(socket, 'message');
      return JSON.parse(String(data)).result;
    },
  };
}

const connects = (seen: readonly { method: string; bare: boolean }[]) =>
  seen.filter(({ method }) => method === 'connect');

const asked = (seen: readonly { params: Readonly<Record<string, unknown>> }[], operation: string) =>
  seen.filter(({ params }) => params.operation === operation).length;

test('a session is asked for with no parameters at all, and named in every later request', async (t) => {
  const { double, engine } = await start(t);
  await engine.createRoom({ id: 'a' });
  await until('a ping', () => double.seen.some(({ method }) => method === 'ping'));
  const [first, ...rest] = double.seen;
  assert.deepEqual([first?.method, first?.bare], ['connect', true]);
  const [session] = double.sessions.keys();
  for (const { method, params } of rest) assert.equal(params.sessionId, session, method);
  assert.equal(double.sessions.size, 1);
});

test('a socket that breaks is replaced; rooms, legs and what was subscribed live on', async (t) => {
  const { double, engine, losses } = await start(t);
  const room = await engine.createRoom({ id: 'a' });
  await room.publish('alice', browserOffer());
  double.cut();
  await until('it is back', () => connects(double.seen).length === 2);
  await room.statistics();
  const connected = nextEvent(room, 'connected');
  arrive(double, endpoints(double)[0], true);
  assert.deepEqual(await connected, [{ device: 'alice' }]);
  await room.publish('bob', browserOffer());
  assert.deepEqual(room.devices(), ['alice', 'bob']);
  assert.equal(losses(), 0);
});

test('numbers of requests are never used again, so that no answer is one the server remembers from before', async (t) => {
  const { double, engine } = await start(t);
  const rooms = [await engine.createRoom({ id: 'a' })];
  for (const id of ['b', 'c', 'd']) {
    double.cut();
    rooms.push(await engine.createRoom({ id }));
  }
  assert.equal(double.objects('MediaPipeline').length, 4, 'every room is one of its own');
  const ids = double.seen.map(({ id }) => Number(id));
  const asked = new Map(
    double.seen.map(({ id, method, params }) => [id, `${method} ${params.operation} ${params.object}`]),
  );
  for (const { id, method, params } of double.seen) {
    assert.equal(asked.get(id), `${method} ${params.operation} ${params.object}`, `${id} was two things`);
  }
  assert.ok(Math.max(...ids) >= rooms.length * 3);
});

test('what the server had done when the socket broke is not done again', async (t) => {
  const { double, engine } = await start(t);
  await engine.createRoom({ id: 'a' });
  let cuts = 0;
  double.after = ({ method, params }) => {
    if (method !== 'create' || params.type !== 'MediaPipeline' || cuts > 0) return;
    cuts += 1;
    double.cut();
  };
  await engine.createRoom({ id: 'b' });
  assert.equal(cuts, 1);
  assert.equal(double.objects('MediaPipeline').length, 2);
});

test('a session the server does not know yet is let go, and a fresh socket gets another', async (t) => {
  const double = await openKurentoDouble();
  let cuts = 0;
  // Before the session has touched any object.
  double.before = ({ method }) => {
    if (method === 'connect' || cuts > 0) return;
    cuts += 1;
    double.cut();
    throw new Error('cut');
  };
  const { engine } = engineOn(double);
  t.after(async () => {
    await engine.close();
    await double.stop();
  });
  await until('a third attempt', () => connects(double.seen).length === 3);
  await until('a session', () => double.seen.some(({ params }) => params.operation === 'getPipelines'));
  assert.deepEqual(
    connects(double.seen).map(({ bare }) => bare),
    [true, false, true],
  );
  await engine.createRoom({ id: 'a' });
});

test('a session that somebody else takes is taken back by the next ping', async (t) => {
  const { double, engine } = await start(t);
  const room = await engine.createRoom({ id: 'a' });
  await room.publish('alice', browserOffer());
  const [session] = double.sessions.keys();
  const thief = await rawSocket(t, double.url);
  await thief.ask('ping', { sessionId: session });
  const pings = double.seen.length;
  await until('a ping', () => double.seen.slice(pings).some(({ method }) => method === 'ping'));
  const connected = nextEvent(room, 'connected');
  arrive(double, endpoints(double)[0], true);
  await connected;
});

test('a connection broken in the middle is noticed by its silence, and replaced', async (t) => {
  const { double, engine, losses } = await start(t);
  const room = await engine.createRoom({ id: 'a' });
  double.freeze();
  await room.publish('alice', browserOffer());
  assert.equal(connects(double.seen).length, 2);
  assert.equal(losses(), 0);
  assert.deepEqual(engine.rooms(), ['a']);
});

test('a server that starts anew has lost all rooms; the next one works', async (t) => {
  const { double, engine, losses } = await start(t);
  const rooms = await Promise.all(['a', 'b'].map((id) => engine.createRoom({ id })));
  const ends = rooms.map((room) => nextEvent(room, 'closed'));
  await double.restart();
  assert.deepEqual(await Promise.all(ends), [[{ reason: 'engine-lost' }], [{ reason: 'engine-lost' }]]);
  assert.deepEqual(engine.rooms(), []);
  assert.equal(losses(), 1);
  await assert.rejects(async () => rooms[0]?.subscribe('alice'), { code: 'unknown-room' });
  await until('the new server is asked what it can do', () => asked(double.seen, 'getInfo') === 2);
  const room = await engine.createRoom({ id: 'a' });
  await room.publish('alice', browserOffer());
  assert.equal(losses(), 1);
});

test('a session that was collected while we were away has lost all rooms, though the server is the same', async (t) => {
  const { double, engine, losses } = await start(t);
  const room = await engine.createRoom({ id: 'a' });
  const end = nextEvent(room, 'closed');
  double.forget();
  double.cut();
  assert.deepEqual(await end, [{ reason: 'engine-lost' }]);
  assert.equal(losses(), 1);
  assert.deepEqual(double.objects('MediaPipeline'), []);
  await until('there is a new session', () => asked(double.seen, 'getInfo') === 2);
  await engine.createRoom({ id: 'b' });
});

test('a server out of reach is lost in bounded time, and nothing waits for it', async (t) => {
  const { double, engine, losses } = await start(t);
  const room = await engine.createRoom({ id: 'a' });
  const end = nextEvent(room, 'closed');
  const before = performance.now();
  await double.stop();
  const asked = assert.rejects(room.publish('alice', browserOffer()), { code: 'engine-lost' });
  assert.deepEqual(await end, [{ reason: 'engine-lost' }]);
  await asked;
  assert.ok(performance.now() - before < 3000);
  await assert.rejects(engine.createRoom({ id: 'b' }), { code: 'engine-lost' });
  assert.equal(losses(), 1);
});

test('a wrong path is refused by the server, and said', async (t) => {
  const double = await openKurentoDouble();
  const { engine } = engineOn({ url: double.url.replace('/kurento', '/elsewhere') });
  t.after(async () => {
    await engine.close();
    await double.stop();
  });
  await assert.rejects(engine.createRoom({ id: 'a' }), { code: 'engine-lost' });
});

test('only addresses of WebSocket servers and of files are taken', () => {
  assert.throws(() => engineOn({ url: 'http://127.0.0.1:8888/kurento' }), RangeError);
  assert.throws(() => engineOn({ url: 'ws://127.0.0.1:8888/kurento' }, { recordings: 'https://there' }), RangeError);
});

test('waiting is bounded, in time and in number', async (t) => {
  const double = await openKurentoDouble();
  t.after(() => double.stop());
  const quiet = { info: () => undefined, warn: () => undefined };
  const connection = openConnection(double.url, quiet, { lostMs: 60_000, pingMs: 60_000, answerMs: 300 });
  t.after(() => connection.close());
  await once(connection, 'session');
  double.freeze();
  const asked = Array.from({ length: 2001 }, () =>
    connection.request('release', { object: 'x' }).then(String, ({ code }) => code),
  );
  const codes = await Promise.all(asked);
  assert.equal(codes.filter((code) => code === 'timed-out').length, 2000);
  assert.equal(codes.at(-1), 'too-many-requests');
});

test('what an earlier process has left is released; what is others’ is left alone, and not kept alive either', async (t) => {
  const double = await openKurentoDouble({ collectMs: 100 });
  const other = await rawSocket(t, double.url);
  const pipelines: string[] = [];
  for (const owner of ['tests', 'somebody', null]) {
    const { value } = await other.ask('create', { type: 'MediaPipeline', constructorParams: {} });
    pipelines.push(value);
    const operationParams = { key: 'parley-owner', value: owner };
    if (owner) await other.ask('invoke', { object: value, operation: 'addTag', operationParams });
  }
  const { engine, logged } = engineOn(double);
  t.after(async () => {
    await engine.close();
    await double.stop();
  });
  const room = await engine.createRoom({ id: 'a' });
  await until('it is said', () => logged.some(({ text }) => text.includes('earlier process')));
  const left = double.objects('MediaPipeline').map(({ id }) => id);
  assert.deepEqual(
    left.filter((id) => pipelines.includes(id)),
    pipelines.slice(1),
  );
  // Their owner goes. Having asked them for their owner must not keep them.
  await until('nobody asks them any more', () => double.seen.filter(({ method }) => method === 'unref').length >= 2);
  other.socket.terminate();
  await until('they are collected', () => double.objects('MediaPipeline').length === 1);
  await room.publish('alice', browserOffer());
});

test('our own rooms are no orphans when the server forgets the session in between', async (t) => {
  const { double, engine } = await start(t);
  const rooms = await Promise.all(Array.from({ length: 8 }, (_, index) => engine.createRoom({ id: `${index}` })));
  double.cut();
  await Promise.all(rooms.map((room) => room.publish('alice', browserOffer())));
  assert.equal(double.objects('MediaPipeline').length, 8);
  for (const room of rooms) answering(room, 'alice');
});
