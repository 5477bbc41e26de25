// What a node fetches for its people's browsers: only what a domain itself names, and only for who is signed in.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Domain, ParleyError } from '@parley/protocol';
import { pino } from 'pino';
import { testConfig } from '../config/testing.ts';
import type { Federation } from '../federation/api.ts';
import type { SignIn } from '../sign-in/api.ts';
import { createWeb, type Web } from '../web/index.ts';
import { send } from '../web/testing.ts';
import { addRelay } from './index.ts';

const own = 'enterprise1.example' as Domain;
const keys = { keys: [{ kty: 'RSA', kid: 'k1' }] };
const outside = 'https://accounts.enterprise2.example';

describe('the relay', () => {
  let web: Web;
  let port: number;
  let signedIn = true;
  const read: string[] = [];
  const texts = new Map([
    [`${outside}/.well-known/openid-configuration`, JSON.stringify({ issuer: outside, jwks_uri: `${outside}/jwks` })],
    [`${outside}/jwks`, JSON.stringify(keys)],
    ['https://lies.example/.well-known/openid-configuration', JSON.stringify({ issuer: outside, jwks_uri: outside })],
  ]);
  const issuer = createServer((request, response) => {
    const at = `http://localhost:${(issuer.address() as AddressInfo).port}`;
    const body = request.url === '/jwks' ? keys : { issuer: at, jwks_uri: `${at}/jwks` };
    if (request.url === '/away/.well-known/openid-configuration') response.writeHead(302, { location: '/jwks' }).end();
    else response.end(JSON.stringify(body));
  });
  const ownIssuer = () => `http://localhost:${(issuer.address() as AddressInfo).port}`;
  before(async () => {
    issuer.listen(0, '127.0.0.1');
    await once(issuer, 'listening');
    web = createWeb({ config: testConfig(), log: pino({ level: 'silent' }) });
    const session = { id: 's', person: { address: 'bob@enterprise1.example' }, expiresAt: 0 };
    const signIn = { authenticate: async () => (signedIn ? session : null) } as unknown as SignIn;
    const federation = {
      wellKnown: async (domain: Domain) => {
        if (domain === 'nowhere.example') throw new ParleyError('provider-unreachable');
        const named = domain === own ? [ownIssuer(), `${ownIssuer()}/away`] : [outside, 'https://lies.example'];
        return { domain, issuers: named.map((one) => ({ issuer: one })) };
      },
      read: async (url: string) => {
        read.push(url);
        const text = texts.get(url);
        if (text === undefined) throw new ParleyError('provider-unreachable');
        return text;
      },
    } as unknown as Federation;
    addRelay({ own, web, signIn, federation });
    ({ port } = await web.listen());
  });
  after(async () => {
    issuer.close();
    await web.close();
  });
  const ask = async (path: string, query: Record<string, string>) => {
    const at = `/api/identity/${path}?${new URLSearchParams(query)}`;
    const { status, body } = await send(port, at, { headers: { host: `enterprise1.localhost:${port}` } });
    return { status, body: JSON.parse(body) };
  };
  const codeOf = async (path: string, query: Record<string, string>) => (await ask(path, query)).body.error?.code;

  test('fetches a domain’s document, and the keys of an issuer that it names', async () => {
    assert.equal((await ask('domain', { domain: 'enterprise2.example' })).body.domain, 'enterprise2.example');
    assert.deepEqual((await ask('keys', { domain: 'enterprise2.example', issuer: outside })).body, keys);
    assert.deepEqual((await ask('keys', { domain: own, issuer: ownIssuer() })).body, keys);
  });
  test('is sent nowhere: an issuer that the domain does not name, that calls itself otherwise, or leads elsewhere', async () => {
    read.length = 0;
    assert.equal(
      await codeOf('keys', { domain: 'enterprise2.example', issuer: 'http://169.254.169.254/' }),
      'not-allowed',
    );
    assert.equal(await codeOf('keys', { domain: 'enterprise2.example', issuer: ownIssuer() }), 'not-allowed');
    assert.deepEqual(read, []);
    assert.equal(
      await codeOf('keys', { domain: 'enterprise2.example', issuer: 'https://lies.example' }),
      'provider-untrusted',
    );
    assert.equal(await codeOf('keys', { domain: own, issuer: `${ownIssuer()}/away` }), 'provider-unreachable');
    assert.equal(await codeOf('domain', { domain: 'nowhere.example' }), 'provider-unreachable');
    assert.equal(await codeOf('domain', { domain: '127.0.0.1:80/x' }), 'invalid-parameters');
  });
  test('is for people who are signed in, and not for too much at a time', async () => {
    signedIn = false;
    assert.equal(await codeOf('domain', { domain: 'enterprise2.example' }), 'not-signed-in');
    signedIn = true;
    const codes = new Set<string>();
    for (let i = 0; i < 150; i++) codes.add(await codeOf('domain', { domain: 'enterprise2.example' }));
    assert.ok(codes.has('too-many-requests'));
  });
});
