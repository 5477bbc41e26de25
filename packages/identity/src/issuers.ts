// What a domain says of the issuers that may vouch for its people: which tokens of an issuer are meant, and which claim
// is the address. The three best known, ready made; and how a token is read by what is said.
import { type Address, domainOf, type IssuerProfile, parseAddress } from '@parley/protocol';

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

type Claims = Readonly<Record<string, unknown>>;

/** Whether a token says all that the domain demands of this issuer's. */
export function meets(claims: Claims, { required }: IssuerProfile): boolean {
  return Object.entries(required).every(([claim, value]) => Object.hasOwn(claims, claim) && claims[claim] === value);
}

/**
 * Whom a token's claims name under this profile; null if they name nobody, or somebody of another domain, and for issuers
 * whose accounts name nobody by themselves.
 */
export function addressIn(claims: Claims, profile: IssuerProfile, domain: string): Address | null {
  const { address } = profile;
  if (address === undefined || !meets(claims, profile)) return null;
  const named = Object.hasOwn(claims, address.claim) ? claims[address.claim] : null;
  if (typeof named !== 'string') return null;
  const found = parseAddress(address.domain === undefined ? named : `${named}@${address.domain}`);
  return found !== null && domainOf(found) === domain ? found : null;
}

/** What an account elsewhere is called there, for people to read: a verified e-mail address, or its subject. */
export function accountName(claims: Claims): string {
  const { email, email_verified: verified, sub } = claims;
  return String(verified === true && typeof email === 'string' ? email : sub).slice(0, 320);
}
