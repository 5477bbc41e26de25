// Finding a provider from its domain: what a hostile or broken web server gets, and where requests never go.
import assert from 'node:assert/strict';
import { promises as dns } from 'node:dns';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { asParleyError, type Domain, type ErrorCode } from '@parley/protocol';
import { isInside, outsideLookup } from './addresses.ts';
import { connectError } from './connect-errors.ts';
import { createDiscovery } from './discovery.ts';
import { startProvider, type TestProvider } from './testing.ts';
import { documentUrl, requireOwnLink } from './well-known.ts';

const refusedWith = (code: ErrorCode) => (error: unknown) => asParleyError(error).code === code;
const example = 'company.example' as Domain;

/** For answers that come, however busy the machine is. */
const LONG_MS = 20_000;
/** For those that never do. */
const NOT_LONG_MS = 1500;

describe('a document', () => {
  const lies: [string, ErrorCode, (truth: object) => NonNullable<TestProvider['lie']>][] = [
    ['that redirects', 'provider-unknown', () => (_, r) => r.writeHead(302, { location: '/other' }).end()],
    ['that is missing', 'provider-unknown', () => (_, r) => r.writeHead(404).end()],
    ['behind a broken server', 'provider-unreachable', () => (_, r) => r.writeHead(503).end()],
    ['that is huge', 'provider-unknown', () => (_, r) => r.end(' '.repeat(200_000))],
    [
      'that is small only while packed',
      'provider-unknown',
      (truth) => {
        const packed = gzipSync(`${JSON.stringify(truth)}${' '.repeat(5_000_000)}`);
        return (_, r) => r.writeHead(200, { 'content-encoding': 'gzip' }).end(packed);
      },
    ],
    ['that never ends', 'provider-unreachable', () => (_, r) => void r.write('{')],
    ['that never begins', 'provider-unreachable', () => () => {}],
    ['that is cut', 'provider-unreachable', () => (_, r) => r.write('{', () => r.destroy())],
    ['that is no JSON', 'provider-unknown', () => (_, r) => r.end('<p>hello')],
    ['of another kind', 'provider-unknown', () => (_, r) => r.end('{"domain":"one.example"}')],
    [
      'of another domain',
      'provider-untrusted',
      (truth) => (_, r) => r.end(JSON.stringify({ ...truth, domain: 'two.example' })),
    ],
    [
      'that links elsewhere',
      'provider-untrusted',
      (truth) => (_, r) => r.end(JSON.stringify({ ...truth, link: 'ws://127.0.0.1:1/link' })),
    ],
    [
      'of another version',
      'unsupported-version',
      (truth) => (_, r) => r.end(JSON.stringify({ ...truth, versions: [2] })),
    ],
  ];
  for (const [what, code, lie] of lies) {
    it(`${what} is not believed: ${code}`, async (t) => {
      const hosts: Record<string, string> = {};
      const one = await startProvider(t, 'one.example', hosts);
      one.lie = lie(one.wellKnownDocument());
      const discovery = createDiscovery(hosts, what.startsWith('that never') ? NOT_LONG_MS : LONG_MS, Date.now);
      t.after(() => discovery.close());
      await assert.rejects(discovery.find(one.domain), refusedWith(code));
      // And a failure is not kept.
      one.lie = null;
      assert.equal((await discovery.find(one.domain)).domain, one.domain);
    });
  }

  it('is not a file: that comes only with its ticket, and no longer than announced', async (t) => {
    const hosts: Record<string, string> = {};
    const one = await startProvider(t, 'one.example', hosts);
    const base = hosts['one.example'] ?? '';
    const asked: unknown[] = [];
    one.lie = (request, response) => {
      asked.push(request.headers.authorization);
      if (request.url === '/moved') response.writeHead(302, { location: '/file' }).end();
      else response.end('x'.repeat(100_000));
    };
    const discovery = createDiscovery(hosts, LONG_MS, Date.now);
    t.after(() => discovery.close());
    const download = (path: string, most: number) =>
      discovery.download(new URL(path, base), one.domain, 'ticket-of-one', most);
    assert.equal((await buffer(await download('/file', 100_000))).length, 100_000);
    await assert.rejects(download('/file', 99_999).then(buffer), refusedWith('provider-untrusted'));
    await assert.rejects(download('/moved', 100_000), refusedWith('provider-unknown'));
    assert.deepEqual(asked, Array(3).fill('Bearer ticket-of-one'), 'what is moved is not followed');
    const away = discovery.download(new URL(base), example, 'ticket', 9);
    await assert.rejects(away, refusedWith('provider-untrusted'), 'nobody is sent to this machine');
  });

  it('is kept for five minutes, and asked for again sooner for an unknown key, but not every time', async (t) => {
    const hosts: Record<string, string> = {};
    const one = await startProvider(t, 'one.example', hosts);
    let asked = 0;
    one.lie = (_, response) => {
      asked += 1;
      response.end(JSON.stringify(one.wellKnownDocument()));
    };
    let at = 0;
    const discovery = createDiscovery(hosts, LONG_MS, () => at);
    t.after(() => discovery.close());
    await Promise.all([discovery.find(one.domain), discovery.find(one.domain)]);
    await discovery.findAgain(one.domain);
    assert.equal(asked, 1);
    at = 20_000;
    await discovery.find(one.domain);
    assert.equal(asked, 1);
    await discovery.findAgain(one.domain);
    assert.equal(asked, 2);
    at += 5 * 60_000;
    await discovery.find(one.domain);
    assert.equal(asked, 3);
  });
});

