// A double of a Kurento 7.3.0 server, for tests: it speaks the protocol as the real one was observed to, with its traps
// (wire notes, and the recorded exchange beside this file, which a test plays against it). It mixes and records nothing.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { type KurentoObject, type MediaFactory, ObjectStore, Refusal } from './objects.ts';

interface Session {
  readonly id: string;
  /** It has owned or touched an object; before that, `connect` does not know it. */
  registered: boolean;
  socket: WebSocket | null;
  readonly answered: Map<string, { response: unknown; at: number }>;
  readonly subscriptions: Map<string, { id: string; object: string; type: string }>;
  goneSince: number;
}

export interface SeenRequest {
  readonly id: unknown;
  readonly method: string;
  /** Empty for a request that has none at all, which for `connect` is something else than having none in them. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly bare: boolean;
}

export interface KurentoDouble {
  readonly url: string;
  /** Everything that was asked, in order. */
  readonly seen: SeenRequest[];
  readonly sessions: ReadonlyMap<string, unknown>;
  store(): ObjectStore;
  objects(type?: string): KurentoObject[];
  /** An event, as if the object had raised it. */
  tell(object: string, type: string, data: Record<string, unknown>): void;
  /** Changes answers: called before a request is carried out; what it throws is the answer. */
  before: ((request: SeenRequest) => Promise<void> | void) | null;
  /** Called when a request has been carried out, before it is answered. */
  after: ((request: SeenRequest) => void) | null;
  /** All sessions are collected, with what only they kept alive. */
  forget(): void;
  /** Cuts all sockets. */
  cut(): void;
  /** On the sockets there are, nothing is read or answered any more, and none is closed: broken in the middle. */
  freeze(): void;
  /** Everything is forgotten, as when the process starts anew. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface DoubleOptions {
  readonly media?: MediaFactory;
  /** How long a session without a socket is kept. */
  readonly collectMs?: number;
  /** Those a real server has less these. */
  readonly without?: readonly string[];
}

const CACHED_MS = 20_000;

const info = (without: readonly string[]) => ({
  __module__: 'kurento',
  __type__: 'ServerInfo',
  capabilities: ['transactions'],
  modules: [
    {
      __module__: 'kurento',
      __type__: 'ModuleInfo',
      factories: ['HubPort', 'MediaPipeline', 'PassThrough'],
      generationTime: 'Nov 23 2026 01:13:42',
      name: 'core',
      version: '7.3.0',
    },
    {
      __module__: 'kurento',
      __type__: 'ModuleInfo',
      factories: [
        'AlphaBlending',
        'Composite',
        'Dispatcher',
        'DispatcherOneToMany',
        'HttpPostEndpoint',
        'Mixer',
        'PlayerEndpoint',
        'RecorderEndpoint',
        'RtpEndpoint',
        'WebRtcEndpoint',
      ].filter((name) => !without.includes(name)),
      generationTime: 'Nov 23 2026 01:20:12',
      name: 'elements',
      version: '7.3.0',
    },
  ],
  type: 'KMS',
  version: '7.3.0',
});

