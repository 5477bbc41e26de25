// What the server's errors come to for whoever uses the engine.
import { ParleyError } from '@parley/protocol';
import { invalid } from '../embedded/sdp.ts';
import { isDescriptionError, KurentoError, OBJECT_NOT_FOUND } from './messages.ts';

/** Something could not be made: this engine has no room for it now. */
export function engineError(error: unknown): ParleyError {
  if (error instanceof ParleyError) return error;
  return new ParleyError('no-conference-available', String(error), { cause: error });
}

/** As `engineError`, but a session description that the server cannot use is the browser's fault. */
export function endpointError(error: unknown): ParleyError {
  if (error instanceof KurentoError && isDescriptionError(error.code)) return invalid(error.message);
  return engineError(error);
}

/** An object is not there any more; objects belong to nobody on this server, so anybody may have released it. */
export function isGone(error: unknown): boolean {
  const { cause } = error instanceof ParleyError ? error : { cause: error };
  return cause instanceof KurentoError && cause.code === OBJECT_NOT_FOUND;
}
