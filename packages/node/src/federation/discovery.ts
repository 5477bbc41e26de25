// Finds another provider from its domain alone (R43): its well-known document, checked and kept for a while.
import { isIP } from 'node:net';
import { type Domain, ParleyError, parseWith, type WellKnown, wellKnownSchema } from '@parley/protocol';
import { Agent, fetch } from 'undici';
import { loopbackLookup } from '../web/index.ts';
import { outsideLookup } from './addresses.ts';

const KEEP_MS = 5 * 60_000;
/** After a key that is not in the kept document, it is fetched again, but not more often than this. */
const AGAIN_MS = 10_000;
const MAX_KEPT = 1000;
const MAX_BYTES = 64 * 1024;

interface Kept {
  readonly document: Promise<WellKnown>;
  readonly at: number;
}

export interface Discovery {
  /** Errors: `provider-unknown`, `provider-unreachable`, `provider-untrusted`. */
  find(domain: Domain): Promise<WellKnown>;
  /** The document as it is now, if the kept one is not from the last seconds: for a key that it does not have. */
  findAgain(domain: Domain): Promise<WellKnown>;
  /** Whether this domain is on this machine by configuration, where plain sockets are allowed. */
  isLocal(domain: Domain): boolean;
  close(): Promise<void>;
}

/** @param hosts base URLs of domains on this machine, in place of DNS and TLS. `timeoutMs`: for the whole look-up. */
export function createDiscovery(
  hosts: Readonly<Record<string, string>>,
  timeoutMs: number,
  now: () => number,
): Discovery {
  const kept = new Map<Domain, Kept>();
  const limits = { maxResponseSize: MAX_BYTES, headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
  const local = new Agent({ ...limits, connect: { lookup: loopbackLookup, timeout: timeoutMs } });
  const outside = new Agent({ ...limits, connect: { lookup: outsideLookup, timeout: timeoutMs } });

  async function get(domain: Domain): Promise<WellKnown> {
    const base = hosts[domain];
    // A name is looked up and checked; a bare IP address would be connected to unchecked, and is nobody's domain.
    if (!base && (isIP(domain) !== 0 || !domain.includes('.'))) throw new ParleyError('provider-unknown');
    const url = `${base ?? `https://${domain}`}/.well-known/parley`;
    const text = await fetchText(url, base ? local : outside, timeoutMs);
    const document = parseWith(wellKnownSchema, parseJson(text), 'provider-unknown');
    if (document.domain !== domain) throw new ParleyError('provider-untrusted', 'its document names another domain');
    requireOwnLink(document.link, domain, base);
    return document;
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

  const within = (domain: Domain, ms: number) => {
    const present = kept.get(domain);
    return present && now() - present.at < ms ? present.document : null;
  };

  return {
    find: (domain) => within(domain, KEEP_MS) ?? fresh(domain),
    findAgain: (domain) => within(domain, AGAIN_MS) ?? fresh(domain),
    isLocal: (domain) => hosts[domain] !== undefined,
    async close() {
      await Promise.all([local.destroy(), outside.destroy()]);
    },
  };
}

/** A provider's link is at its own domain or below it, over TLS; on this machine, where the configuration says it is. */
export function requireOwnLink(link: string, domain: Domain, base: string | undefined): void {
  const refuse = (why: string): never => {
    throw new ParleyError('provider-untrusted', why);
  };
  const url = URL.canParse(link) ? new URL(link) : refuse('its link is no address');
  if (base) {
    const home = new URL(base);
    if (url.host !== home.host || url.protocol !== home.protocol.replace('http', 'ws'))
      refuse('its link is somewhere else');
    return;
  }
  if (url.protocol !== 'wss:') refuse('its link is not encrypted');
  if (url.hostname !== domain && !url.hostname.endsWith(`.${domain}`)) refuse('its link is at another domain');
}

async function fetchText(url: string, dispatcher: Agent, timeoutMs: number): Promise<string> {
  try {
    const response = await fetch(url, {
      dispatcher,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      headers: { accept: 'application/json' },
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new ParleyError('provider-unknown', `its document is answered with status ${response.status}`);
    }
    return await response.text();
  } catch (error) {
    throw asDiscoveryError(error);
  }
}

function asDiscoveryError(error: unknown): ParleyError {
  for (let e: unknown = error; e instanceof Error; e = e.cause) {
    if (e instanceof ParleyError) return e;
    const code = 'code' in e ? e.code : undefined;
    if (code === 'ENOTFOUND') return new ParleyError('provider-unknown', 'no such domain', { cause: error });
    if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
      return new ParleyError('provider-untrusted', 'its document is too large');
  }
  return new ParleyError('provider-unreachable', undefined, { cause: error });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ParleyError('provider-unknown', 'its document is not JSON');
  }
}
