// Proofs as they are made, and everything somebody could do to them.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Domain, IssuerProfile } from '@parley/protocol';
import fc from 'fast-check';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import {
  type Sources as AllSources,
  type Check,
  checks,
  createDeviceKey,
  createReplayGuard,
  type DeviceKey,
  type Expected as ExpectedPerson,
  FOCUS_STATEMENT,
  keycloak,
  LINK_STATEMENT,
  leastOf,
  makeProof,
  nonceFor,
  proofPurposes,
  type Trust,
  type TrustProblem,
  thumbprintOf,
  trustProblems,
  verifyProof as verifyPerson,
  withMedia,
} from './index.ts';
import {
  alice,
  bob,
  certificate,
  conversation,
  DAY,
  domainKey,
  eve,
  MINUTE,
  NOW,
  otherCertificate,
} from './testing.ts';

/** As a client asks: for a person, and for the certificate that their media come with. */
type Expected = ExpectedPerson & { readonly fingerprint: string | null };
interface Sources extends Pick<AllSources, 'replays'> {
  issuersOf(domain: string): Promise<readonly IssuerProfile[]>;
  keysOf(issuer: string, again: boolean): Promise<readonly JWK[]>;
}
async function verifyProof(proof: string | null, expected: Expected, { replays, ...from }: Sources): Promise<Trust> {
  const { fingerprint, ...person } = expected;
  const proven = await verifyPerson(proof, person, {
    replays,
    publishedBy: async (domain) => ({ issuers: await from.issuersOf(domain), keys: [], relayed: false }),
    keysOf: async (issuer, _domain, again) => ({ keys: await from.keysOf(issuer, again), relayed: false }),
  });
  return withMedia(proven, fingerprint === null ? null : { kind: 'direct', certificate: fingerprint });
}

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
const names = (list: readonly Check[]) => list.map(({ name }) => name);
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
  /** Every problem that some attack below has come to; `guest` is none of a proof's: it is said of whoever comes by a link. */
  const reached = new Set<TrustProblem>(['guest']);
  after(() => assert.deepEqual([...reached].sort(), Object.keys(trustProblems).sort()));
  const made = async (changes: Partial<Parameters<typeof makeProof>[0]> = {}) =>
    makeProof({
      key: bobs,
      idToken: changes.idToken ?? (await token()),
      from: bob,
      to: [alice],
      conversation,
      purpose: 'call',
      fingerprints: [certificate],
      now: NOW,
      ...changes,
    });
  const person: ExpectedPerson = { from: bob, me: alice, conversation, purpose: 'call', now: NOW };
  const expected: Expected = {
    from: bob,
    me: alice,
    conversation,
    purpose: 'call',
    fingerprint: certificate,
    now: NOW,
  };
  const sources = (changes: Partial<Sources> = {}): Sources => ({
    issuersOf: async () => [profile],
    keysOf: async () => [signing.jwk],
    replays: createReplayGuard(),
    ...changes,
  });
  const allSources = (changes: Partial<AllSources> = {}): AllSources => ({
    publishedBy: async () => ({ issuers: [profile], keys: [], relayed: false }),
    keysOf: async () => ({ keys: [signing.jwk], relayed: false }),
    replays: createReplayGuard(),
    ...changes,
  });
  const distrusted = async (
    proof: string | null,
    problem: TrustProblem,
    changes: Partial<Expected> = {},
    from: Partial<Sources> = {},
  ) => {
    const trust = await verifyProof(proof, { ...expected, ...changes }, sources(from));
    assert.ok(trust.status !== 'verified');
    assert.equal(trust.code, problem);
    assert.equal(trust.status, trustProblems[problem].status);
    assert.deepEqual(
      trust.checks.filter(({ passed }) => !passed).map(({ name }) => name),
      [trustProblems[problem].check],
    );
    reached.add(problem);
    return trust;
  };
  const refused = async (...attack: Parameters<typeof distrusted>): Promise<void> => {
    await distrusted(...attack);
  };
  /** Signs anything with a device key, as somebody would who does not use our `makeProof`. */
  const signed = (claims: Record<string, unknown>, header: Record<string, unknown> = {}, key = bobs) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'passport', ppt: 'parley', jwk: { ...key.publicJwk }, ...header })
      .sign(key.privateKey);
  const claimsOf = (proof: string): Record<string, unknown> => decode(proof.split('.')[1]);
  /** Changes claims and keeps the signature. */
  const changed = (proof: string, change: (claims: Record<string, unknown>) => object) => {
    const [header, claims, signature] = proof.split('.');
    return [header, encode(change(decode(claims))), signature].join('.');
  };

  it('as made is verified, and every check is named, with whose word it rests on', async () => {
    const trust = await verifyProof(await made(), expected, sources());
    assert.ok(trust.status === 'verified');
    assert.equal(trust.issuer, issuer);
    assert.equal(trust.address, bob);
    assert.deepEqual(trust.certificates, [certificate.toUpperCase()]);
    assert.deepEqual(
      trust.checks,
      Object.entries(checks).flatMap(([name, by]) => (name === 'focus' ? [] : [{ name, passed: true, by }])),
    );
  });
  it('is a PASSporT: URIs, digests without colons, lists in order (RFC 8225)', async () => {
    const proof = await made({ to: [eve, alice], fingerprints: [otherCertificate, certificate] });
    const { orig, dest, mky, iat } = claimsOf(proof);
    assert.deepEqual(decode(proof.split('.')[0]), {
      alg: 'ES256',
      typ: 'passport',
      ppt: 'parley',
      jwk: bobs.publicJwk,
    });
    assert.deepEqual(orig, { uri: `acct:${bob}` });
    assert.deepEqual(dest, { uri: [`acct:${alice}`, `acct:${eve}`] });
    const digests = [certificate, otherCertificate].map((one) => one.replaceAll(':', '').toUpperCase()).sort();
    assert.deepEqual(
      mky,
      digests.map((dig) => ({ alg: 'sha-256', dig })),
    );
    assert.equal(iat, NOW / 1000);
  });
  it('leaves the person known but not verified before there is a certificate', async () => {
    const trust = await distrusted(await made(), 'certificate-unknown', { fingerprint: null });
    assert.deepEqual([trust.issuer, trust.address], [issuer, bob]);
  });
  it('verified by the session description is compared with what DTLS negotiates', async () => {
    const proven = await verifyPerson(await made(), person, allSources());
    assert.equal(proven.status, 'proven');
    const direct = (one: string) => withMedia(proven, { kind: 'direct', certificate: one });
    assert.equal(direct(certificate.toLowerCase()).status, 'verified');
    const swapped = direct(otherCertificate);
    assert.ok(swapped.status === 'failed');
    assert.equal(swapped.code, 'wrong-certificate');
    assert.deepEqual(swapped.checks.at(-1), { name: 'certificate', passed: false, by: 'client' });
  });
  it('is good for a call that rings, when nothing is encrypted for anybody yet', async () => {
    const trust = withMedia(await verifyPerson(await made(), person, allSources()), { kind: 'not-yet' });
    assert.equal(trust.status, 'verified');
    assert.ok(!names(trust.checks).includes('certificate'));
  });
  it('is as good as the conference service its media come by', async () => {
    const proven = await verifyPerson(await made(), person, allSources());
    const focus = 'enterprise1.example' as Domain;
    const by = (problem: 'focus-unproven' | 'focus-unknown' | null) =>
      withMedia(proven, { kind: 'conference', focus, problem, relayed: false });
    const good = by(null);
    assert.ok(good.status === 'verified');
    assert.equal(good.focus, focus);
    assert.equal(good.checks.at(-1)?.name, 'focus');
    for (const problem of ['focus-unproven', 'focus-unknown'] as const) {
      const bad = by(problem);
      assert.ok(bad.status !== 'verified');
      assert.deepEqual([bad.code, bad.status], [problem, trustProblems[problem].status]);
      reached.add(problem);
    }
    assert.equal(leastOf(good, by('focus-unknown'), by('focus-unproven')).status, 'failed');
    assert.equal(leastOf(good, by('focus-unknown'), good).status, 'unverified');
    assert.equal(leastOf(good, good).status, 'verified');
  });
  it('says nothing of who it is if the sign-in does not hold', async () => {
    const trust = await distrusted(await made({ key: eves, idToken: await token() }), 'key-not-bound');
    assert.deepEqual([trust.issuer, trust.address], [null, null]);
  });
  it('has a key that cannot be taken out', async () => {
    assert.equal(bobs.privateKey.extractable, false);
    await assert.rejects(crypto.subtle.exportKey('jwk', bobs.privateKey));
  });
  it('has a key whose name and nonce depend on the key, and the nonce on the salt', async () => {
    // Computed by the text of RFC 7638 section 3.1, not by the library.
    const { x, y } = bobs.publicJwk;
    const hash = createHash('sha256').update(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`);
    assert.equal(await thumbprintOf(bobs.publicJwk), hash.digest('base64url'));
    const nonces = [bobs, eves, { ...bobs, salt: eves.salt }].map(nonceFor);
    assert.equal(new Set(await Promise.all(nonces)).size, 3);
    assert.match(await nonceFor(bobs), /^[\w-]{43}$/);
  });

  it('that is not there leaves somebody unverified', () => refused(null, 'proof-missing'));
  for (const junk of ['', 'a', 'a.b.c', '..', '\u0000', '{"alg":"ES256"}']) {
    it(`that is ${JSON.stringify(junk.slice(0, 20))} is malformed`, () => refused(junk, 'proof-malformed'));
  }
  it('that is no text is malformed', async () => {
    for (const junk of [undefined, 1, {}, [], { length: 1 }]) await refused(junk as never, 'proof-malformed');
  });
  it('that is too large is not looked at, though it be signed', async () => {
    await refused('x'.repeat(20_000), 'proof-too-large');
    await refused(await signed({ ...claimsOf(await made()), more: 'x'.repeat(16_384) }), 'proof-too-large');
  });
  it('that is signed but lacks something, or says it otherwise, is malformed', async () => {
    const claims = claimsOf(await made());
    const wrong: Record<string, unknown>[] = [
      { orig: { uri: bob } },
      { orig: { tn: '12155551212' } },
      { dest: { uri: [] } },
      { iat: String(claims.iat) },
      { mky: [] },
      { mky: [{ alg: 'sha-1', dig: 'AB' }] },
      { mky: [{ alg: 'sha-256', dig: certificate }] },
      { jti: 'short' },
      { purpose: 'anything' },
      { salt: '' },
      { idt: 'x'.repeat(8193) },
    ];
    for (const change of wrong) await refused(await signed({ ...claims, ...change }), 'proof-malformed');
    for (const name of ['orig', 'dest', 'iat', 'mky', 'jti', 'conversation', 'purpose', 'salt', 'idt']) {
      await refused(await signed({ ...claims, [name]: undefined }), 'proof-malformed');
    }
    for (const header of [{ typ: 'JWT' }, { ppt: 'other' }, { jwk: undefined }, { jwk: { kty: 'oct', k: 'AA' } }]) {
      await refused(await signed(claims, header), 'proof-malformed');
    }
  });
  it('without a signature is refused (alg none)', async () => {
    const [header, claims] = (await made()).split('.');
    await refused(`${encode({ ...decode(header), alg: 'none' })}.${claims}.`, 'algorithm-refused');
  });
  it('signed by HMAC with the public key is refused', async () => {
    const [header, claims] = (await made()).split('.');
    const text = `${encode({ ...decode(header), alg: 'HS256' })}.${claims}`;
    const mac = createHmac('sha256', JSON.stringify(bobs.publicJwk)).update(text).digest('base64url');
    await refused(`${text}.${mac}`, 'algorithm-refused');
  });
  it('with changed claims is forged', async () =>
    refused(
      changed(await made(), (claims) => ({ ...claims, dest: { uri: [`acct:${alice}`, `acct:${eve}`] } })),
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
    refused(await made({ conversation: 'c_2@enterprise1.example' }), 'wrong-conversation'));
  it('for another purpose is refused: an answer is no call', async () => {
    for (const purpose of proofPurposes) {
      const proof = await made({ purpose });
      for (const wanted of proofPurposes) {
        if (wanted !== purpose) await refused(proof, 'wrong-purpose', { purpose: wanted });
      }
      assert.equal((await verifyProof(proof, { ...expected, purpose }, sources())).status, 'verified');
    }
  });
  it('is taken with clocks two minutes apart, and not with more', async () => {
    const proof = await made();
    for (const now of [NOW - 2 * MINUTE, NOW + 4 * MINUTE]) {
      assert.equal((await verifyProof(proof, { ...expected, now }, sources())).status, 'verified');
    }
    await refused(proof, 'proof-stale', { now: NOW - 2 * MINUTE - 1000 });
    await refused(proof, 'proof-stale', { now: NOW + 4 * MINUTE + 1000 });
    const late = { ...expected, now: NOW + 60 * MINUTE, maxProofAgeMs: 90 * MINUTE, maxTokenAgeMs: DAY };
    assert.equal((await verifyProof(proof, late, sources())).status, 'verified');
  });
  it('is taken once by each', async () => {
    const [proof, replays] = [await made({ to: [alice, eve] }), createReplayGuard()];
    assert.equal((await verifyProof(proof, expected, sources({ replays }))).status, 'verified');
    await refused(proof, 'proof-replayed', {}, { replays });
    assert.equal((await verifyProof(proof, { ...expected, me: eve }, sources({ replays }))).status, 'verified');
  });
  it('verified once is not taken again later, where greater age is allowed', async () => {
    const [proof, replays] = [await made(), createReplayGuard()];
    assert.equal((await verifyProof(proof, expected, sources({ replays }))).status, 'verified');
    const late = { now: NOW + 60 * MINUTE, maxProofAgeMs: 90 * MINUTE, maxTokenAgeMs: DAY };
    await refused(proof, 'proof-replayed', late, { replays });
  });
  it('is verified by one of many that ask at the same time', async () => {
    const [proof, replays] = [await made(), createReplayGuard()];
    const trusts = await Promise.all(
      Array.from({ length: 20 }, () => verifyProof(proof, expected, sources({ replays }))),
    );
    assert.equal(trusts.filter(({ status }) => status === 'verified').length, 1);
  });
  it('is unverified, not called a replay, when the memory of proofs is full', async () =>
    refused(await made(), 'replays-unknown', {}, { replays: createReplayGuard(0) }));
  it('that does not hold uses up nobody’s turn', async () => {
    const [proof, replays] = [await made(), createReplayGuard()];
    await refused(proof, 'wrong-person', { from: eve }, { replays });
    await refused(proof, 'token-stale', { maxTokenAgeMs: -DAY }, { replays });
    assert.equal((await verifyProof(proof, expected, sources({ replays }))).status, 'verified');
  });
  it('for media that somebody else encrypts is refused: fingerprints were swapped', async () =>
    refused(await made(), 'wrong-certificate', { fingerprint: otherCertificate }));
  it('for media that somebody else encrypts is refused also while the issuer is kept away', async () => {
    const keysOf = () => Promise.reject(new Error('down'));
    await refused(await made(), 'wrong-certificate', { fingerprint: otherCertificate }, { keysOf });
  });

  it('of an issuer that the domain has not authorised is refused', async () => {
    await refused(await made({ idToken: await token({ iss: 'https://evil.example' }) }), 'issuer-unauthorised');
    await refused(await made(), 'issuer-unauthorised', {}, { issuersOf: async () => [] });
  });
  it('with a token signed by another key of the same name is refused', async () =>
    refused(await made({ idToken: await token({}, foreign) }), 'token-forged'));
  it('with a token whose claims were changed is refused', async () => {
    const idToken = changed(await token({ email: eve }), (claims) => ({ ...claims, email: bob }));
    await refused(await made({ idToken }), 'token-forged');
  });
  it('with a token signed by nobody, or by HMAC with the public key, is refused', async () => {
    const [, claims] = (await token()).split('.');
    await refused(await made({ idToken: `${encode({ alg: 'none' })}.${claims}.` }), 'token-algorithm-refused');
    const text = `${encode({ alg: 'HS256', kid: 'k1' })}.${claims}`;
    const mac = createHmac('sha256', JSON.stringify(signing.jwk)).update(text).digest('base64url');
    await refused(await made({ idToken: `${text}.${mac}` }), 'token-algorithm-refused');
  });
  it('with a token that is none, or lacks something, is refused', async () => {
    await refused(await made({ idToken: 'a.b.c' }), 'token-malformed');
    for (const claims of [{ nonce: undefined }, { nonce: 1 }, { aud: undefined }, { iss: undefined }, { azp: 1 }]) {
      await refused(await made({ idToken: await token(claims) }), 'token-malformed');
    }
  });
  it('with a token for another client is refused', async () => {
    await refused(await made({ idToken: await token({ aud: 'shop' }) }), 'token-for-another-app');
    await refused(await made({ idToken: await token({ aud: ['parley', 'shop'] }) }), 'token-for-another-app');
    await refused(await made({ idToken: await token({ azp: 'shop' }) }), 'token-for-another-app');
    const several = await made({ idToken: await token({ aud: ['parley', 'shop'], azp: 'parley' }) });
    assert.equal((await verifyProof(several, expected, sources())).status, 'verified');
  });
  it('with a token past its end, or not yet begun, is refused, with clocks two minutes apart', async () => {
    const idToken = async (ago: number) => made({ idToken: await token({}, signing, bobs, NOW - ago) });
    for (const ago of [7 * MINUTE, -2 * MINUTE]) {
      assert.equal((await verifyProof(await idToken(ago), expected, sources())).status, 'verified');
    }
    await refused(await idToken(7 * MINUTE + 1000), 'token-stale');
    await refused(await idToken(-2 * MINUTE - 1000), 'token-stale');
    const notYet = await made({ idToken: await token({ nbf: NOW / 1000 + 300 }) });
    await refused(notYet, 'token-stale');
  });
  it('with a token past its end is taken where that is allowed, for as long as that', async () => {
    const thisMorning = await made({ idToken: await token({}, signing, bobs, NOW - 8 * 60 * MINUTE) });
    await refused(thisMorning, 'token-stale');
    const policy = { maxTokenAgeMs: DAY };
    assert.equal((await verifyProof(thisMorning, { ...expected, ...policy }, sources())).status, 'verified');
    const yesterday = await made({ idToken: await token({}, signing, bobs, NOW - 25 * 60 * MINUTE) });
    await refused(yesterday, 'token-stale', policy);
    await refused(await made(), 'token-stale', { maxTokenAgeMs: Number.NaN });
  });
  it('with somebody’s token but another’s key is refused: a stolen ID token is of no use', async () =>
    refused(await made({ key: eves, idToken: await token() }), 'key-not-bound'));
  it('with the right key but a token about another person is refused', async () => {
    await refused(await made({ idToken: await token({ email: eve }) }), 'token-of-another');
    await refused(await made({ idToken: await token({ email_verified: false }) }), 'address-unproven');
    await refused(await made({ idToken: await token({ email: 'bob@evil.example' }) }), 'address-unproven');
  });

  describe('of somebody who signed in with an account elsewhere', () => {
    const elsewhere: IssuerProfile = { issuer: 'https://mail.example', clientIds: ['parley-1'], required: {} };
    const account = { iss: elsewhere.issuer, aud: 'parley-1', sub: 'b-77', email: 'b@mail.example' };
    const states = async (claims: Record<string, unknown>, type = LINK_STATEMENT, by = domainSigning) =>
      new SignJWT({ sub: bob, issuer: elsewhere.issuer, account: 'b-77', ...claims })
        .setIssuer('enterprise1.example')
        .setIssuedAt(NOW / 1000)
        .setExpirationTime(NOW / 1000 + 600)
        .setProtectedHeader({ alg: 'EdDSA', typ: type, kid: 'd1' })
        .sign(by.privateKey);
    let domainSigning: Awaited<ReturnType<typeof domainKey>>;
    let otherSigning: Awaited<ReturnType<typeof domainKey>>;
    before(async () => {
      [domainSigning, otherSigning] = await Promise.all([domainKey('d1'), domainKey('d1')]);
    });
    const verified = async (link: string | null, profiles = [elsewhere]) =>
      verifyPerson(await made({ idToken: await token(account), link }), person, {
        ...allSources(),
        publishedBy: async () => ({ issuers: profiles, keys: [domainSigning.published], relayed: false }),
      });

    it('is theirs by their domain’s word, and says what the account is called', async () => {
      const trust = await verified(await states({}));
      assert.ok(trust.status === 'proven');
      assert.deepEqual([trust.issuer, trust.account], [elsewhere.issuer, 'b@mail.example']);
    });
    it('is nobody’s without it, or by a statement about something else, or by another key', async () => {
      const wrong = [
        null,
        'a.b.c',
        await states({ sub: eve }),
        await states({ issuer: 'https://other.example' }),
        await states({ account: 'b-78' }),
        await states({}, FOCUS_STATEMENT),
        await states({}, LINK_STATEMENT, otherSigning),
      ];
      for (const link of wrong) {
        const trust = await verified(link);
        assert.ok(trust.status === 'failed');
        assert.equal(trust.code, 'account-unlinked');
        reached.add(trust.code);
      }
      const strict = await verified(await states({}), [{ ...elsewhere, required: { hd: 'mail.example' } }]);
      assert.ok(strict.status === 'failed' && strict.code === 'account-unlinked');
    });
    it('is not theirs by that where the token itself has to name them', async () => {
      const trust = await verified(await states({}), [{ ...elsewhere, address: { claim: 'email' } }]);
      assert.ok(trust.status === 'failed' && trust.code === 'address-unproven');
    });
  });

  it('is unverified, not failed, while an issuer or a domain does not answer', async () => {
    const down = () => Promise.reject(new Error('down'));
    await refused(await made(), 'issuer-unreachable', {}, { keysOf: down });
    await refused(await made(), 'issuers-unreachable', {}, { issuersOf: down });
    const thrown = () => {
      throw new Error('down');
    };
    await refused(await made(), 'issuer-unreachable', {}, { keysOf: thrown });
    await refused(await made(), 'issuers-unreachable', {}, { issuersOf: thrown });
    await refused(await made(), 'issuer-unreachable', {}, { keysOf: async () => ['junk'] as never });
    await refused(await made(), 'issuer-unreachable', {}, { keysOf: async () => null as never });
  });
  it('is verified with the same proof once the issuer answers again', async () => {
    const [proof, replays] = [await made(), createReplayGuard()];
    await refused(proof, 'issuer-unreachable', {}, { replays, keysOf: () => Promise.reject(new Error('down')) });
    assert.equal((await verifyProof(proof, expected, sources({ replays }))).status, 'verified');
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
    await refused(
      await made({ idToken: await token({}, await issuerKey('k3')) }),
      'issuer-key-unknown',
      {},
      { keysOf },
    );
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
  it('signed anew by a device with anything else in it is never verified, and nothing is ever thrown', async () => {
    const claims = claimsOf(await made());
    // What is signed and means something: everything but the number, of which any will do.
    const name = fc.constantFrom('orig', 'dest', 'iat', 'mky', 'conversation', 'purpose', 'salt', 'idt');
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.record({ uri: fc.constantFrom(`acct:${eve}`, [`acct:${eve}`], bob, [alice]) }),
      fc.constantFrom('answer', eves.salt, 'c_2@enterprise1.example', NOW / 1000 + 121, 0, -1),
    );
    await fc.assert(
      fc.asyncProperty(name, value, fc.boolean(), async (changing, put, byEve) => {
        fc.pre(byEve || JSON.stringify(claims[changing]) !== JSON.stringify(put));
        const proof = await signed({ ...claims, [changing]: put }, {}, byEve ? eves : bobs);
        assert.notEqual((await verifyProof(proof, expected, sources())).status, 'verified');
      }),
      { numRuns: 2000 },
    );
  });
});

/** The last character of a base64url part has bits that mean nothing. */
function sameBits(a: string, b: string): boolean {
  const bytes = (text: string) => text.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex'));
  return bytes(a).join() === bytes(b).join();
}
