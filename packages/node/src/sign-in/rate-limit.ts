// Limits how often one network address may begin to sign in, so that nobody fills the table of attempts.
import { isIPv6 } from 'node:net';

/** A company behind one address signs in within minutes on Monday morning, hence this many at once. */
const BURST = 300;
const PER_SECOND = 5;
/** Addresses kept in mind; the one that has been quiet longest is forgotten first. */
const MAX_ADDRESSES = 10_000;

/** Answers whether one more is within the limit (token bucket). */
export function createRateLimit(now: () => number): (address: string) => boolean {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (address) => {
    const key = networkOf(address);
    const at = now();
    const known = buckets.get(key);
    const tokens = known ? Math.min(BURST, known.tokens + ((at - known.at) / 1000) * PER_SECOND) : BURST;
    buckets.delete(key);
    const oldest = buckets.size >= MAX_ADDRESSES ? buckets.keys().next().value : undefined;
    if (oldest !== undefined) buckets.delete(oldest);
    const permitted = tokens >= 1;
    buckets.set(key, { tokens: permitted ? tokens - 1 : tokens, at });
    return permitted;
  };
}

// A single subscriber commonly holds a whole IPv6 /64 (RFC 6177).
function networkOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter(Boolean);
  if (tail !== undefined) groups.push(...Array.from({ length: 8 - groups.length }, () => '0'));
  return groups.slice(0, 4).join(':');
}
