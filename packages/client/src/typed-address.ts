// What people type as an address.
import { type Address, ParleyError, parseAddress } from '@parley/protocol';

/** What a person typed. Throws `invalid-address`. */
export function requireAddress(text: string): Address {
  const address = parseAddress(text);
  if (!address) throw new ParleyError('invalid-address', text.slice(0, 100));
  return address;
}
