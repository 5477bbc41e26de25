// The log: one JSON object a line on standard output, without secrets whatever a caller hands over (R73).
import { type DestinationStream, type Logger, pino } from 'pino';
import type { LogConfig } from '../config/index.ts';

// Fields that hold what lets somebody in, in lower case and without "_" and "-".
const secretFields = new Set([
  'accesstoken',
  'authorization',
  'clientsecret',
  'codeverifier',
  'cookie',
  'cookies',
  'credential',
  'idtoken',
  'nonce',
  'password',
  'privatekey',
  'refreshtoken',
  'resumetoken',
  'sdp',
  'secret',
  'setcookie',
  'ticket',
  'token',
  'verifier',
]);

// A session description names keys and the addresses of people's machines (RFC 8866); a compact JWS (RFC 7515) may be a
// sign-in. Both are known by their looks wherever they turn up, such as in another library's error message.
const description = /v=0\r?\n[\s\S]*/g;
const jws = /\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g;

const HIDDEN = '[hidden]';
const MAX_DEPTH = 6;
const MAX_ENTRIES = 100;

function scrubText(text: string): string {
  return text.replace(description, HIDDEN).replace(jws, HIDDEN);
}

/** A copy that holds no secret, no deeper and no longer than a log line should be. Errors are left to their serialiser. */
function scrub(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return scrubText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return depth === 0 ? value : scrubError(value);
  if (depth >= MAX_DEPTH) return '[deep]';
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((item) => scrub(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, MAX_ENTRIES)
      .map(([key, field]) => [
        key,
        secretFields.has(key.toLowerCase().replace(/[_-]/g, '')) ? HIDDEN : scrub(field, depth + 1),
      ]),
  );
}

// Libraries hang requests, responses and tokens on their errors, so only what is known to be harmless is taken.
function scrubError(error: Error): Record<string, unknown> {
  const { type, message, stack } = pino.stdSerializers.err(error);
  const code = 'code' in error ? error.code : undefined;
  const details = 'details' in error && typeof error.details === 'string' ? scrubText(error.details) : undefined;
  return { type, message: scrubText(message), code, details, stack: scrubText(stack) };
}

/** The logger that `main.ts` gives to every room. `destination` is for tests; the default is standard output. */
export function createLog(config: LogConfig, destination?: DestinationStream): Logger {
  const options = {
    level: config.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: Record<string, unknown>) => Object(scrub(fields)),
    },
    serializers: { err: (error: unknown) => (error instanceof Error ? scrubError(error) : error) },
  };
  return destination ? pino(options, destination) : pino(options);
}
