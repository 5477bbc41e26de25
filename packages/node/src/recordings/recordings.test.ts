// Recordings as files and as downloads: who gets one, how, and for how long. The recordings are real files; the engine
// that makes them in the focus's test is a double that says so.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Address, type ConversationId, type Domain, ParleyError } from '@parley/protocol';
import { pino } from 'pino';
import type { Conversations } from '../conversations/api.ts';
import type { Federation } from '../federation/api.ts';
import type { SignIn } from '../sign-in/api.ts';
import { openStorage } from '../storage/index.ts';
import { createWeb } from '../web/index.ts';
import { addRecordings } from './index.ts';
import { createRecordingStore } from './store.ts';

const log = pino({ level: 'silent' });
const own = 'enterprise1.example' as Domain;
const other = 'enterprise2.example' as Domain;
const conversation = `${'c'.repeat(22)}@enterprise1.example` as ConversationId;
const room = `r_${'a'.repeat(22)}`;
const [bob, erin, alice] = ['bob@enterprise1.example', 'erin@enterprise1.example', 'alice@enterprise2.example'] as [
  Address,
  Address,
  Address,
];

async function setUp(t: TestContext, { maxMegabytes = 10, at = own } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'parley-recordings-'));
  const storage = await openStorage({ file: ':memory:' });
  let clock = Date.now();
  const config = { folder: join(folder, 'kept'), maxMinutes: 1, maxMegabytes, keepDays: 1 };
  const newStore = () => createRecordingStore({ config, storage, log, now: () => clock });
  const store = await newStore();
  const web = createWeb({
    config: {
      http: { host: '127.0.0.1', port: 0, origins: ['http://e1.localhost:0'], app: null, tls: null, proxies: [] },
    },
    log,
  });
  const handlers = new Map<string, (from: Domain, params: unknown) => Promise<{ ticket: string; extension: string }>>();
  const asked: unknown[] = [];
  const federation = {
    handle: (method: string, handler: never) => void handlers.set(method, handler),
    request: async (...request: unknown[]) => {
      asked.push(request);
      return { ticket: 'ticket', extension: '.webm' };
    },
    download: async (...request: unknown[]) => {
      asked.push(request);
      return Readable.from(['elsewhere']);
    },
  } as unknown as Federation;
  const recording = {
    n: 7,
    focus: { domain: at, room },
    people: [bob, alice],
    file: { bytes: 9, milliseconds: 1000, expiresAt: clock + 86_400_000 },
  };
  // Who is signed in stands in a header here; sessions have tests of their own.
  const signIn = {
    authenticate: async ({ headers }: { headers: Record<string, string> }) =>
      headers['x-person']
        ? { person: { address: headers['x-person'] }, ...(headers['x-guest'] ? { guest: { conversation } } : {}) }
        : null,
  } as unknown as SignIn;
  const conversations = {
    state: async (id: ConversationId) => (id === conversation ? { recordings: [recording] } : null),
    recordingsOf: async (address: Address) => (address === bob ? [{ recording: 7 }] : []),
  } as unknown as Conversations;
  addRecordings({ domain: own, web, signIn, federation, conversations: () => conversations, store });
  const { port } = await web.listen();
  t.after(async () => {
    store.close();
    await web.close();
    await storage.destroy();
    await rm(folder, { recursive: true });
  });
  const get = (path: string, person?: Address, guest = false, ticket = '') =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      redirect: 'manual',
      headers: {
        host: `e1.localhost:${port}`,
        ...(person ? { 'x-person': person } : {}),
        ...(guest ? { 'x-guest': 'yes' } : {}),
        ...(ticket ? { authorization: `Bearer ${ticket}` } : {}),
      },
    });
  const made = async (content = 'recording') => {
    await mkdir(join(folder, 'engine'), { recursive: true });
    const path = join(folder, 'engine', '../engine/a b.webm');
    await writeFile(path, content);
    return { url: pathToFileURL(path).href, milliseconds: 1000.4 };
  };
  return {
    folder,
    store,
    newStore,
    get,
    made,
    asked,
    handlers,
    which: { conversation, recording: 7, room },
    pass: (ms: number) => {
      clock += ms;
    },
  };
}
const path = `/api/recordings/${encodeURIComponent(conversation)}/7`;

