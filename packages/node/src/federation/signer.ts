// Signs and checks statements of domains: compact JWS with EdDSA (RFC 7515, 8037), following RFC 8725.
import { randomUUID } from 'node:crypto';
import { asParleyError, type Domain, ParleyError, type WellKnown } from '@parley/protocol';
import { decodeProtectedHeader, errors, importJWK, jwtVerify, SignJWT } from 'jose';
import type { DomainSigner } from './api.ts';
import type { Discovery } from './discovery.ts';
import type { DomainKeys } from './keys.ts';

/** How far the clocks of two providers may differ. */
const CLOCK_TOLERANCE_SECONDS = 60;
/** No statement is believed for longer than this after it was made, whatever it says itself. */
const MAX_AGE_SECONDS = 24 * 3600;
const MAX_TOKEN = 8192;

type PublishedKey = WellKnown['keys'][number];

/** @param now milliseconds since 1970. */
export function createSigner(
  domain: Domain,
  keys: DomainKeys,
  discovery: Pick<Discovery, 'find' | 'findAgain'>,
  now: () => number,
): DomainSigner {
  /** Keys come from what the issuer publishes, never from the statement (RFC 8725 section 3.10). */
  async function keyOf(issuer: Domain, kid: string): Promise<PublishedKey> {
    const among = (published: readonly PublishedKey[]) => published.find((key) => key.kid === kid);
    const key =
      issuer === domain
        ? among(keys.published)
        : // A key that was not there when we looked last may have been published since.
          (among((await discovery.find(issuer)).keys) ?? among((await discovery.findAgain(issuer)).keys));
    if (!key) throw new ParleyError('provider-untrusted', 'signed with a key that its domain does not publish');
    return key;
  }

  return {
    domain,
    sign(type, claims, lifetimeSeconds) {
      const at = Math.floor(now() / 1000);
      return new SignJWT({ jti: randomUUID(), ...claims, iss: domain, iat: at, exp: at + lifetimeSeconds })
        .setProtectedHeader({ alg: 'EdDSA', typ: type, kid: keys.signing.kid })
        .sign(keys.signing.key);
    },
    async verify(type, token, issuer, audience) {
      try {
        if (token.length > MAX_TOKEN) throw new ParleyError('provider-untrusted', 'too long');
        const { alg, kid } = decodeProtectedHeader(token);
        if (alg !== 'EdDSA' || typeof kid !== 'string') throw new ParleyError('provider-untrusted', 'no EdDSA, no kid');
        const { kty, crv, x } = await keyOf(issuer, kid);
        const { payload } = await jwtVerify(token, await importJWK({ kty, crv, x }, 'EdDSA'), {
          algorithms: ['EdDSA'],
          typ: type,
          issuer,
          audience,
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
          maxTokenAge: MAX_AGE_SECONDS,
          currentDate: new Date(now()),
          requiredClaims: ['exp', 'iat', 'jti'],
        });
        return payload;
      } catch (error) {
        const known = asParleyError(error);
        if (known.code !== 'internal-error') throw known;
        const why = error instanceof errors.JOSEError ? error.code : undefined;
        throw new ParleyError('provider-untrusted', why, { cause: error });
      }
    },
  };
}
