// A provider speaks for its own people only (R47).
import { type Address, type Domain, domainOf, ParleyError } from '@parley/protocol';

/** Throws `not-allowed` unless the address belongs to the domain that the link has proven. */
export function requireOwn(from: Domain, address: Address): void {
  if (domainOf(address) !== from) throw new ParleyError('not-allowed', 'a provider speaks only for its own people');
}
