// Limits how often one network address may begin to sign in, so that nobody fills the table of attempts.
import { isIPv6 } from 'node:net';
import { createBudgets } from '../limits/index.ts';

/** A company behind one address signs in within minutes on Monday morning, hence this many at once. */
const BURST = 300;
const PER_SECOND = 5;
/** Answers whether one more is within the limit. */
export function createRateLimit(now: () => number): (address: string) => boolean {
  const may = createBudgets(PER_SECOND, BURST, now);
  return (address) => may(networkOf(address));
}

// A single subscriber commonly holds a whole IPv6 /64 (RFC 6177).
function networkOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter(Boolean);
  if (tail !== undefined) groups.push(...Array.from({ length: 8 - groups.length }, () => '0'));
  return groups.slice(0, 4).join(':');
}
