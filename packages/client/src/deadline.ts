// Nothing outside this page is waited for without an end.
import { type ErrorCode, ParleyError } from '@parley/protocol';

/** The promise's own outcome, or a ParleyError with `code` when that takes longer than `ms` milliseconds. */
export function within<T>(ms: number, promise: Promise<T>, code: ErrorCode = 'timed-out'): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new ParleyError(code)), ms);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
