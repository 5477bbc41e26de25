// One session on a Janus server, over one WebSocket: requests with deadlines, events to the handles they belong to, signs
// of life, and a new WebSocket when the old one is cut: the session with all its legs is claimed by it, and media never
// notice. If the server does not know the session any more, or stays away too long, the session is lost.
import { randomBytes } from 'node:crypto';
import { ParleyError } from '@parley/protocol';
import WebSocket from 'ws';
import type { HandleName } from './counters.ts';
import { type JanusMessage, JanusRefusal, type Jsep, messageSchema, NO_SUCH_SESSION, refusalIn } from './messages.ts';

export interface SessionOptions {
  /** `ws:` or `wss:` */
  readonly url: string;
  /** The server's `api_secret`, if it has one. */
  readonly apiSecret?: string | undefined;
  /** How long a server may be away, in milliseconds; its `reclaim_session_timeout` must be longer. */
  readonly awayMs: number;
  readonly log: (event: string, details: Record<string, unknown>) => void;
}

export interface SessionEvents {
  /** The session goes on after a cut. What happened meanwhile was not told. */
  resumed(): void;
  /** The session is gone, with everything in it. Nothing follows. */
  lost(): void;
}

export interface Reply {
  /** What the plugin says. */
  readonly data: Record<string, unknown>;
  readonly jsep: Jsep | null;
}

/** A handle: our end of one plugin, with at most one WebRTC connection. */
export interface Handle {
  readonly name: HandleName;
  /** A request to the plugin. Throws `JanusRefusal`, `timed-out`, `engine-lost`. */
  message(body: Record<string, unknown>, jsep?: Jsep): Promise<Reply>;
  trickle(candidates: readonly Record<string, unknown>[]): Promise<void>;
  /** Ends the handle and its connection; nothing is heard from it afterwards. Never throws. */
  detach(): Promise<void>;
}

export interface Session {
  attach(plugin: string, mark: string, hear: (message: JanusMessage) => void): Promise<Handle>;
  /** Ends the session and everything in it on the server. */
  close(): Promise<void>;
}

const REQUEST_MS = 5000;
/** Janus gives a session up after 60 s without a request (`session_timeout`). */
const KEEPALIVE_MS = 15_000;
const RETRY_MS = [50, 200, 500, 1000, 2000];
const MAX_PENDING = 10_000;
const MAX_MESSAGE = 4 * 1024 * 1024;

interface Pending {
  readonly text: string;
  /** Requests to plugins are acknowledged first and answered later. */
  readonly pastAck: boolean;
  sent: boolean;
  settle(outcome: JanusMessage | ParleyError): void;
}

