// Statements of domains: which are believed.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { asParleyError, type Domain, type ErrorCode, ParleyError, type WellKnown } from '@parley/protocol';
import { calculateJwkThumbprint, SignJWT } from 'jose';
import { type DomainKeys, openKeys, retireKeys, rotateKeys } from './keys.ts';
import { createSigner } from './signer.ts';

const refusedWith = (code: ErrorCode) => (error: unknown) => asParleyError(error).code === code;
const one = 'one.example' as Domain;
const two = 'two.example' as Domain;
const untrusted = refusedWith('provider-untrusted');

async function keyFile(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-keys-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'deep', 'key.json');
}

/** Two signers that find each other's keys in `published`. */
async function signers(t: TestContext) {
  const keys = { [one]: await openKeys(await keyFile(t)), [two]: await openKeys(await keyFile(t)) };
  const clock = { at: Date.now() };
  const documents = (domain: Domain): Promise<WellKnown> => {
    const known: DomainKeys | undefined = keys[domain];
    if (!known) return Promise.reject(new ParleyError('provider-unreachable'));
    return Promise.resolve({
      domain,
      name: domain,
      versions: [1],
      link: `wss://${domain}/link`,
      keys: [...known.published],
      issuers: [],
      focus: true,
    });
  };
  const discovery = { find: documents, findAgain: documents };
  const make = (domain: Domain) => createSigner(domain, keys[domain] ?? assert.fail(), discovery, () => clock.at);
  return { keys, clock, first: make(one), second: make(two) };
}

describe('a statement', () => {
  it('is believed with the right type, issuer, audience and time only', async (t) => {
    const { clock, first, second } = await signers(t);
    const good = await first.sign('ticket', { aud: two, room: 'r' }, 60);
    const claims = await second.verify('ticket', good, one, two);
    assert.deepEqual([claims.iss, claims.aud, claims.room], [one, two, 'r']);
    await assert.rejects(second.verify('other', good, one, two), untrusted, 'another type');
    await assert.rejects(second.verify('ticket', good, two, two), untrusted, 'another issuer');
    await assert.rejects(second.verify('ticket', good, one, one), untrusted, 'another audience');
    clock.at += 125_000;
    await assert.rejects(second.verify('ticket', good, one, two), untrusted, 'expired');
    clock.at -= 400_000;
    await assert.rejects(second.verify('ticket', good, one, two), untrusted, 'from the future');
    clock.at += 500_000;
    const long = await first.sign('ticket', { aud: two }, 10 * 24 * 3600);
    await second.verify('ticket', long, one, two);
    clock.at += 25 * 3600_000;
    await assert.rejects(second.verify('ticket', long, one, two), untrusted, 'older than a day');
  });

  it('cannot claim another issuer or other times than its maker’s', async (t) => {
    const { first, second } = await signers(t);
    const token = await first.sign('ticket', { aud: two, iss: two, exp: 9e9, iat: 1 }, 60);
    assert.equal((await second.verify('ticket', token, one, two)).iss, one);
    await assert.rejects(second.verify('ticket', token, two, two), untrusted);
  });

  it('is not believed with another algorithm, another key, no key or a changed text', async (t) => {
    const { keys, first, second } = await signers(t);
    const published = keys[one]?.published[0] ?? assert.fail();
    const claims = { iss: one, aud: two, jti: 'x', iat: Math.floor(Date.now() / 1000), exp: Date.now() };
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const hmac = (secret: string) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', typ: 'ticket', kid: published.kid })
        .sign(Buffer.from(secret, 'base64url'));
    const withOwnKey = (kid: string | undefined, more: object = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'EdDSA', typ: 'ticket', ...(kid ? { kid } : {}), ...more })
        .sign(keys[two]?.signing.key ?? assert.fail());
    const good = await first.sign('ticket', { aud: two }, 60);
    const [head, body, signature] = good.split('.');
    const bad: [string, string][] = [
      ['unsigned', `${encode({ alg: 'none', typ: 'ticket', kid: published.kid })}.${encode(claims)}.`],
      ['the published key as a shared secret', await hmac(published.x)],
      ['another domain’s key under this one’s name', await withOwnKey(published.kid)],
      ['another domain’s key', await withOwnKey(keys[two]?.signing.kid)],
      ['a key that it brings along', await withOwnKey(published.kid, { jwk: keys[two]?.published[0] })],
      ['no key named', await withOwnKey(undefined)],
      ['a changed body', `${head}.${encode({ ...claims, room: 'other' })}.${signature}`],
      ['no signature', `${head}.${body}.`],
      ['no statement at all', 'a.b.c'],
      ['nothing', ''],
      ['far too much', 'a'.repeat(100_000)],
    ];
    for (const [what, token] of bad) await assert.rejects(second.verify('ticket', token, one, two), untrusted, what);
  });

  it('of a provider that cannot be found says so, since that may pass', async (t) => {
    const { first, second } = await signers(t);
    const token = await first.sign('ticket', { aud: two }, 60);
    await assert.rejects(
      second.verify('ticket', token, 'three.example' as Domain, two),
      refusedWith('provider-unreachable'),
    );
  });
});

