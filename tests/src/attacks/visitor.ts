// Somebody at the doors of a node without a browser, who can therefore say whatever they like: HTTP with a cookie jar, and
// sockets on which any text is sent. Names below .localhost are this machine (RFC 6761 section 6.3).
import { once } from 'node:events';
import { type IncomingHttpHeaders, request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { text } from 'node:stream/consumers';
import { type RawData, WebSocket } from 'ws';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The code of the error it carries, in the body or in where it leads; else the status. */
  readonly code: string;
}

export interface Visit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  /** A body of JSON. */
  readonly json?: unknown;
  readonly body?: string;
}

const PATIENCE_MS = 10_000;
const MAX_HOPS = 12;

const here: LookupFunction = (_name, options, done) => {
  if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
};

/** Authorities that visitors believe, PEM: those of the nodes that are attacked. */
const believed: string[] = [];
export function believe(authority: string): void {
  believed.push(authority);
}

/** Says one thing by HTTP, exactly as given. */
export async function ask(url: string, { method, headers = {}, form, json, body: said }: Visit = {}): Promise<Answer> {
  const { host, hostname, port, protocol } = new URL(url);
  const request = protocol === 'https:' ? secureRequest : plainRequest;
  const path = url.slice(url.indexOf(host) + host.length) || '/';
  const kind = form ? 'application/x-www-form-urlencoded' : 'application/json';
  const type = form || json !== undefined ? { 'content-type': kind } : {};
  const sent = request({
    hostname,
    port,
    path,
    method: method ?? (form || json !== undefined ? 'POST' : 'GET'),
    headers: { host, 'user-agent': 'an attack', ...type, ...headers },
    lookup: here,
    ca: believed,
    agent: false,
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  sent.end(
    said ?? (form ? new URLSearchParams(form).toString() : json === undefined ? undefined : JSON.stringify(json)),
  );
  const [response] = await once(sent, 'response');
  const body = await text(response);
  return { status: response.statusCode, headers: response.headers, body, code: codeIn(response, body) };
}

function codeIn({ headers, statusCode }: { headers: IncomingHttpHeaders; statusCode?: number }, body: string): string {
  const led = /[?&]error=([a-z-]+)/.exec(headers.location ?? '')?.[1];
  const said = /"code":"([a-z-]+)"/.exec(body)?.[1];
  return led ?? said ?? `status ${statusCode}`;
}

/** Signs in as a person would, and resolves to the cookies that the person's browser then sends to the node. */
export async function signIn(
  person: { origin: string; login: string; password: string },
  { back = '/', nonce }: { readonly back?: string; readonly nonce?: string } = {},
) {
  const jars = new Map<string, Map<string, string>>();
  const jarOf = (url: string) => {
    const { host } = new URL(url);
    const jar = jars.get(host) ?? new Map<string, string>();
    jars.set(host, jar);
    return jar;
  };
  const cookiesFor = (url: string) => [...jarOf(url)].map(([name, value]) => `${name}=${value}`).join('; ');
  const query = new URLSearchParams({ return: back, ...(nonce === undefined ? {} : { nonce }) });
  let url = `${person.origin}/sign-in/company?${query}`;
  // As a browser says that a page of the node itself led to its sign-in.
  const led: Record<string, string> = nonce === undefined ? {} : { 'sec-fetch-site': 'same-origin' };
  let form: Record<string, string> | undefined;
  for (let hop = 0; hop < MAX_HOPS; hop += 1) {
    const answer = await ask(url, { headers: { cookie: cookiesFor(url), ...led }, ...(form ? { form } : {}) });
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value) jarOf(url).set(name, value);
      else jarOf(url).delete(name);
    }
    const { location } = answer.headers;
    if (location === undefined && form === undefined) form = { name: person.login, password: person.password };
    else if (location === undefined) throw new Error(`no way in for ${person.login}: ${answer.status} at ${url}`);
    else {
      const at = url;
      form = undefined;
      url = new URL(location, url).href;
      const inside = at.startsWith(`${person.origin}/sign-in/company/callback`);
      if (inside) return { cookie: cookiesFor(person.origin), landedAt: url };
    }
  }
  throw new Error(`no way in for ${person.login}`);
}

