// Errors as HTTP answers: {"error":{"code","message","details"?}} from the one catalogue, with the status that fits. Pure.
import { asParleyError, type ErrorCode, errorCatalogue, ParleyError } from '@parley/protocol';

const statuses: Partial<Record<ErrorCode, number>> = {
  'malformed-message': 400,
  'invalid-parameters': 400,
  'invalid-address': 400,
  'not-signed-in': 401,
  'session-expired': 401,
  'sign-in-refused': 403,
  'sign-in-again': 403,
  'not-a-member': 403,
  'origin-not-allowed': 403,
  'not-allowed': 403,
  'not-permitted': 403,
  'not-for-guests': 403,
  'link-invalid': 404,
  'link-ended': 410,
  'call-ended': 410,
  'unknown-method': 404,
  'unknown-address': 404,
  'unknown-conversation': 404,
  'account-taken': 409,
  'history-conflict': 409,
  'message-too-large': 413,
  'too-many-requests': 429,
  'internal-error': 500,
  'provider-unknown': 502,
  'provider-unreachable': 502,
  'provider-refused': 502,
  'provider-untrusted': 502,
  'timed-out': 504,
};

/** The HTTP status of an error; 400 for those that are about what was asked. */
export function statusOf(code: ErrorCode): number {
  return statuses[code] ?? 400;
}

export interface ErrorBody {
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly details?: string };
}

export function errorBody(error: ParleyError): ErrorBody {
  const { code, details } = error;
  const message = errorCatalogue[code].text;
  return { error: details === undefined ? { code, message } : { code, message, details } };
}

/** Whatever a route or the framework threw, as one of ours. The framework's own errors carry an HTTP status. */
export function fromHttpError(thrown: unknown): ParleyError {
  if (thrown instanceof ParleyError || !(thrown instanceof Error)) return asParleyError(thrown);
  const status = 'statusCode' in thrown ? thrown.statusCode : undefined;
  if (status === 413) return new ParleyError('message-too-large', undefined, { cause: thrown });
  if (status === 404) return new ParleyError('unknown-method', undefined, { cause: thrown });
  if (status === 408 || status === 503) return new ParleyError('timed-out', undefined, { cause: thrown });
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new ParleyError('malformed-message', thrown.message.slice(0, 300), { cause: thrown });
  }
  return asParleyError(thrown);
}
