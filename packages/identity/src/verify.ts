// Verifies a proof, in the client of who is called. The order matters: what needs nobody else comes first, and what costs
// others a request comes after the device's own signature.
import { type Address, domainOf } from '@parley/protocol';
import {
  compactVerify,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  importJWK,
  type JWK,
  type ProtectedHeaderParameters,
} from 'jose';
import { z } from 'zod';
import { nonceFor } from './device-key.ts';
import { addressIn, type IssuerProfile } from './issuers.ts';
import {
  MAX_PROOF,
  PROOF_ALGORITHM,
  type ProofClaims,
  type ProofHeader,
  type ProofPurpose,
  proofClaimsSchema,
  proofHeaderSchema,
} from './proof.ts';
import type { ReplayGuard } from './replay.ts';
import { type Check, type CheckName, notVerified, passing, type Trust, type TrustProblem } from './trust.ts';

export interface Expected {
  /** Who is said to be speaking. */
  readonly from: Address;
  /** Who verifies. */
  readonly me: Address;
  readonly conversation: string;
  readonly purpose: ProofPurpose;
  /**
   * SHA-256 of the certificate that DTLS negotiated, `AB:CD:…`; before that, of the session description, and
   * `withCertificate` afterwards. Null: there is none yet; the best result is `certificate-unknown`, and the proof can be
   * verified once more.
   */
  readonly fingerprint: string | null;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** How old a proof may be, in milliseconds; whoever joins late is shown proofs from before. Default: 2 minutes. */
  readonly maxProofAgeMs?: number;
  /**
   * How long ago the person may have signed in, in milliseconds, also if the token's `exp` is past: `exp` limits its use
   * as a sign-in, which it never is here, while the device's key is what speaks (OpenPubkey). Default: until `exp`.
   */
  readonly maxTokenAgeMs?: number;
}

/** What the verifier must be told by others. Whoever gives them limits how long they take. */
export interface Sources {
  /** The issuers that a domain has authorised, as it publishes them. Rejects if it cannot be asked. */
  issuersOf(domain: string): Promise<readonly IssuerProfile[]>;
  /** Keys of an issuer (its `jwks_uri`). `again`: not from a cache, since a key was not among them. */
  keysOf(issuer: string, again: boolean): Promise<readonly JWK[]>;
  readonly replays: ReplayGuard;
}

/** Clocks of different companies differ by this much, either way. */
const SKEW_MS = 2 * 60_000;
const PROOF_AGE_MS = 2 * 60_000;
/** Asymmetric ones alone: with an HMAC, or none at all, whoever knows the public key could sign (RFC 8725 section 3.1). */
const TOKEN_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'];

/** What every ID token says (OpenID Connect Core section 2), with the nonce that ours are asked for with. */
const tokenSchema = z.object({
  iss: z.string(),
  aud: z.union([z.string(), z.array(z.string()).max(64)]),
  azp: z.string().optional(),
  iat: z.number(),
  exp: z.number(),
  nbf: z.number().optional(),
  nonce: z.string(),
});

interface Token extends z.infer<typeof tokenSchema> {
  /** All claims, as they stand. */
  readonly all: Readonly<Record<string, unknown>>;
  readonly algorithm: unknown;
}

class Distrust extends Error {
  override readonly name = 'Distrust';
  readonly code: TrustProblem;
  constructor(code: TrustProblem, cause?: unknown) {
    super(code, { cause });
    this.code = code;
  }
}

/**
 * Whether the device that sent `proof` is the person's it claims to be, and encrypts the media that arrive. Never
 * rejects: whatever is thrown at it comes to a result. Sources: RFC 8225, RFC 8827 section 5.6, RFC 8725, OpenID Connect
 * Core section 3.1.3.7.
 */
