// The envelope: JSON-RPC 2.0, one JSON text per WebSocket text frame, no batches. The same between a device and its
// node and between two nodes. Parsing is total: any text gives a message or a typed error, never a throw.
import { z } from 'zod';
import { type ErrorCode, errorCatalogue, errorCodeSchema, ParleyError } from './errors.ts';
import { MAX_FRAME_BYTES } from './limits.ts';

const id = z.union([z.string().min(1).max(64), z.int().nonnegative()]);
const method = z
  .string()
  .regex(/^[a-z]+\.[a-zA-Z]+$/)
  .max(64);

export const requestSchema = z.strictObject({ jsonrpc: z.literal('2.0'), id, method, params: z.unknown().optional() });
/** `seq` numbers what a node tells one device or peer, from 1 on without gaps, so that a resumed socket loses nothing. */
export const notificationSchema = z.strictObject({
  jsonrpc: z.literal('2.0'),
  method,
  params: z.unknown().optional(),
  seq: z.int().positive().optional(),
});
export const successSchema = z.strictObject({ jsonrpc: z.literal('2.0'), id, result: z.unknown() });
export const failureSchema = z.strictObject({
  jsonrpc: z.literal('2.0'),
  id: z.union([id, z.null()]),
  error: z.strictObject({
    code: z.int(),
    message: z.string().max(500),
    data: z.strictObject({ code: errorCodeSchema, details: z.string().max(500).optional() }),
  }),
});

export type RpcId = z.infer<typeof id>;
export type RpcRequest = z.infer<typeof requestSchema>;
export type RpcNotification = z.infer<typeof notificationSchema>;
export type RpcSuccess = z.infer<typeof successSchema>;
export type RpcFailure = z.infer<typeof failureSchema>;
export type RpcMessage =
  | ({ kind: 'request' } & RpcRequest)
  | ({ kind: 'notification' } & RpcNotification)
  | ({ kind: 'success' } & RpcSuccess)
  | ({ kind: 'failure' } & RpcFailure);

/** JSON-RPC's own numbers (specification section 5.1) for its own errors; -32000 for all of ours. */
const numberOf: Partial<Record<ErrorCode, number>> = {
  'malformed-message': -32600,
  'unknown-method': -32601,
  'invalid-parameters': -32602,
  'internal-error': -32603,
};

export function failure(requestId: RpcId | null, error: ParleyError): RpcFailure {
  return {
    jsonrpc: '2.0',
    id: requestId,
    error: {
      code: numberOf[error.code] ?? -32000,
      message: errorCatalogue[error.code].text,
      data:
        error.details === undefined ? { code: error.code } : { code: error.code, details: error.details.slice(0, 500) },
    },
  };
}

/** The typed error inside a failure. */
export function errorOf(message: RpcFailure): ParleyError {
  return new ParleyError(message.error.data.code, message.error.data.details);
}

/**
 * Reads one frame. Never throws: what cannot be read comes back as an error together with the request's id where one
 * was legible, so that the sender can be answered (JSON-RPC 2.0 section 5).
 */
export function parseFrame(text: string): RpcMessage | { kind: 'invalid'; id: RpcId | null; error: ParleyError } {
  if (text.length > MAX_FRAME_BYTES) return { kind: 'invalid', id: null, error: new ParleyError('message-too-large') };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'invalid', id: null, error: new ParleyError('malformed-message', 'not JSON') };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { kind: 'invalid', id: null, error: new ParleyError('malformed-message', 'not an object') };
  }
  if ('method' in value) {
    if ('id' in value) {
      const request = tryParse(requestSchema, value);
      if (request.success) return { kind: 'request', ...request.data };
    } else {
      const notification = tryParse(notificationSchema, value);
      if (notification.success) return { kind: 'notification', ...notification.data };
    }
  } else if ('result' in value) {
    const success = tryParse(successSchema, value);
    if (success.success) return { kind: 'success', ...success.data };
  } else if ('error' in value) {
    const failed = tryParse(failureSchema, value);
    if (failed.success) return { kind: 'failure', ...failed.data };
  }
  const legible = 'id' in value ? tryParse(id, value.id) : undefined;
  return {
    kind: 'invalid',
    id: legible?.success ? legible.data : null,
    error: new ParleyError('malformed-message', 'not a JSON-RPC 2.0 message'),
  };
}

/**
 * `safeParse` for what comes from a socket. zod compares the `length` of whatever has one, and a JSON object can hold a
 * `length` that no comparison survives: `{"length":{"valueOf":0,"toString":0}}` makes it throw (zod 4.6).
 */
export function tryParse<T>(schema: z.ZodType<T>, value: unknown): Parsed<T> {
  try {
    return schema.safeParse(value);
  } catch {
    return { success: false, error: { issues: [{ path: [], message: 'cannot be read' }] } };
  }
}

type Parsed<T> =
  | { success: true; data: T }
  | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } };

/** Parses parameters or results by their schema; the error names the first field that is wrong. */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown, code: ErrorCode = 'invalid-parameters'): T {
  const parsed = tryParse(schema, value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ParleyError(code, issue ? `${issue.path.join('.') || 'params'}: ${issue.message}` : undefined);
}
