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
  jwtVerify,
} from 'jose';
import type { z } from 'zod';
import { nonceFor } from './device-key.ts';
import { addressIn, type IssuerProfile } from './issuers.ts';
import { MAX_PROOF, proofClaimsSchema, proofHeaderSchema } from './proof.ts';
import type { ReplayGuard } from './replay.ts';
import { type CheckName, type Trust, type TrustProblem, trustProblems } from './trust.ts';

export interface Expected {
  /** Who is said to be speaking. */
  readonly from: Address;
  /** Who verifies. */
  readonly me: Address;
  readonly conversation: string;
  /**
   * SHA-256 of the certificate that DTLS negotiated, `AB:CD:…`; before that, of the session description. Null: there is
   * none yet, and the check is left out, so the result must not be shown as final.
   */
  readonly fingerprint: string | null;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** How old a proof may be, in milliseconds; whoever joins late is shown proofs from before. Default: 2 minutes. */
  readonly maxProofAgeMs?: number;
  /** How long ago the person may have signed in, in milliseconds. Default: 24 hours. */
  readonly maxTokenAgeMs?: number;
}

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
const TOKEN_AGE_MS = 24 * 3_600_000;
/** Asymmetric ones alone: with an HMAC, or none at all, whoever knows the public key could sign. */
const TOKEN_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'];

/**
 * Whether the device that sent `proof` is the person's it claims to be, and encrypts the media that arrive. Never
 * rejects: whatever is thrown at it comes to a result. An ID token is taken until `maxTokenAgeMs`, also past its `exp`:
 * that limits its use as a sign-in, which it never is here, while the device's key is what speaks (OpenPubkey).
 * Sources: RFC 8225, RFC 8827 section 5.6, OpenID Connect Core section 3.1.3.7.
 */
export async function verifyProof(proof: string | null, expected: Expected, sources: Sources): Promise<Trust> {
  const passed: CheckName[] = [];
  try {
    return { status: 'verified', issuer: await check(proof, expected, sources, passed), passed };
  } catch (thrown) {
    const problem = thrown instanceof Distrust ? thrown.problem : 'proof-malformed';
    return { status: trustProblems[problem].status, problem, passed };
  }
}

class Distrust extends Error {
  override readonly name = 'Distrust';
  readonly problem: TrustProblem;
  constructor(problem: TrustProblem, cause?: unknown) {
    super(problem, { cause });
    this.problem = problem;
  }
}

type Claims = z.infer<typeof proofClaimsSchema>;
type Header = z.infer<typeof proofHeaderSchema>;

async function check(proof: string | null, expected: Expected, sources: Sources, passed: CheckName[]): Promise<string> {
  const require = (name: CheckName, holds: boolean, problem: TrustProblem) => {
    if (!holds) throw new Distrust(problem);
    passed.push(name);
  };
  const { from, me, conversation, fingerprint, now } = expected;
  const maxProofAge = expected.maxProofAgeMs ?? PROOF_AGE_MS;
  const domain = domainOf(from);

  if (proof === null) throw new Distrust('proof-missing');
  const { header, claims } = read(proof);
  passed.push('shape');
  require('device-signature', await signedByDevice(proof, header), 'proof-forged');
  require('person', claims.orig.uri === from, 'wrong-person');
  require('audience', claims.dest.uri.includes(me) && claims.conversation === conversation, 'wrong-audience');
  const age = now - claims.iat * 1000;
  require('freshness', age <= maxProofAge + SKEW_MS && age >= -SKEW_MS, 'proof-stale');
  if (fingerprint !== null) {
    const negotiated = fingerprint.toUpperCase();
    require('certificate', claims.mky.some(({ dig }) => dig === negotiated), 'wrong-certificate');
  }

  const profile = await profileFor(claims.idt, domain, sources);
  passed.push('issuer-authorised');
  const token = await readToken(claims.idt, profile.issuer, sources);
  passed.push('token-signature');
  require('token-age', isRecent(token, now, expected.maxTokenAgeMs ?? TOKEN_AGE_MS), 'token-stale');
  const nonce = await nonceFor({ publicJwk: header.jwk, salt: claims.salt });
  require('key-binding', token.nonce === nonce, 'key-not-bound');
  const person = isForClient(token, profile) ? addressIn(token, profile, domain) : null;
  require('token-person', person === from, person === null ? 'token-invalid' : 'wrong-person');
  // Last, so that nobody can use up the memory, or a proof of somebody else, with one that does not hold.
  const until = claims.iat * 1000 + maxProofAge + SKEW_MS;
  require('single-use', sources.replays.first(`${from} ${me} ${claims.jti}`, until, now), 'proof-replayed');
  return profile.issuer;
}

function read(proof: string): { header: Header; claims: Claims } {
  if (proof.length > MAX_PROOF) throw new Distrust('proof-malformed');
  try {
    return {
      header: proofHeaderSchema.parse(decodeProtectedHeader(proof)),
      claims: proofClaimsSchema.parse(decodeJwt(proof)),
    };
  } catch (error) {
    throw new Distrust('proof-malformed', error);
  }
}

async function signedByDevice(proof: string, { jwk }: Header): Promise<boolean> {
  try {
    await compactVerify(proof, await importJWK(jwk, 'ES256'), { algorithms: ['ES256'] });
    return true;
  } catch {
    return false;
  }
}

/** Which of the domain's issuers the token says it is from. What it says is checked afterwards, with that one's keys. */
async function profileFor(token: string, domain: string, sources: Sources): Promise<IssuerProfile> {
  let issuer: string | undefined;
  try {
    issuer = decodeJwt(token).iss;
  } catch (error) {
    throw new Distrust('token-invalid', error);
  }
  const profiles = await sources.issuersOf(domain).catch((error: unknown) => {
    throw new Distrust('issuers-unreachable', error);
  });
  const profile = profiles.find((one) => one.issuer === issuer);
  if (!profile) throw new Distrust('issuer-unauthorised');
  return profile;
}

/** The claims of a token that this issuer has signed. Asks for its keys once more for one that is new (rotation). */
async function readToken(token: string, issuer: string, sources: Sources): Promise<Record<string, unknown>> {
  for (const again of [false, true]) {
    const keys = await sources.keysOf(issuer, again).catch((error: unknown) => {
      throw new Distrust('issuer-unreachable', error);
    });
    try {
      const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [...keys] }), {
        algorithms: TOKEN_ALGORITHMS,
        issuer,
        // Its end is not looked at, see above; its beginning is.
        currentDate: new Date(0),
        clockTolerance: Number.MAX_SAFE_INTEGER,
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey && !again) continue;
      throw new Distrust('token-invalid', error);
    }
  }
  throw new Distrust('token-invalid');
}

function isRecent({ iat }: Record<string, unknown>, now: number, maxAge: number): boolean {
  if (typeof iat !== 'number') return false;
  const age = now - iat * 1000;
  return age >= -SKEW_MS && age <= maxAge + SKEW_MS;
}

/** OpenID Connect Core section 3.1.3.7, steps 3 to 5: with several audiences, `azp` says whose it is. */
function isForClient({ aud, azp }: Record<string, unknown>, { clientIds }: IssuerProfile): boolean {
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (audiences.length > 1 && azp === undefined) return false;
  if (azp !== undefined && !clientIds.includes(azp as string)) return false;
  return audiences.some((one) => clientIds.includes(one as string));
}