export interface Line {
  /** Sends a request and resolves to its result, or to the code of its refusal: of the error, or of the closing. */
  say(method: string, params: unknown): Promise<Said>;
  /** Sends any text, and resolves to the code of the next refusal that names no request. */
  blurt(frame: string | Buffer): Promise<string>;
  send(frame: string | Buffer): void;
  /** Resolves when a notification of this kind has come, or had come before, to the first of them. */
  told(method: string): Promise<Record<string, unknown>>;
  /** Resolves to the first notification or request of this kind that fits, also of those that have come before. */
  toldOf(method: string, fits: (params: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  /** Resolves to how the other end has closed it, or null if it has not within so many milliseconds. */
  ended(ms: number): Promise<string | null>;
  /** Does not read from now on, until `resume`. */
  pause(): void;
  resume(): void;
  close(): void;
}

export interface Said {
  readonly code: string;
  readonly result: Record<string, unknown>;
}

interface Heard {
  /** The latest of them. */
  readonly all: Record<string, unknown>[];
  readonly waiting: Set<(params: Record<string, unknown>) => void>;
}
const MAX_HEARD = 5000;

/**
 * Opens a socket; rejects with the refusal's code as its message where it is not let in.
 * @param polite answers requests with nothing, so that whoever asks need not wait
 */
export async function openLine(url: string, headers: Record<string, string> = {}, polite = false): Promise<Line> {
  const socket = new WebSocket(url, { headers, lookup: here, ca: believed });
  const waiting = new Map<string, (said: Said) => void>();
  const unnamed: ((code: string) => void)[] = [];
  /** Kinds of notifications, and who waits for them. */
  const heard = new Map<string, Heard>();
  const kind = (method: string) => {
    const known: Heard = heard.get(method) ?? { all: [], waiting: new Set() };
    heard.set(method, known);
    return known;
  };
  let last = 0;
  let closed: string | null = null;
  socket.on('message', (data: RawData) => {
    const message = JSON.parse(String(data));
    if (typeof message.method === 'string') {
      const known = kind(message.method);
      if (polite && message.id !== undefined)
        socket.send(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: {} }));
      const params = message.params as Record<string, unknown>;
      if (known.all.length < MAX_HEARD) known.all.push(params);
      for (const look of [...known.waiting]) look(params);
      return;
    }
    const code: string = message.error?.data?.code ?? 'done';
    if ('id' in message && message.id !== null) {
      waiting.get(message.id)?.({ code, result: message.result ?? {} });
      waiting.delete(message.id);
    } else if (message.error) unnamed.shift()?.(code);
  });
  socket.on('close', (code) => {
    closed = `closed ${code}`;
    for (const done of waiting.values()) done({ code: closed, result: {} });
    waiting.clear();
    for (const done of unnamed.splice(0)) done(closed);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', async (_request, response) => {
      reject(new Error(codeIn(response, await text(response))));
      socket.terminate();
    });
    // Afterwards there is nothing to be done about one: the closing that follows is what counts.
    socket.on('error', reject);
  });
  const within = <T>(what: string, told: (resolve: (value: T) => void) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nothing was said to ${what}`)), PATIENCE_MS);
      told((value) => {
        clearTimeout(timer);
        resolve(value);
      });
    });
  const toldOf: Line['toldOf'] = (method, fits) =>
    within(`wait for ${method}`, (resolve) => {
      const { all, waiting: looking } = kind(method);
      const before = all.find(fits);
      if (before) return resolve(before);
      const look = (params: Record<string, unknown>) => {
        if (!fits(params)) return;
        looking.delete(look);
        resolve(params);
      };
      looking.add(look);
    });
  return {
    say(method, params) {
      if (closed) return Promise.resolve({ code: closed, result: {} });
      last += 1;
      const id = `q${last}`;
      return within<Said>(method, (resolve) => {
        waiting.set(id, resolve);
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      });
    },
    blurt: (frame) =>
      within<string>('what was blurted out', (resolve) => {
        unnamed.push(resolve);
        socket.send(frame);
      }),
    send: (frame) => socket.send(frame),
    told: (method) => toldOf(method, () => true),
    toldOf,
    ended: (ms) =>
      new Promise((resolve) => {
        if (closed) return resolve(closed);
        const timer = setTimeout(() => resolve(null), ms);
        socket.once('close', (code) => {
          clearTimeout(timer);
          resolve(`closed ${code}`);
        });
      }),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.terminate(),
  };
}

/** What a door that should stay shut said. */
export async function refusal(opening: Promise<Line>): Promise<string> {
  try {
    const line = await opening;
    line.close();
    return 'let in';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
