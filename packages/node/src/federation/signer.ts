// Statements of domains: signed with this domain's key, checked with the keys the other domain publishes.
import { randomUUID } from 'node:crypto';
import { asParleyError, type Domain, ParleyError, type WellKnown } from '@parley/protocol';
import { createLocalJWKSet, errors, jwtVerify, SignJWT } from 'jose';
import type { DomainSigner } from './api.ts';
import type { Discovery } from './discovery.ts';
import type { DomainKeys } from './keys.ts';

const CLOCK_TOLERANCE_SECONDS = 120;

export function createSigner(domain: Domain, keys: DomainKeys, discovery: Discovery): DomainSigner {
  const keysOf = async (issuer: Domain, again: boolean): Promise<WellKnown['keys']> => {
    if (issuer === domain) return [...keys.published];
    return (await (again ? discovery.findAgain(issuer) : discovery.find(issuer))).keys;
  };
  const check = async (type: string, token: string, issuer: Domain, audience: string, again: boolean) => {
    const set = createLocalJWKSet({ keys: await keysOf(issuer, again) });
    const { payload } = await jwtVerify(token, set, {
      algorithms: ['EdDSA'],
      typ: type,
      issuer,
      audience,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ['exp', 'iat', 'jti'],
    });
    return payload;
  };
  return {
    domain,
    sign(type, claims, lifetimeSeconds) {
      const at = Math.floor(Date.now() / 1000);
      return new SignJWT({ jti: randomUUID(), ...claims, iss: domain, iat: at, exp: at + lifetimeSeconds })
        .setProtectedHeader({ alg: 'EdDSA', typ: type, kid: keys.signing.kid })
        .sign(keys.signing.key);
    },
    async verify(type, token, issuer, audience) {
      try {
        try {
          return await check(type, token, issuer, audience, false);
        } catch (error) {
          // A key that is not published where we looked last may have been published since.
          if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
          return await check(type, token, issuer, audience, true);
        }
      } catch (error) {
        const known = asParleyError(error);
        if (known.code !== 'internal-error') throw known;
        const why = error instanceof errors.JOSEError ? error.code : undefined;
        throw new ParleyError('provider-untrusted', why, { cause: error });
      }
    },
  };
}
