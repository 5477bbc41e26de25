// What others must be asked for to verify somebody: what a domain publishes, and the keys of its issuers. Asked directly,
// so that the own node has no say in it; through the own node only where the browser cannot, and then it is said.
import { createReplayGuard, type Published, type Sources } from '@parley/identity';
import { type Domain, isLoopbackHost, ParleyError, parseWith, wellKnownSchema } from '@parley/protocol';
import { z } from 'zod';

/** Each question's deadline, and how long an answer is good for. */
const ANSWER_MS = 4000;
const KEEP_MS = 5 * 60_000;
/** After a key that was not there it is asked again, but not more often than this. */
const AGAIN_MS = 10_000;
const MAX_KEPT = 200;
const MAX_TEXT = 64 * 1024;

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url().max(500) });
const keysSchema = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(64) });
type IssuerKeys = Awaited<ReturnType<Sources['keysOf']>>;

/**
 * @param node where the own node is, without a slash at the end
 * @param hosts where other domains are on this machine, in place of DNS and TLS; empty elsewhere
 */
export function createSources(node: string, hosts: () => Readonly<Record<string, string>>): Sources {
  const domains = createCache<Published>();
  const issuers = createCache<IssuerKeys>();

  async function publishedBy(domain: Domain): Promise<Published> {
    const about = new URLSearchParams({ domain });
    const { value, relayed } = await askOrRelay(
      () => readJson(documentUrl(node, hosts(), domain)),
      `${node}/api/identity/domain?${about}`,
    );
    const document = parseWith(wellKnownSchema, value, 'provider-unknown');
    if (document.domain !== domain) throw new ParleyError('provider-untrusted', 'its document names another domain');
    return { issuers: document.issuers, keys: document.keys, relayed };
  }

  async function keysOf(issuer: string, domain: Domain): Promise<IssuerKeys> {
    const about = new URLSearchParams({ domain, issuer });
    const { value, relayed } = await askOrRelay(async () => {
      requireSafe(issuer);
      const at = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
      const discovered = parseWith(discoverySchema, await readJson(at), 'provider-unknown');
      // Discovery section 4.3: a document that names another issuer is not this one's.
      if (discovered.issuer !== issuer) throw new ParleyError('provider-untrusted');
      requireSafe(discovered.jwks_uri);
      return readJson(discovered.jwks_uri);
    }, `${node}/api/identity/keys?${about}`);
    return { keys: parseWith(keysSchema, value, 'provider-unknown').keys, relayed };
  }

  return {
    publishedBy: (domain, again) => domains.get(domain, again, () => publishedBy(domain)),
    keysOf: (issuer, domain, again) => issuers.get(`${domain} ${issuer}`, again, () => keysOf(issuer, domain)),
    replays: createReplayGuard(),
  };
}

/**
 * Where a domain's document is: at the domain, by TLS. A node may say otherwise only if it is on this machine itself, and
 * only of this machine; any other could name whom it likes as somebody's domain, and would have to be believed.
 */
export function documentUrl(node: string, hosts: Readonly<Record<string, string>>, domain: Domain): string {
  const said = Object.hasOwn(hosts, domain) ? hosts[domain] : undefined;
  const base = said !== undefined && isHere(node) && isHere(said) ? said : `https://${domain}`;
  return `${base}/.well-known/parley`;
}

function isHere(url: string): boolean {
  return URL.canParse(url) && isLoopbackHost(new URL(url).hostname);
}

/** Keys that came in the clear are anybody's. */
function requireSafe(url: string): void {
  if (!url.startsWith('https:') && !isHere(url)) throw new ParleyError('provider-untrusted', 'keys without TLS');
}

/** Answers by name, several askers of one thing sharing one question. */
function createCache<T>() {
  const kept = new Map<string, { readonly answer: Promise<T>; readonly at: number }>();
  return {
    get(name: string, again: boolean, ask: () => Promise<T>): Promise<T> {
      const known = kept.get(name);
      const age = known ? performance.now() - known.at : Number.POSITIVE_INFINITY;
      if (known && age < (again ? AGAIN_MS : KEEP_MS)) return known.answer;
      const answer = ask();
      kept.delete(name);
      kept.set(name, { answer, at: performance.now() });
      const [oldest] = kept.keys();
      if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
      answer.catch(() => {
        if (kept.get(name)?.answer === answer) kept.delete(name);
      });
      return answer;
    },
  };
}

async function askOrRelay(ask: () => Promise<unknown>, relay: string): Promise<{ value: unknown; relayed: boolean }> {
  try {
    return { value: await ask(), relayed: false };
  } catch {
    return { value: await readJson(relay, 'include'), relayed: true };
  }
}

async function readJson(url: string, credentials: RequestCredentials = 'omit'): Promise<unknown> {
  // Followed redirects would let whoever answers choose who is asked.
  const init: RequestInit = { credentials, redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS) };
  const response = await fetch(url, { ...init, headers: { accept: 'application/json' } });
  const text = response.ok ? await response.text() : '';
  if (!response.ok || text.length > MAX_TEXT) throw new ParleyError('provider-unreachable');
  return JSON.parse(text);
}
