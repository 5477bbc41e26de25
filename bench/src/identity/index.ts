// `npm run bench -- identity [--n N] [--json FILE]`: what proof of identity costs. Making and verifying a proof by itself,
// and in real browsers across two companies: answering with proofs against answering without (people whose sign-in named
// no key, so that their devices neither send nor wait for one), in turn, in one run.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import {
  createDeviceKey,
  createReplayGuard,
  keycloak,
  makeProof,
  nonceFor,
  type Sources,
  verifyProof,
  withMedia,
} from '@parley/identity';
import { type Address, parseAddress } from '@parley/protocol';
import { type Actor, accept, by, call, openStage, sees, signInWithoutKey } from '@parley/tests';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

interface Spread {
  readonly n: number;
  readonly median: number;
  readonly p95: number;
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  const round = (value: number) => Math.round(value * 10) / 10;
  return { n: values.length, median: round(at(0.5)), p95: round(at(0.95)) };
}

const addressOf = (text: string): Address => {
  const address = parseAddress(text);
  if (!address) throw new Error(text);
  return address;
};

/** Milliseconds in this process for making a proof, and for verifying one whose keys are at hand. */
async function measureProofs(n: number): Promise<{ makeMs: Spread; verifyMs: Spread }> {
  const [from, to] = [addressOf('bob@enterprise1.example'), addressOf('alice@enterprise2.example')];
  const conversation = `${'c'.repeat(22)}@enterprise1.example`;
  const issuer = 'https://accounts.enterprise1.example';
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const key = await createDeviceKey();
  const idToken = await new SignJWT({ email: from, email_verified: true, nonce: await nonceFor(key) })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
    .setIssuer(issuer)
    .setAudience('parley')
    .setSubject('b')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey);
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256' };
  const sources: Sources = {
    publishedBy: async () => ({ issuers: [keycloak(issuer, 'parley')], keys: [], relayed: false }),
    keysOf: async () => ({ keys: [jwk], relayed: false }),
    replays: createReplayGuard(),
  };
  const certificate = Array(32).fill('AB').join(':');
  const [making, verifying]: number[][] = [[], []];
  for (let i = 0; i < n; i += 1) {
    const about = { from, conversation, purpose: 'call' as const, now: Date.now() };
    const begun = performance.now();
    const proof = await makeProof({ ...about, key, idToken, to: [to], fingerprints: [certificate] });
    const made = performance.now();
    const person = await verifyProof(proof, { ...about, me: to }, sources);
    const trust = withMedia(person, { kind: 'direct', certificate });
    verifying?.push(performance.now() - made);
    making?.push(made - begun);
    if (trust.status !== 'verified') throw new Error(`not verified: ${trust.code}`);
  }
  return { makeMs: spread(making ?? []), verifyMs: spread(verifying ?? []) };
}

interface Times {
  readonly ring: number[];
  readonly picture: number[];
  readonly sound: number[];
}

async function oneCall(caller: Actor, callee: Actor, times: Times, verified: number[] | null): Promise<void> {
  times.ring.push(await call(caller, callee));
  if (verified) {
    const rung = performance.now();
    await sees(callee, caller, 'verified');
    verified.push(performance.now() - rung);
  }
  const { frameMs, soundMs } = await accept(callee, caller);
  times.picture.push(frameMs);
  times.sound.push(soundMs);
  if (verified) await Promise.all([sees(callee, caller, 'verified'), sees(caller, callee, 'verified')]);
  await by(caller, 'leave').click();
  for (const actor of [caller, callee]) await by(actor, 'call-ended-close').click();
}

export async function measureIdentity(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { n: { type: 'string', default: '10' }, json: { type: 'string' } } });
  const n = Number(values.n);
  const proofs = await measureProofs(20 * n);
  const stage = await openStage();
  const proven: Times = { ring: [], picture: [], sound: [] };
  const unproven: Times = { ring: [], picture: [], sound: [] };
  const ringToVerified: number[] = [];
  try {
    const [alice, bob] = await Promise.all([stage.actor('alice'), stage.actor('bob')]);
    const [dave, carol] = await Promise.all([stage.stranger('dave'), stage.stranger('carol')]);
    await Promise.all([dave, carol].map((one) => signInWithoutKey(one)));
    for (let i = 0; i < n; i += 1) {
      const pairs = [() => oneCall(alice, bob, proven, ringToVerified), () => oneCall(dave, carol, unproven, null)];
      // Each goes first as often as the other.
      for (const one of i % 2 === 0 ? pairs : pairs.reverse()) await one();
    }
  } finally {
    await stage.close();
  }
  const of = ({ ring, picture, sound }: Times) => ({
    ringMs: spread(ring),
    acceptToPictureMs: spread(picture),
    acceptToSoundMs: spread(sound),
  });
  const result = { ...proofs, ringToVerifiedMs: spread(ringToVerified), proven: of(proven), unproven: of(unproven) };
  console.log(JSON.stringify(result, null, 2));
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`);
}