describe('requests to other companies', () => {
  it('are not made to what is no domain but an address, however it is written', async (t) => {
    const discovery = createDiscovery({}, LONG_MS, Date.now);
    t.after(() => discovery.close());
    for (const domain of ['127.0.0.1', '127.1', '0x7f.1', '0177.0.0.1', '2130706433', '10.0.0.1', 'foo.1']) {
      await assert.rejects(discovery.find(domain as Domain), refusedWith('provider-unknown'), domain);
    }
    for (const domain of ['localhost', 'constructor', 'toString', '__proto__']) {
      await assert.rejects(discovery.find(domain as Domain), refusedWith('provider-unknown'), domain);
    }
  });

  it('are refused by the address that a name leads to', async (t) => {
    // A name that the machine's own hosts file leads inside: no resolver of the outside is asked.
    const name = (await dns.lookup('localhost').catch(() => null)) ? 'localhost' : null;
    if (name === null) return t.skip('this machine does not know localhost');
    const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException | null>();
    outsideLookup(name, { all: true }, resolve);
    assert.equal(asParleyError(await promise).code, 'provider-untrusted');
  });

  it('tell inside addresses from outside ones, in every notation', () => {
    const insides = [
      ...['127.0.0.1', '127.8.9.1', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254'],
      ...['0.0.0.0', '100.64.0.1', '224.0.0.1', '255.255.255.255', '240.0.0.1', '198.18.0.1', '192.0.2.1'],
      ...['::', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::127.0.0.1', '64:ff9b::7f00:1'],
      ...['64:ff9b:1::1', '2002:7f00:1::', '2001::1', 'fc00::1', 'fd12::1', 'fe80::1', 'fec0::1', 'ff02::1', '100::1'],
      ...['2001:db8::1', 'not an address', ''],
    ];
    for (const address of insides) assert.equal(isInside(address), true, address);
    for (const address of ['8.8.8.8', '172.32.0.1', '172.15.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::1']) {
      assert.equal(isInside(address), false, address);
    }
  });

  it('go by TLS to the domain itself unless the configuration says otherwise', () => {
    assert.equal(documentUrl({}, example), 'https://company.example/.well-known/parley');
    assert.equal(
      documentUrl({ [example]: 'http://company.localhost:1' }, example),
      'http://company.localhost:1/.well-known/parley',
    );
  });
});

describe('a link', () => {
  const outside: [string, boolean][] = [
    ['wss://company.example/link', true],
    ['wss://calls.company.example:8443/link?x=1', true],
    ['ws://company.example/link', false],
    ['wss://company.example.evil.example/link', false],
    ['wss://evilcompany.example/link', false],
    ['wss://127.0.0.1/link', false],
    ['wss://company.example@evil.example/link', false],
    ['wss://user:secret@company.example/link', false],
    ['https://company.example/link', false],
    ['javascript:alert(1)', false],
    ['', false],
  ];
  for (const [link, good] of outside) {
    it(`at ${link || 'nowhere'} is ${good ? 'the' : 'not the'} domain’s own`, () => {
      const check = () => requireOwnLink(link, example, undefined);
      if (good) check();
      else assert.throws(check, refusedWith('provider-untrusted'));
    });
  }

  it('on this machine is where the configuration says', () => {
    const base = 'http://company.localhost:8802';
    requireOwnLink('ws://company.localhost:8802/link', example, base);
    for (const link of [
      'ws://company.localhost:8803/link',
      'ws://evil.example/link',
      'wss://company.localhost:8802/',
    ]) {
      assert.throws(() => requireOwnLink(link, example, base), refusedWith('provider-untrusted'));
    }
  });
});

describe('what a connection failed with', () => {
  const coded = (code: string, cause?: unknown) => Object.assign(new Error(code, { cause }), { code });
  const cases: [unknown, ErrorCode][] = [
    [coded('ENOTFOUND'), 'provider-unknown'],
    [new TypeError('fetch failed', { cause: coded('ENOTFOUND') }), 'provider-unknown'],
    [new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]), 'provider-unreachable'],
    [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'provider-untrusted'],
    [coded('CERT_HAS_EXPIRED'), 'provider-untrusted'],
    [coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'provider-untrusted'],
    [coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'provider-untrusted'],
    [coded('ETIMEDOUT'), 'provider-unreachable'],
    ['thrown', 'provider-unreachable'],
    [undefined, 'provider-unreachable'],
  ];
  for (const [thrown, code] of cases) {
    it(`${String(thrown)}: ${code}`, () => assert.equal(connectError(thrown).code, code));
  }
  it('that names itself as its cause comes to an end', () => {
    const error: Error & { cause?: unknown } = new Error('round');
    error.cause = error;
    assert.equal(connectError(error).code, 'provider-unreachable');
  });
});