export async function verifyProof(proof: string | null, expected: Expected, sources: Sources): Promise<Trust> {
  const passed: Check[] = [];
  const proven: { issuer: string | null; address: Address | null } = { issuer: null, address: null };
  const pass = (name: CheckName) => {
    passed.push(passing(name));
    // Only now, and not before, may anybody be shown a name.
    if (name === 'token-person') proven.address = expected.from;
  };
  try {
    const { header, claims } = await checkProof(proof, expected, pass);
    proven.issuer = await checkToken(claims, header, expected, sources, pass);
    pass('token-person');
    if (expected.fingerprint === null) throw new Distrust('certificate-unknown');
    takeOnce(claims, expected, sources.replays);
    pass('single-use');
    const certificates = claims.mky.map(({ dig }) => withColons(dig));
    return { status: 'verified', issuer: proven.issuer, address: expected.from, certificates, checks: passed };
  } catch (thrown) {
    const code = thrown instanceof Distrust ? thrown.code : 'proof-malformed';
    return notVerified(code, passed, proven.issuer, proven.address);
  }
}

/** What the device says, and whether it is about this person, reader, conversation, time and media. Asks nobody. */
async function checkProof(
  proof: string | null,
  { from, me, conversation, purpose, fingerprint, ...expected }: Expected,
  pass: (name: CheckName) => void,
): Promise<{ header: ProofHeader; claims: ProofClaims }> {
  const demand = demanding(pass);
  if (proof === null) throw new Distrust('proof-missing');
  if (proof.length > MAX_PROOF) throw new Distrust('proof-too-large');
  const raw = decode(proof, 'proof-malformed');
  if (raw.header.alg !== PROOF_ALGORITHM) throw new Distrust('algorithm-refused');
  const header = parse(proofHeaderSchema, raw.header, 'proof-malformed');
  const claims = parse(proofClaimsSchema, raw.claims, 'proof-malformed');
  pass('shape');
  pass('algorithm');
  demand('device-signature', await signedByDevice(proof, header), 'proof-forged');
  demand('person', claims.orig.uri === from, 'wrong-person');
  demand('audience', claims.dest.uri.includes(me), 'wrong-audience');
  demand('conversation', claims.conversation === conversation, 'wrong-conversation');
  demand('purpose', claims.purpose === purpose, 'wrong-purpose');
  const age = expected.now - claims.iat * 1000;
  const maxAge = expected.maxProofAgeMs ?? PROOF_AGE_MS;
  demand('freshness', age <= maxAge + SKEW_MS && age >= -SKEW_MS, 'proof-stale');
  // Before anybody is asked: who sits in the middle could keep the issuer away, and be taken for merely unverified.
  if (fingerprint !== null) {
    const dig = fingerprint.replaceAll(':', '').toUpperCase();
    demand(
      'certificate',
      claims.mky.some((one) => one.dig === dig),
      'wrong-certificate',
    );
  }
  return { header, claims };
}

/** What the issuer says: that this key is this person's. Returns the issuer. */
async function checkToken(
  claims: ProofClaims,
  header: ProofHeader,
  expected: Expected,
  sources: Sources,
  pass: (name: CheckName) => void,
): Promise<string> {
  const demand = demanding(pass);
  const domain = domainOf(expected.from);
  const token = readToken(claims.idt);
  pass('token-shape');
  const profiles = await ask(() => sources.issuersOf(domain), 'issuers-unreachable');
  const profile = profiles.find(({ issuer }) => issuer === token.iss);
  if (!profile) throw new Distrust('issuer-unauthorised');
  pass('issuer-authorised');
  demand('token-audience', isForClient(token, profile), 'token-for-another-app');
  demand('token-age', isAlive(token, expected.now, expected.maxTokenAgeMs), 'token-stale');
  demand('token-algorithm', TOKEN_ALGORITHMS.includes(String(token.algorithm)), 'token-algorithm-refused');
  await checkIssuerSignature(claims.idt, profile.issuer, sources);
  pass('token-signature');
  const nonce = await nonceFor({ publicJwk: header.jwk, salt: claims.salt });
  demand('key-binding', token.nonce === nonce, 'key-not-bound');
  const address = addressIn(token.all, profile, domain);
  if (address === null) throw new Distrust('address-unproven');
  if (address !== expected.from) throw new Distrust('token-of-another');
  return profile.issuer;
}

