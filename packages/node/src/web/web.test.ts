// The web server, over real sockets: who gets in, what every answer carries, what the app's files look like outside.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ParleyError } from '@parley/protocol';
import { pino } from 'pino';
import { WebSocket, WebSocketServer } from 'ws';
import { testConfig } from '../config/testing.ts';
import { createWeb, fetchWithLoopback, loopbackLookup, type Web } from './index.ts';
import { send } from './testing.ts';

const log = pino({ level: 'silent' });
const folder = mkdtempSync(join(tmpdir(), 'parley-web-'));
mkdirSync(join(folder, 'assets'));
writeFileSync(join(folder, 'index.html'), '<!doctype html><title>the app</title>');
writeFileSync(join(folder, 'assets/index-B1x3_d9Q.js'), 'export {};');
writeFileSync(join(folder, 'assets/index-B1x3_d9Q.js.gz'), gzipSync('export {};'));
writeFileSync(join(folder, 'robots.txt'), 'User-agent: *');

let web: Web;
let port: number;
let host: string;
let own: string;
const sockets = new WebSocketServer({ noServer: true });

before(async () => {
  web = createWeb({ config: testConfig({ http: { app: folder } }), log });
  web.app.post('/api/echo', async (request) => request.body);
  web.app.get('/api/refuse', async () => {
    throw new ParleyError('unknown-address', 'zoe');
  });
  web.app.get('/api/break', async () => {
    throw new Error('the password is swordfish');
  });
  web.onUpgrade('/socket', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (ws) => ws.send('welcome'));
  });
  ({ port } = await web.listen());
  host = `enterprise1.localhost:${port}`;
  own = `http://${host}`;
});
after(async () => {
  await web.close();
  rmSync(folder, { recursive: true });
});

const json = { 'content-type': 'application/json' };
const codeOf = (body: string): unknown => JSON.parse(body).error.code;

test('whose request it is: of whoever connects, and of whom a proxy names only if the configuration trusts it', async (t) => {
  const asked = async (proxies: string[]) => {
    const behind = createWeb({ config: testConfig({ http: { proxies } }), log });
    t.after(() => behind.close());
    behind.app.get('/api/whose', async (request) => request.ip);
    const at = (await behind.listen()).port;
    const headers = { host: `enterprise1.localhost:${at}`, 'x-forwarded-for': '203.0.113.9, 198.51.100.7' };
    return (await send(at, '/api/whose', { headers })).body;
  };
  assert.equal(await asked([]), '127.0.0.1');
  assert.equal(await asked(['192.0.2.1']), '127.0.0.1');
  assert.equal(
    await asked(['127.0.0.0/8']),
    '198.51.100.7',
    'as the proxy saw it; what came before it anybody can write',
  );
});

describe('every answer', () => {
  for (const path of ['/', '/healthz', '/api/refuse', '/api/break', '/nowhere', '/assets/index-B1x3_d9Q.js']) {
    test(`carries the security headers: ${path}`, async () => {
      const { headers } = await send(port, path, { headers: { host } });
      const policy = String(headers['content-security-policy']);
      assert.match(policy, /default-src 'self'/);
      assert.match(policy, new RegExp(`connect-src 'self' ws://enterprise1\\.localhost:${port} https:;`));
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['referrer-policy'], 'same-origin');
      assert.match(String(headers['permissions-policy']), /camera=\(self\), microphone=\(self\)/);
      assert.equal(headers['access-control-allow-origin'], undefined);
    });
  }

  test('a forged Host does not get into the policy', async () => {
    const { headers } = await send(port, '/', { headers: { host: 'evil.example' } });
    assert.doesNotMatch(String(headers['content-security-policy']), /evil/);
  });
});

