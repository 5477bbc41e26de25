// How two nodes prove to each other which domain they speak for: each signs both nonces. A proof names its maker's role
// and the one it is meant for, so it can be neither reflected nor used with a third.
import { randomBytes } from 'node:crypto';
import { type Domain, type LinkParams, type LinkResult, ParleyError } from '@parley/protocol';
import type { DomainSigner } from './api.ts';

const PROOF_TYPE = 'parley-link+jwt';
const PROOF_SECONDS = 60;

type Role = 'connector' | 'acceptor';
interface Nonces {
  readonly connector: string;
  readonly acceptor: string;
}

const newNonce = () => randomBytes(24).toString('base64url');

function prove(signer: DomainSigner, role: Role, to: Domain, nonces: Nonces): Promise<string> {
  return signer.sign(
    PROOF_TYPE,
    { aud: to, role, connectorNonce: nonces.connector, acceptorNonce: nonces.acceptor },
    PROOF_SECONDS,
  );
}

async function check(signer: DomainSigner, role: Role, from: Domain, nonces: Nonces, proof: string): Promise<void> {
  const claims = await signer.verify(PROOF_TYPE, proof, from, signer.domain);
  const fits =
    claims.role === role && claims.connectorNonce === nonces.connector && claims.acceptorNonce === nonces.acceptor;
  if (!fits) throw new ParleyError('provider-untrusted', 'the proof is for another link');
}

/** The connecting side. Throws `provider-untrusted` if the other is not `to`. */
export async function connectorHandshake(
  signer: DomainSigner,
  to: Domain,
  ask: {
    hello(params: LinkParams<'link.hello'>): Promise<LinkResult<'link.hello'>>;
    prove(params: LinkParams<'link.prove'>): Promise<unknown>;
  },
): Promise<void> {
  const connector = newNonce();
  const { nonce: acceptor, proof } = await ask.hello({ version: 1, from: signer.domain, to, nonce: connector });
  await check(signer, 'acceptor', to, { connector, acceptor }, proof);
  await ask.prove({ proof: await prove(signer, 'connector', to, { connector, acceptor }) });
}

export interface AcceptorHandshake {
  /** Null until proven. */
  readonly proven: Domain | null;
  hello(params: LinkParams<'link.hello'>): Promise<LinkResult<'link.hello'>>;
  /** Throws `out-of-turn`, `provider-untrusted`. */
  prove(params: LinkParams<'link.prove'>): Promise<Domain>;
}

/** The accepting side of one socket. Each step works once. */
export function createAcceptorHandshake(signer: DomainSigner): AcceptorHandshake {
  let greeted: { from: Domain; nonces: Nonces } | null = null;
  let said = false;
  let proven: Domain | null = null;
  return {
    get proven() {
      return proven;
    },
    async hello({ from, to, nonce }) {
      if (said) throw new ParleyError('out-of-turn', 'hello was said before');
      if (to !== signer.domain) throw new ParleyError('provider-refused', 'this node serves another domain');
      if (from === signer.domain) throw new ParleyError('provider-untrusted', 'this is our own domain');
      said = true;
      const nonces = { connector: nonce, acceptor: newNonce() };
      const proof = await prove(signer, 'acceptor', from, nonces);
      greeted = { from, nonces };
      return { nonce: nonces.acceptor, proof };
    },
    async prove({ proof }) {
      const expected = greeted;
      greeted = null;
      if (!expected || proven) throw new ParleyError('out-of-turn', 'hello comes first, once');
      await check(signer, 'connector', expected.from, expected.nonces, proof);
      proven = expected.from;
      return proven;
    },
  };
}
