// Attacks on who somebody is: what a callee's own client makes of proofs that are forged, stolen, used again or about
// something else. It asks the nodes and the sign-in service that run, as a browser does, and believes nobody else.
import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import {
  createDeviceKey,
  createReplayGuard,
  type Expected,
  FOCUS_STATEMENT,
  LINK_STATEMENT,
  makeProof,
  mediaKeys,
  nonceFor,
  type ProofOptions,
  type Sources,
  type Trust,
  verifyFocus,
  verifyProof,
  withMedia,
} from '@parley/identity';
import { type Address, type Domain, parseAddress, wellKnownSchema } from '@parley/protocol';
import type { Attack } from './attack.ts';
import { ask } from './visitor.ts';
import type { World } from './world.ts';

const addressOf = (text: string): Address => {
  const address = parseAddress(text);
  if (!address) throw new Error(`${text} is no address`);
  return address;
};
const fingerprint = (byte: string) => Array(32).fill(byte).join(':');
/** Of Bob's device, and of somebody in the middle. */
const certificate = fingerprint('AB');
const swapped = fingerprint('CD');
const alice = addressOf('alice@enterprise2.example');
const erin = addressOf('erin@enterprise1.example');
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString());
const headerOf = (jws: string) => decode(jws.split('.')[0]);
const claimsOf = (jws: string) => decode(jws.split('.')[1]);
const withSignature = (text: string, signature: Buffer) => `${text}.${signature.toString('base64url')}`;

/** Asks the nodes that run; nothing is kept between two verifications but what was used. */
function sourcesOf(world: World, change: Partial<Sources> = {}): Sources {
  const origins = new Map([world.one, world.two].map(({ domain, origin }) => [domain, origin]));
  return {
    async publishedBy(domain) {
      const { body } = await ask(`${origins.get(domain)}/.well-known/parley`);
      const { issuers, keys } = wellKnownSchema.parse(JSON.parse(body));
      return { issuers, keys, relayed: false };
    },
    async keysOf(issuer) {
      const { jwks_uri: at } = JSON.parse((await ask(`${issuer}/.well-known/openid-configuration`)).body);
      return { keys: JSON.parse((await ask(at)).body).keys, relayed: false };
    },
    replays: createReplayGuard(),
    ...change,
  };
}

const expectedOf = ({ bob, conversation }: World): Expected => ({
  from: addressOf(bob.person.address),
  me: alice,
  conversation,
  purpose: 'call',
  now: Date.now(),
});

async function verified(
  world: World,
  proof: string | null,
  {
    media = certificate,
    expected = {},
    sources,
  }: { media?: string; expected?: Partial<Expected>; sources?: Sources } = {},
): Promise<Trust> {
  const person = await verifyProof(proof, { ...expectedOf(world), ...expected }, sources ?? sourcesOf(world));
  return withMedia(person, { kind: 'direct', certificate: media });
}

const codeOf = (trust: Trust) => (trust.status === 'verified' ? 'verified' : `${trust.status}: ${trust.code}`);

/** What Bob's own device proves with. */
const bobsProof = (world: World, change: Partial<ProofOptions> = {}) => {
  const { from, conversation, purpose, now } = expectedOf(world);
  const about = { from, to: [alice], conversation, purpose, now, fingerprints: [certificate] };
  return makeProof({ ...world.bob.identity, ...about, ...change });
};

function proof(
  name: string,
  refusedWith: string,
  attempt: (world: World) => Promise<Trust>,
  by: Attack['by'] = 'another provider',
): Attack {
  return { name: `a proof ${name}`, by, refusedWith, attempt: async (world) => codeOf(await attempt(world)) };
}

/** An ID token with other claims, under the old signature or one of our own making. */
const changedToken = (token: string, claims: object, signature?: (text: string) => string) => {
  const [header = '', , old = ''] = token.split('.');
  const text = `${header}.${encode({ ...claimsOf(token), ...claims })}`;
  return `${text}.${signature?.(text) ?? old}`;
};