describe('the app', () => {
  test('is served, with names that hold a hash kept for ever and the page never', async () => {
    const page = await send(port, '/', { headers: { host } });
    assert.equal(page.status, 200);
    assert.match(page.body, /the app/);
    assert.equal(page.headers['cache-control'], 'no-cache');
    const script = await send(port, '/assets/index-B1x3_d9Q.js', { headers: { host } });
    assert.match(String(script.headers['content-type']), /javascript/);
    assert.equal(script.headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.equal((await send(port, '/robots.txt', { headers: { host } })).headers['cache-control'], 'no-cache');
  });

  test('is served compressed to browsers that take it, with the same type and for as long', async () => {
    const path = '/assets/index-B1x3_d9Q.js';
    const small = await send(port, path, { headers: { host, 'accept-encoding': 'gzip, deflate, br' } });
    assert.equal(small.headers['content-encoding'], 'gzip');
    assert.match(String(small.headers['content-type']), /javascript/);
    assert.equal(small.headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.match(String(small.headers.vary), /accept-encoding/i);
    assert.equal((await send(port, path, { headers: { host } })).headers['content-encoding'], undefined);
    const page = await send(port, '/call/alice', { headers: { host, accept: 'text/html', 'accept-encoding': 'gzip' } });
    assert.match(page.body, /the app/, 'a file without a compressed copy comes as it is');
  });

  test('answers its own paths with its page, but missing files, other methods and API paths with an error', async () => {
    const html = { host, accept: 'text/html,*/*' };
    const inside = await send(port, '/call/alice', { headers: html });
    assert.equal(inside.status, 200);
    assert.match(inside.body, /the app/);
    for (const [path, headers] of [
      ['/assets/old-AAAAAAAA.js', html],
      ['/api/nothing', { host, accept: 'application/json' }],
    ] as const) {
      const missing = await send(port, path, { headers });
      assert.equal(missing.status, 404);
      assert.equal(codeOf(missing.body), 'unknown-method');
    }
  });

  test('nothing outside its folder is served', async () => {
    for (const path of ['/../package.json', '/%2e%2e/%2e%2e/etc/passwd', '/assets/..%2f..%2f..%2fetc/passwd']) {
      const { body } = await send(port, path, { headers: { host } });
      assert.doesNotMatch(body, /root:|"name"/);
    }
  });

  test('that was not built is a clear error at the start', () => {
    const config = testConfig({ http: { app: join(folder, 'dist') } });
    assert.throws(() => createWeb({ config, log }), /http\.app: there is no index\.html in .*dist.*npm run build/);
  });
});

describe('errors', () => {
  test('are typed, with the status that fits', async () => {
    const { status, body } = await send(port, '/api/refuse', { headers: { host } });
    assert.equal(status, 404);
    const message = 'Nobody has this address. Check the spelling.';
    assert.deepEqual(JSON.parse(body), { error: { code: 'unknown-address', message, details: 'zoe' } });
  });

  test('of our own making say nothing about the inside', async () => {
    const { status, body } = await send(port, '/api/break', { headers: { host } });
    assert.equal(status, 500);
    assert.equal(codeOf(body), 'internal-error');
    assert.doesNotMatch(body, /swordfish/);
  });

  test('for bodies that are too large, no JSON, or of a type nobody asked for', async () => {
    const post = (body: string, type = json) =>
      send(port, '/api/echo', { method: 'POST', headers: { host, origin: own, ...type }, body });
    assert.equal(codeOf((await post(JSON.stringify('x'.repeat(70_000)))).body), 'message-too-large');
    assert.equal(codeOf((await post('{"half":')).body), 'malformed-message');
    assert.equal(codeOf((await post('<a/>', { 'content-type': 'text/xml' })).body), 'malformed-message');
    assert.deepEqual(JSON.parse((await post('{"whole":1}')).body), { whole: 1 });
  });
});

describe('requests that change something', () => {
  const post = (headers: Record<string, string>) =>
    send(port, '/api/echo', { method: 'POST', headers: { ...json, ...headers }, body: '{}' });

  test('are taken from the configured origins', async () => {
    assert.equal((await post({ host, origin: own })).status, 200);
    const profile = `alice.${host}`;
    assert.equal((await post({ host: profile, origin: `http://${profile}` })).status, 200);
  });

  test('are refused from other sites, from nowhere, and at other names', async () => {
    for (const headers of [
      { host, origin: 'https://evil.example' },
      { host, origin: `http://evil-${host}` },
      { host, origin: 'null' },
      { host },
      { host: `evil.example:${port}`, origin: `http://evil.example:${port}` },
      { host: `evil.example:${port}`, origin: own },
    ] as Record<string, string>[]) {
      const { status, body } = await post(headers);
      assert.equal(status, 403, JSON.stringify(headers));
      assert.equal(codeOf(body), 'origin-not-allowed');
    }
  });
});

describe('WebSockets', () => {
  const upgrade = (path: string, headers: Record<string, string>) =>
    send(port, path, {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    });

  test('open from the app and from programs, which name no origin', async () => {
    assert.equal((await upgrade('/socket', { host, origin: own })).status, 101);
    assert.equal((await upgrade('/socket?x=1', { host })).status, 101);
  });

  test('are refused from other sites, at other names and at other paths', async () => {
    for (const [path, headers, code] of [
      ['/socket', { host, origin: 'https://evil.example' }, 'origin-not-allowed'],
      ['/socket', { host, origin: 'null' }, 'origin-not-allowed'],
      ['/socket', { host: 'evil.example' }, 'origin-not-allowed'],
      ['/elsewhere', { host, origin: own }, 'unknown-method'],
    ] as const) {
      const { status, body } = await upgrade(path, headers);
      assert.ok(status === 403 || status === 404);
      assert.equal(codeOf(body), code);
    }
  });

  test('connect by a name under .localhost, and are closed when the server closes', async () => {
    const short = createWeb({ config: testConfig(), log });
    const server = new WebSocketServer({ noServer: true });
    short.onUpgrade('/socket', (request, socket, head) => {
      server.handleUpgrade(request, socket, head, (ws) => ws.send('welcome'));
    });
    const listening = await short.listen();
    const url = `ws://alice.enterprise1.localhost:${listening.port}/socket`;
    const socket = new WebSocket(url, { lookup: loopbackLookup });
    const [message] = await once(socket, 'message');
    assert.equal(String(message), 'welcome');
    const closed = once(socket, 'close');
    await short.close();
    await closed;
  });

  test('a peer that resets while it is refused does no harm', async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`GET /x HTTP/1.1\r\nhost: ${host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`);
    socket.resetAndDestroy();
    await once(socket, 'close');
    assert.equal((await send(port, '/healthz', { headers: { host } })).status, 200);
  });
});

describe('listening', () => {
  test('a taken port is named, with what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const taken = (other.address() as AddressInfo).port;
    const second = createWeb({ config: testConfig({ http: { port: taken } }), log });
    await assert.rejects(second.listen(), (error: Error) => {
      assert.match(error.message, new RegExp(`http\\.port: port ${taken} at 127\\.0\\.0\\.1 is taken`));
      assert.match(error.message, /PARLEY_HTTP_PORT/);
      return true;
    });
    await second.close();
    other.close();
  });

  test('port 0 in an origin becomes the port that is listened on', () => {
    assert.equal(web.origin, own);
    assert.equal(web.originOf({ headers: { host } }), own);
    assert.equal(web.originOf({ headers: { host: `alice.${host}` } }), `http://alice.${host}`);
    assert.equal(web.originOf({ headers: { host: 'evil.example' } }), null);
  });
});

test('fetch finds names under .localhost', async () => {
  const response = await fetchWithLoopback(`http://any.name.localhost:${port}/healthz`);
  assert.deepEqual(await response.json(), { status: 'ok' });
});
