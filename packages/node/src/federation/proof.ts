// What proves to another node which domain one speaks for: a statement over the nonces of both. It names its maker's role
// and whom it is meant for, so it can be neither reflected nor used with a third; each nonce is used once, so it cannot
// be replayed.
import { randomBytes } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { type Domain, ParleyError } from '@parley/protocol';
import type { DomainSigner } from './api.ts';

const PROOF_TYPE = 'parley-link+jwt';
const PROOF_SECONDS = 60;

export type Role = 'connector' | 'acceptor';
/** What a handshake is about: it is no good for any other. */
export interface Nonces {
  readonly connector: string;
  readonly acceptor: string;
  /** Of the TLS connection (RFC 9266), as this side sees it; null where a proxy ends TLS, or there is none. */
  readonly binding?: string | null;
}

/**
 * Names a TLS connection so that both ends, and nobody in between, get the same (RFC 9266 section 2: `tls-exporter`); null
 * without TLS 1.3.
 */
export function bindingOf(socket: unknown): string | null {
  if (!(socket instanceof TLSSocket) || socket.getProtocol() !== 'TLSv1.3') return null;
  return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)).toString('base64url');
}

/** 192 random bits. */
export const newNonce = (): string => randomBytes(24).toString('base64url');

/** A proof for `to` that the signer's domain speaks in this role. */
export function makeProof(signer: DomainSigner, role: Role, to: Domain, nonces: Nonces): Promise<string> {
  const binding = nonces.binding ? { binding: nonces.binding } : {};
  const claims = { aud: to, role, connectorNonce: nonces.connector, acceptorNonce: nonces.acceptor, ...binding };
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
  // Where both ends see the TLS connection it must be one and the same: nobody relays between two. Signed, so that it
  // cannot be left out on the way.
  if (claims.binding !== undefined && nonces.binding && claims.binding !== nonces.binding) {
    throw new ParleyError('provider-untrusted', 'the proof was made on another connection');
  }
  if (!fits) throw new ParleyError('provider-untrusted', 'the proof is for another link');
}
