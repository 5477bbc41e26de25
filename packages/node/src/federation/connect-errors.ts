// What went wrong on the way to another provider, as an error a person can act on. Pure.
import { ParleyError } from '@parley/protocol';

const tooLarge = 'UND_ERR_RES_EXCEEDED_MAX_SIZE';

/** Certificates that do not prove the name: Node's own checks and OpenSSL's (X509_V_ERR_...). */
function isCertificateError(code: string): boolean {
  return (
    code.startsWith('ERR_TLS_CERT') ||
    code.startsWith('CERT_') ||
    code.startsWith('UNABLE_TO_') ||
    code.includes('SELF_SIGNED')
  );
}

/** What one error of a chain says by itself; null: nothing known. */
function recognise(error: unknown): ParleyError | null {
  if (error instanceof ParleyError) return error;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'ENOTFOUND') return new ParleyError('provider-unknown', 'no such domain', { cause: error });
  if (code === tooLarge) return new ParleyError('provider-unknown', 'its document is too large', { cause: error });
  if (isCertificateError(code)) return new ParleyError('provider-untrusted', code, { cause: error });
  return null;
}

const MAX_CHAIN = 16;

/**
 * The error behind whatever a connection or a fetch failed with. Libraries wrap it: all causes are looked through. What is
 * not recognised is `provider-unreachable`.
 */
export function connectError(thrown: unknown): ParleyError {
  const chain = [thrown];
  for (const error of chain) {
    const known = recognise(error);
    if (known) return known;
    if (!(error instanceof Error) || chain.length >= MAX_CHAIN) continue;
    chain.push(error.cause);
    if (error instanceof AggregateError) chain.push(...error.errors.slice(0, MAX_CHAIN));
  }
  return new ParleyError('provider-unreachable', undefined, { cause: thrown });
}
