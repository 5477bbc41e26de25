// What the node publishes of one of its issuers, so that others' clients can read its ID tokens. Pure.
import type { Domain, IssuerProfile } from '@parley/protocol';
import type { IssuerConfig } from './schema.ts';

/** Only the company's own sign-in says who its people are; accounts elsewhere are linked to them one by one. */
export function issuerProfile(config: IssuerConfig, domain: Domain): IssuerProfile {
  const { issuer, clientId, member, memberHolds, required } = config;
  const common = { issuer, clientIds: [clientId], required: { ...required } };
  if (member === undefined) return common;
  return { ...common, address: memberHolds === 'address' ? { claim: member } : { claim: member, domain } };
}
