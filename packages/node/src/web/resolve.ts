// Names under `.localhost` always mean this machine (RFC 6761 section 6.3). Browsers know; the resolver of the operating
// system may not, so whoever connects from a node uses what is here.
import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isLoopbackHost } from '@parley/protocol';
import { Agent, type RequestInit, fetch as undiciFetch } from 'undici';

/** Drop-in for `dns.lookup` in net, tls, http and ws: `localhost` and everything below it is 127.0.0.1. */
export const loopbackLookup: LookupFunction = (hostname, options, callback) => {
  if (!isLoopbackHost(hostname)) {
    lookup(hostname, options, callback);
    return;
  }
  const found: LookupAddress = { address: '127.0.0.1', family: 4 };
  process.nextTick(() => (options.all ? callback(null, [found]) : callback(null, found.address, found.family)));
};

const CONNECT_MS = 5000;
const ANSWER_MS = 10_000;
/** Largest answer taken from another server, in bytes: discovery documents, keys and tokens are a few kilobytes. */
const MAX_ANSWER_BYTES = 1024 * 1024;

const agent = new Agent({
  connect: { lookup: loopbackLookup, timeout: CONNECT_MS },
  headersTimeout: ANSWER_MS,
  bodyTimeout: ANSWER_MS,
  maxResponseSize: MAX_ANSWER_BYTES,
});

/**
 * `fetch` that finds `*.localhost`, with limits on time and size. A deadline for the whole is the caller's `signal`.
 * Throws as `fetch` does: `TypeError` with a `cause` when the other side cannot be reached.
 */
export async function fetchWithLoopback(url: string | URL, init: RequestInit = {}): Promise<Response> {
  // The same class to whoever uses it: undici's Response is the one that Node's own fetch is made of.
  return (await undiciFetch(url, { ...init, dispatcher: agent })) as unknown as Response;
}
