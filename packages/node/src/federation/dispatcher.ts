// Finds who answers a request of another provider, and sees to it that only checked parameters go in and only checked
// results come out.
import {
  asParleyError,
  type Domain,
  failure,
  type LinkMethod,
  type LinkParams,
  type LinkResult,
  linkMethods,
  MAX_FRAME_BYTES,
  ParleyError,
  parseWith,
  type RpcRequest,
} from '@parley/protocol';
import type { Logger } from 'pino';
import type { z } from 'zod';

export type LinkHandler<M extends LinkMethod> = (
  from: Domain,
  params: LinkParams<M>,
) => Promise<LinkResult<M>> | LinkResult<M>;

export interface Dispatcher {
  /** Sets the one handler of a method; a second one is a mistake in the program and throws. */
  handle<M extends LinkMethod>(method: M, handler: LinkHandler<M>): void;
  /**
   * Carries a request out: the handler is started before this returns, so that requests are begun in order of arrival.
   * Never rejects: gives the answer as the text of one frame.
   */
  answer(from: Domain, request: RpcRequest): Promise<string>;
}

type Run = (from: Domain, params: unknown) => Promise<unknown>;

export function createDispatcher(log: Logger): Dispatcher {
  const handlers = new Map<string, Run>();
  return {
    handle(method, handler) {
      if (handlers.has(method)) throw new Error(`${method} already has a handler`);
      handlers.set(method, async (from, params) => {
        type M = typeof method;
        // The compiler cannot see that the schema found by `method` belongs to `M`.
        const schema = linkMethods[method].params as unknown as z.ZodType<LinkParams<M>>;
        const result = await handler(from, parseWith(schema, params));
        return parseWith<unknown>(linkMethods[method].result, result, 'internal-error');
      });
    },
    async answer(from, { id, method, params }) {
      try {
        const run = handlers.get(method);
        if (!run) throw new ParleyError(method.startsWith('link.') ? 'out-of-turn' : 'unknown-method');
        const text = JSON.stringify({ jsonrpc: '2.0', id, result: await run(from, params ?? {}) });
        if (Buffer.byteLength(text) > MAX_FRAME_BYTES) throw new ParleyError('message-too-large');
        return text;
      } catch (thrown) {
        const error = asParleyError(thrown);
        if (error.code === 'internal-error') {
          log.error({ err: error.cause ?? error, details: error.details, method, from }, 'request failed');
        }
        return JSON.stringify(failure(id, error));
      }
    },
  };
}
