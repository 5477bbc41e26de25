// JSON-RPC on one WebSocket between two nodes: requests both ways, each side's handlers started in the order of arrival,
// everything bounded, everything parsed before it is believed.
import {
  asParleyError,
  errorOf,
  failure,
  type LinkMethod,
  type LinkParams,
  type LinkResult,
  linkMethods,
  MAX_PENDING_REQUESTS,
  ParleyError,
  parseFrame,
  parseWith,
} from '@parley/protocol';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import type { z } from 'zod';

const PER_SECOND = 1000;
const BURST = 4000;
/** A peer that reads so slowly is cut, rather than allowed to fill our memory. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;
const HEARTBEAT_MS = 10_000;
/** Close codes of our own (RFC 6455 section 7.4.2). */
export const CLOSE_FLOOD = 4008;
export const CLOSE_REFUSED = 4003;

export interface RpcSocket {
  request<M extends LinkMethod>(method: M, params: LinkParams<M>): Promise<LinkResult<M>>;
  readonly open: boolean;
  readonly pending: number;
  /** When something was last asked or answered, milliseconds. */
  readonly usedAt: number;
  close(code: number, reason: string): void;
}

export interface RpcSocketOptions {
  readonly requestMs: number;
  readonly log: Logger;
  readonly now: () => number;
  readonly answer: (method: LinkMethod, params: unknown) => Promise<unknown>;
  readonly closed: () => void;
}

interface Pending {
  readonly method: LinkMethod;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: ParleyError) => void;
  readonly timer: NodeJS.Timeout;
}

export function createRpcSocket(socket: WebSocket, options: RpcSocketOptions): RpcSocket {
  const { requestMs, log, now, answer, closed } = options;
  const pending = new Map<number, Pending>();
  let nextId = 1;
  let answering = 0;
  let tokens = BURST;
  let filledAt = now();
  let usedAt = now();
  let alive = true;

  const send = (message: object) => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MAX_BUFFERED_BYTES) return socket.terminate();
    socket.send(JSON.stringify(message));
  };

  const allowed = () => {
    const at = now();
    tokens = Math.min(BURST, tokens + (Math.max(0, at - filledAt) / 1000) * PER_SECOND);
    filledAt = at;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };

  const heartbeat = setInterval(() => {
    if (!alive) return socket.terminate();
    alive = false;
    if (socket.readyState === socket.OPEN) socket.ping();
  }, HEARTBEAT_MS).unref();
  socket.on('pong', () => {
    alive = true;
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    clearInterval(heartbeat);
    for (const waiting of pending.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(new ParleyError('provider-unreachable', 'the link was cut'));
    }
    pending.clear();
    closed();
  });
  socket.on('message', (data, isBinary) => {
    alive = true;
    usedAt = now();
    if (!allowed()) return socket.close(CLOSE_FLOOD, 'too-many-requests');
    if (isBinary) return send(failure(null, new ParleyError('malformed-message', 'binary frame')));
    receive(String(data));
  });

  function receive(text: string): void {
    const message = parseFrame(text);
    switch (message.kind) {
      case 'request': {
        const { id, method, params } = message;
        if (!(method in linkMethods)) send(failure(id, new ParleyError('unknown-method')));
        else if (answering >= MAX_PENDING_REQUESTS) send(failure(id, new ParleyError('too-many-requests')));
        else void respond(id, method as LinkMethod, params);
        break;
      }
      case 'invalid':
        send(failure(message.id, message.error));
        break;
      case 'success':
      case 'failure':
        settle(message);
        break;
      case 'notification':
        // Nodes only ask and answer.
        break;
    }
  }

  async function respond(id: string | number, method: LinkMethod, params: unknown): Promise<void> {
    answering += 1;
    try {
      const schemas: { params: z.ZodType; result: z.ZodType } = linkMethods[method];
      const parsed = parseWith(schemas.params, params);
      const result = parseWith(schemas.result, await answer(method, parsed), 'internal-error');
      send({ jsonrpc: '2.0', id, result });
    } catch (error) {
      const known = asParleyError(error);
      if (known.code === 'internal-error') log.error({ method, err: error }, 'a request of another provider failed');
      send(failure(id, known));
    } finally {
      answering -= 1;
    }
  }

  function settle(message: Extract<ReturnType<typeof parseFrame>, { kind: 'success' | 'failure' }>): void {
    const waiting = typeof message.id === 'number' ? pending.get(message.id) : undefined;
    if (!waiting || typeof message.id !== 'number') return;
    pending.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.kind === 'failure') {
      waiting.reject(errorOf(message));
      return;
    }
    const result = linkMethods[waiting.method].result.safeParse(message.result);
    if (result.success) waiting.resolve(result.data);
    else waiting.reject(new ParleyError('malformed-message', 'the answer has an unknown shape'));
  }

  return {
    get open() {
      return socket.readyState === socket.OPEN;
    },
    get pending() {
      return pending.size;
    },
    get usedAt() {
      return usedAt;
    },
    request<M extends LinkMethod>(method: M, params: LinkParams<M>) {
      if (socket.readyState !== socket.OPEN) return Promise.reject(new ParleyError('provider-unreachable'));
      if (pending.size >= MAX_PENDING_REQUESTS) return Promise.reject(new ParleyError('too-many-requests'));
      const id = nextId++;
      usedAt = now();
      return new Promise<LinkResult<M>>((resolve, reject) => {
        const timer = setTimeout(() => {
          pending.delete(id);
          reject(new ParleyError('timed-out'));
        }, requestMs);
        pending.set(id, { method, resolve: (value) => resolve(value as LinkResult<M>), reject, timer });
        send({ jsonrpc: '2.0', id, method, params });
      });
    },
    close(code, reason) {
      socket.close(code, reason);
      setTimeout(() => socket.terminate(), 1000).unref();
    },
  };
}
