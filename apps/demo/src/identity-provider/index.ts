// An OpenID provider for the demo and the tests, with accounts from a list and pages of its own. The protocol is
// oidc-provider's; this adds people, passwords, looks, and the manners of a company's own provider: its own app is
// trusted, so nobody is asked for consent.
import { createHash, generateKeyPair, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { type Configuration, type JWK, Provider } from 'oidc-provider';
import { type Html, html } from '../html.ts';
import { listen } from '../listen.ts';
import { type Look, messagePage, signInPage, signOutPage, style } from './pages.ts';
import { createStore } from './store.ts';

export interface Account {
  /** The name to sign in with: `sub` and `preferred_username`. */
  readonly id: string;
  readonly name: string;
  /** Also accepted to sign in with. */
  readonly email: string;
  readonly password: string;
}

export interface IdentityProviderClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUris: readonly string[];
  /** How the client is called on the pages; default: its id. */
  readonly name?: string;
}

export interface IdentityProviderOptions {
  readonly port: number;
  readonly host: string;
  /** Where browsers and the client's server find it, e.g. `http://accounts.company.localhost:8811`. */
  readonly issuer: string;
  /** The company, as the pages show it. */
  readonly name: string;
  readonly accent?: string;
  readonly clients: readonly IdentityProviderClient[];
  readonly accounts: readonly Account[];
  /**
   * DEMO ONLY: whoever asks to sign in as a known account (`login_hint`) is that account, without a password. It lets
   * one person open windows as several people from the demo's page. Never anything but false where it matters.
   */
  readonly oneClick?: boolean;
}

export interface IdentityProvider {
  readonly issuer: string;
  stop(): Promise<void>;
}

const MAX_FORM_BYTES = 4096;

/**
 * Starts an OpenID provider: code flow with PKCE only; claims sub, name, preferred_username, email, email_verified in
 * the ID token and from /me. Rejects with a sentence naming the port if it is taken.
 */
export async function startIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const look: Look = { name: options.name, accent: options.accent ?? '#3757c4' };
  const provider = new Provider(options.issuer, await configuration(options, look));
  // Only answers to people's own browsers and to the client's server; anything unexpected is for the console.
  provider.on('server_error', (_context, error) => console.error(`${options.name}: ${error.message}`));
  const answer = provider.callback();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', options.issuer);
    if (pathname === '/style.css') {
      response.writeHead(200, { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'max-age=3600' });
      response.end(style(look));
    } else if (pathname.startsWith('/interaction/')) {
      signIn(provider, options, look, request, response).catch((error: unknown) => {
        // Most often a page left open for too long: its request is not known any more.
        console.error(`${options.name}: ${error instanceof Error ? error.message : error}`);
        const text = 'This sign-in has been open for too long or was already used. Go back to the app and start again.';
        send(response, 400, messagePage(look, 'Please start again', text));
      });
    } else {
      answer(request, response);
    }
  });
  await listen(server, options.port, options.host, `the identity provider of ${options.name}`);
  return {
    issuer: options.issuer,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function signIn(
  provider: Provider,
  options: IdentityProviderOptions,
  look: Look,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const interaction = await provider.interactionDetails(request, response);
  const { params, uid } = interaction;
  const client = options.clients.find(({ clientId }) => clientId === params.client_id);
  const hint = typeof params.login_hint === 'string' ? params.login_hint.slice(0, 200) : '';
  const finish = async (accountId: string) => {
    const before = interaction.session;
    if (before?.uid && before.accountId !== accountId) {
      // Somebody else was signed in with this browser: their session ends here, the new person gets a fresh one.
      await (await provider.Session.findByUid(before.uid))?.destroy();
      delete interaction.session;
      await interaction.save(interaction.exp - Math.floor(Date.now() / 1000));
    }
    const result = { login: { accountId } };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  };
  const show = (status: number, name: string, error: string | null) => {
    const form = { action: `/interaction/${uid}`, client: client?.name ?? client?.clientId ?? 'the app', name, error };
    // A form's redirects count as its targets too, and the last of them leads back to the client.
    const origins = (client?.redirectUris ?? []).map((uri) => new URL(uri).origin);
    send(response, status, signInPage(look, form), origins);
  };

  if (request.method !== 'POST') {
    const hinted = options.oneClick ? accountNamed(options.accounts, hint) : undefined;
    return hinted ? await finish(hinted.id) : show(200, hint, null);
  }
  const form = await readForm(request);
  if (form.get('cancel')) {
    const refusal = { error: 'access_denied', error_description: 'the person cancelled the sign-in' };
    return await provider.interactionFinished(request, response, refusal, { mergeWithLastSubmission: false });
  }
  const name = (form.get('name') ?? '').slice(0, 200);
  const account = accountNamed(options.accounts, name);
  // The same work whether or not the account exists, so that time does not tell which names do.
  const right = samePassword(form.get('password') ?? '', account?.password ?? randomBytes(16).toString('hex'));
  if (account && right) return await finish(account.id);
  show(401, name, 'The name or the password is wrong. Check both and try again.');
}

function accountNamed(accounts: readonly Account[], text: string): Account | undefined {
  const name = text.trim().toLowerCase();
  return accounts.find(({ id, email }) => id === name || email.toLowerCase() === name);
}

function samePassword(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MAX_FORM_BYTES) throw new Error('the form is too large');
  }
  return new URLSearchParams(text);
}

