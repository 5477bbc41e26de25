// The device socket against a real WebSocket server that speaks by hand: resume, repetition, gaps, refusals.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ParleyError } from '@parley/protocol';
import { type WebSocket as ServerSocket, WebSocketServer } from 'ws';
import { until } from './readable.ts';
import { type DeviceSocket, type Hello, openSocket, type Told } from './socket.ts';

interface Frame {
  readonly id: string;
  readonly method: string;
  readonly params: Record<string, unknown>;
}

/** A node's side of one socket. */
function createFakeEnd(ws: ServerSocket) {
  const frames: Frame[] = [];
  const waiting: ((frame: Frame) => void)[] = [];
  ws.on('message', (data) => {
    const frame = JSON.parse(String(data)) as Frame;
    const next = waiting.shift();
    if (next) next(frame);
    else frames.push(frame);
  });
  const send = (value: unknown) => ws.send(JSON.stringify({ jsonrpc: '2.0', ...(value as object) }));
  return {
    ws,
    next: (): Promise<Frame> => {
      const frame = frames.shift();
      return frame ? Promise.resolve(frame) : new Promise((resolve) => waiting.push(resolve));
    },
    answer: (id: string, result: unknown) => send({ id, result }),
    fail: (id: string, code: string) => send({ id, error: { code: -32000, message: 'no', data: { code } } }),
    tell: (seq: number, address = 'bob@enterprise1.example') =>
      send({ method: 'presence.changed', params: { address, presence: 'away' }, seq }),
    send,
  };
}

const hello = (resumed: boolean): Hello =>
  ({
    device: 'd_0123456789abcdefghijkl',
    me: { address: 'alice@enterprise1.example', name: 'Alice', company: 'Enterprise 1' },
    provider: { domain: 'enterprise1.example', name: 'Enterprise 1' },
    resumeToken: 'token',
    resumed,
    settings: {
      iceServers: [],
      connectWhileRinging: 'nobody',
      paths: 'any',
      requiredTrust: 'not-failed',
      trustRules: [],
      hosts: {},
      conference: { mixing: false, recording: false },
      ringSeconds: 45,
      heartbeatSeconds: 60,
    },
    conversations: [],
  }) as unknown as Hello;

describe('a device socket', { timeout: 20_000 }, () => {
  let server: WebSocketServer;
  let socket: DeviceSocket;
  let told: Told[];
  let afresh: Hello[];
  let endedWith: Promise<ParleyError>;
  let signedIn: boolean | null;

  beforeEach(async () => {
    server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    told = [];
    afresh = [];
    signedIn = true;
  });
  afterEach(async () => {
    socket.close();
    for (const ws of server.clients) ws.terminate();
    server.close();
    await once(server, 'close');
  });

  function open() {
    const { promise, resolve } = Promise.withResolvers<ParleyError>();
    endedWith = promise;
    socket = openSocket({
      url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
      signedIn: async () => signedIn,
      afresh: (result) => afresh.push(result),
      told: (message) => told.push(message),
      ended: resolve,
    });
  }
  async function accepted() {
    const [ws] = (await once(server, 'connection')) as [ServerSocket];
    return createFakeEnd(ws);
  }
  async function greeted() {
    const connecting = accepted();
    open();
    const end = await connecting;
    end.answer((await end.next()).id, hello(false));
    await until(
      socket.state,
      (s) => s === 'online',
      5000,
      () => new Error('not online'),
    );
    return end;
  }

  it('resumes after a cut: repeats what was not answered with the same id, and takes every notification once', async () => {
    const first = await greeted();
    const search = socket.request('directory.search', { text: 'bob' });
    const asked = await first.next();
    first.tell(1);
    first.tell(2);
    // Frames keep their order: once this is answered, both have arrived.
    const marker = socket.request('directory.search', { text: 'marker' });
    first.answer((await first.next()).id, { contacts: [] });
    await marker;
    const again = accepted();
    first.ws.terminate();
    const second = await again;
    const helloAgain = await second.next();
    assert.deepEqual(helloAgain.params.resume, { token: 'token', received: 2 });
    second.answer(helloAgain.id, hello(true));
    assert.deepEqual(await second.next(), asked);
    second.tell(2);
    second.tell(3, 'carol@enterprise1.example');
    second.answer(asked.id, { contacts: [] });
    assert.deepEqual(await search, { contacts: [] });
    assert.equal(told.length, 3);
    assert.equal(afresh.length, 1);
  });

  it('fails what was sent, sends what was not, when the node knows nothing of before', async () => {
    const first = await greeted();
    const lost = assert.rejects(socket.request('directory.search', { text: 'lost' }), { code: 'timed-out' });
    await first.next();
    const again = accepted();
    first.ws.terminate();
    const second = await again;
    const waiting = socket.request('directory.search', { text: 'waiting' });
    second.answer((await second.next()).id, hello(false));
    const asked = await second.next();
    assert.equal(asked.params.text, 'waiting');
    second.answer(asked.id, { contacts: [] });
    await Promise.all([lost, waiting]);
    assert.equal(afresh.length, 2);
  });

  it('asks for what a gap in the numbers shows to be lost', async () => {
    const first = await greeted();
    const again = accepted();
    first.tell(1);
    first.tell(3);
    const second = await again;
    assert.deepEqual((await second.next()).params.resume, { token: 'token', received: 1 });
  });

  it('passes errors of the node on by their code, and refuses answers that break the protocol', async () => {
    const end = await greeted();
    const refused = socket.request('directory.addContact', { address: 'x@y.example' as never });
    end.fail((await end.next()).id, 'unknown-address');
    await assert.rejects(refused, { code: 'unknown-address' });
    const strange = socket.request('directory.search', { text: 'x' });
    end.answer((await end.next()).id, { contacts: 'none' });
    await assert.rejects(strange, { code: 'malformed-message' });
  });

  it('ignores what it cannot read', async () => {
    const end = await greeted();
    end.ws.send('not JSON');
    end.send({ method: 'no.such', params: {} });
    end.send({ method: 'presence.changed', params: { address: 1 } });
    end.tell(1);
    const asked = socket.request('directory.search', { text: 'x' });
    end.answer((await end.next()).id, { contacts: [] });
    await asked;
    assert.equal(told.length, 1);
    assert.equal(socket.state.get(), 'online');
  });

  it('ends, and says why, when the node ends the session', async () => {
    const end = await greeted();
    const pending = assert.rejects(socket.request('directory.search', { text: 'x' }), { code: 'session-expired' });
    end.send({ method: 'session.ended', params: { reason: 'signed-out' }, seq: 1 });
    assert.equal((await endedWith).code, 'session-expired');
    await pending;
    assert.equal(socket.state.get(), 'ended');
  });

  it('is not signed in when the socket is refused and the node says so', async () => {
    signedIn = false;
    const connecting = accepted();
    open();
    (await connecting).ws.terminate();
    assert.equal((await endedWith).code, 'not-signed-in');
  });

  it('says bye when it is closed', async () => {
    const end = await greeted();
    socket.close();
    assert.equal((await end.next()).method, 'session.bye');
  });
});