/** Connects and opens a session. Throws `no-conference-available` if there is no server. */
export async function openSession(options: SessionOptions, events: SessionEvents): Promise<Session> {
  const pending = new Map<string, Pending>();
  const handles = new Map<number, (message: JanusMessage) => void>();
  const apiSecret = options.apiSecret === undefined ? {} : { apisecret: options.apiSecret };
  let socket: WebSocket | null = null;
  let session = 0;
  let over = false;
  let keepalive: NodeJS.Timeout | null = null;

  function transmit(request: Pending): void {
    if (!socket || request.sent) return;
    request.sent = true;
    socket.send(request.text);
  }

  /** Over the socket given, or over the session's, now or when it is there again. */
  function ask(message: Record<string, unknown>, through: WebSocket | null = null): Promise<JanusMessage> {
    if (over) return Promise.reject(new ParleyError('engine-lost'));
    if (pending.size >= MAX_PENDING) return Promise.reject(new ParleyError('too-many-requests'));
    const transaction = randomBytes(12).toString('base64url');
    return new Promise((resolve, reject) => {
      const request: Pending = {
        text: JSON.stringify({ ...message, ...apiSecret, transaction }),
        pastAck: message.janus === 'message',
        sent: false,
        settle(outcome) {
          clearTimeout(deadline);
          pending.delete(transaction);
          if (outcome instanceof ParleyError) reject(outcome);
          else {
            const refusal = refusalIn(outcome);
            if (refusal) reject(refusal);
            else resolve(outcome);
          }
        },
      };
      const deadline = setTimeout(() => {
        request.settle(new ParleyError('timed-out', `Janus has not answered ${String(message.janus)}`));
      }, REQUEST_MS);
      pending.set(transaction, request);
      if (through) {
        request.sent = true;
        through.send(request.text);
      } else transmit(request);
    });
  }

  function heard(text: string): void {
    let message: JanusMessage;
    try {
      message = messageSchema.parse(JSON.parse(text));
    } catch {
      options.log('janus-unreadable', { begins: text.slice(0, 200) });
      return;
    }
    const request = message.transaction === undefined ? undefined : pending.get(message.transaction);
    if (request) {
      if (message.janus !== 'ack' || !request.pastAck) request.settle(message);
    } else if (message.janus === 'timeout') {
      lose('the server has given the session up');
    } else if (message.sender !== undefined) {
      handles.get(message.sender)?.(message);
    }
  }

  function connect(): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      const made = new WebSocket(options.url, 'janus-protocol', {
        handshakeTimeout: REQUEST_MS,
        maxPayload: MAX_MESSAGE,
      });
      made.on('message', (data) => heard(String(data)));
      made.once('open', () => resolve(made));
      made.on('error', reject);
      made.once('close', () => {
        reject(new ParleyError('engine-lost'));
        if (socket === made) void cut();
      });
    });
  }

  async function cut(): Promise<void> {
    socket = null;
    if (over) return;
    options.log('janus-cut', {});
    for (const request of [...pending.values()]) {
      if (request.sent) request.settle(new ParleyError('timed-out', 'cut from Janus while it was asked'));
    }
    const end = Date.now() + options.awayMs;
    for (let attempt = 0; !over && Date.now() < end; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]));
      if (over) return;
      try {
        if (await claim()) return;
      } catch (error) {
        if (!(error instanceof JanusRefusal)) continue;
        lose(error.number === NO_SUCH_SESSION ? 'the server has been restarted' : String(error.details));
      }
    }
    lose('the server stays away');
  }

  async function claim(): Promise<boolean> {
    const made = await connect();
    try {
      await ask({ janus: 'claim', session_id: session }, made);
    } catch (error) {
      made.terminate();
      throw error;
    }
    // Closed meanwhile, by us or by the server.
    if (over || made.readyState !== WebSocket.OPEN) {
      made.terminate();
      return over;
    }
    socket = made;
    options.log('janus-resumed', {});
    for (const request of pending.values()) transmit(request);
    events.resumed();
    return true;
  }

  function finish(error: ParleyError): void {
    over = true;
    if (keepalive) clearInterval(keepalive);
    for (const request of [...pending.values()]) request.settle(error);
    handles.clear();
    socket?.terminate();
    socket = null;
  }

  function lose(why: string): void {
    if (over) return;
    options.log('janus-lost', { why });
    finish(new ParleyError('engine-lost', why));
    events.lost();
  }

  try {
    const first = await connect();
    const created = await ask({ janus: 'create' }, first);
    session = created.data?.id ?? 0;
    if (first.readyState !== WebSocket.OPEN) throw new ParleyError('engine-lost');
    socket = first;
  } catch (error) {
    finish(new ParleyError('engine-lost'));
    throw new ParleyError('no-conference-available', `no Janus at ${options.url}`, { cause: error });
  }
  keepalive = setInterval(() => {
    const asked = socket;
    if (!asked) return;
    // No answer: the connection is dead without having said so.
    ask({ janus: 'keepalive', session_id: session }).catch((error: unknown) => {
      if (error instanceof JanusRefusal && error.number === NO_SUCH_SESSION) lose('the server has been restarted');
      else if (socket === asked) asked.terminate();
    });
  }, KEEPALIVE_MS).unref();

  return {
    async attach(plugin, mark, hear) {
      const { data } = await ask({ janus: 'attach', session_id: session, plugin, opaque_id: mark });
      const id = data?.id;
      if (id === undefined) throw new ParleyError('internal-error', 'Janus has not named the handle');
      const to = { session_id: session, handle_id: id };
      handles.set(id, hear);
      return {
        name: { session, handle: id },
        async message(body, jsep) {
          const reply = await ask({ janus: 'message', ...to, body, ...(jsep ? { jsep } : {}) });
          return { data: reply.plugindata?.data ?? {}, jsep: reply.jsep ?? null };
        },
        async trickle(candidates) {
          await ask({ janus: 'trickle', ...to, candidates });
        },
        async detach() {
          handles.delete(id);
          if (over) return;
          await ask({ janus: 'detach', ...to }).catch((error: unknown) => {
            options.log('janus-detach-failed', { error: String(error) });
          });
        },
      };
    },
    async close() {
      if (over) return;
      await ask({ janus: 'destroy', session_id: session }).catch(() => undefined);
      finish(new ParleyError('engine-lost', 'the engine is closed'));
    },
  };
}
