// Proofs as they are made, and everything somebody could do to them.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { before, describe, it } from 'node:test';
import type { Address } from '@parley/protocol';
import fc from 'fast-check';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import {
  addressIn,
  createDeviceKey,
  createReplayGuard,
  type DeviceKey,
  type Expected,
  entra,
  google,
  type IssuerProfile,
  issuerProfileSchema,
  keycloak,
  makeProof,
  nonceFor,
  type Sources,
  type TrustProblem,
  trustProblems,
  verifyProof,
} from './index.ts';

const bob = 'bob@enterprise1.example' as Address;
const alice = 'alice@enterprise2.example' as Address;
const eve = 'eve@enterprise1.example' as Address;
const conversation = 'c_1@enterprise1.example';
const NOW = Date.UTC(2026, 10, 23, 12);
const MINUTE = 60_000;
const certificate = Array.from({ length: 32 }, (_, n) => n.toString(16).padStart(2, '0')).join(':');
const otherCertificate = certificate.replaceAll('0', 'f');
const issuer = 'https://accounts.enterprise1.example/realms/staff';
const profile = keycloak(issuer, 'parley');

interface IssuerKey {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}
async function issuerKey(kid: string): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } };
}
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString());

describe('a proof', () => {
  let signing: IssuerKey;
  let foreign: IssuerKey;
  let bobs: DeviceKey;
  let eves: DeviceKey;
  before(async () => {
    [signing, foreign, bobs, eves] = await Promise.all([
      issuerKey('k1'),
      issuerKey('k1'),
      createDeviceKey(),
      createDeviceKey(),
    ]);
  });

  const token = async (claims: Record<string, unknown> = {}, by = signing, key = bobs, at = NOW) => {
    const about = { email: bob, email_verified: true, nonce: await nonceFor(key), ...claims };
    return new SignJWT({ iss: issuer, aud: 'parley', sub: 'b0b', ...about })
      .setIssuedAt(at / 1000)
      .setExpirationTime(at / 1000 + 300)
      .setProtectedHeader({ alg: 'RS256', kid: by.jwk.kid ?? '' })
      .sign(by.privateKey);
  };
  const made = async (changes: Partial<Parameters<typeof makeProof>[0]> = {}) =>
    makeProof({
      key: bobs,
      idToken: changes.idToken ?? (await token()),
      from: bob,
      to: [alice],
      conversation,
      fingerprints: [certificate],
      now: NOW,
      ...changes,
    });
  const expected: Expected = { from: bob, me: alice, conversation, fingerprint: certificate, now: NOW };
  const sources = (changes: Partial<Sources> = {}): Sources => ({
    issuersOf: async () => [profile],
    keysOf: async () => [signing.jwk],
    replays: createReplayGuard(),
    ...changes,
  });
  const refused = async (
    proof: string | null,
    problem: TrustProblem,
    changes: Partial<Expected> = {},
    from: Partial<Sources> = {},
  ) => {
    const trust = await verifyProof(proof, { ...expected, ...changes }, sources(from));
    assert.equal(trust.status === 'verified' ? 'verified' : trust.problem, problem);
    assert.equal(trust.status, trustProblems[problem].status);
  };
  /** Changes claims and keeps the signature. */
  const changed = (proof: string, change: (claims: Record<string, unknown>) => object) => {
    const [header, claims, signature] = proof.split('.');
    return [header, encode(change(decode(claims))), signature].join('.');
  };

  it('as made is verified, and every check is named', async () => {
    const trust = await verifyProof(await made(), expected, sources());
    assert.deepEqual(trust.status === 'verified' && trust.issuer, issuer);
    assert.equal(trust.passed.length, 12);
  });
  it('is verified before there is a certificate, without that check', async () => {
    const trust = await verifyProof(await made(), { ...expected, fingerprint: null }, sources());
    assert.equal(trust.status, 'verified');
    assert.ok(!trust.passed.includes('certificate'));
  });
  it('has a key that cannot be taken out', async () => {
    assert.equal(bobs.privateKey.extractable, false);
    await assert.rejects(crypto.subtle.exportKey('jwk', bobs.privateKey));
  });

  it('that is not there leaves somebody unverified', () => refused(null, 'proof-missing'));
  for (const junk of ['', 'a', 'a.b.c', '..', '\u0000', '{"alg":"ES256"}', 'x'.repeat(20_000)]) {
    it(`that is ${JSON.stringify(junk.slice(0, 20))} is malformed`, () => refused(junk, 'proof-malformed'));
  }
  it('without a signature is refused (alg none)', async () => {
    const [header, claims] = (await made()).split('.');
    await refused(`${encode({ ...decode(header), alg: 'none' })}.${claims}.`, 'proof-malformed');
  });
  it('signed by HMAC with the public key is refused', async () => {
    const [header, claims] = (await made()).split('.');
    const text = `${encode({ ...decode(header), alg: 'HS256' })}.${claims}`;
    const mac = createHmac('sha256', JSON.stringify(bobs.publicJwk)).update(text).digest('base64url');
    await refused(`${text}.${mac}`, 'proof-malformed');
  });
  it('with changed claims is forged', async () =>
    refused(
      changed(await made(), (claims) => ({ ...claims, dest: { uri: [alice, eve] } })),
      'proof-forged',
    ));
  it('with another’s key in its header is forged', async () => {
    const [header, claims, signature] = (await made()).split('.');
    const swapped = encode({ ...decode(header), jwk: eves.publicJwk });
    await refused([swapped, claims, signature].join('.'), 'proof-forged');
  });
  it('of somebody else is not the caller’s', async () => refused(await made({ from: eve }), 'wrong-person'));
  it('for another person is refused', async () => refused(await made({ to: [eve] }), 'wrong-audience'));
  it('for another conversation is refused', async () =>
    refused(await made({ conversation: 'c_2@enterprise1.example' }), 'wrong-audience'));
  it('is taken with clocks two minutes apart, and not with more', async () => {
    const proof = await made();
    for (const now of [NOW - 2 * MINUTE, NOW + 4 * MINUTE]) {
      assert.equal((await verifyProof(proof, { ...expected, now }, sources())).status, 'verified');
    }
    await refused(proof, 'proof-stale', { now: NOW - 2 * MINUTE - 1000 });
    await refused(proof, 'proof-stale', { now: NOW + 4 * MINUTE + 1000 });
    const late = { ...expected, now: NOW + 60 * MINUTE, maxProofAgeMs: 90 * MINUTE };
    assert.equal((await verifyProof(proof, late, sources())).status, 'verified');
  });
  it('is taken once by each', async () => {
    const [proof, replays] = [await made({ to: [alice, eve] }), createReplayGuard()];
    assert.equal((await verifyProof(proof, expected, sources({ replays }))).status, 'verified');
    await refused(proof, 'proof-replayed', {}, { replays });
    assert.equal((await verifyProof(proof, { ...expected, me: eve }, sources({ replays }))).status, 'verified');
  });
  it('that does not hold uses up nobody’s turn', async () => {
    const [proof, replays] = [await made(), createReplayGuard()];
    await refused(proof, 'wrong-certificate', { fingerprint: otherCertificate }, { replays });
    assert.equal((await verifyProof(proof, expected, sources({ replays }))).status, 'verified');
  });
  it('for media that somebody else encrypts is refused: fingerprints were swapped', async () =>
    refused(await made(), 'wrong-certificate', { fingerprint: otherCertificate }));

  it('of an issuer that the domain has not authorised is refused', async () => {
    await refused(await made({ idToken: await token({ iss: 'https://evil.example' }) }), 'issuer-unauthorised');
    await refused(await made(), 'issuer-unauthorised', {}, { issuersOf: async () => [] });
  });
  it('with a token signed by another key of the same name is refused', async () =>
    refused(await made({ idToken: await token({}, foreign) }), 'token-invalid'));
  it('with a token signed by nobody, or by HMAC, is refused', async () => {
    const [, claims] = (await token()).split('.');
    await refused(await made({ idToken: `${encode({ alg: 'none' })}.${claims}.` }), 'token-invalid');
    const text = `${encode({ alg: 'HS256', kid: 'k1' })}.${claims}`;
    const mac = createHmac('sha256', JSON.stringify(signing.jwk)).update(text).digest('base64url');
    await refused(await made({ idToken: `${text}.${mac}` }), 'token-invalid');
    await refused(await made({ idToken: 'a.b.c' }), 'token-invalid');
  });
  it('with a token for another client is refused', async () => {
    await refused(await made({ idToken: await token({ aud: 'shop' }) }), 'token-invalid');
    await refused(await made({ idToken: await token({ aud: ['parley', 'shop'] }) }), 'token-invalid');
    await refused(await made({ idToken: await token({ azp: 'shop' }) }), 'token-invalid');
  });
  it('with a token of yesterday’s, or tomorrow’s, sign-in is refused', async () => {
    await refused(await made({ idToken: await token({}, signing, bobs, NOW - 25 * 60 * MINUTE) }), 'token-stale');
    await refused(await made({ idToken: await token({}, signing, bobs, NOW + 5 * MINUTE) }), 'token-stale');
    const thisMorning = await made({ idToken: await token({}, signing, bobs, NOW - 8 * 60 * MINUTE) });
    assert.equal((await verifyProof(thisMorning, expected, sources())).status, 'verified');
  });
  it('with somebody’s token but another’s key is refused: a stolen ID token is of no use', async () =>
    refused(await made({ key: eves, idToken: await token() }), 'key-not-bound'));
  it('with the right key but a token about another person is refused', async () => {
    await refused(await made({ idToken: await token({ email: eve }) }), 'wrong-person');
    await refused(await made({ idToken: await token({ email_verified: false }) }), 'token-invalid');
    await refused(await made({ idToken: await token({ email: 'bob@evil.example' }) }), 'token-invalid');
  });

  it('is unverified, not failed, while an issuer or a domain does not answer', async () => {
    const down = () => Promise.reject(new Error('down'));
    await refused(await made(), 'issuer-unreachable', {}, { keysOf: down });
    await refused(await made(), 'issuers-unreachable', {}, { issuersOf: down });
  });
  it('is verified after the issuer has changed its keys, which are asked for once more', async () => {
    const next = await issuerKey('k2');
    const asked: boolean[] = [];
    const keysOf: Sources['keysOf'] = async (_issuer, again) => {
      asked.push(again);
      return again ? [signing.jwk, next.jwk] : [signing.jwk];
    };
    const proof = await made({ idToken: await token({}, next) });
    assert.equal((await verifyProof(proof, expected, sources({ keysOf }))).status, 'verified');
    assert.deepEqual(asked, [false, true]);
    await refused(await made({ idToken: await token({}, await issuerKey('k3')) }), 'token-invalid', {}, { keysOf });
  });

  it('changed in any character is never verified, and nothing is ever thrown', async () => {
    const proof = await made();
    const alphabet = 'ABCXYZabcxyz0129-_.{}"\u0000é';
    const edit = fc.tuple(fc.nat(proof.length - 1), fc.nat(2), fc.constantFrom(...alphabet));
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        let text = proof;
        for (const [at, cut, put] of edits) text = text.slice(0, at) + put + text.slice(at + cut);
        fc.pre(sameBits(text, proof) === false);
        const trust = await verifyProof(text, expected, sources());
        assert.notEqual(trust.status, 'verified');
      }),
      { numRuns: 10_000 },
    );
  });
});

