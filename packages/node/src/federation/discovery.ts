// Finds another provider from its domain alone (R43): its well-known document, checked and kept for a while.
import { isIP, type LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { type Domain, isLoopbackHost, ParleyError, type WellKnown } from '@parley/protocol';
import { Agent, request } from 'undici';
import { loopbackLookup } from '../web/index.ts';
import { outsideLookup } from './addresses.ts';
import { connectError } from './connect-errors.ts';
import { documentUrl, type LocalHosts, localBase, readDocument } from './well-known.ts';

const KEEP_MS = 5 * 60_000;
/** After a key that is not in the kept document, it is fetched again, but not more often than this. */
const AGAIN_MS = 10_000;
const MAX_KEPT = 1000;
const MAX_BYTES = 64 * 1024;
/** A file that is being downloaded may pause for so long. */
const PAUSE_MS = 60_000;

interface Kept {
  readonly document: Promise<WellKnown>;
  readonly at: number;
}

export interface Discovery {
  /** Errors: `provider-unknown`, `provider-unreachable`, `provider-untrusted`. */
  find(domain: Domain): Promise<WellKnown>;
  /** The document as it is now, if the kept one is not from the last seconds: for a key that it does not have. */
  findAgain(domain: Domain): Promise<WellKnown>;
  /** Lets a document go, so that the next one who asks gets it as it is then: the link it names does not answer. */
  forget(domain: Domain): void;
  /** The text at a URL that this domain names; only where the domain itself may be. */
  read(url: string, domain: Domain): Promise<string>;
  /** A file at a domain, asked for with a bearer token. Fails with more bytes than these. */
  download(url: URL, domain: Domain, token: string, maxBytes: number): Promise<Readable>;
  /** Which addresses this domain may be connected at: this machine by configuration, otherwise anywhere but here. */
  lookupFor(domain: Domain): LookupFunction;
  close(): Promise<void>;
}

/** @param timeoutMs for a whole look-up. `now`: milliseconds. */
export function createDiscovery(hosts: LocalHosts, timeoutMs: number, now: () => number): Discovery {
  const kept = new Map<Domain, Kept>();
  const limits = { maxResponseSize: MAX_BYTES, headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
  const local = new Agent({ ...limits, connect: { lookup: loopbackLookup, timeout: timeoutMs } });
  const outside = new Agent({ ...limits, connect: { lookup: outsideLookup, timeout: timeoutMs } });
  const files = { headersTimeout: timeoutMs, bodyTimeout: PAUSE_MS };
  const localFiles = new Agent({ ...files, connect: { lookup: loopbackLookup, timeout: timeoutMs } });
  const outsideFiles = new Agent({ ...files, connect: { lookup: outsideLookup, timeout: timeoutMs } });

  async function get(domain: Domain): Promise<WellKnown> {
    const base = localBase(hosts, domain);
    const text = await fetchText(documentUrl(hosts, domain), base === undefined ? outside : local, timeoutMs);
    return readDocument(text, domain, base);
  }

  function fresh(domain: Domain): Promise<WellKnown> {
    const document = get(domain);
    kept.delete(domain);
    kept.set(domain, { document, at: now() });
    document.catch(() => {
      if (kept.get(domain)?.document === document) kept.delete(domain);
    });
    const oldest = kept.size > MAX_KEPT ? kept.keys().next() : null;
    if (oldest && !oldest.done) kept.delete(oldest.value);
    return document;
  }

  /** Whether this domain is on this machine, by configuration. Throws for whatever it has no business to name. */
  function requireTarget(target: URL | null, domain: Domain): boolean {
    const here = localBase(hosts, domain) !== undefined;
    // By a bare IP address nothing is looked up, so nothing would be checked.
    const safe = target && !target.username && isIP(target.hostname.replace(/^\[|\]$/g, '')) === 0;
    if (!safe || (here ? !isLoopbackHost(target.hostname) : target.protocol !== 'https:')) {
      throw new ParleyError('provider-untrusted', 'not an address that may be asked');
    }
    return here;
  }

  const within = (domain: Domain, ms: number) => {
    const present = kept.get(domain);
    return present && now() - present.at < ms ? present.document : null;
  };

  return {
    find: (domain) => within(domain, KEEP_MS) ?? fresh(domain),
    findAgain: (domain) => within(domain, AGAIN_MS) ?? fresh(domain),
    forget(domain) {
      if (!within(domain, AGAIN_MS)) kept.delete(domain);
    },
    read: async (url, domain) => fetchText(url, requireTarget(URL.parse(url), domain) ? local : outside, timeoutMs),
    async download(url, domain, token, maxBytes) {
      const dispatcher = requireTarget(url, domain) ? localFiles : outsideFiles;
      try {
        const { statusCode, body } = await request(url, { dispatcher, headers: { authorization: `Bearer ${token}` } });
        if (statusCode === 200) return Readable.from(limited(body, maxBytes), { objectMode: false });
        await body.dump({ limit: MAX_BYTES });
        throw new ParleyError('provider-unknown', `a file is answered with status ${statusCode}`);
      } catch (error) {
        throw connectError(error);
      }
    },
    lookupFor: (domain) => (localBase(hosts, domain) === undefined ? outsideLookup : loopbackLookup),
    async close() {
      await Promise.all([local, outside, localFiles, outsideFiles].map((agent) => agent.destroy()));
    },
  };
}

/** Ends, and lets its source go, with the first byte too many. */
async function* limited(source: Readable, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new ParleyError('provider-untrusted', 'more bytes than were announced');
    yield chunk;
  }
}

// undici's `request` follows no redirects and unpacks nothing, so the bytes that are counted are all there are.
async function fetchText(url: string, dispatcher: Agent, timeoutMs: number): Promise<string> {
  try {
    const { statusCode, body } = await request(url, {
      dispatcher,
      signal: AbortSignal.timeout(timeoutMs),
      headers: { accept: 'application/json' },
    });
    if (statusCode !== 200) {
      // Without a listener the end of the unread body would be an uncaught error.
      body.on('error', () => {}).destroy();
      const code = statusCode >= 500 ? 'provider-unreachable' : 'provider-unknown';
      throw new ParleyError(code, `its document is answered with status ${statusCode}`);
    }
    return await body.text();
  } catch (error) {
    throw connectError(error);
  }
}