describe('the key file', () => {
  it('is made once, for its owner only, and read again', async (t) => {
    const file = await keyFile(t);
    const first = await openKeys(file);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const again = await openKeys(file);
    assert.equal(again.signing.kid, first.signing.kid);
    const [{ kty, crv, x, kid } = assert.fail()] = first.published;
    assert.equal(kid, await calculateJwkThumbprint({ kty, crv, x }), 'RFC 7638');
    assert.equal(JSON.stringify(first.published).includes('"d"'), false);
  });

  it('made by two processes at once is one', async (t) => {
    const file = await keyFile(t);
    const both = await Promise.all([openKeys(file), openKeys(file), openKeys(file)]);
    const kids = both.map(({ signing }) => signing.kid);
    assert.deepEqual(new Set(kids).size, 1);
  });

  it('with several keys publishes all and signs with the newest', async (t) => {
    const [file, other] = [await keyFile(t), await keyFile(t)];
    const old = await openKeys(file);
    const fresh = await openKeys(other);
    const merge = [file, other].map(async (name) => JSON.parse(await readFile(name, 'utf8')).keys);
    await writeFile(file, JSON.stringify({ keys: (await Promise.all(merge)).flat() }));
    const both = await openKeys(file);
    assert.equal(both.signing.kid, fresh.signing.kid);
    assert.deepEqual(
      both.published.map(({ kid }) => kid),
      [old.signing.kid, fresh.signing.kid],
    );
  });

  it('that is damaged, or that others may read, is refused by the name of its field', async (t) => {
    const file = await keyFile(t);
    await openKeys(file);
    await chmod(file, 0o644);
    await assert.rejects(openKeys(file), /federation\.keyFile: .*chmod 600/);
    await chmod(file, 0o600);
    await writeFile(file, '{');
    await assert.rejects(openKeys(file), /federation\.keyFile: .*damaged/);
    await writeFile(file, '{"keys":[]}');
    await assert.rejects(openKeys(file), /federation\.keyFile: .*damaged/);
  });
});

describe('keys that are replaced', () => {
  it('overlap: the newest signs, the older ones are published until they are retired', async (t) => {
    const file = await keyFile(t);
    await assert.rejects(rotateKeys(file), /federation\.keyFile: .* not there yet/);
    const first = await openKeys(file);
    assert.equal(await rotateKeys(file), 2);
    const second = await openKeys(file);
    assert.notEqual(second.signing.kid, first.signing.kid);
    assert.deepEqual(
      second.published.map(({ kid }) => kid),
      [first.signing.kid, second.signing.kid],
    );
    for (let n = 3; n <= 8; n += 1) await rotateKeys(file);
    await assert.rejects(rotateKeys(file), /Retire the old ones first/);
    assert.equal(await retireKeys(file), 7);
    const last = await openKeys(file);
    assert.equal(last.published.length, 1);
  });
});
