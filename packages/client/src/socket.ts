// The one WebSocket of a device: says hello, comes back after a cut and resumes, numbers and confirms what it receives.
// Knows nothing of what the messages mean. docs/protocol.md describes the rules.
import {
  type DeviceMethod,
  type DeviceNotification,
  type DeviceParams,
  type DeviceResult,
  deviceMethods,
  deviceNotifications,
  errorOf,
  type NotificationParams,
  ParleyError,
  PROTOCOL_VERSION,
  parseFrame,
  parseWith,
  type RpcNotification,
  tryParse,
} from '@parley/protocol';
import type { z } from 'zod';
import type { ConnectionState, Readable } from './api.ts';
import { retryDelay } from './backoff.ts';
import { createStore } from './readable.ts';
import { createRequests } from './requests.ts';

export type Hello = DeviceResult<'session.hello'>;
/** A notification with its parameters, parsed. */
export type Told = { [N in DeviceNotification]: { method: N; params: NotificationParams<N> } }[DeviceNotification];

export type Request = <M extends DeviceMethod>(
  method: M,
  params: DeviceParams<M>,
  ms?: number,
) => Promise<DeviceResult<M>>;

export interface DeviceSocket {
  readonly state: Readable<ConnectionState>;
  /** Waits over cuts, for `ms` milliseconds in all. Errors: the node's, `timed-out`, `too-many-requests`. */
  readonly request: Request;
  /** Unregisters the device and ends. */
  close(): void;
  /** The network has changed: whether the socket still lives is found out now, not at the next heartbeat. */
  check(): void;
}

export interface SocketOptions {
  readonly url: string;
  /** Whether this browser is signed in; null if the node cannot be asked. Found out when a socket is refused. */
  signedIn(): Promise<boolean | null>;
  /**
   * The node has answered hello and knows nothing of before, except that it may know the device (a restart): start
   * afresh. Before any notification that follows.
   */
  afresh(hello: Hello): void;
  told(told: Told): void;
  /** Why it has ended, other than by `close`. */
  ended(error: ParleyError): void;
}

const REQUEST_MS = 15_000;
const HELLO_MS = 10_000;
const CHECK_MS = 5_000;
const CONFIRM_EVERY = 20;
/** Refused this often before the first hello was ever answered, there is no use in going on. */
const MAX_FIRST_ATTEMPTS = 3;
/** Not a clean close (1000, 1001, none), so that the node keeps the device for the resume. */
const RESUME_CODE = 4900;
/** Close codes of the node after which there is no coming back, or none with the old token. */
const ENDED = 4000;
const START_AFRESH = 4001;
const REPLACED = 4002;

