// One session with a Kurento server over one WebSocket at a time. The socket may break: the session and its objects stay
// on the server for some minutes, so a new socket takes them up again, and nobody above notices more than a delay.
import { EventEmitter } from 'node:events';
import { ParleyError } from '@parley/protocol';
import { WebSocket } from 'ws';
import {
  INVALID_SESSION,
  KurentoError,
  type KurentoEvent,
  MAX_FRAME,
  type Method,
  readFrame,
  writeRequest,
} from './messages.ts';

/** Structured logging as pino does it. */
export interface EngineLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
}

export interface ConnectionEvents {
  /** There is a new session: at first, and after the one before was lost. */
  session: [{ serverId: string; sameServer: boolean }];
  /** Session and objects are gone or out of reach; what was asked has failed. */
  lost: [{ reason: string }];
}

export interface Connection extends EventEmitter<ConnectionEvents> {
  /** The result's value. Throws `KurentoError`, `timed-out`, `engine-lost`, `too-many-requests`. */
  request(
    method: Exclude<Method, 'connect' | 'ping'>,
    params: Readonly<Record<string, unknown>>,
    deadline?: number,
  ): Promise<unknown>;
  /** Sets the one listener for an event of an object. Set it before the server is asked for it: events overtake responses. */
  listen(object: string, type: string, listener: (data: KurentoEvent['data']) => void): void;
  /** Takes all listeners of an object away. */
  forget(object: string): void;
  /** The server could not be reached lately, or has forgotten the session. */
  isLost(): boolean;
  close(): void;
}

export interface ConnectionTimes {
  /** From the loss of a socket to the loss of everything; the server itself keeps a session for minutes. */
  readonly lostMs: number;
  readonly pingMs: number;
  /** For one response; must stay below the 20 s for which the server remembers what it has answered. */
  readonly answerMs: number;
}

export const defaultTimes: ConnectionTimes = { lostMs: 5000, pingMs: 5000, answerMs: 10_000 };

const MAX_PENDING = 2000;
const HANDSHAKE_MS = 3000;
const MAX_RETRY_MS = 2000;

interface Pending {
  readonly method: Method;
  readonly params: Readonly<Record<string, unknown>>;
  resolve(value: unknown): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout;
}

type Answered = { readonly sessionId: string | undefined; readonly serverId: string | undefined };

