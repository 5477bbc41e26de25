// The OpenID providers where people may sign in: the code flow with PKCE (OpenID Connect Core 1.0 section 3.1,
// RFC 7636, RFC 9700), and what an ID token says once it has been verified.
import { asParleyError, displayNameSchema, isLoopbackHost, ParleyError } from '@parley/protocol';
import * as oidc from 'openid-client';
import type { RequestInit } from 'undici';
import { z } from 'zod';
import type { IssuerConfig } from '../config/index.ts';
import { fetchWithLoopback } from '../web/resolve.ts';
import type { Attempt } from './attempts.ts';

/** How long a provider may take for each answer, in seconds. */
const ANSWER_SECONDS = 5;
/** How long its discovery document is used, in milliseconds. */
const DISCOVERY_MS = 3_600_000;

/** Who somebody is at an issuer, as verified there. */
export interface Identity {
  readonly issuer: IssuerConfig;
  readonly subject: string;
  /** In lower case; only if the issuer says that it has verified it. */
  readonly email: string | null;
  readonly name: string | null;
  /** What the claim configured as `member` holds. */
  readonly member: string | null;
  /** Whether the token says all that is required of this issuer's. */
  readonly meets: boolean;
  readonly idToken: string;
  /** When the person last gave a password or the like there, milliseconds since 1970; null if the issuer does not say. */
  readonly authenticatedAt: number | null;
}

export interface Issuer {
  readonly config: IssuerConfig;
  /** Where to send the browser. Errors: `provider-unreachable`. */
  begin(attempt: Attempt, redirectUri: string, hints: { loginHint?: string; prompt?: string }): Promise<URL>;
  /** Redeems the answer in `callback`. Errors: `sign-in-refused`, `provider-unreachable`. */
  finish(attempt: Attempt, callback: URL): Promise<Identity>;
}

export function createIssuer(config: IssuerConfig): Issuer {
  let known: { readonly at: number; readonly client: Promise<oidc.Configuration> } | null = null;

  const client = async (): Promise<oidc.Configuration> => {
    if (!known || performance.now() - known.at > DISCOVERY_MS)
      known = { at: performance.now(), client: discover(config) };
    const used = known;
    try {
      return await used.client;
    } catch (error) {
      if (known === used) known = null;
      throw new ParleyError('provider-unreachable', `sign-in at ${config.id}`, { cause: error });
    }
  };

  return {
    config,
    async begin(attempt, redirectUri, { loginHint, prompt }) {
      const parameters: Record<string, string> = {
        redirect_uri: redirectUri,
        scope: 'openid profile email',
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(attempt.verifier),
        code_challenge_method: 'S256',
      };
      if (loginHint !== undefined) parameters.login_hint = loginHint;
      if (prompt !== undefined) parameters.prompt = prompt;
      return oidc.buildAuthorizationUrl(await client(), parameters);
    },
    async finish(attempt, callback) {
      const configuration = await client();
      try {
        const tokens = await oidc.authorizationCodeGrant(configuration, callback, {
          expectedState: attempt.state,
          expectedNonce: attempt.nonce,
          pkceCodeVerifier: attempt.verifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (!claims) throw new ParleyError('sign-in-refused', 'no ID token');
        // Most providers give the profile only to whoever asks for it (Core section 5.4).
        const asks = configuration.serverMetadata().userinfo_endpoint !== undefined && !isComplete(config, claims);
        const more = asks ? await oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub) : {};
        return readIdentity(config, tokens.id_token ?? '', claims, { ...more, ...claims });
      } catch (error) {
        // New keys are found by discovering again.
        known = null;
        throw refusal(error, config);
      }
    },
  };
}

function discover(config: IssuerConfig): Promise<oidc.Configuration> {
  const url = new URL(config.issuer);
  const { clientSecret } = config;
  return oidc.discovery(
    url,
    config.clientId,
    undefined,
    clientSecret === undefined ? oidc.None() : withSecret(clientSecret),
    {
      [oidc.customFetch]: fetchOf(config.id),
      timeout: ANSWER_SECONDS,
      execute: isLoopbackHost(url.hostname) ? [oidc.allowInsecureRequests] : [],
    },
  );
}

// `client_secret_basic` is what clients are registered with unless somebody says otherwise (Core section 9).
function withSecret(secret: string): oidc.ClientAuth {
  const basic = oidc.ClientSecretBasic(secret);
  const post = oidc.ClientSecretPost(secret);
  return (server, ...rest) => {
    const supported = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const useBasic = supported.includes('client_secret_basic') || !supported.includes('client_secret_post');
    return (useBasic ? basic : post)(server, ...rest);
  };
}

function fetchOf(issuerId: string): oidc.CustomFetch {
  return async (url, options) => {
    try {
      // The library's options name the global types of the same standard.
      return await fetchWithLoopback(url, options as RequestInit);
    } catch (error) {
      throw new ParleyError('provider-unreachable', `sign-in at ${issuerId}`, { cause: error });
    }
  };
}

/** Codes of openid-client for a server that answers, though not as an OpenID provider does. */
const unreachable = new Set(['OAUTH_TIMEOUT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON']);

function refusal(error: unknown, config: IssuerConfig): ParleyError {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ParleyError) return asParleyError(cause);
  }
  const details = `sign-in at ${config.id}`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const busy =
    error instanceof oidc.AuthorizationResponseError &&
    (error.error === 'temporarily_unavailable' || error.error === 'server_error');
  const lost = busy || unreachable.has(code);
  return new ParleyError(lost ? 'provider-unreachable' : 'sign-in-refused', details, { cause: error });
}

function isComplete(config: IssuerConfig, claims: Readonly<Record<string, unknown>>): boolean {
  return claims.name !== undefined && claims[config.member ?? 'email'] !== undefined;
}

const claimsSchema = z.looseObject({
  sub: z.string().min(1).max(255),
  email: z.string().max(320).optional().catch(undefined),
  email_verified: z.boolean().optional().catch(undefined),
  name: displayNameSchema.optional().catch(undefined),
  auth_time: z.number().optional().catch(undefined),
});

function readIdentity(
  config: IssuerConfig,
  idToken: string,
  signed: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
): Identity {
  const parsed = claimsSchema.safeParse(claims);
  if (!parsed.success) throw new ParleyError('sign-in-refused', 'the ID token names nobody');
  const { sub, email, email_verified, name, auth_time } = parsed.data;
  const member = config.member === undefined ? undefined : claims[config.member];
  return {
    issuer: config,
    subject: sub,
    email: email_verified === true && email !== undefined ? email.toLowerCase() : null,
    name: name ?? null,
    member: typeof member === 'string' ? member : null,
    // Only what the issuer has signed: others' clients see nothing else.
    meets: Object.entries(config.required).every(([claim, value]) => signed[claim] === value),
    idToken,
    authenticatedAt: auth_time === undefined ? null : auth_time * 1000,
  };
}
