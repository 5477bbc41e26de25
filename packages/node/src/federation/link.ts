// A proven link to another provider: requests out, answers in; requests in, answers out.
import {
  type Domain,
  type ErrorCode,
  errorOf,
  failure,
  type LinkMethod,
  linkMethods,
  MAX_PENDING_REQUESTS,
  ParleyError,
  parseFrame,
  type RpcRequest,
  tryParse,
} from '@parley/protocol';
import { createTokenBucket } from '../limits/index.ts';
import { type Channel, closeCodes } from './channel.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { LinkLimits } from './limits.ts';

/** A request on its way: `text` without its id, which the link gives. */
export interface Outgoing {
  readonly method: LinkMethod;
  readonly params: unknown;
  settle(outcome: { readonly result: unknown } | { readonly error: ParleyError }): void;
}

export interface Link {
  /** False while as much is unanswered or unsent as may be; `ready` tells when to go on. */
  readonly ready: boolean;
  /** Sends a request. Returns how to give up waiting for its answer. Every request is settled at the latest by `closed`. */
  send(request: Outgoing): () => void;
  /** Whether the other end is alive; if not, the link is cut. */
  probe(): Promise<boolean>;
  close(code: number, reason: string): void;
  cut(): void;
}

export interface LinkOptions {
  readonly peer: Domain;
  readonly dispatcher: Dispatcher;
  readonly limits: LinkLimits;
  readonly now: () => number;
  /** A request can be sent again. */
  ready(): void;
  closed(): void;
}

/** Errors about the session or page of whoever asked: from elsewhere they would be taken for the person's own. */
const ownBusiness: ReadonlySet<ErrorCode> = new Set([
  'not-signed-in',
  'session-expired',
  'sign-in-refused',
  'not-a-member',
  'origin-not-allowed',
]);

/** Takes a channel over whose both ends are proven. */
export function createLink(channel: Channel, options: LinkOptions): Link {
  const { peer, dispatcher, limits, now } = options;
  const waiting = new Map<number, Outgoing>();
  const takeFrame = createTokenBucket(limits.framesPerSecond, limits.burst, now);
  // An honest burst is slowed down by refusals; only a flood is cut.
  const takeRefusal = createTokenBucket(2 * limits.framesPerSecond, 2 * limits.burst, now);
  let nextId = 1;
  let running = 0;
  let closed = false;

  const refuse = (id: RpcRequest['id'] | null, code: ErrorCode, details?: string) =>
    channel.send(JSON.stringify(failure(id, new ParleyError(code, details))));

  async function perform(request: RpcRequest): Promise<void> {
    running += 1;
    const answer = await dispatcher.answer(peer, request);
    running -= 1;
    channel.send(answer);
  }

  /** Returns false for an answer to nothing, such as one that comes after its deadline. */
  function settle(message: Extract<ReturnType<typeof parseFrame>, { kind: 'success' | 'failure' }>): boolean {
    const request = typeof message.id === 'number' ? waiting.get(message.id) : undefined;
    if (!request || typeof message.id !== 'number') return false;
    waiting.delete(message.id);
    request.settle(outcomeOf(request.method, message));
    options.ready();
    return true;
  }

  channel.events = {
    frame(text) {
      const message = parseFrame(text);
      if ((message.kind === 'success' || message.kind === 'failure') && settle(message)) return;
      if (!takeFrame()) {
        if (message.kind === 'request' || message.kind === 'invalid') refuse(message.id, 'too-many-requests');
        if (!takeRefusal()) channel.close(closeCodes.policy, 'too-many-requests');
      } else if (message.kind === 'invalid') {
        refuse(message.id, message.error.code, message.error.details);
      } else if (message.kind === 'request') {
        if (running >= MAX_PENDING_REQUESTS) refuse(message.id, 'too-many-requests', 'too many unanswered requests');
        else void perform(message);
      }
    },
    drained: () => options.ready(),
    closed() {
      closed = true;
      const cut = [...waiting.values()];
      waiting.clear();
      for (const request of cut) {
        request.settle({ error: new ParleyError('provider-unreachable', 'the link was cut before the answer') });
      }
      options.closed();
    },
  };

  return {
    get ready() {
      return !closed && channel.writable && waiting.size < MAX_PENDING_REQUESTS;
    },
    send(request) {
      const id = nextId++;
      waiting.set(id, request);
      channel.send(JSON.stringify({ jsonrpc: '2.0', id, method: request.method, params: request.params }));
      return () => {
        if (waiting.delete(id)) options.ready();
      };
    },
    probe: () => channel.probe(limits.probeMs),
    close: (code, reason) => channel.close(code, reason),
    cut: () => channel.cut(),
  };
}

function outcomeOf(
  method: LinkMethod,
  message: Extract<ReturnType<typeof parseFrame>, { kind: 'success' | 'failure' }>,
): { result: unknown } | { error: ParleyError } {
  if (message.kind === 'failure') {
    const error = errorOf(message);
    return { error: ownBusiness.has(error.code) ? new ParleyError('provider-refused', error.code) : error };
  }
  const result = tryParse<unknown>(linkMethods[method].result, message.result);
  return result.success ? { result: result.data } : { error: new ParleyError('malformed-message', 'in an answer') };
}
