// The handshake as the accepting side plays it. Nothing but its two requests is heard before the proof (R47).
import {
  asParleyError,
  type Domain,
  failure,
  linkMethods,
  ParleyError,
  parseFrame,
  parseWith,
  type RpcId,
  type RpcRequest,
} from '@parley/protocol';
import type { Logger } from 'pino';
import type { DomainSigner } from './api.ts';
import { type Channel, type ChannelEvents, closeCodes } from './channel.ts';
import { checkProof, makeProof, type Nonces, newNonce } from './proof.ts';

export interface AcceptHandshake {
  readonly signer: DomainSigner;
  readonly maxFrames: number;
  readonly log: Logger;
  /**
   * Decides about a link that `from` has proven. If it is wanted, `acknowledge` is called in the moment from which
   * requests may flow; if not, it throws why.
   */
  admit(from: Domain, channel: Channel, acknowledge: () => void): Promise<void>;
  closed(): void;
}

/** Plays the handshake on an open channel. Deadlines are the caller's: it closes the channel. */
export function acceptHandshake(handshake: AcceptHandshake, channelOf: (events: ChannelEvents) => Channel): Channel {
  const { signer, log } = handshake;
  let frames = 0;
  let step: 'hello' | 'busy' | 'prove' = 'hello';
  let greeted: { from: Domain; nonces: Nonces } | null = null;

  const refuse = (id: RpcId | null, error: ParleyError) => channel.send(JSON.stringify(failure(id, error)));
  const answer = (id: RpcId, result: object) => channel.send(JSON.stringify({ jsonrpc: '2.0', id, result }));

  async function hello(request: RpcRequest): Promise<void> {
    requireVersion(request.params);
    const { from, to, nonce } = parseWith(linkMethods['link.hello'].params, request.params);
    if (to !== signer.domain) throw new ParleyError('provider-refused', 'this node serves another domain');
    if (from === signer.domain) throw new ParleyError('provider-untrusted', 'that is the domain served here');
    step = 'busy';
    const nonces = { connector: nonce, acceptor: newNonce(), binding: channel.binding };
    const proof = await makeProof(signer, 'acceptor', from, nonces);
    greeted = { from, nonces };
    step = 'prove';
    answer(request.id, { nonce: nonces.acceptor, proof });
  }

  async function prove(request: RpcRequest, to: NonNullable<typeof greeted>): Promise<void> {
    const { proof } = parseWith(linkMethods['link.prove'].params, request.params);
    // One attempt a socket: its nonces are used up.
    step = 'busy';
    try {
      await checkProof(signer, 'connector', to.from, to.nonces, proof);
      await handshake.admit(to.from, channel, () => answer(request.id, {}));
    } catch (thrown) {
      const error = asParleyError(thrown);
      log.warn({ from: to.from, code: error.code, details: error.details }, 'link refused');
      refuse(request.id, error);
      channel.close(error.code === 'out-of-turn' ? closeCodes.replaced : closeCodes.untrusted, error.code);
    }
  }

  const perform = async (request: RpcRequest): Promise<void> => {
    try {
      if (request.method === 'link.hello' && step === 'hello') await hello(request);
      else if (request.method === 'link.prove' && step === 'prove' && greeted) await prove(request, greeted);
      else throw new ParleyError('out-of-turn', 'first each side proves which domain it speaks for');
    } catch (thrown) {
      const error = asParleyError(thrown);
      if (error.code === 'internal-error') log.error({ err: error.cause ?? error }, 'a handshake failed');
      refuse(request.id, error);
    }
  };

  const channel = channelOf({
    frame(text) {
      frames += 1;
      if (frames > handshake.maxFrames) return channel.close(closeCodes.policy, 'too-many-requests');
      const message = parseFrame(text);
      if (message.kind === 'request') void perform(message);
      else if (message.kind === 'invalid') refuse(message.id, message.error);
    },
    closed: handshake.closed,
  });
  return channel;
}

/** Said apart from other mistakes, since the remedy is another one: an update. */
function requireVersion(params: unknown): void {
  if (typeof params !== 'object' || params === null || !('version' in params)) return;
  if (typeof params.version === 'number' && params.version !== 1) throw new ParleyError('unsupported-version');
}
