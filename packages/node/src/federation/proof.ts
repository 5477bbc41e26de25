// What proves to another node which domain one speaks for: a statement over the nonces of both. It names its maker's role
// and whom it is meant for, so it can be neither reflected nor used with a third; each nonce is used once, so it cannot
// be replayed.
import { randomBytes } from 'node:crypto';
import { type Domain, ParleyError } from '@parley/protocol';
import type { DomainSigner } from './api.ts';

const PROOF_TYPE = 'parley-link+jwt';
const PROOF_SECONDS = 60;

export type Role = 'connector' | 'acceptor';
export interface Nonces {
  readonly connector: string;
  readonly acceptor: string;
}

/** 192 random bits. */
export const newNonce = (): string => randomBytes(24).toString('base64url');

/** A proof for `to` that the signer's domain speaks in this role. */
export function makeProof(signer: DomainSigner, role: Role, to: Domain, nonces: Nonces): Promise<string> {
  const claims = { aud: to, role, connectorNonce: nonces.connector, acceptorNonce: nonces.acceptor };
  return signer.sign(PROOF_TYPE, claims, PROOF_SECONDS);
}

/** Checks the proof of `from`. Throws `provider-untrusted`, or why the keys of `from` cannot be had. */
export async function checkProof(
  signer: DomainSigner,
  role: Role,
  from: Domain,
  nonces: Nonces,
  proof: string,
): Promise<void> {
  const claims = await signer.verify(PROOF_TYPE, proof, from, signer.domain);
  const fits =
    claims.role === role && claims.connectorNonce === nonces.connector && claims.acceptorNonce === nonces.acceptor;
  if (!fits) throw new ParleyError('provider-untrusted', 'the proof is for another link');
}
