// Web origins (RFC 6454) and patterns of them. Pure.

/** `http://*.host:port` matches every host one label below; without `*.` exactly that origin. */
export interface OriginPattern {
  readonly protocol: 'http:' | 'https:';
  /** Without the `*.`. */
  readonly host: string;
  /** Empty for the protocol's own. */
  readonly port: string;
  readonly wildcard: boolean;
}

/** Reads a pattern; null when it is none (a path, user name or anything else beside the origin is none). */
export function parseOriginPattern(text: string): OriginPattern | null {
  const match = /^(https?:)\/\/(\*\.)?([^/*?#@]+)$/i.exec(text);
  const [, , star, rest] = match ?? [];
  if (rest === undefined) return null;
  const url = parseUrl(`${match?.[1]}//${rest}`);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null;
  return { protocol: url.protocol, host: url.hostname, port: url.port, wildcard: star !== undefined };
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

/** True if an `Origin` header's value fits the pattern. */
export function matchesOrigin(pattern: OriginPattern, origin: string): boolean {
  const url = parseUrl(origin);
  // "null" and anything with more than an origin in it is never equal to its own origin.
  if (!url || url.origin !== origin.toLowerCase()) return false;
  if (url.protocol !== pattern.protocol || url.port !== pattern.port) return false;
  if (!pattern.wildcard) return url.hostname === pattern.host;
  const dot = url.hostname.indexOf('.');
  return dot > 0 && url.hostname.slice(dot + 1) === pattern.host;
}