export function openConnection(url: string, log: EngineLog, times: ConnectionTimes = defaultTimes): Connection {
  const events = new EventEmitter<ConnectionEvents>();
  const listeners = new Map<string, Map<string, (data: KurentoEvent['data']) => void>>();
  const pending = new Map<number, Pending>();
  // Never begun anew, not even with another socket: the server answers a number it has seen in this session lately
  // with what it answered then, whatever is asked now. For the same reason an unanswered request can safely be repeated.
  let nextId = 1;
  let socket: WebSocket | null = null;
  let session: { readonly id: string; readonly serverId: string } | null = null;
  let lastServerId: string | null = null;
  /** The socket has the session: requests may be sent. */
  let ready = false;
  let lost = false;
  let closed = false;
  let attempts = 0;
  let handshake: { readonly id: number; done(answer: Answered | KurentoError): void } | null = null;
  let retryTimer: NodeJS.Timeout | undefined;
  let lostTimer: NodeJS.Timeout | undefined;
  let pingTimer: NodeJS.Timeout | undefined;
  let pingId: number | null = null;

  function send(id: number, method: Method, params: Readonly<Record<string, unknown>>): void {
    // Always with the session: another socket that names it takes it away silently, and naming it brings it back.
    socket?.send(writeRequest(id, method, params, session?.id ?? null));
  }

  function dial(): void {
    retryTimer = undefined;
    if (closed) return;
    attempts += 1;
    const dialled = new WebSocket(url, {
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_FRAME,
      perMessageDeflate: false,
    });
    socket = dialled;
    dialled.on('open', () => takeUp(dialled));
    dialled.on('message', (data, binary) => {
      if (socket === dialled && !binary) received(String(data));
    });
    dialled.on('error', (error) => {
      if (attempts === 1) log.warn({ url, err: error }, 'the connection to Kurento failed');
    });
    dialled.on('close', () => {
      if (socket === dialled) broken();
    });
  }

  /** Asks for a session, or for the one there was. */
  function takeUp(on: WebSocket): void {
    const id = nextId++;
    const deadline = setTimeout(() => on.terminate(), HANDSHAKE_MS).unref();
    handshake = {
      id,
      done(answer) {
        clearTimeout(deadline);
        handshake = null;
        if (answer instanceof KurentoError) {
          if (answer.code === INVALID_SESSION && session) loseSession('the server has forgotten the session');
          // What the refused socket is bound to now is anybody's guess; a fresh one has no session for certain.
          on.terminate();
          return;
        }
        const { sessionId, serverId } = answer;
        if (!sessionId || !serverId) {
          on.terminate();
          return;
        }
        if (session && serverId !== session.serverId) loseSession('the server has restarted');
        begin({ id: sessionId, serverId });
      },
    };
    send(id, 'connect', {});
  }

  function begin(now: { id: string; serverId: string }): void {
    const resumed = session !== null;
    const sameServer = lastServerId === null || lastServerId === now.serverId;
    session = now;
    lastServerId = now.serverId;
    ready = true;
    lost = false;
    attempts = 0;
    clearTimeout(lostTimer);
    lostTimer = undefined;
    pingTimer = setInterval(ping, times.pingMs).unref();
    log.info({ url, server: now.serverId, resumed }, 'connected with Kurento');
    // Under the same numbers: the server answers again what it had done already.
    for (const [id, { method, params }] of pending) send(id, method, params);
    if (!resumed) events.emit('session', { serverId: now.serverId, sameServer });
  }

  /** A connection cut in the middle is noticed by nobody else: the server never asks. */
  function ping(): void {
    if (pingId !== null) {
      socket?.terminate();
      return;
    }
    pingId = nextId++;
    send(pingId, 'ping', {});
  }

  function broken(): void {
    socket = null;
    ready = false;
    handshake = null;
    pingId = null;
    clearInterval(pingTimer);
    if (closed) return;
    if (!lost) lostTimer ??= setTimeout(unreachable, times.lostMs).unref();
    retryTimer = setTimeout(dial, attempts === 0 ? 0 : Math.min(MAX_RETRY_MS, 125 * 2 ** attempts));
  }

  const unreachable = () => loseSession('the server is out of reach');

  function loseSession(reason: string): void {
    clearTimeout(lostTimer);
    lostTimer = undefined;
    lost = true;
    session = null;
    listeners.clear();
    for (const id of [...pending.keys()]) settle(id)?.reject(new ParleyError('engine-lost', reason));
    log.warn({ url, reason }, 'Kurento is lost');
    events.emit('lost', { reason });
  }

  function settle(id: number): Pending | undefined {
    const found = pending.get(id);
    pending.delete(id);
    clearTimeout(found?.timer);
    return found;
  }

  function received(text: string): void {
    const frame = readFrame(text);
    switch (frame.kind) {
      case 'event': {
        const { object, type, data } = frame.event;
        listeners.get(object)?.get(type)?.(data);
        return;
      }
      case 'error':
        if (frame.id === handshake?.id) handshake.done(frame.error);
        else if (frame.id === pingId) socket?.terminate();
        else settle(frame.id)?.reject(frame.error);
        return;
      case 'result':
        if (frame.id === handshake?.id) handshake.done(frame);
        else if (frame.id === pingId) pingId = null;
        else settle(frame.id)?.resolve(frame.value);
        return;
      case 'unusable':
        log.warn({ url, reason: frame.reason }, 'Kurento sent something that cannot be used');
    }
  }

  lostTimer = setTimeout(unreachable, times.lostMs).unref();
  dial();

  return Object.assign(events, {
    request(method: Method, params: Readonly<Record<string, unknown>>, deadline = times.answerMs) {
      if (closed || lost) return Promise.reject(new ParleyError('engine-lost', 'no connection with Kurento'));
      if (pending.size >= MAX_PENDING) return Promise.reject(new ParleyError('too-many-requests', 'Kurento is behind'));
      return new Promise<unknown>((resolve, reject) => {
        const id = nextId++;
        const timer = setTimeout(() => {
          settle(id)?.reject(new ParleyError('timed-out', `no answer of Kurento to ${method}`));
        }, deadline);
        pending.set(id, { method, params, resolve, reject, timer });
        if (ready) send(id, method, params);
      });
    },
    listen(object: string, type: string, listener: (data: KurentoEvent['data']) => void) {
      const ofObject = listeners.get(object) ?? new Map<string, typeof listener>();
      listeners.set(object, ofObject.set(type, listener));
    },
    forget: (object: string) => void listeners.delete(object),
    isLost: () => lost,
    close() {
      if (closed) return;
      closed = true;
      clearTimeout(retryTimer);
      clearTimeout(lostTimer);
      clearInterval(pingTimer);
      listeners.clear();
      for (const id of [...pending.keys()]) settle(id)?.reject(new ParleyError('engine-lost', 'the engine is closed'));
      // A server that does not take part in closing must not keep the process.
      const closing = socket;
      socket = null;
      closing?.terminate();
    },
  });
}
