// Tens of thousands of spoilt messages against a device's socket: no crash, nothing unchecked reaches a handler, every
// answer is well-formed, memory stays bounded, and afterwards all goes on. PARLEY_FUZZ sets how many, PARLEY_FUZZ_SEED which.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type Address,
  type ConversationId,
  type DeviceId,
  type DeviceMethod,
  type DeviceParams,
  type DeviceResult,
  type Domain,
  deviceMethods,
  errorOf,
  MAX_FRAME_BYTES,
  parseFrame,
  type RpcId,
} from '@parley/protocol';
import { personOf, startTestNode } from './test-device.ts';
import { createRandom, mutate } from './test-mutator.ts';

const COUNT = Number(process.env.PARLEY_FUZZ ?? 50_000);
const SEED = Number(process.env.PARLEY_FUZZ_SEED ?? 1);
const BATCH = 50;

const address = 'bob@enterprise1.example' as Address;
const focus = 'enterprise1.example' as Domain;
const conversation = `${'c'.repeat(22)}@enterprise1.example` as ConversationId;
const room = `r_${'r'.repeat(22)}`;
const leg = `l_${'l'.repeat(16)}`;
const media = { microphone: true, camera: false };
const sdp = 'v=0\r\n';
const candidates = [{ candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host', sdpMid: '0' }];
const link = { id: `g_${'l'.repeat(22)}`, by: address, lobby: true, expiresAt: 1 };
const contact = { person: personOf('bob'), presence: 'available' } as const;
const history = {
  conversation,
  events: [{ conversation, n: 1, at: 1, body: { type: 'message', by: address, text: 'hello' } as const }],
  complete: true,
};

/** A valid exchange of every request but hello, which the test device says itself. */
const samples: { [M in Exclude<DeviceMethod, 'session.hello'>]: { params: DeviceParams<M>; result: DeviceResult<M> } } =
  {
    'session.received': { params: { seq: 0 }, result: {} },
    'session.bye': { params: {}, result: {} },
    'directory.contacts': {
      params: {},
      result: { companies: [{ provider: { domain: focus, name: 'Enterprise 1' }, contacts: [contact] }] },
    },
    'directory.search': { params: { text: 'bob' }, result: { contacts: [contact] } },
    'directory.addContact': { params: { address }, result: { contact } },
    'directory.removeContact': { params: { address }, result: {} },
    'presence.set': { params: { presence: 'away' }, result: {} },
    'call.start': {
      params: { to: [address], policy: 'direct-first', title: 'A call', media, offer: { path: 'p_12345678', sdp } },
      result: history,
    },
    'call.accept': { params: { conversation, media }, result: {} },
    'call.decline': { params: { conversation }, result: {} },
    'call.cancel': { params: { conversation, address }, result: {} },
    'call.add': { params: { conversation, address }, result: {} },
    'call.leave': { params: { conversation }, result: {} },
    'call.media': { params: { conversation, media }, result: {} },
    'call.ready': { params: { conversation, epoch: 2 }, result: {} },
    'call.pathFailed': { params: { conversation, epoch: 2 }, result: {} },
    'call.signal': {
      params: {
        conversation,
        to: { address, device: `d_${'d'.repeat(22)}` as DeviceId },
        signal: { type: 'candidates', path: 'p_12345678', epoch: 1, candidates },
      },
      result: {},
    },
    'call.enter': { params: { conversation }, result: { waiting: true } },
    'call.admit': { params: { conversation, address }, result: {} },
    'call.turnAway': { params: { conversation, address }, result: {} },
    'call.mute': { params: { conversation, address }, result: {} },
    'call.askToUnmute': { params: { conversation, address }, result: {} },
    'call.remove': { params: { conversation, address, because: 'wish' }, result: {} },
    'call.raiseTrust': { params: { conversation, seconds: 120 }, result: {} },
    'call.identify': { params: { conversation }, result: {} },
    'guest.invite': { params: { conversation, lobby: true }, result: { link, url: 'https://e.example/join#x' } },
    'guest.links': { params: { conversation }, result: { links: [link] } },
    'guest.withdraw': { params: { conversation, link: link.id }, result: {} },
    'conversation.events': { params: { conversation, after: 3 }, result: history },
    'conversation.send': { params: { conversation, text: 'hello' }, result: {} },
    'focus.join': {
      params: { conversation, epoch: 2, sdp },
      result: { room, leg, sdp, statement: 's', offers: { mixing: false, recording: true } },
    },
    'focus.receive': { params: { focus, room, mixed: true }, result: { moving: false } },
    'call.record': { params: { conversation }, result: {} },
    'call.consent': { params: { conversation, recording: 3 }, result: {} },
    'call.stopRecording': { params: { conversation, recording: 3 }, result: {} },
    'focus.answer': { params: { focus, room, leg, revision: 1, sdp }, result: {} },
    'focus.candidates': { params: { focus, room, leg, candidates }, result: {} },
    'focus.leave': { params: { focus, room }, result: {} },
    'focus.prefer': { params: { focus, room, pictures: [{ address, height: 360 }] }, result: {} },
    'focus.probe': { params: { sdp }, result: { sdp } },
  };
const methods = Object.keys(samples) as (keyof typeof samples)[];

/** Bytes in use after a collection. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

test(`${COUNT} spoilt messages (seed ${SEED})`, async (t) => {
  const random = createRandom(SEED);
  const node = await startTestNode({ limits: { messagesPerSecond: 1e9, burst: 1e9 } });
  t.after(() => node.close());
  // A throw inside the node ends the run at once: reconnecting to it would wait for ever.
  const crash = Promise.withResolvers<never>();
  const onCrash = (err: unknown) => crash.reject(err);
  process.once('uncaughtExceptionMonitor', onCrash);
  t.after(() => process.off('uncaughtExceptionMonitor', onCrash));
  let calls = 0;
  const handle = <M extends keyof typeof samples>(method: M) =>
    node.devices.handle<M>(method, (_caller, params) => {
      calls += 1;
      const parsed = deviceMethods[method].params.safeParse(params);
      assert.deepEqual(parsed.data, params, `${method} was called with unchecked parameters`);
      assert.equal(Object.getPrototypeOf(params), Object.prototype);
      return samples[method].result as DeviceResult<M>;
    });
  for (const method of methods) if (!method.startsWith('session.')) handle(method);

  const session = { id: 's', person: personOf('alice'), expiresAt: Number.MAX_SAFE_INTEGER };
  const answers = { results: 0, errors: new Map<string, number>() };
  const connect = async () => {
    const device = await node.connect(session);
    await device.hello();
    device.socket.removeAllListeners('message');
    const done = Promise.withResolvers<void>();
    const state = { device, done, closed: false };
    device.socket.on('close', () => {
      state.closed = true;
      state.done.resolve();
    });
    device.socket.on('message', (data) => {
      const text = String(data);
      const message = parseFrame(text);
      if (message.kind === 'success') {
        answers.results += 1;
        const asked = parseFrame(texts.get(message.id) ?? '');
        // An id that was spoilt may be anything; the rest is what its request says it is.
        if (asked.kind === 'request') deviceMethods[asked.method as DeviceMethod].result.parse(message.result);
        if (message.id === 'last of batch') state.done.resolve();
      } else if (message.kind === 'failure') {
        const { code } = errorOf(message);
        answers.errors.set(code, (answers.errors.get(code) ?? 0) + 1);
        if (message.id === 'last of batch') state.done.resolve();
      } else {
        assert.equal(message.kind, 'notification');
      }
    });
    return state;
  };

  /** Spoilt hellos on a socket of their own, which is then cut. */
  const knock = async () => {
    const { socket } = await node.connect(session);
    const hello = { version: 1, resume: { token: 'x'.repeat(43), received: 0 } };
    for (let i = 0; i < BATCH; i += 1) {
      socket.send(mutate(random, { jsonrpc: '2.0', id: `h${i}`, method: 'session.hello', params: hello }));
    }
    socket.ping();
    await Promise.race([once(socket, 'pong'), once(socket, 'close')]);
    socket.terminate();
  };

  /** What the present batch asked, by id. */
  const texts = new Map<RpcId, string>();
  let link = await connect();
  const before = heapUsed();
  for (let sent = 0; sent < COUNT; sent += BATCH) {
    if (link.closed) link = await Promise.race([connect(), crash.promise]);
    if (sent % 5000 === 0) await Promise.race([knock(), crash.promise]);
    texts.clear();
    link.done = Promise.withResolvers<void>();
    for (let i = 0; i < BATCH; i += 1) {
      const method = random.pick(methods);
      const message = { jsonrpc: '2.0', id: `f${sent + i}`, method, params: samples[method].params };
      const text = mutate(random, message);
      texts.set(message.id, text);
      // Now and then what no text can be: binary frames and frames beyond the bound.
      if (random.int(20_000) === 0) link.device.socket.send(Buffer.from(text));
      else if (random.int(5000) === 0) link.device.socket.send(text.padEnd(MAX_FRAME_BYTES + 1));
      else link.device.socket.send(text);
    }
    const last = { jsonrpc: '2.0', id: 'last of batch', method: 'conversation.events', params: history };
    link.device.socket.send(JSON.stringify({ ...last, params: { conversation, after: sent } }));
    await Promise.race([link.done.promise, crash.promise]);
  }
  const grown = heapUsed() - before;
  assert.ok(grown < 32 * 1024 * 1024, `the heap has grown by ${grown} bytes`);

  const { errors } = answers;
  // The run is worth something only if it got everywhere.
  for (const code of [
    'malformed-message',
    'invalid-parameters',
    'unknown-method',
    'message-too-large',
    'out-of-turn',
  ]) {
    assert.ok((errors.get(code) ?? 0) > 0, `nothing was answered with ${code}`);
  }
  assert.equal(errors.get('internal-error'), undefined);
  assert.ok(calls > COUNT / BATCH, 'some of it was still valid');

  const device = await node.connect(session);
  await device.hello();
  assert.deepEqual(await device.request('directory.search', { text: 'bob' }), samples['directory.search'].result);
  assert.ok(node.devices.of(session.person.address).length <= 16);
});
