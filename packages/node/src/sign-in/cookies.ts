// The cookies: the session's, a guest's, and the one that ties a sign-in under way to the browser that began it. Pure.
import type { IncomingHttpHeaders } from 'node:http';
import { parseCookie, stringifySetCookie } from 'cookie';

export type CookieKind = 'session' | 'guest' | 'sign-in';
const names: Record<CookieKind, string> = {
  session: 'parley-session',
  guest: 'parley-guest',
  'sign-in': 'parley-sign-in',
};

/**
 * Over HTTPS the name says `__Host-`, so that neither a page at a sibling domain nor one over plain HTTP can plant it
 * (RFC 6265bis section 4.1.3.2).
 */
function nameOf(kind: CookieKind, origin: string): string {
  return origin.startsWith('https:') ? `__Host-${names[kind]}` : names[kind];
}

export function readCookie(kind: CookieKind, origin: string, headers: IncomingHttpHeaders): string | undefined {
  return parseCookie(headers.cookie ?? '')[nameOf(kind, origin)];
}

/** A `Set-Cookie` value. `seconds` 0 removes the cookie. */
export function writeCookie(kind: CookieKind, origin: string, value: string, seconds: number): string {
  return stringifySetCookie({
    name: nameOf(kind, origin),
    value,
    path: '/',
    httpOnly: true,
    // Lax, not Strict: the browser must send it when the OpenID provider leads back here.
    sameSite: 'lax',
    secure: origin.startsWith('https:'),
    maxAge: Math.floor(seconds),
  });
}
