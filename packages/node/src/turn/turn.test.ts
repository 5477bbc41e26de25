// Credentials for relays as a real coturn takes them, with the very settings that docs/turnserver.conf shows: who gets in,
// for how long, how often, and where the relay sends nothing.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { DeviceId } from '@parley/protocol';
import { iceServersFor } from './index.ts';
import { createTurnClient, type TurnClient } from './test-client.ts';

const run = promisify(execFile);
const secret = 'only for these tests, and long';
const device = 'd_0123456789abcdef' as DeviceId;
const other = 'd_fedcba9876543210' as DeviceId;
const servers = [{ urls: ['turn:turn.company.example'], secret }, { urls: ['stun:stun.company.example'] }];
const unauthorised = 401;
const forbidden = 403;
const quotaReached = 486;

function credentials(forDevice = device, at = Date.now(), from = servers): [string, string] {
  const [{ username, credential } = {}] = iceServersFor(from, forDevice, at);
  assert.ok(username && credential);
  return [username, credential];
}

/** Debian's coturn; installed where that needs nobody's leave. */
async function hasCoturn(): Promise<boolean> {
  const there = () =>
    run('which', ['turnserver']).then(
      () => true,
      () => false,
    );
  if (await there()) return true;
  if (process.getuid?.() !== 0) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () => run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'coturn'], { env });
  await install().catch(() => run('apt-get', ['update', '-qq']).then(install, () => undefined));
  return there();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

describe('a device’s credentials', () => {
  it('are its own, hold when they end, and the secret is not among what it is told', () => {
    const told = iceServersFor(servers, device, 0);
    assert.equal(told[0]?.username, `3600:${device}`);
    assert.notDeepEqual(credentials(other, 0), credentials(device, 0));
    assert.deepEqual(told[1], { urls: ['stun:stun.company.example'] });
    assert.doesNotMatch(JSON.stringify(told), /only for these tests/);
  });
});

describe('coturn with the settings of docs/turnserver.conf', async () => {
  const there = await hasCoturn();
  let coturn: ChildProcess;
  let folder: string;
  let port: number;
  const clients: TurnClient[] = [];
  const client = () => {
    const made = createTurnClient(port);
    clients.push(made);
    return made;
  };
  before(async () => {
    if (!there) return;
    folder = await mkdtemp(join(tmpdir(), 'parley-turn-'));
    port = await freePort();
    const text = await readFile(new URL('../../../../docs/turnserver.conf', import.meta.url), 'utf8');
    const here = ['listening-ip=127.0.0.1', 'relay-ip=127.0.0.1', `listening-port=${port}`, 'no-tls', 'no-dtls'];
    const files = [`userdb=${join(folder, 'turndb')}`, `pidfile=${join(folder, 'pid')}`, 'log-file=stdout'];
    const own = text.replace('CHANGE-ME', secret);
    await writeFile(join(folder, 'turnserver.conf'), [own, ...here, ...files, ''].join('\n'));
    coturn = spawn('turnserver', ['-c', join(folder, 'turnserver.conf')], { stdio: ['ignore', 'pipe', 'inherit'] });
    // Said last, when its sockets are open.
    for await (const chunk of coturn.stdout ?? []) if (/auth thread|opened on : 127/i.test(String(chunk))) break;
    coturn.stdout?.resume();
  });
  after(async () => {
    for (const one of clients) one.close();
    if (!coturn) return;
    const ended = once(coturn, 'exit');
    coturn.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  const needed = { skip: there ? false : 'coturn is not installed and cannot be' };

  it('lets in whom the node has given credentials, and nobody else', needed, async () => {
    assert.equal(await client().allocate(...credentials()), 0);
    assert.equal(await client().allocate('parley', 'guessed'), unauthorised);
    const forged = credentials(device, Date.now(), [{ urls: ['turn:x'], secret: 'another secret than the one' }]);
    assert.equal(await client().allocate(...forged), unauthorised);
    const [name, password] = credentials();
    assert.equal(await client().allocate(name.replace(/^\d+/, '9999999999'), password), unauthorised);
  });
  it('lets nobody in with credentials of more than an hour ago', needed, async () => {
    assert.equal(await client().allocate(...credentials(device, Date.now() - 3_601_000)), unauthorised);
  });
  it('sends nothing inside', needed, async () => {
    const relay = client();
    assert.equal(await relay.allocate(...credentials()), 0);
    const insides = ['127.0.0.1', '10.0.0.1', '192.168.1.1', '172.16.0.1', '169.254.169.254', '100.64.0.1', '0.0.0.0'];
    for (const address of [...insides, '224.0.0.1', '255.255.255.255']) {
      assert.equal(await relay.permit(address), forbidden, address);
    }
    assert.equal(await relay.permit('8.8.8.8'), 0);
  });
  it('gives one device no more than its quota, and others theirs', needed, async () => {
    const [name, password] = credentials('d_quotaquotaquota' as DeviceId);
    for (let n = 0; n < 12; n += 1) assert.equal(await client().allocate(name, password), 0);
    assert.equal(await client().allocate(name, password), quotaReached);
    // Newer credentials are the same device's.
    assert.equal(
      await client().allocate(...credentials('d_quotaquotaquota' as DeviceId, Date.now() + 5000)),
      quotaReached,
    );
    assert.equal(await client().allocate(...credentials(other)), 0);
  });
});