export function openSocket(options: SocketOptions): DeviceSocket {
  const state = createStore<ConnectionState>('reconnecting');
  let socket: WebSocket | null = null;
  let greeted = false;
  let everGreeted = false;
  let token: string | null = null;
  let device: string | null = null;
  let received = 0;
  let confirmed = 0;
  let attempt = 0;
  let over = false;
  let heardSince = false;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let heartbeat: ReturnType<typeof setInterval> | undefined;

  const send = (text: string): boolean => {
    if (!greeted || socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(text);
    return true;
  };
  const requests = createRequests(send);

  function finish(error: ParleyError, tell: boolean): void {
    if (over) return;
    over = true;
    clearTimeout(retryTimer);
    clearInterval(heartbeat);
    socket?.close(1000);
    socket = null;
    requests.failAll(error);
    state.set('ended');
    if (tell) options.ended(error);
  }

  /** Ends the socket at once, whether or not the network lets it say so. */
  function cut(): void {
    const old = socket;
    if (!old) return;
    old.close(RESUME_CODE, 'resuming');
    gone(old, RESUME_CODE);
  }

  function gone(which: WebSocket, code: number): void {
    if (which !== socket || over) return;
    const refused = !greeted;
    socket = null;
    greeted = false;
    clearInterval(heartbeat);
    if (code === ENDED) {
      finish(new ParleyError('session-expired'), true);
      return;
    }
    if (code === REPLACED) {
      finish(new ParleyError('session-expired', 'replaced'), true);
      return;
    }
    if (code === START_AFRESH) token = null;
    state.set('reconnecting');
    if (refused) void askThenRetry();
    else retry();
  }

  async function askThenRetry(): Promise<void> {
    const signedIn = await options.signedIn().catch(() => null);
    if (over || socket) return;
    if (signedIn === false) return finish(new ParleyError(everGreeted ? 'session-expired' : 'not-signed-in'), true);
    if (!everGreeted && attempt >= MAX_FIRST_ATTEMPTS) {
      return finish(new ParleyError('timed-out', 'the node refuses the socket'), true);
    }
    retry();
  }

  function retry(): void {
    clearTimeout(retryTimer);
    retryTimer = setTimeout(open, retryDelay(attempt));
    attempt += 1;
  }

  function open(): void {
    clearTimeout(retryTimer);
    if (over || socket) return;
    const next = new WebSocket(options.url);
    socket = next;
    const helloId = `h${attempt}`;
    const impatient = setTimeout(() => {
      if (socket === next && !greeted) cut();
    }, HELLO_MS);
    next.onopen = () => {
      const params = token === null ? {} : { resume: { token, received } };
      const hello = { version: PROTOCOL_VERSION, ...params };
      next.send(JSON.stringify({ jsonrpc: '2.0', id: helloId, method: 'session.hello', params: hello }));
    };
    next.onclose = (event) => {
      clearTimeout(impatient);
      gone(next, event.code);
    };
    next.onmessage = (event) => {
      if (socket !== next || typeof event.data !== 'string') return;
      heardSince = true;
      const message = parseFrame(event.data);
      // A node asks a device nothing; what cannot be read has no effect.
      if (message.kind === 'notification') return notified(message);
      if (message.kind !== 'success' && message.kind !== 'failure') return;
      if (message.id === helloId && !greeted) {
        clearTimeout(impatient);
        if (message.kind === 'success') welcomed(message.result);
        else refusedHello(errorOf(message));
      } else {
        requests.settle(
          message.id,
          message.kind === 'success' ? { result: message.result } : { error: errorOf(message) },
        );
      }
    };
  }

  function welcomed(result: unknown): void {
    const hello = tryParse(deviceMethods['session.hello'].result, result);
    if (!hello.success) {
      finish(new ParleyError('unsupported-version', 'hello was answered strangely'), true);
      return;
    }
    const resumed = token !== null && hello.data.resumed;
    const sameDevice = device === hello.data.device;
    token = hello.data.resumeToken;
    device = hello.data.device;
    greeted = true;
    everGreeted = true;
    attempt = 0;
    heartbeat = setInterval(beat, hello.data.settings.heartbeatSeconds * 1000);
    if (!resumed) {
      received = 0;
      confirmed = 0;
      // First what is lost, then what begins: what the new beginning asks must not count as lost.
      requests.startAfresh(sameDevice);
      options.afresh(hello.data);
    } else {
      requests.resend();
    }
    state.set('online');
  }

  function refusedHello(error: ParleyError): void {
    const final = ['session-expired', 'not-signed-in', 'unsupported-version'].includes(error.code);
    if (final) {
      finish(error, true);
      return;
    }
    cut();
  }

  function notified(message: RpcNotification): void {
    const { seq } = message;
    if (seq !== undefined) {
      if (seq <= received) return;
      // Something in between was lost: the node knows what, and a resume brings it.
      if (seq !== received + 1) {
        cut();
        return;
      }
      received = seq;
      if (received - confirmed >= CONFIRM_EVERY) confirm();
    }
    const told = readNotification(message);
    if (!told || over) return;
    if (told.method === 'session.ended') sessionEnded(told.params.reason);
    else options.told(told);
  }

  function sessionEnded(reason: NotificationParams<'session.ended'>['reason']): void {
    // The node knows this device again when it is back.
    if (reason !== 'shutting-down') finish(new ParleyError('session-expired', reason), true);
  }

  function confirm(): void {
    const before = confirmed;
    confirmed = received;
    requests.add('session.received', { seq: received }, CHECK_MS).catch(() => {
      if (socket && greeted) confirmed = Math.min(confirmed, before);
    });
  }

  /** The browser answers the node's pings itself and shows none of them, so silence has to be tried out. */
  function beat(): void {
    if (heardSince) heardSince = false;
    else check();
  }

  function check(): void {
    const tried = socket;
    if (!tried) {
      if (!over && state.get() === 'reconnecting') {
        attempt = 0;
        open();
      }
      return;
    }
    if (!greeted) return;
    requests.add('session.received', { seq: received }, CHECK_MS).catch((error: unknown) => {
      if (socket === tried && error instanceof ParleyError && error.code === 'timed-out') cut();
    });
  }

  open();
  return {
    state,
    async request(method, params, ms = REQUEST_MS) {
      if (over) throw new ParleyError('session-expired');
      const result = await requests.add(method, params, ms);
      // The compiler cannot see that the schema found by `method` belongs to it.
      const schema = deviceMethods[method].result as unknown as z.ZodType<DeviceResult<typeof method>>;
      return parseWith(schema, result, 'malformed-message');
    },
    close() {
      send(JSON.stringify({ jsonrpc: '2.0', id: 'bye', method: 'session.bye', params: {} }));
      finish(new ParleyError('session-expired', 'closed'), false);
    },
    check,
  };
}

/** What does not fit its schema is as if it had not been sent. */
function readNotification(message: RpcNotification): Told | null {
  if (!Object.hasOwn(deviceNotifications, message.method)) return null;
  const method = message.method as DeviceNotification;
  const params = tryParse<unknown>(deviceNotifications[method], message.params);
  return params.success ? ({ method, params: params.data } as Told) : null;
}
