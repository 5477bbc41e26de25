// For tests: a real OpenID provider on loopback with accounts and passwords, and as much of a browser as signing in
// needs (cookies by host and path, redirects one at a time, forms).
import { generateKeyPair } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { parseSetCookie } from 'cookie';
import { type ClientMetadata, Provider } from 'oidc-provider';
import { loopbackLookup } from '../web/index.ts';

export interface TestAccount {
  readonly subject: string;
  readonly password: string;
  readonly claims: Readonly<Record<string, string | boolean>>;
}

export interface TestIssuer {
  readonly url: string;
  /** Begins to answer. Separate because the redirect URIs are known only once the node listens. */
  start(client: Pick<ClientMetadata, 'client_id' | 'client_secret' | 'redirect_uris'>): Promise<void>;
  stop(): Promise<void>;
}

/** @param claimsIn whether the profile is in the ID token, or only to be had from the UserInfo endpoint. */
export async function openTestIssuer(
  host: string,
  accounts: readonly TestAccount[],
  claimsIn: 'id-token' | 'userinfo',
  moreClaims: readonly string[] = [],
): Promise<TestIssuer> {
  let answer: RequestListener = (_request, response) => void response.writeHead(503).end();
  const server = createServer((incoming, response) => answer(incoming, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });

  return {
    url,
    async start(client) {
      const provider = new Provider(url, {
        clients: [client],
        jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kty: 'RSA', use: 'sig' }] },
        cookies: { keys: ['only for tests'] },
        claims: {
          openid: ['sub'],
          profile: ['name', 'preferred_username', ...moreClaims],
          email: ['email', 'email_verified'],
        },
        conformIdTokenClaims: claimsIn === 'userinfo',
        features: { devInteractions: { enabled: false } },
        interactions: { url: (_context, { uid }) => `/form/${uid}` },
        ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 600, IdToken: 60, Interaction: 600, Session: 600 },
        findAccount: (_context, id) => {
          const account = accounts.find(({ subject }) => subject === id);
          return account && { accountId: id, claims: () => ({ sub: id, ...account.claims }) };
        },
        loadExistingGrant: async ({ oidc }) => {
          if (!oidc.client || !oidc.session?.accountId) return undefined;
          const { clientId } = oidc.client;
          const grant = new oidc.provider.Grant({ clientId, accountId: oidc.session.accountId });
          grant.addOIDCScope('openid profile email');
          await grant.save();
          return grant;
        },
      });
      const callback = provider.callback();
      answer = async (incoming, response) => {
        if (!incoming.url?.startsWith('/form/')) return callback(incoming, response);
        const { params } = await provider.interactionDetails(incoming, response);
        if (incoming.method !== 'POST') return void response.end(`Who are you? ${params.login_hint ?? ''}`);
        const form = new URLSearchParams(await text(incoming));
        if (form.has('cancel')) {
          return provider.interactionFinished(incoming, response, { error: 'access_denied' });
        }
        const account = accounts.find(({ subject }) => subject === form.get('name'));
        if (account?.password !== form.get('password')) return void response.writeHead(401).end('Wrong password.');
        return provider.interactionFinished(incoming, response, { login: { accountId: account.subject } });
      };
    },
    async stop() {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Page {
  readonly url: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Where a redirect leads, in full; null for none. */
  readonly next: string | null;
}

export interface Browser {
  open(
    url: string,
    options?: { method?: string; headers?: Record<string, string>; form?: Record<string, string> },
  ): Promise<Page>;
  /** Follows redirects while they stay at hosts that `stay` accepts, and returns the first that does not, or the page. */
  follow(url: string, stay: (url: URL) => boolean): Promise<Page>;
  /** Of a host; by name. */
  cookies(host: string): Record<string, string>;
}

export function createBrowser(): Browser {
  // Cookies know hosts and paths, but not ports (RFC 6265 section 8.5).
  const jar = new Map<string, Map<string, { value: string; path: string }>>();

  async function open(url: string, options: Parameters<Browser['open']>[1] = {}): Promise<Page> {
    const { hostname, host, pathname } = new URL(url);
    const kept = [...(jar.get(hostname) ?? [])].filter(([, { path }]) => pathname.startsWith(path));
    const headers: Record<string, string> = { host, 'user-agent': 'a test', ...options.headers };
    if (kept.length > 0)
      headers.cookie = kept.map(([name, { value }]) => `${name}=${encodeURIComponent(value)}`).join('; ');
    if (options.form) headers['content-type'] = 'application/x-www-form-urlencoded';
    const sent = request(url, { method: options.method ?? 'GET', headers, lookup: loopbackLookup, agent: false });
    sent.end(options.form && new URLSearchParams(options.form).toString());
    const [response] = await once(sent, 'response');
    for (const line of response.headers['set-cookie'] ?? []) remember(hostname, line);
    const { location } = response.headers;
    const next = location === undefined ? null : new URL(location, url).href;
    return { url, status: response.statusCode, headers: response.headers, body: await text(response), next };
  }

  function remember(hostname: string, line: string): void {
    const { name, value = '', path = '/', maxAge, expires } = parseSetCookie(line);
    const gone = maxAge === 0 || (maxAge === undefined && expires !== undefined && expires.getTime() < Date.now());
    const cookies = jar.get(hostname) ?? new Map();
    jar.set(hostname, cookies);
    if (gone) cookies.delete(name);
    else cookies.set(name, { value, path });
  }

  return {
    open,
    async follow(url, stay) {
      let page = await open(url);
      for (let hops = 0; hops < 10 && page.next !== null && stay(new URL(page.next)); hops++)
        page = await open(page.next);
      return page;
    },
    cookies: (host) => Object.fromEntries([...(jar.get(host) ?? [])].map(([name, { value }]) => [name, value])),
  };
}
