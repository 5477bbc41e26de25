// What one socket may do and when: hello first, then requests, within the limits. Each frame gets the answer it deserves
// and never more than that.
import {
  asParleyError,
  deviceMethods,
  failure,
  ParleyError,
  PROTOCOL_VERSION,
  parseFrame,
  parseWith,
  type RpcId,
  type RpcRequest,
} from '@parley/protocol';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { createFrameSocket, type FrameSocket } from '../web/frame-socket.ts';
import { printOf } from './answers.ts';
import { closeCodes, isCleanClose } from './close-codes.ts';
import { type Device, flush, type WebSession } from './device.ts';
import { type Dispatcher, writeSuccess } from './dispatcher.ts';
import type { Hub } from './hub.ts';
import type { SignallingLimits } from './limits.ts';
import { createRates } from './rates.ts';

/** Bytes waiting in a socket above which no further notifications are put on it until some have left. */
const BUSY_BYTES = 256 * 1024;
/** Bytes waiting in a socket above which it is cut: its reader asks but does not read. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

/** Requests that only read: asked again they are simply carried out again, so their long answers need not be kept. */
const readOnly: ReadonlySet<string> = new Set(['directory.contacts', 'directory.search', 'conversation.events']);

export interface SocketOptions {
  readonly hub: Hub;
  readonly dispatcher: Dispatcher;
  readonly heartbeatSeconds: number;
  readonly limits: SignallingLimits;
  readonly now: () => number;
  readonly log: Logger;
  /** The web session has run out. */
  expired(sessionId: string): void;
  /** Hello has been said, or never will be. */
  spoken(): void;
  closed(): void;
}

/** Serves one socket from now until it closes. */
export function serveSocket(socket: WebSocket, session: WebSession, options: SocketOptions): FrameSocket {
  const { hub, dispatcher, limits, now, log } = options;
  const ownRates = createRates(limits.messagesPerSecond, limits.burst, now);
  let device: Device | null = null;
  let greeting = false;

  const helloDeadline = setTimeout(
    () => connection.close(closeCodes.policy, 'hello expected'),
    limits.helloSeconds * 1000,
  );
  helloDeadline.unref();

  const refuse = (id: RpcId | null, error: ParleyError) => connection.send(JSON.stringify(failure(id, error)));

  const withinRates = (): boolean => {
    const rates = device?.rates ?? ownRates;
    if (rates.messages()) return true;
    if (!rates.refusals()) connection.close(closeCodes.policy, 'too-many-requests');
    return false;
  };

  const hello = async (request: RpcRequest): Promise<void> => {
    greeting = true;
    try {
      requireVersion(request.params);
      const params = parseWith(deviceMethods['session.hello'].params, request.params);
      await hub.hello({
        id: request.id,
        params,
        session,
        connection,
        rates: ownRates,
        attached(attached) {
          device = attached;
          clearTimeout(helloDeadline);
          options.spoken();
        },
      });
    } catch (thrown) {
      const error = asParleyError(thrown);
      refuse(request.id, error);
      if (error.code === 'internal-error') {
        log.error({ err: error.cause ?? error }, 'hello failed');
        connection.close(closeCodes.internal, error.code);
      } else if (error.code === 'session-expired') {
        connection.close(closeCodes.ended, 'expired');
      }
    } finally {
      greeting = false;
    }
  };

  const perform = async (known: Device, request: RpcRequest, text: string): Promise<void> => {
    const { answers, person, address, id, session: of } = known;
    const admission = answers.admit(request.id, printOf(text), connection);
    if (admission.kind === 'new') {
      const answer = await dispatcher.answer(
        { person, address, device: id, only: of.guest?.conversation ?? null },
        request,
      );
      answers.finish(request.id, answer, !readOnly.has(request.method))?.send(answer);
    } else if (admission.kind === 'done') {
      connection.send(admission.text);
    } else if (admission.kind === 'full') {
      refuse(request.id, new ParleyError('too-many-requests', 'too many unanswered requests'));
    } else if (admission.kind === 'conflict') {
      refuse(request.id, new ParleyError('out-of-turn', 'this id was used for another request'));
    }
  };

  const request = (known: Device, message: RpcRequest, text: string): void => {
    switch (message.method) {
      case 'session.hello':
        throw new ParleyError('out-of-turn', 'hello was already said');
      case 'session.received': {
        const { seq } = parseWith(deviceMethods['session.received'].params, message.params);
        if (!known.outbox.acknowledge(seq)) throw new ParleyError('out-of-turn', 'so much was never sent');
        connection.send(writeSuccess(message.id, {}));
        return;
      }
      case 'session.bye':
        parseWith(deviceMethods['session.bye'].params, message.params ?? {});
        connection.send(writeSuccess(message.id, {}));
        hub.drop(known, 'bye');
        connection.close(closeCodes.done, 'bye');
        return;
      default:
        // Never rejects: the dispatcher turns whatever is thrown into an answer.
        void perform(known, message, text);
    }
  };

  const heartbeatMs = options.heartbeatSeconds * 1000;
  const bounds = { heartbeatMs, busyBytes: BUSY_BYTES, maxBufferedBytes: MAX_BUFFERED_BYTES };
  const connection = createFrameSocket(socket, bounds, {
    frame(text) {
      const message = parseFrame(text);
      const { kind } = message;
      if (!withinRates()) {
        if (kind === 'request' || kind === 'invalid') refuse(message.id, new ParleyError('too-many-requests'));
        return;
      }
      if (kind === 'invalid') return refuse(message.id, message.error);
      // A device sends no notifications and is asked nothing; JSON-RPC answers neither (specification section 4.1).
      if (kind !== 'request') return;
      try {
        if (device?.ready) request(device, message, text);
        else if (message.method === 'session.hello' && !greeting) void hello(message);
        else throw new ParleyError('out-of-turn', greeting ? 'hello is not answered yet' : 'say session.hello first');
      } catch (thrown) {
        refuse(message.id, asParleyError(thrown));
      }
    },
    drained() {
      if (device?.connection === connection) flush(device);
    },
    beat() {
      if (now() >= session.expiresAt) options.expired(session.id);
    },
    closed(code) {
      clearTimeout(helloDeadline);
      options.spoken();
      if (device) hub.socketClosed(device, connection, isCleanClose(code));
      options.closed();
    },
  });
  return connection;
}

/** Said apart from other mistakes, since the remedy is another one: an update. */
function requireVersion(params: unknown): void {
  if (typeof params !== 'object' || params === null || !('version' in params)) return;
  const { version } = params;
  if (typeof version === 'number' && version !== PROTOCOL_VERSION) throw new ParleyError('unsupported-version');
}