/** Last, so that nobody can use up the memory, or a proof of somebody else, with one that does not hold. */
function takeOnce({ iat, jti }: ProofClaims, { from, me, now, maxProofAgeMs }: Expected, replays: ReplayGuard): void {
  const until = iat * 1000 + (maxProofAgeMs ?? PROOF_AGE_MS) + SKEW_MS;
  const taken = replays.take(`${from} ${me} ${jti}`, until, now);
  if (taken === 'again') throw new Distrust('proof-replayed');
  if (taken === 'full') throw new Distrust('replays-unknown');
}

function demanding(pass: (name: CheckName) => void) {
  return (name: CheckName, holds: boolean, code: TrustProblem) => {
    if (!holds) throw new Distrust(code);
    pass(name);
  };
}

/** The two readable parts of a compact JWS (RFC 7515 section 3.1), not yet believed. */
function decode(
  jws: string,
  code: TrustProblem,
): { header: ProtectedHeaderParameters; claims: Record<string, unknown> } {
  try {
    return { header: decodeProtectedHeader(jws), claims: decodeJwt(jws) };
  } catch (error) {
    throw new Distrust(code, error);
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown, code: TrustProblem): T {
  const { success, data, error } = schema.safeParse(value);
  if (!success) throw new Distrust(code, error);
  return data;
}

function readToken(idToken: string): Token {
  const { header, claims } = decode(idToken, 'token-malformed');
  return { ...parse(tokenSchema, claims, 'token-malformed'), all: claims, algorithm: header.alg };
}

/** Waits for what others answer; whatever goes wrong with it is `code`, not a lie of who calls. */
async function ask<T>(question: () => Promise<T>, code: TrustProblem): Promise<T> {
  try {
    return await question();
  } catch (error) {
    throw new Distrust(code, error);
  }
}

async function signedByDevice(proof: string, { jwk }: ProofHeader): Promise<boolean> {
  try {
    await compactVerify(proof, await importJWK(jwk, PROOF_ALGORITHM), { algorithms: [PROOF_ALGORITHM] });
    return true;
  } catch {
    return false;
  }
}

/** RFC 7517 section 4.5: the key is chosen by its id. Asks for the keys once more for one that is new (rotation). */
async function checkIssuerSignature(token: string, issuer: string, sources: Sources): Promise<void> {
  for (const again of [false, true]) {
    const keys = await ask(
      async () => createLocalJWKSet({ keys: [...(await sources.keysOf(issuer, again))] }),
      'issuer-unreachable',
    );
    try {
      await compactVerify(token, keys, { algorithms: TOKEN_ALGORITHMS });
      return;
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw new Distrust('token-forged', error);
    }
  }
  throw new Distrust('issuer-key-unknown');
}

/** RFC 7519 sections 4.1.4 to 4.1.6; past `exp` only where who verifies says for how long. */
function isAlive({ iat, exp, nbf = iat }: Token, now: number, maxAge: number | undefined): boolean {
  if (Math.max(iat, nbf) * 1000 > now + SKEW_MS) return false;
  const end = maxAge === undefined ? exp * 1000 : iat * 1000 + maxAge;
  return now <= end + SKEW_MS;
}

/** OpenID Connect Core section 3.1.3.7, steps 3 to 5: with several audiences, `azp` says whose it is. */
function isForClient({ aud, azp }: Token, { clientIds }: IssuerProfile): boolean {
  const audiences = typeof aud === 'string' ? [aud] : aud;
  if (audiences.length > 1 && azp === undefined) return false;
  if (azp !== undefined && !clientIds.includes(azp)) return false;
  return audiences.some((one) => clientIds.includes(one));
}

function withColons(dig: string): string {
  return dig.match(/../g)?.join(':') ?? '';
}
