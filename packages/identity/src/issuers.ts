// What a domain says of the issuers that may vouch for its people: which tokens of an issuer are meant, and which claim
// is the address. Issuers differ in both, so it is configuration, never a guess.
import { type Address, domainOf, parseAddress } from '@parley/protocol';
import { z } from 'zod';

export const issuerProfileSchema = z.strictObject({
  /** Exactly as in `iss` (OpenID Connect Core section 2). */
  issuer: z.url().max(500),
  /** Client ids whose tokens count: `aud`. */
  clientIds: z.array(z.string().min(1).max(200)).min(1).max(16),
  /** The claim that names the person: a whole address, or its local part where `domain` is given. */
  address: z.strictObject({
    claim: z.enum(['email', 'preferred_username', 'upn', 'sub']),
    domain: z.string().max(253).optional(),
  }),
  /** Claims that must be so: Google's `hd`, Entra's `tid`, `email_verified`. */
  required: z.record(z.string().max(64), z.union([z.string().max(300), z.boolean()])).default({}),
});
export type IssuerProfile = z.infer<typeof issuerProfileSchema>;

/** A realm of Keycloak, whose users' e-mail addresses are their addresses here. */
export function keycloak(realmUrl: string, clientId: string): IssuerProfile {
  return {
    issuer: realmUrl,
    clientIds: [clientId],
    address: { claim: 'email' },
    // Otherwise whoever may edit their own profile may be anybody.
    required: { email_verified: true },
  };
}

/** One tenant of Microsoft Entra, version 2.0. `upn` is an optional claim that the app registration must ask for. */
export function entra(tenantId: string, clientId: string): IssuerProfile {
  return {
    issuer: `https://login.microsoftonline.com/${tenantId}/v2.0`,
    clientIds: [clientId],
    address: { claim: 'upn' },
    required: { tid: tenantId },
  };
}

/** Google Workspace: everybody's issuer is the same, so `hd` must say that the account belongs to the company. */
export function google(domain: string, clientId: string): IssuerProfile {
  return {
    issuer: 'https://accounts.google.com',
    clientIds: [clientId],
    address: { claim: 'email' },
    required: { hd: domain, email_verified: true },
  };
}

/** Whom a token's claims name under this profile; null if they name nobody, or somebody of another domain. */
export function addressIn(
  claims: Readonly<Record<string, unknown>>,
  { address, required }: IssuerProfile,
  domain: string,
): Address | null {
  for (const [claim, value] of Object.entries(required)) {
    if (!Object.hasOwn(claims, claim) || claims[claim] !== value) return null;
  }
  const named = Object.hasOwn(claims, address.claim) ? claims[address.claim] : null;
  if (typeof named !== 'string') return null;
  const found = parseAddress(address.domain === undefined ? named : `${named}@${address.domain}`);
  return found !== null && domainOf(found) === domain ? found : null;
}