async function focusSays(
  world: World,
  claims: Record<string, unknown>,
  { typ = FOCUS_STATEMENT, kid }: { typ?: string; kid?: string } = {},
  me = addressOf(world.bob.person.address),
): Promise<string> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const [key] = (await sourcesOf(world).publishedBy(world.one.domain as Domain, false)).keys;
  const now = Math.floor(Date.now() / 1000);
  const about = { iss: world.one.domain, aud: me, device: 'd_1', room: 'r_1', iat: now, exp: now + 60 };
  const text = `${encode({ alg: 'EdDSA', typ, kid: kid ?? key?.kid })}.${encode({ ...about, mky: mediaKeys([swapped]), ...claims })}`;
  const statement = withSignature(text, sign(null, Buffer.from(text), privateKey));
  const expected = {
    focus: world.one.domain as Domain,
    room: 'r_1',
    me,
    device: 'd_1',
    fingerprints: [swapped],
    now: Date.now(),
  };
  return (await verifyFocus(statement, expected, sourcesOf(world))).problem ?? 'verified';
}

export const proofAttacks: readonly Attack[] = [
  proof('for fingerprints that were swapped on the way', 'failed: wrong-certificate', async (world) =>
    verified(world, await bobsProof(world), { media: swapped }),
  ),
  proof(
    'for fingerprints that were swapped, while the sign-in service is kept away',
    'failed: wrong-certificate',
    async (world) => {
      const sources = sourcesOf(world, { keysOf: () => Promise.reject(new Error('kept away')) });
      return verified(world, await bobsProof(world), { media: swapped, sources });
    },
  ),
  proof('whose fingerprint was changed', 'failed: proof-forged', async (world) => {
    const [header, , signature] = (await bobsProof(world)).split('.');
    const claims = { ...claimsOf(await bobsProof(world)), mky: mediaKeys([swapped]) };
    return verified(world, [header, encode(claims), signature].join('.'), { media: swapped });
  }),
  proof('with a stolen ID token and a key of one’s own', 'failed: key-not-bound', async (world) =>
    verified(world, await bobsProof(world, { key: await createDeviceKey(), fingerprints: [swapped] }), {
      media: swapped,
    }),
  ),
  proof(
    'by a colleague with her own sign-in, in Bob’s name',
    'failed: token-of-another',
    async (world) => verified(world, await bobsProof(world, world.erin.identity)),
    'a colleague',
  ),
  proof(
    'by a colleague under her own name, shown as Bob’s',
    'failed: wrong-person',
    async (world) => verified(world, await bobsProof(world, { ...world.erin.identity, from: erin })),
    'a colleague',
  ),
  proof(
    'by somebody of another company, in Bob’s name',
    'failed: issuer-unauthorised',
    async (world) => verified(world, await bobsProof(world, world.dave.identity)),
    'somebody of another company',
  ),
  proof('used twice', 'failed: proof-replayed', async (world) => {
    const [one, sources] = [await bobsProof(world), sourcesOf(world)];
    const first = await verified(world, one, { sources });
    return first.status === 'verified' ? verified(world, one, { sources }) : first;
  }),
  proof('from another conversation', 'failed: wrong-conversation', async (world) =>
    verified(world, await bobsProof(world, { conversation: `${'c'.repeat(22)}@enterprise1.example` })),
  ),
  proof('for another person', 'failed: wrong-audience', async (world) =>
    verified(world, await bobsProof(world, { to: [erin] })),
  ),
  proof('for a call, shown as an answer', 'failed: wrong-purpose', async (world) =>
    verified(world, await bobsProof(world), { expected: { purpose: 'answer' } }),
  ),
  proof('from an hour ago', 'failed: proof-stale', async (world) =>
    verified(world, await bobsProof(world, { now: Date.now() - 3_600_000 })),
  ),
  proof('from the future', 'failed: proof-stale', async (world) =>
    verified(world, await bobsProof(world, { now: Date.now() + 3_600_000 })),
  ),
  proof('that nobody has signed (alg none)', 'failed: algorithm-refused', async (world) => {
    const made = await bobsProof(world);
    return verified(world, `${encode({ ...headerOf(made), alg: 'none' })}.${made.split('.')[1]}.`);
  }),
  proof('signed by HMAC with the public key', 'failed: algorithm-refused', async (world) => {
    const made = await bobsProof(world);
    const text = `${encode({ ...headerOf(made), alg: 'HS256' })}.${made.split('.')[1]}`;
    const secret = JSON.stringify(world.bob.identity.key.publicJwk);
    return verified(world, withSignature(text, createHmac('sha256', secret).update(text).digest()));
  }),
  proof('with another’s key in its header', 'failed: proof-forged', async (world) => {
    const [, claims, signature] = (await bobsProof(world)).split('.');
    const header = { ...headerOf(await bobsProof(world)), jwk: world.erin.identity.key.publicJwk };
    return verified(world, [encode(header), claims, signature].join('.'));
  }),
  proof(
    'whose ID token names somebody else by now',
    'failed: token-forged',
    async (world) => {
      const { key, idToken } = world.erin.identity;
      return verified(
        world,
        await bobsProof(world, { key, idToken: changedToken(idToken, { preferred_username: 'bob' }) }),
      );
    },
    'a colleague',
  ),
  proof('whose ID token names the attacker’s key by now', 'failed: token-forged', async (world) => {
    const key = await createDeviceKey();
    const idToken = changedToken(world.bob.identity.idToken, { nonce: await nonceFor(key) });
    return verified(world, await bobsProof(world, { key, idToken }));
  }),
  proof('whose ID token is signed by nobody', 'failed: token-algorithm-refused', async (world) => {
    const [, claims] = world.bob.identity.idToken.split('.');
    return verified(world, await bobsProof(world, { idToken: `${encode({ alg: 'none' })}.${claims}.` }));
  }),
  proof(
    'whose ID token is signed by a key of the attacker’s under the true name',
    'failed: token-forged',
    async (world) => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const key = await createDeviceKey();
      const idToken = changedToken(world.bob.identity.idToken, { nonce: await nonceFor(key) }, (text) =>
        sign('sha256', Buffer.from(text), privateKey).toString('base64url'),
      );
      return verified(world, await bobsProof(world, { key, idToken }));
    },
  ),
  proof('whose ID token comes from an issuer of the attacker’s', 'failed: issuer-unauthorised', async (world) => {
    const idToken = changedToken(world.bob.identity.idToken, { iss: 'https://evil.example' });
    return verified(world, await bobsProof(world, { idToken }));
  }),
  proof('whose ID token was made for another app', 'failed: token-for-another-app', async (world) => {
    const idToken = changedToken(world.bob.identity.idToken, { aud: 'shop' });
    return verified(world, await bobsProof(world, { idToken }));
  }),
  proof(
    'with an account elsewhere that its domain does not vouch for',
    'failed: account-unlinked',
    async (world) => {
      const { issuers } = await sourcesOf(world).publishedBy(world.one.domain as Domain, false);
      const elsewhere = issuers.find(({ address }) => address === undefined);
      const key = await createDeviceKey();
      const claims = { iss: elsewhere?.issuer, aud: elsewhere?.clientIds[0], nonce: await nonceFor(key) };
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const text = `${encode({ alg: 'ES256', kid: 'mine' })}.${encode({ ...claimsOf(world.bob.identity.idToken), ...claims })}`;
      const idToken = withSignature(
        text,
        sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }),
      );
      const link = `${encode({ alg: 'EdDSA', typ: LINK_STATEMENT })}.${encode({ sub: world.bob.person.address })}.x`;
      // An account of the attacker's own, at an issuer that the domain lets its people use.
      const keysOf = async () => ({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'mine' }], relayed: false });
      return verified(world, await bobsProof(world, { key, idToken, link }), { sources: sourcesOf(world, { keysOf }) });
    },
    'a colleague',
  ),
  proof('of 20 kB', 'failed: proof-too-large', (world) => verified(world, 'x'.repeat(20_000))),
  proof('of random bytes', 'failed: proof-malformed', (world) =>
    verified(world, randomBytes(300).toString('base64url')),
  ),
  {
    name: 'a conference service that names certificates of its own for another domain',
    by: 'another provider',
    refusedWith: 'focus-unproven',
    attempt: (world) => focusSays(world, {}),
  },
  {
    name: 'a conference service with a key that its domain does not publish',
    by: 'another provider',
    refusedWith: 'focus-unproven',
    attempt: (world) => focusSays(world, {}, { kid: 'of-mine' }),
  },
];

/** Those a reader may want to see hold at the same time: the true proof is taken. */
export async function trueProofHolds(world: World): Promise<string> {
  return codeOf(await verified(world, await bobsProof(world)));
}
