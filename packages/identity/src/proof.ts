// What a device says of itself in a call: a PASSporT (RFC 8225) signed by the device's key, with that key and the ID token
// it is bound to.
import { type Address, addressSchema } from '@parley/protocol';
import { SignJWT } from 'jose';
import { z } from 'zod';
import type { DeviceKey } from './device-key.ts';

/** A proof is a compact JWS; longer ones are not looked at. */
export const MAX_PROOF = 16_384;
export const PROOF_TYPE = 'passport';
/** The extension of RFC 8225 section 8.1 under which the claims below are understood. */
export const PROOF_EXTENSION = 'parley';
const MAX_DESTINATIONS = 64;
const MAX_FINGERPRINTS = 8;

/** SHA-256 of a DTLS certificate as it stands in SDP: `AB:CD:…` (RFC 8122 section 5), 32 bytes. */
const fingerprintSchema = z.string().regex(/^[0-9A-F]{2}(?::[0-9A-F]{2}){31}$/);
const coordinate = z.string().length(43);

export const proofHeaderSchema = z.object({
  alg: z.literal('ES256'),
  typ: z.literal(PROOF_TYPE),
  ppt: z.literal(PROOF_EXTENSION),
  jwk: z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: coordinate, y: coordinate }),
});

export const proofClaimsSchema = z.object({
  orig: z.strictObject({ uri: addressSchema }),
  dest: z.strictObject({ uri: z.array(addressSchema).min(1).max(MAX_DESTINATIONS) }),
  /** Seconds since 1970. */
  iat: z.int().nonnegative(),
  /** Certificates this device may answer DTLS with (RFC 8225 section 5.2.2). */
  mky: z
    .array(z.strictObject({ alg: z.literal('sha-256'), dig: fingerprintSchema }))
    .min(1)
    .max(MAX_FINGERPRINTS),
  jti: z.string().min(16).max(64),
  conversation: z.string().min(1).max(400),
  salt: z.string().length(22),
  /** The ID token whose nonce is made of this key and salt. */
  idt: z.string().min(1).max(8192),
});

export interface ProofOptions {
  readonly key: DeviceKey;
  readonly idToken: string;
  readonly from: Address;
  /** Everybody it is meant for; whoever is not named must not accept it. */
  readonly to: readonly Address[];
  readonly conversation: string;
  /** Of this device's certificates, from `RTCCertificate.getFingerprints()`; case does not matter. */
  readonly fingerprints: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Makes a proof, good for one reader each and a short time. Rejects only if the key cannot sign. */
export function makeProof({ key, idToken, from, to, conversation, fingerprints, now }: ProofOptions): Promise<string> {
  const claims = {
    orig: { uri: from },
    dest: { uri: [...to] },
    mky: fingerprints.map((dig) => ({ alg: 'sha-256', dig: dig.toUpperCase() })),
    conversation,
    salt: key.salt,
    idt: idToken,
    jti: crypto.randomUUID(),
    iat: Math.floor(now / 1000),
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: PROOF_TYPE, ppt: PROOF_EXTENSION, jwk: { ...key.publicJwk } })
    .sign(key.privateKey);
}
