// What makes a well-known document believable, apart from fetching it: where it is asked for, that it is the domain's
// own, and that its link stays with the domain. Pure.
import { isIP } from 'node:net';
import { type Domain, ParleyError, parseWith, type WellKnown, wellKnownSchema } from '@parley/protocol';

/** Stands in for DNS and TLS: base URLs of domains on this machine (`federation.hosts`). */
export type LocalHosts = Readonly<Record<string, string>>;

/** The base URL configured for a domain; undefined for a domain that is found by DNS and TLS. */
export function localBase(hosts: LocalHosts, domain: Domain): string | undefined {
  return Object.hasOwn(hosts, domain) ? hosts[domain] : undefined;
}

/**
 * Where a domain's document is. Throws `provider-unknown` for what can be no company's domain: a name without a dot, and
 * whatever a URL takes for an IP address ("127.1", "0x7f.1"), since such an address would be connected to unchecked.
 */
export function documentUrl(hosts: LocalHosts, domain: Domain): string {
  const base = localBase(hosts, domain);
  if (base !== undefined) return `${base}/.well-known/parley`;
  const text = `https://${domain}`;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || url.hostname !== domain || isIP(url.hostname) !== 0 || !domain.includes('.')) {
    throw new ParleyError('provider-unknown', 'this is no domain of a company');
  }
  return `${text}/.well-known/parley`;
}

/** Reads the text of a document. Errors: `provider-unknown` if it is none, `provider-untrusted` if it is not the domain's own. */
export function readDocument(text: string, domain: Domain, base: string | undefined): WellKnown {
  const document = parseWith(wellKnownSchema, parseJson(text), 'provider-unknown');
  if (document.domain !== domain) throw new ParleyError('provider-untrusted', 'its document names another domain');
  if (!document.versions.includes(1)) throw new ParleyError('unsupported-version');
  requireOwnLink(document.link, domain, base);
  return document;
}

/** A provider's link is at its own domain or below it, over TLS; on this machine, where the configuration says it is. */
export function requireOwnLink(link: string, domain: Domain, base: string | undefined): void {
  const refuse = (why: string): never => {
    throw new ParleyError('provider-untrusted', why);
  };
  const url = URL.canParse(link) ? new URL(link) : refuse('its link is no address');
  if (url.username || url.password || url.hash) refuse('its link is not a plain address');
  if (base !== undefined) {
    const home = new URL(base);
    if (url.host !== home.host || url.protocol !== home.protocol.replace('http', 'ws')) {
      refuse('its link is somewhere else');
    }
    return;
  }
  if (url.protocol !== 'wss:') refuse('its link is not encrypted');
  if (url.hostname !== domain && !url.hostname.endsWith(`.${domain}`)) refuse('its link is at another domain');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ParleyError('provider-unknown', 'its document is not JSON');
  }
}