test('guests get no list and no file, whatever they agreed to', async (t) => {
  const r = await setUp(t);
  await r.store.keep(r.which, await r.made());
  for (const wanted of ['/api/recordings', path]) assert.equal((await r.get(wanted, bob, true)).status, 403, wanted);
});

test('whoever is in a recording downloads it, and nobody else; never as something a page shows', async (t) => {
  const r = await setUp(t);
  const kept = await r.store.keep(r.which, await r.made());
  assert.deepEqual([kept?.bytes, kept?.milliseconds], [9, 1000]);
  const answer = await r.get(path, bob);
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), 'recording');
  assert.equal(answer.headers.get('content-disposition'), 'attachment; filename="recording-7.webm"');
  assert.equal(answer.headers.get('content-type'), 'application/octet-stream');
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  for (const [who, where, code] of [
    [undefined, path, 'not-signed-in'],
    [erin, path, 'recording-gone'],
    [bob, path.replace('/7', '/8'), 'recording-gone'],
    [bob, path.replace('cccc', 'dddd'), 'recording-gone'],
    [bob, '/api/recordings/%2e%2e%2fkept/7', 'recording-gone'],
  ] as const) {
    const refused = await r.get(where, who);
    assert.ok(refused.status >= 400);
    assert.equal(((await refused.json()) as { error: { code: string } }).error.code, code, `${who} ${where}`);
  }
  assert.deepEqual(await (await r.get('/api/recordings', bob)).json(), { recordings: [{ recording: 7 }] });
  assert.deepEqual(await (await r.get('/api/recordings', erin)).json(), { recordings: [] });
});

test('another provider gets a ticket for its own people that are in it, good for one download', async (t) => {
  const r = await setUp(t);
  await r.store.keep(r.which, await r.made());
  const ask = r.handlers.get('focus.recording');
  assert.ok(ask);
  const wanted = { conversation, recording: 7 };
  await assert.rejects(ask(other, { ...wanted, address: bob }), { code: 'not-allowed' });
  await assert.rejects(ask(other, { ...wanted, address: 'dave@enterprise2.example' }), { code: 'recording-gone' });
  const { ticket, extension } = await ask(other, { ...wanted, address: alice });
  assert.equal(extension, '.webm');
  const redeem = (one: string) => r.get('/recordings/file', undefined, false, one);
  assert.equal((await redeem('guess')).status, 400);
  assert.equal(await (await redeem(ticket)).text(), 'recording');
  assert.equal((await redeem(ticket)).status, 400, 'once');
});

test('a recording made elsewhere comes by way of the own node: no ticket stands in an address', async (t) => {
  const there = await setUp(t, { at: other });
  const answer = await there.get(path, bob);
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), 'elsewhere');
  assert.equal(answer.headers.get('content-disposition'), 'attachment; filename="recording-7.webm"');
  assert.deepEqual(there.asked, [
    [other, 'focus.recording', { conversation, recording: 7, address: bob }],
    [other, '/recordings/file', 'ticket', 9],
  ]);
});

test('a recording is deleted when its time is over, also over a restart', async (t) => {
  const r = await setUp(t);
  await r.store.keep(r.which, await r.made());
  assert.equal((await readdir(join(r.folder, 'kept'))).length, 1);
  assert.deepEqual(await readdir(join(r.folder, 'engine')), [], 'taken over, not copied');
  r.pass(86_400_001);
  assert.equal(await r.store.find(conversation, 7), null);
  (await r.newStore()).close();
  assert.deepEqual(await readdir(join(r.folder, 'kept')), []);
});

test('there is a limit to all recordings together, and to one', async (t) => {
  const r = await setUp(t, { maxMegabytes: 1 });
  await r.store.requireSpace();
  assert.equal(await r.store.keep(r.which, await r.made('x'.repeat(1_000_001))), null);
  assert.deepEqual(await readdir(join(r.folder, 'engine')), []);
  await r.store.keep(r.which, await r.made('x'.repeat(1_000_000)));
  await assert.rejects(
    r.store.requireSpace(),
    (error) => error instanceof ParleyError && error.code === 'recording-storage-full',
  );
  const [file] = await readdir(join(r.folder, 'kept'));
  assert.equal((await readFile(join(r.folder, 'kept', file ?? ''))).length, 1_000_000);
  await r.store.discard(r.which);
  await r.store.requireSpace();
});
