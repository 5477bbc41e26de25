// What a domain states under its published Ed25519 keys and others' clients verify: which certificates its conference
// service encrypts media with, and that an account elsewhere belongs to a person of its own. Compact JWS with EdDSA
// (RFC 7515, 8037), by type and audience (RFC 8725 sections 3.8 and 3.11).
import { type Domain, type domainKeySchema, MAX_STATEMENT } from '@parley/protocol';
import { createLocalJWKSet, errors, jwtVerify } from 'jose';
import { z } from 'zod';

/** `typ` of the statements. A domain signs others too, which must not pass for these. */
export const FOCUS_STATEMENT = 'parley-focus+jwt';
export const LINK_STATEMENT = 'parley-account+jwt';

export type DomainKey = z.infer<typeof domainKeySchema>;

const digest = z.string().regex(/^[0-9A-F]{64}$/);
/** For the device of `aud` in this room: its media there are encrypted with these certificates and no others (R53). */
export const focusClaimsSchema = z.object({
  aud: z.string(),
  device: z.string(),
  room: z.string(),
  mky: z
    .array(z.object({ alg: z.literal('sha-256'), dig: digest }))
    .min(1)
    .max(8),
});
/** The account `account` at `issuer` belongs to the person `sub`. */
export const linkClaimsSchema = z.object({ sub: z.string(), issuer: z.string(), account: z.string() });

const SKEW_SECONDS = 120;

/** `unknown-key`: signed with a key that the domain has not published, as far as these keys go. */
export type Stated<T> = T | 'unknown-key' | 'forged';

/**
 * What `domain` states in `statement`, by the keys it publishes. Never rejects.
 * @param now milliseconds since 1970. `audience`: left out where a statement is for everybody.
 */
export async function verifyStatement<T>(
  type: string,
  schema: z.ZodType<T>,
  statement: string,
  { domain, audience, keys, now }: { domain: Domain; audience?: string; keys: readonly DomainKey[]; now: number },
): Promise<Stated<T>> {
  if (statement.length > MAX_STATEMENT) return 'forged';
  try {
    const { payload } = await jwtVerify(statement, createLocalJWKSet({ keys: keys.map((key) => ({ ...key })) }), {
      algorithms: ['EdDSA'],
      typ: type,
      issuer: domain,
      ...(audience === undefined ? {} : { audience }),
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(now),
      requiredClaims: ['exp', 'iat'],
    });
    const { success, data } = schema.safeParse(payload);
    return success ? data : 'forged';
  } catch (error) {
    return error instanceof errors.JWKSNoMatchingKey ? 'unknown-key' : 'forged';
  }
}

/** SHA-256 fingerprints in a session description (RFC 8122 section 5), `AB:CD:…`, each once. */
export function fingerprintsIn(sdp: string): string[] {
  const found = [...sdp.matchAll(/^a=fingerprint:sha-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})\s*$/gim)];
  return [...new Set(found.map(([, fingerprint = '']) => fingerprint.toUpperCase()))];
}

/** As PASSporT's `mky` has them (RFC 8225 section 5.2.2): without colons, in order. */
export function mediaKeys(fingerprints: readonly string[]): { alg: 'sha-256'; dig: string }[] {
  const digests = fingerprints.map((one) => one.replaceAll(':', '').toUpperCase()).sort();
  return digests.map((dig) => ({ alg: 'sha-256', dig }));
}