function send(response: ServerResponse, status: number, body: string, formTargets: readonly string[] = []): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, pageHeaders(formTargets));
  response.end(body);
}

function pageHeaders(formTargets: readonly string[]): Record<string, string> {
  const targets = ["'self'", ...new Set(formTargets)].join(' ');
  const policy = `default-src 'none'; style-src 'self'; form-action ${targets}; frame-ancestors 'none'; base-uri 'none'`;
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
}

async function configuration(options: IdentityProviderOptions, look: Look): Promise<Configuration> {
  // Cookies know hosts but not ports: a name of its own keeps providers on one host apart.
  const prefix = `op_${createHash('sha256').update(options.issuer).digest('hex').slice(0, 8)}`;
  const hour = 3600;
  return {
    adapter: createStore(),
    clients: options.clients.map((client) => ({
      client_id: client.clientId,
      client_secret: client.clientSecret,
      client_name: client.name ?? client.clientId,
      redirect_uris: [...client.redirectUris],
      post_logout_redirect_uris: [...new Set(client.redirectUris.map((uri) => `${new URL(uri).origin}/`))],
      response_types: ['code'],
      grant_types: ['authorization_code'],
    })),
    responseTypes: ['code'],
    pkce: { required: () => true },
    scopes: ['openid'],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
    // The person's name is wanted in the ID token itself, where the signature covers it.
    conformIdTokenClaims: false,
    findAccount: (_context, id) => {
      const account = options.accounts.find((one) => one.id === id);
      if (!account) return undefined;
      const { name, email } = account;
      const claims = { sub: id, name, preferred_username: id, email, email_verified: true };
      return { accountId: id, claims: () => claims };
    },
    loadExistingGrant: async (context) => {
      const { client, session } = context.oidc;
      if (!client || !session?.accountId) return undefined;
      const known = session.grantIdFor(client.clientId);
      const found = known ? await context.oidc.provider.Grant.find(known) : undefined;
      if (found) return found;
      const grant = new context.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => {
          context.set(pageHeaders(targetsOf(options)));
          context.body = signOutPage(look, trusted(form));
        },
        postLogoutSuccessSource: (context) => {
          context.set(pageHeaders([]));
          context.body = messagePage(
            look,
            'Signed out',
            `You are signed out of ${look.name}. You can close this window.`,
          );
        },
      },
    },
    renderError: (context, out) => {
      context.set(pageHeaders([]));
      const text = out.error_description ? `${out.error}: ${out.error_description}` : out.error;
      context.body = messagePage(look, 'That did not work', text);
    },
    jwks: { keys: [await signingKey()] },
    cookies: {
      keys: [randomBytes(32).toString('base64url')],
      names: { session: `${prefix}_session`, interaction: `${prefix}_interaction`, resume: `${prefix}_resume` },
    },
    ttl: {
      AccessToken: hour / 6,
      AuthorizationCode: 60,
      IdToken: hour,
      Interaction: hour / 4,
      Session: 12 * hour,
      Grant: 12 * hour,
    },
  };
}

function targetsOf(options: IdentityProviderOptions): string[] {
  return options.clients.flatMap((client) => client.redirectUris.map((uri) => new URL(uri).origin));
}

/** oidc-provider's own sign-out form, which it has escaped itself. */
function trusted(form: string): Html {
  return { ...html``, html: form };
}

async function signingKey(): Promise<JWK> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return {
    ...privateKey.export({ format: 'jwk' }),
    alg: 'RS256',
    use: 'sig',
    kid: randomBytes(8).toString('hex'),
  } as JWK;
}