/** Starts a double on a free port of 127.0.0.1. */
export async function openKurentoDouble({
  media,
  collectMs = 240_000,
  without = [],
}: DoubleOptions = {}): Promise<KurentoDouble> {
  let serverId = randomUUID() as string;
  const sessions = new Map<string, Session>();
  const bound = new Map<WebSocket, Session>();
  const raw = new Map<WebSocket, Socket>();
  const seen: SeenRequest[] = [];
  let store = newStore();
  const frozen = new Set<WebSocket>();

  function newStore(): ObjectStore {
    return new ObjectStore(media ?? null, info(without), tell);
  }

  function tell(object: string, type: string, data: Record<string, unknown>): void {
    for (const { socket, subscriptions } of sessions.values()) {
      // One stream for each pair, however often it was subscribed.
      const wanted = [...subscriptions.values()].some((one) => one.object === object && one.type === type);
      if (!wanted || !socket || frozen.has(socket)) continue;
      const value = {
        data: { source: object, tags: [], timestampMillis: String(Date.now()), type, ...data },
        object,
        type,
      };
      socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'onEvent', params: { value } }));
    }
  }

  function bind(socket: WebSocket, session: Session): void {
    const before = bound.get(socket);
    if (before === session) return;
    if (before?.socket === socket) before.socket = null;
    // Its previous socket loses it and is told nothing.
    if (session.socket) bound.delete(session.socket);
    session.socket = socket;
    bound.set(socket, session);
  }

  function sessionFor(socket: WebSocket, named: unknown): Session {
    const id = typeof named === 'string' ? named : (bound.get(socket)?.id ?? randomUUID());
    const session: Session = sessions.get(id) ?? {
      id,
      registered: false,
      socket: null,
      answered: new Map(),
      subscriptions: new Map(),
      goneSince: 0,
    };
    sessions.set(id, session);
    bind(socket, session);
    return session;
  }

  async function perform(socket: WebSocket, request: SeenRequest): Promise<unknown> {
    const { method, params } = request;
    if (method === 'connect') return connect(socket, request);
    if (method === 'ping') {
      const session = typeof params.sessionId === 'string' ? sessionFor(socket, params.sessionId) : bound.get(socket);
      return { value: 'pong', ...(session ? { sessionId: session.id } : {}) };
    }
    if (
      ![
        'create',
        'invoke',
        'subscribe',
        'unsubscribe',
        'release',
        'describe',
        'transaction',
        'unref',
        'closeSession',
      ].includes(method)
    ) {
      throw new Refusal(-32601, 'Method not found.');
    }
    if (method === 'create' && typeof params.type !== 'string')
      throw new Refusal(-32000, "'type' parameter is required");
    const session = sessionFor(socket, params.sessionId);
    const { id: sessionId } = session;
    const keep = (object: KurentoObject) => {
      session.registered = true;
      object.refs.add(sessionId);
      return object;
    };
    switch (method) {
      case 'create':
        return { sessionId, value: keep(store.create(params.type, Object(params.constructorParams))).id };
      case 'invoke': {
        const object = keep(store.find(params.object));
        return {
          sessionId,
          value: await store.invoke(object, String(params.operation), Object(params.operationParams)),
        };
      }
      case 'subscribe': {
        const object = keep(store.find(params.object));
        store.supports(object, params.type);
        const id = randomUUID();
        session.subscriptions.set(id, { id, object: object.id, type: String(params.type) });
        return { sessionId, value: id };
      }
      case 'unsubscribe':
        session.subscriptions.delete(String(params.subscription));
        return { sessionId };
      case 'describe':
        return { ...store.describe(keep(store.find(params.object))), sessionId };
      case 'release':
        store.release(String(params.object));
        return { sessionId };
      case 'unref':
        store.unref(sessionId, String(params.object));
        return { sessionId };
      case 'closeSession':
        store.unref(sessionId);
        return null;
      default:
        return { sessionId, value: await transaction(socket, params.operations, sessionId) };
    }
  }

  function connect(socket: WebSocket, { params, bare }: SeenRequest): unknown {
    // Where the session is not named, that of the socket is put in; without any parameters there is nowhere to put it.
    const known = params.sessionId ?? (bare ? undefined : bound.get(socket)?.id);
    if (known !== undefined) {
      const session = sessions.get(String(known));
      if (!session?.registered) throw new Refusal(40007, 'Invalid session', 'INVALID_SESSION');
      bind(socket, session);
      return { serverId, sessionId: session.id };
    }
    return { serverId, sessionId: sessionFor(socket, undefined).id };
  }

  async function transaction(socket: WebSocket, operations: unknown, sessionId: string): Promise<unknown[]> {
    const responses: { result: { value: unknown } }[] = [];
    for (const operation of operations as SeenRequest[]) {
      const params = JSON.parse(JSON.stringify(operation.params), (_key, value) => {
        const index = typeof value === 'string' ? /^newref:(\d+)$/.exec(value)?.[1] : undefined;
        return index === undefined ? value : responses[Number(index)]?.result.value;
      });
      const result = await perform(socket, { ...operation, params: { ...params, sessionId } });
      responses.push({ id: operation.id, jsonrpc: '2.0', result } as never);
    }
    return responses;
  }

  async function answer(socket: WebSocket, text: string): Promise<void> {
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      raw.get(socket)?.destroy();
      return;
    }
    if (Array.isArray(parsed)) {
      raw.get(socket)?.destroy();
      return;
    }
    const { jsonrpc, id, method, params } = parsed as {
      jsonrpc?: string;
      id?: unknown;
      method: string;
      params?: Record<string, unknown>;
    };
    if (jsonrpc !== '2.0') {
      send(socket, { error: { code: -32600, message: 'Invalid JSON-RPC request.' }, id: null, jsonrpc: '2.0' });
      return;
    }
    const request: SeenRequest = { id, method, params: params ?? {}, bare: params === undefined };
    seen.push(request);
    const named = typeof params?.sessionId === 'string' ? params.sessionId : bound.get(socket)?.id;
    const cached = named === undefined ? undefined : sessions.get(named)?.answered.get(JSON.stringify(id));
    if (cached && id !== undefined && Date.now() - cached.at < CACHED_MS) {
      if (named !== undefined) bind(socket, sessions.get(named) as Session);
      send(socket, cached.response);
      return;
    }
    let response: Record<string, unknown>;
    try {
      await double.before?.(request);
      response = { id, jsonrpc: '2.0', result: await perform(socket, request) };
    } catch (error) {
      const { code, message, type } = error instanceof Refusal ? error : new Refusal(-32000, String(error));
      response = { error: { code, ...(type ? { data: { type } } : {}), message }, id, jsonrpc: '2.0' };
    }
    if (id === undefined) {
      const data = response.result;
      response = {
        error: { code: -32000, data, message: 'Ignoring response because of a notification request' },
        id: null,
        jsonrpc: '2.0',
      };
    } else {
      bound.get(socket)?.answered.set(JSON.stringify(id), { response, at: Date.now() });
    }
    double.after?.(request);
    send(socket, response);
  }

  function send(socket: WebSocket, message: unknown): void {
    if (!frozen.has(socket) && socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
  }

  const http = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, socket: Socket, head) => {
    sockets.handleUpgrade(request, socket, head, (opened) => {
      if (request.url !== '/kurento') {
        opened.close(1002, 'Invalid path');
        return;
      }
      raw.set(opened, socket);
      opened.on('message', (data) => {
        if (!frozen.has(opened)) void answer(opened, String(data));
      });
      opened.on('error', () => undefined);
      opened.on('close', () => {
        raw.delete(opened);
        const session = bound.get(opened);
        bound.delete(opened);
        if (session?.socket !== opened) return;
        session.socket = null;
        session.goneSince = Date.now();
      });
    });
  });
  const listen = async (port: number) => {
    http.listen(port, '127.0.0.1');
    await once(http, 'listening');
  };
  await listen(0);
  const { port } = http.address() as AddressInfo;

  setInterval(
    () => {
      for (const session of [...sessions.values()]) {
        if (session.socket || Date.now() - session.goneSince < collectMs) continue;
        sessions.delete(session.id);
        store.unref(session.id);
      }
    },
    Math.min(1000, collectMs),
  ).unref();

  const cut = () => {
    for (const socket of raw.values()) socket.destroy();
  };
  const double: KurentoDouble = {
    url: `ws://127.0.0.1:${port}/kurento`,
    seen,
    sessions,
    before: null,
    after: null,
    forget() {
      for (const { id } of [...sessions.values()]) {
        sessions.delete(id);
        store.unref(id);
      }
      bound.clear();
    },
    store: () => store,
    objects: (type) => [...store.all.values()].filter((object) => !type || object.type === type),
    tell,
    cut,
    freeze() {
      for (const socket of raw.keys()) frozen.add(socket);
    },
    async restart() {
      await double.stop();
      serverId = randomUUID();
      sessions.clear();
      store = newStore();
      await listen(port);
    },
    async stop() {
      cut();
      for (const object of store.all.values()) object.media?.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return double;
}
