// What a device says of itself in a call: a PASSporT (RFC 8225) signed by the device's key, with that key and the ID token
// it is bound to.
import { type Address, addressSchema, MAX_STATEMENT } from '@parley/protocol';
import { SignJWT } from 'jose';
import { z } from 'zod';
import type { DeviceKey } from './device-key.ts';
import { mediaKeys } from './statements.ts';

export const PROOF_TYPE = 'passport';
/** The one algorithm (RFC 8225 section 4.1, RFC 7518 section 3.4). */
export const PROOF_ALGORITHM = 'ES256';
/** The extension of RFC 8225 section 8.1 under which the claims below are understood. */
export const PROOF_EXTENSION = 'parley';
const MAX_DESTINATIONS = 64;
const MAX_FINGERPRINTS = 8;

/** What a device says with it: that it calls, that it takes a call, that it comes to one that is going on. */
export const proofPurposes = ['call', 'answer', 'join'] as const;
export type ProofPurpose = (typeof proofPurposes)[number];

/** SHA-256 of a DTLS certificate: the fingerprint of SDP (RFC 8122 section 5) without colons (RFC 8225 section 5.2.2). */
const digestSchema = z.string().regex(/^[0-9A-F]{64}$/);
/** Addresses are URIs here (RFC 8225 section 5.2.1): those of RFC 7565. */
const SCHEME = 'acct:';
const uriSchema = z
  .string()
  .startsWith(SCHEME)
  .transform((uri) => uri.slice(SCHEME.length))
  .pipe(addressSchema);
const coordinate = z.string().length(43);

/** RFC 8225 section 4, with the key itself (RFC 7515 section 4.1.3) where a certificate's `x5u` would be. */
export const proofHeaderSchema = z.object({
  alg: z.literal(PROOF_ALGORITHM),
  typ: z.literal(PROOF_TYPE),
  ppt: z.literal(PROOF_EXTENSION),
  jwk: z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: coordinate, y: coordinate }),
});

export type ProofHeader = z.infer<typeof proofHeaderSchema>;

export const proofClaimsSchema = z.object({
  orig: z.strictObject({ uri: uriSchema }),
  dest: z.strictObject({ uri: z.array(uriSchema).min(1).max(MAX_DESTINATIONS) }),
  /** Seconds since 1970. */
  iat: z.int().nonnegative(),
  /** Certificates this device may answer DTLS with (RFC 8225 section 5.2.2). */
  mky: z
    .array(z.strictObject({ alg: z.literal('sha-256'), dig: digestSchema }))
    .min(1)
    .max(MAX_FINGERPRINTS),
  jti: z.string().min(16).max(64),
  conversation: z.string().min(1).max(400),
  purpose: z.enum(proofPurposes),
  salt: z.string().length(22),
  /** The ID token whose nonce is made of this key and salt. */
  idt: z.string().min(1).max(8192),
  /** The domain's word that the account of that token is this person's; needed where the token does not name them. */
  link: z.string().min(1).max(MAX_STATEMENT).optional(),
});
export type ProofClaims = z.infer<typeof proofClaimsSchema>;

export interface ProofOptions {
  readonly key: DeviceKey;
  readonly idToken: string;
  /** The domain's statement that links the account to the person; null where the token names them. */
  readonly link?: string | null;
  readonly from: Address;
  /** Everybody it is meant for; whoever is not named must not accept it. */
  readonly to: readonly Address[];
  readonly conversation: string;
  readonly purpose: ProofPurpose;
  /** Of this device's certificates, from `RTCCertificate.getFingerprints()`; case does not matter. */
  readonly fingerprints: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Makes a proof, good for one verification by each reader and a short time. Lists are in order, so that the same call
 * makes the same text (RFC 8225 sections 5.2.1 and 5.2.2). Rejects only if the key cannot sign.
 */
export function makeProof(options: ProofOptions): Promise<string> {
  const { key, idToken, from, to, conversation, purpose, fingerprints, now } = options;
  const claims = {
    dest: { uri: to.map((address) => `${SCHEME}${address}`).sort() },
    iat: Math.floor(now / 1000),
    mky: mediaKeys(fingerprints),
    orig: { uri: `${SCHEME}${from}` },
    jti: crypto.randomUUID(),
    conversation,
    purpose,
    salt: key.salt,
    idt: idToken,
    ...(options.link ? { link: options.link } : {}),
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: PROOF_ALGORITHM, typ: PROOF_TYPE, ppt: PROOF_EXTENSION, jwk: { ...key.publicJwk } })
    .sign(key.privateKey);
}
