// The handshake as the connecting side plays it: hello, check the other's proof, give one's own.
import {
  type Domain,
  errorOf,
  failure,
  type LinkParams,
  linkMethods,
  ParleyError,
  parseFrame,
  parseWith,
} from '@parley/protocol';
import type { DomainSigner } from './api.ts';
import type { Channel } from './channel.ts';
import { checkProof, makeProof, newNonce } from './proof.ts';

export interface ConnectHandshake {
  readonly channel: Channel;
  readonly signer: DomainSigner;
  readonly peer: Domain;
  /** In the moment in which the own proof goes out: from here on the other side may hold the link for proven. */
  proofSent(): void;
  /** Both are proven. Called within the frame that says so, as requests may stand right behind it. */
  proven(): void;
  /** Once; the channel is left to the caller. Errors of `checkProof`, `provider-refused`, `provider-unreachable`. */
  failed(error: unknown): void;
}

/** Plays the handshake on an open channel. Deadlines are the caller's: it closes the channel. */
export function connectHandshake(handshake: ConnectHandshake): void {
  const { channel, signer, peer } = handshake;
  const connector = newNonce();
  let step: 'hello' | 'checking' | 'prove' | 'over' = 'hello';

  const fail = (error: unknown) => {
    if (step === 'over') return;
    step = 'over';
    handshake.failed(error);
  };

  async function check(answer: unknown): Promise<void> {
    const { nonce: acceptor, proof } = parseWith(linkMethods['link.hello'].result, answer, 'provider-untrusted');
    const nonces = { connector, acceptor, binding: channel.binding };
    await checkProof(signer, 'acceptor', peer, nonces, proof);
    const own = await makeProof(signer, 'connector', peer, nonces);
    if (!channel.open || step !== 'checking') return;
    step = 'prove';
    handshake.proofSent();
    channel.send(JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'link.prove', params: { proof: own } }));
  }

  channel.events = {
    frame(text) {
      const message = parseFrame(text);
      if (message.kind === 'request') {
        channel.send(JSON.stringify(failure(message.id, new ParleyError('out-of-turn', 'not proven yet'))));
      } else if (message.kind === 'success' && step === 'hello' && message.id === 1) {
        step = 'checking';
        check(message.result).catch(fail);
      } else if (message.kind === 'success' && step === 'prove' && message.id === 2) {
        step = 'over';
        handshake.proven();
      } else if (message.kind === 'failure') {
        fail(refusalOf(errorOf(message)));
      } else if (message.kind !== 'notification') {
        fail(new ParleyError('provider-untrusted', 'its answers make no sense'));
      }
    },
    closed: () => fail(new ParleyError('provider-unreachable', 'the link was cut in its handshake')),
  };
  const hello: LinkParams<'link.hello'> = { version: 1, from: signer.domain, to: peer, nonce: connector };
  channel.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'link.hello', params: hello }));
}

/** What a refused handshake means on this side: whatever the reason there, that provider does not want the link. */
function refusalOf(error: ParleyError): ParleyError {
  if (error.code === 'too-many-requests' || error.code === 'unsupported-version') return error;
  if (error.code === 'out-of-turn') return new ParleyError('provider-unreachable', error.details);
  return new ParleyError('provider-refused', `${error.code}${error.details ? `: ${error.details}` : ''}`);
}
