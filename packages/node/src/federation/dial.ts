// Opens a link to another provider: finds it, connects, and plays the handshake, all within one deadline.
import { type Domain, MAX_FRAME_BYTES, ParleyError } from '@parley/protocol';
import { WebSocket } from 'ws';
import type { DomainSigner } from './api.ts';
import { type Channel, closeCodes, createChannel } from './channel.ts';
import { connectError } from './connect-errors.ts';
import type { Discovery } from './discovery.ts';
import { connectHandshake } from './handshake-connect.ts';
import { bindingOf } from './proof.ts';

export interface Attempt {
  readonly stage: 'unproven' | 'proof-sent';
  /** Resolves when it has come to something, after `proven` or `failed` was called, or `abandon`. */
  readonly settled: Promise<void>;
  /** Gives it up; nothing is called any more. */
  abandon(): void;
}

export interface AttemptEvents {
  proven(channel: Channel): void;
  failed(error: ParleyError): void;
}

export type OpenLink = (domain: Domain, events: AttemptEvents) => Attempt;

export interface DialOptions {
  readonly discovery: Discovery;
  readonly signer: DomainSigner;
  /** For the whole attempt, in milliseconds. */
  readonly timeoutMs: number;
  readonly heartbeatMs: number;
}

export function createDialer({ discovery, signer, timeoutMs, heartbeatMs }: DialOptions): OpenLink {
  return (domain, events) => {
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    let stage: Attempt['stage'] = 'unproven';
    let over = false;
    let socket: WebSocket | null = null;

    const end = (): boolean => {
      if (over) return false;
      over = true;
      clearTimeout(deadline);
      resolve();
      return true;
    };
    const fail = (thrown: unknown) => {
      if (!end()) return;
      const error = connectError(thrown);
      if (error.code === 'provider-unreachable') discovery.forget(domain);
      const code = error.code === 'provider-untrusted' ? closeCodes.untrusted : closeCodes.goingAway;
      if (socket?.readyState === WebSocket.OPEN) socket.close(code, error.code);
      else socket?.terminate();
      events.failed(error);
    };
    const deadline = setTimeout(() => fail(new ParleyError('provider-unreachable', 'no link in time')), timeoutMs);

    discovery.find(domain).then(({ link }) => {
      if (over) return;
      const connecting = connect(link, discovery, domain, timeoutMs);
      socket = connecting;
      // What fails after this attempt is over, such as an abandoned connection, is nobody's business any more.
      connecting.on('error', fail);
      connecting.on('unexpected-response', (_request, response) => {
        response.destroy();
        const { statusCode = 0 } = response;
        fail(new ParleyError(statusCode >= 500 ? 'provider-unreachable' : 'provider-refused', `status ${statusCode}`));
      });
      let binding: string | null = null;
      connecting.once('upgrade', ({ socket: wire }) => {
        binding = bindingOf(wire);
      });
      connecting.once('open', () => {
        const channel = createChannel(connecting, heartbeatMs, { frame() {}, closed() {} }, binding);
        connectHandshake({
          channel,
          signer,
          peer: domain,
          proofSent() {
            stage = 'proof-sent';
          },
          proven() {
            if (end()) events.proven(channel);
          },
          failed: fail,
        });
      });
    }, fail);

    return {
      get stage() {
        return stage;
      },
      settled,
      abandon() {
        if (end()) socket?.terminate();
      },
    };
  };
}

// `lookup` is handed on to net.connect or tls.connect, which the types of `ws` do not say.
function connect(url: string, discovery: Discovery, domain: Domain, timeoutMs: number): WebSocket {
  const options = {
    followRedirects: false,
    handshakeTimeout: timeoutMs,
    maxPayload: 2 * MAX_FRAME_BYTES,
    perMessageDeflate: false,
    lookup: discovery.lookupFor(domain),
  };
  return new WebSocket(url, options);
}
