// Verifies a proof, in the client of who is called. The order matters: what needs nobody else comes first, and what costs
// others a request comes after the device's own signature.
import { type Address, type Domain, domainOf, type IssuerProfile, MAX_PROOF } from '@parley/protocol';
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
import { accountName, addressIn, meets } from './issuers.ts';
import {
  PROOF_ALGORITHM,
  type ProofClaims,
  type ProofHeader,
  type ProofPurpose,
  proofClaimsSchema,
  proofHeaderSchema,
} from './proof.ts';
import type { ReplayGuard } from './replay.ts';
import {
  type DomainKey,
  FOCUS_STATEMENT,
  focusClaimsSchema,
  LINK_STATEMENT,
  linkClaimsSchema,
  mediaKeys,
  verifyStatement,
} from './statements.ts';
import {
  type Check,
  type CheckName,
  type FocusProof,
  notVerified,
  type PersonTrust,
  passing,
  type TrustProblem,
} from './trust.ts';

export interface Expected {
  /** Who is said to be speaking. */
  readonly from: Address;
  /** Who verifies. */
  readonly me: Address;
  readonly conversation: string;
  readonly purpose: ProofPurpose;
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

/** What a domain publishes of itself. */
export interface Published {
  readonly issuers: readonly IssuerProfile[];
  readonly keys: readonly DomainKey[];
  /** It came through the verifier's own node, since the browser could not ask the domain itself. */
  readonly relayed: boolean;
}

/** What the verifier must be told by others. Whoever gives them limits how long they take. */
export interface Sources {
  /** Rejects if it cannot be asked. `again`: not from a cache, since a key was not among them. */
  publishedBy(domain: Domain, again: boolean): Promise<Published>;
  /** Keys of an issuer that this domain has authorised (its `jwks_uri`). */
  keysOf(
    issuer: string,
    domain: Domain,
    again: boolean,
  ): Promise<{ readonly keys: readonly JWK[]; readonly relayed: boolean }>;
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
  sub: z.string(),
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

/** What has come out so far. */
interface Findings {
  issuer: string | null;
  address: Address | null;
  account: string | null;
  relayed: boolean;
  certificates: readonly string[];
}

/**
 * Whether the device that sent `proof` is the person's it claims to be; whether it also encrypts the media that arrive
 * is then for `withMedia`. Never rejects: whatever is thrown at it comes to a result. Sources: RFC 8225, RFC 8827 section
 * 5.6, RFC 8725, OpenID Connect Core section 3.1.3.7.
 */
export async function verifyProof(proof: string | null, expected: Expected, sources: Sources): Promise<PersonTrust> {
  const passed: Check[] = [];
  const found: Findings = { issuer: null, address: null, account: null, relayed: false, certificates: [] };
  const pass = (name: CheckName) => void passed.push(passing(name));
  try {
    const { header, claims } = await checkProof(proof, expected, pass);
    found.certificates = claims.mky.map(({ dig }) => withColons(dig));
    const issuer = await checkToken(claims, header, expected, sources, pass, found);
    // Only now, and not before, may anybody be shown a name.
    Object.assign(found, { issuer, address: expected.from });
    takeOnce(claims, expected, sources.replays);
    pass('single-use');
    return { status: 'proven', ...found, issuer, address: expected.from, checks: passed };
  } catch (thrown) {
    const code = thrown instanceof Distrust ? thrown.code : 'proof-malformed';
    return notVerified(code, passed, found);
  }
}

export interface ExpectedFocus {
  /** Whose conference service it is said to be. */
  readonly focus: Domain;
  readonly room: string;
  readonly me: Address;
  readonly device: string;
  /** Of its session description; every one must be stated. */
  readonly fingerprints: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Whether a conference service is its domain's and encrypts with these certificates (R53). Never rejects. */
export async function verifyFocus(
  statement: string,
  { focus, room, me, device, fingerprints, now }: ExpectedFocus,
  sources: Pick<Sources, 'publishedBy'>,
): Promise<FocusProof> {
  let relayed = false;
  const found = (problem: FocusProof['problem']) => ({ problem, relayed });
  for (const again of [false, true]) {
    let keys: readonly DomainKey[];
    try {
      const published = await sources.publishedBy(focus, again);
      keys = published.keys;
      relayed ||= published.relayed;
    } catch {
      return found('focus-unknown');
    }
    const about = { domain: focus, audience: me, keys, now };
    const stated = await verifyStatement(FOCUS_STATEMENT, focusClaimsSchema, statement, about);
    if (stated === 'unknown-key') continue;
    if (stated === 'forged' || stated.room !== room || stated.device !== device) return found('focus-unproven');
    const known = new Set(stated.mky.map(({ dig }) => dig));
    const all = mediaKeys(fingerprints);
    return found(all.length > 0 && all.every(({ dig }) => known.has(dig)) ? null : 'focus-unproven');
  }
  return found('focus-unproven');
}

/** What the device says, and whether it is about this person, reader, conversation and time. Asks nobody. */
async function checkProof(
  proof: string | null,
  { from, me, conversation, purpose, ...expected }: Expected,
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
  return { header, claims };
}

/** What the issuer says: that this key is this person's. Returns the issuer. */
async function checkToken(
  claims: ProofClaims,
  header: ProofHeader,
  expected: Expected,
  sources: Sources,
  pass: (name: CheckName) => void,
  found: Findings,
): Promise<string> {
  const demand = demanding(pass);
  const domain = domainOf(expected.from);
  const token = readToken(claims.idt);
  pass('token-shape');
  const published = await ask(() => sources.publishedBy(domain, false), 'issuers-unreachable');
  found.relayed ||= published.relayed;
  const profile = published.issuers.find(({ issuer }) => issuer === token.iss);
  if (!profile) throw new Distrust('issuer-unauthorised');
  pass('issuer-authorised');
  demand('token-audience', isForClient(token, profile), 'token-for-another-app');
  demand('token-age', isAlive(token, expected.now, expected.maxTokenAgeMs), 'token-stale');
  demand('token-algorithm', TOKEN_ALGORITHMS.includes(String(token.algorithm)), 'token-algorithm-refused');
  found.relayed = (await checkIssuerSignature(claims.idt, profile.issuer, domain, sources)) || found.relayed;
  pass('token-signature');
  const nonce = await nonceFor({ publicJwk: header.jwk, salt: claims.salt });
  demand('key-binding', token.nonce === nonce, 'key-not-bound');
  if (profile.address === undefined) {
    found.relayed = (await checkLink(claims.link, token, profile, expected, sources)) || found.relayed;
    found.account = accountName(token.all);
  } else {
    const address = addressIn(token.all, profile, domain);
    if (address === null) throw new Distrust('address-unproven');
    if (address !== expected.from) throw new Distrust('token-of-another');
  }
  pass('token-person');
  return profile.issuer;
}

/**
 * Where the token names an account elsewhere: the domain's word that it is this person's (R2). Resolves to whether its keys
 * came through the own node.
 */
async function checkLink(
  link: string | undefined,
  token: Token,
  profile: IssuerProfile,
  { from, now }: Expected,
  sources: Sources,
): Promise<boolean> {
  if (link === undefined || !meets(token.all, profile)) throw new Distrust('account-unlinked');
  const domain = domainOf(from);
  for (const again of [false, true]) {
    const { keys, relayed } = await ask(() => sources.publishedBy(domain, again), 'issuers-unreachable');
    const stated = await verifyStatement(LINK_STATEMENT, linkClaimsSchema, link, { domain, keys, now });
    if (stated === 'unknown-key') continue;
    if (stated === 'forged') break;
    const { sub, issuer, account } = stated;
    if (sub === from && issuer === token.iss && account === token.sub) return relayed;
    break;
  }
  throw new Distrust('account-unlinked');
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

/**
 * RFC 7517 section 4.5: the key is chosen by its id. Asks for the keys once more for one that is new (rotation). Resolves
 * to whether they came through the own node.
 */
async function checkIssuerSignature(token: string, issuer: string, domain: Domain, sources: Sources): Promise<boolean> {
  for (const again of [false, true]) {
    const { set, relayed } = await ask(async () => {
      const { keys, relayed } = await sources.keysOf(issuer, domain, again);
      return { set: createLocalJWKSet({ keys: [...keys] }), relayed };
    }, 'issuer-unreachable');
    try {
      await compactVerify(token, set, { algorithms: TOKEN_ALGORITHMS });
      return relayed;
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