/** The last character of a base64url part has bits that mean nothing. */
function sameBits(a: string, b: string): boolean {
  const bytes = (text: string) => text.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex'));
  return bytes(a).join() === bytes(b).join();
}

describe('a profile', () => {
  const cases: [string, IssuerProfile, Record<string, unknown>, Record<string, unknown>][] = [
    [
      'Keycloak',
      keycloak('https://sso.company.example/realms/staff', 'parley'),
      { email: 'ann@company.example', email_verified: true, preferred_username: 'ann' },
      { email: 'ann@company.example', email_verified: false, preferred_username: 'ann' },
    ],
    [
      'Microsoft Entra',
      entra('11111111-2222-3333-4444-555555555555', 'parley'),
      { upn: 'Ann@company.example', tid: '11111111-2222-3333-4444-555555555555' },
      { upn: 'ann@company.example', tid: '99999999-2222-3333-4444-555555555555' },
    ],
    [
      'Google',
      google('company.example', 'parley'),
      { email: 'ann@company.example', email_verified: true, hd: 'company.example' },
      { email: 'ann@company.example', email_verified: true },
    ],
    [
      'a name without a domain',
      issuerProfileSchema.parse({
        issuer: 'https://ids.company.example',
        clientIds: ['parley'],
        address: { claim: 'preferred_username', domain: 'company.example' },
      }),
      { preferred_username: 'ann' },
      { preferred_username: 'ann@evil.example' },
    ],
  ];
  for (const [name, made, good, bad] of cases) {
    it(`of ${name} names the person in its own claims, and nobody in others’`, () => {
      issuerProfileSchema.parse(made);
      assert.equal(addressIn(good, made, 'company.example'), 'ann@company.example');
      assert.equal(addressIn(bad, made, 'company.example'), null);
      assert.equal(addressIn(good, made, 'other.example'), null);
      assert.equal(addressIn({ __proto__: good }, made, 'company.example'), null);
    });
  }
});

describe('the memory of proofs', () => {
  it('is bounded, forgets what is too old, and refuses rather than forget what is not', () => {
    const guard = createReplayGuard(2);
    assert.ok(guard.first('a', 10, 0));
    assert.ok(guard.first('b', 20, 0));
    assert.equal(guard.first('c', 20, 5), false);
    assert.ok(guard.first('c', 30, 11));
    assert.equal(guard.first('b', 20, 12), false);
    assert.equal(guard.size, 2);
  });
});
