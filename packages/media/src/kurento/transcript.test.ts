// The exchange recorded with a real Kurento 7.3.0 (double/transcript.txt): what came back is understood, what is sent now
// is what was sent then, and the double answers every request as the real server did.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { openKurentoDouble } from './double/server.ts';
import { type Method, readFrame, readNames, readServerInfo, readText, writeRequest } from './messages.ts';

interface Exchange {
  readonly title: string;
  readonly sent: string;
  readonly received: string | null;
}

/** `# title`, `-> sent`, `<- received`. */
async function recorded(): Promise<Exchange[]> {
  const text = await readFile(new URL('double/transcript.txt', import.meta.url), 'utf8');
  return text
    .split(/\n(?=# )/)
    .map((part) => part.split('\n'))
    .flatMap((lines): Exchange[] => {
      const of = (mark: string) => lines.find((line) => line.startsWith(mark))?.slice(mark.length) ?? null;
      const sent = of('-> ');
      return sent === null ? [] : [{ title: of('# ') ?? '', sent, received: of('<- ') }];
    });
}

const exchanges = await recorded();
const received = (title: string) => {
  const found = exchanges.find((exchange) => exchange.title === title)?.received;
  assert.ok(found, title);
  return readFrame(found);
};
const resultOf = (title: string) => {
  const frame = received(title);
  assert.equal(frame.kind, 'result', title);
  return frame.kind === 'result' ? frame.value : null;
};

test('the record is whole', () => assert.equal(exchanges.length, 49));

test('every response that can be put down to a request is understood', () => {
  for (const { title, sent, received: answer } of exchanges) {
    if (answer === null) continue;
    const frame = readFrame(answer);
    const { id } = JSON.parse(sent);
    if (typeof id !== 'number' || JSON.parse(answer).id === null) assert.equal(frame.kind, 'unusable', title);
    else
      assert.deepEqual(
        [frame.kind === 'result' || frame.kind === 'error', 'id' in frame && frame.id],
        [true, id],
        title,
      );
  }
});

test('sessions, values, lists and errors are read as they were sent', () => {
  const session = received('connect no params');
  assert.ok(session.kind === 'result' && session.sessionId && session.serverId);
  assert.match(readText(resultOf('create no sessionId')), /_kurento\.MediaPipeline$/);
  assert.equal(resultOf('setName'), null);
  assert.equal(resultOf('closeSession release'), null);
  assert.equal(readNames(resultOf('serverManager pipelines')).length, 1);
  const info = readServerInfo(resultOf('serverManager describe'));
  assert.equal(info.version, '7.3.0');
  for (const factory of ['MediaPipeline', 'HubPort', 'Composite', 'WebRtcEndpoint', 'RecorderEndpoint']) {
    assert.ok(info.factories.has(factory), factory);
  }
  const codes: Record<string, number> = {
    'connect invalid session': 40007,
    'unknown type': 40108,
    'bad SDP': 40201,
    'unknown event': 40106,
    'invoke on released': 40101,
    'unknown method': -32601,
  };
  for (const [title, code] of Object.entries(codes)) {
    const frame = received(title);
    assert.ok(frame.kind === 'error' && frame.error.code === code, title);
  }
});

test('what is sent now is what was sent then', () => {
  const methods = new Set(['connect', 'ping', 'create', 'invoke', 'subscribe', 'release']);
  let compared = 0;
  for (const { title, sent } of exchanges) {
    if (sent.startsWith('{nope') || sent.startsWith('[')) continue;
    const request = JSON.parse(sent);
    if (!methods.has(request.method) || typeof request.id !== 'number' || request.jsonrpc !== '2.0') continue;
    const { sessionId = null, ...params } = request.params ?? {};
    const written = JSON.parse(writeRequest(request.id, request.method as Method, params, sessionId));
    // No parameters at all instead of empty ones, and never what the server ignores.
    if (Object.keys(request.params ?? {}).length === 0) delete request.params;
    assert.deepEqual(written, request, title);
    compared += 1;
  }
  assert.ok(compared >= 30);
  assert.equal(writeRequest(3, 'connect', {}, null), JSON.stringify({ jsonrpc: '2.0', id: 3, method: 'connect' }));
});

/** Gives names that were made at random names by when they came. */
function sameNames(): (value: string) => string {
  const known = new Map<string, string>();
  return (value) =>
    value.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (name) => {
      const given = known.get(name) ?? `name-${known.size}`;
      known.set(name, given);
      return given;
    });
}

test('the double answers as the real server did', async (t) => {
  const double = await openKurentoDouble();
  t.after(() => double.stop());
  const open = async () => {
    const socket = new WebSocket(double.url);
    await once(socket, 'open');
    t.after(() => socket.terminate());
    return socket;
  };
  const first = await open();
  const second = await open();
  const third = await open();
  const real = sameNames();
  const ours = sameNames();
  /** What the real server called it → what the double calls it. */
  const translated = new Map<string, string>();
  const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
  for (const { title, sent, received: answer } of exchanges) {
    if (title === 'invalid JSON') break;
    assert.ok(answer, title);
    const socket = title.startsWith('k2 takes over') ? third : title.startsWith('k2') ? second : first;
    socket.send(sent.replace(uuid, (name) => translated.get(name) ?? name));
    const [data] = await once(socket, 'message');
    const got = String(data);
    assert.deepEqual(JSON.parse(ours(got)), JSON.parse(real(answer)), title);
    const [theirs, mine] = [answer.match(uuid) ?? [], got.match(uuid) ?? []];
    for (const [index, name] of theirs.entries()) translated.set(name, mine[index] ?? name);
  }
  for (const bad of ['{nope', '[{"jsonrpc":"2.0","id":51,"method":"ping","params":{}}]']) {
    const socket = await open();
    socket.send(bad);
    const [code] = await once(socket, 'close');
    assert.equal(code, 1006, bad);
  }
  const elsewhere = new WebSocket(double.url.replace('/kurento', '/'));
  const [code, reason] = await once(elsewhere, 'close');
  assert.deepEqual([code, String(reason)], [1002, 'Invalid path']);
});
