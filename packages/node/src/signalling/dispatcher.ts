// Finds who answers a request, and sees to it that only checked parameters go in and only checked results come out.
import {
  asParleyError,
  type ConversationId,
  type DeviceMethod,
  type DeviceParams,
  type DeviceResult,
  deviceMethods,
  failure,
  guestMethods,
  MAX_FRAME_BYTES,
  ParleyError,
  parseWith,
  type RpcId,
  type RpcRequest,
} from '@parley/protocol';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Caller } from './api.ts';

export type DeviceHandler<M extends DeviceMethod> = (
  caller: Caller,
  params: DeviceParams<M>,
) => Promise<DeviceResult<M>> | DeviceResult<M>;

export interface Dispatcher {
  /** Sets the one handler of a method; a second one is a mistake in the program and throws. */
  handle<M extends DeviceMethod>(method: M, handler: DeviceHandler<M>): void;
  /** Carries a request out. Never rejects: gives the answer as the text of one frame. */
  answer(caller: Caller, request: RpcRequest): Promise<string>;
}

type Run = (caller: Caller, params: unknown) => Promise<unknown>;

export function createDispatcher(log: Logger): Dispatcher {
  const handlers = new Map<string, Run>();
  return {
    handle(method, handler) {
      if (handlers.has(method)) throw new Error(`${method} already has a handler`);
      handlers.set(method, async (caller, params) => {
        type M = typeof method;
        // The compiler cannot see that the schema found by `method` belongs to `M`.
        const schema = deviceMethods[method].params as unknown as z.ZodType<DeviceParams<M>>;
        const result = await handler(caller, parseWith(schema, params));
        return parseWith<unknown>(deviceMethods[method].result, result, 'internal-error');
      });
    },
    async answer(caller, request) {
      try {
        const run = handlers.get(request.method);
        if (!run) throw new ParleyError('unknown-method');
        if (caller.only !== null) confine(caller.only, request);
        return writeSuccess(request.id, await run(caller, request.params ?? {}));
      } catch (thrown) {
        const error = asParleyError(thrown);
        if (error.code === 'internal-error') {
          log.error({ err: error.cause ?? error, method: request.method, device: caller.device }, 'request failed');
        }
        return JSON.stringify(failure(request.id, error));
      }
    },
  };
}

/** A guest asks for what guests may, and of no conversation but theirs. Every other one does not exist for them. */
function confine(only: ConversationId, { method, params }: RpcRequest): void {
  if (!guestMethods.has(method)) throw new ParleyError('not-for-guests');
  const asked = typeof params === 'object' && params !== null && 'conversation' in params ? params.conversation : only;
  if (asked !== only) throw new ParleyError('unknown-conversation');
}

/** The text of a success. Throws `message-too-large` if the other side would not read it. */
export function writeSuccess(id: RpcId, result: unknown): string {
  const text = JSON.stringify({ jsonrpc: '2.0', id, result });
  if (Buffer.byteLength(text) > MAX_FRAME_BYTES) throw new ParleyError('message-too-large');
  return text;
}
