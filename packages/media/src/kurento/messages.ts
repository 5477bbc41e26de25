// Kurento's JSON-RPC 2.0 as its server speaks it (7.3.0), one text frame a message: what is sent, and what comes back,
// parsed. Nothing the server says is believed before it has passed through here.
import { z } from 'zod';

/** Enough for a session description with many candidates and for `getInfo`; a larger frame ends the socket. */
export const MAX_FRAME = 1_048_576;

/** Objects' names are opaque; this is the one that every server has. */
export const SERVER_MANAGER = 'manager_ServerManager';

/** What the server answered instead of a result; `code` as in KurentoException.hpp, or of JSON-RPC itself. */
export class KurentoError extends Error {
  override readonly name = 'KurentoError';
  readonly code: number;
  constructor(code: number, message: string) {
    super(`${message} (${code})`);
    this.code = code;
  }
}

export const INVALID_SESSION = 40007;
export const OBJECT_NOT_FOUND = 40101;

/** Session descriptions that cannot be used; not the second negotiation of an endpoint, which would be a mistake here. */
export const isDescriptionError = (code: number): boolean => code >= 40200 && code <= 40207;

export interface KurentoEvent {
  readonly object: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export type Incoming =
  | {
      readonly kind: 'result';
      readonly id: number;
      readonly value: unknown;
      readonly sessionId: string | undefined;
      readonly serverId: string | undefined;
    }
  | { readonly kind: 'error'; readonly id: number; readonly error: KurentoError }
  | { readonly kind: 'event'; readonly event: KurentoEvent }
  | { readonly kind: 'unusable'; readonly reason: string };

const name = z.string().min(1).max(512);

// `closeSession` answers null; complex values carry `__module__` and `__type__`, which their readers ignore.
const resultFrame = z.object({
  id: z.int(),
  result: z
    .looseObject({ value: z.unknown().optional(), sessionId: name.optional(), serverId: name.optional() })
    .nullable(),
});
const errorFrame = z.object({
  id: z.int().nullable(),
  error: z.object({ code: z.int(), message: z.string() }),
});
// `data.type` of an Error event is the error's name, so only the outer type says what kind of event it is.
const eventFrame = z.object({
  method: z.literal('onEvent'),
  params: z.object({
    value: z.object({ object: name, type: name, data: z.record(z.string(), z.unknown()) }),
  }),
});

/** Reads one frame. Never throws. */
export function readFrame(text: string): Incoming {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { kind: 'unusable', reason: 'not JSON' };
  }
  const event = eventFrame.safeParse(json);
  if (event.success) return { kind: 'event', event: event.data.params.value };
  const failed = errorFrame.safeParse(json);
  if (failed.success) {
    const { id, error } = failed.data;
    if (id === null) return { kind: 'unusable', reason: `a request was not understood: ${error.message}` };
    return { kind: 'error', id, error: new KurentoError(error.code, error.message) };
  }
  const done = resultFrame.safeParse(json);
  if (!done.success) return { kind: 'unusable', reason: 'neither a response nor an event' };
  const { id, result } = done.data;
  return { kind: 'result', id, value: result?.value ?? null, sessionId: result?.sessionId, serverId: result?.serverId };
}

export type Method = 'connect' | 'ping' | 'create' | 'invoke' | 'subscribe' | 'release' | 'unref';

/** One request. Without `sessionId` only for the `connect` that asks for a session: that one takes no parameters at all. */
export function writeRequest(
  id: number,
  method: Method,
  params: Readonly<Record<string, unknown>>,
  sessionId: string | null,
): string {
  const all = sessionId === null ? params : { ...params, sessionId };
  const bare = Object.keys(all).length === 0;
  return JSON.stringify({ jsonrpc: '2.0', id, method, ...(bare ? {} : { params: all }) });
}

const candidateValue = z.object({
  candidate: z.string().max(512),
  sdpMid: z.string().max(64),
  sdpMLineIndex: z.int().min(0).max(255),
});

/** `IceCandidateFound`; null if it holds none. */
export function readCandidate(data: KurentoEvent['data']): z.infer<typeof candidateValue> | null {
  return candidateValue.safeParse(data.candidate).data ?? null;
}

const word = z.string().max(64);

/** A text in an event's data, such as `state` or `mediaType`; empty if there is none. */
export function textOf(data: KurentoEvent['data'], key: string): string {
  return word.safeParse(data[key]).data ?? '';
}

const serverInfo = z.object({
  version: word,
  modules: z.array(z.object({ factories: z.array(word).max(256) })).max(64),
});

export interface ServerInfo {
  readonly version: string;
  /** The kinds of objects that can be created, such as `WebRtcEndpoint`. */
  readonly factories: ReadonlySet<string>;
}

/** The value of `getInfo`. Throws if it is none. */
export function readServerInfo(value: unknown): ServerInfo {
  const { version, modules } = serverInfo.parse(value);
  return { version, factories: new Set(modules.flatMap(({ factories }) => factories)) };
}

const names = z.array(name).max(10_000);

/** A list of objects. Throws if it is none. */
export const readNames = (value: unknown): readonly string[] => names.parse(value);

/** The name of an object or a session description. Throws if it is none. */
export const readText = (value: unknown): string => z.string().max(MAX_FRAME).parse(value);

const count = z.number().min(0).catch(0);
const streamStatistics = z.object({
  packetsReceived: count,
  packetsSent: count,
  nackCount: count,
  pliCount: count,
  firCount: count,
});

export type StreamStatistics = z.infer<typeof streamStatistics>;

/** The value of `getStats`, added up over all streams; zero where the server says nothing. */
export function readStatistics(value: unknown): StreamStatistics {
  const sum = { packetsReceived: 0, packetsSent: 0, nackCount: 0, pliCount: 0, firCount: 0 };
  const entries = z.record(z.string(), z.unknown()).safeParse(value).data ?? {};
  for (const entry of Object.values(entries)) {
    const stream = streamStatistics.safeParse(entry).data;
    if (!stream) continue;
    for (const key of Object.keys(sum) as (keyof StreamStatistics)[]) sum[key] += stream[key];
  }
  return sum;
}
