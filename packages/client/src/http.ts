// The few plain HTTP requests a client makes of its node: who are you, and sign me out.
import { displayNameSchema, MAX_STATEMENT, ParleyError, parseWith, providerSchema } from '@parley/protocol';
import { z } from 'zod';
import type { ConnectOptions, NodeInfo, SignedIn, SignInChoice } from './api.ts';
import { prepareKey, type SignInProof } from './own-identity.ts';

const HTTP_MS = 10_000;

// Not strict: a newer node may say more.
const infoSchema = z.object({
  provider: providerSchema,
  signIn: z.array(z.object({ id: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/), name: displayNameSchema })).max(16),
  signedIn: z.boolean(),
  guest: z.boolean().default(false),
});

/** The node's own address, without a slash at the end. */
export function nodeUrl(options: ConnectOptions | undefined): string {
  return (options?.node ?? globalThis.location.origin).replace(/\/+$/, '');
}

export function socketUrl(node: string): string {
  return `${node.replace(/^http/, 'ws')}/socket`;
}

export async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { credentials: 'include', signal: AbortSignal.timeout(HTTP_MS), ...init });
  } catch (error) {
    throw new ParleyError('timed-out', 'the node does not answer', { cause: error });
  }
}

async function askInfo(node: string): Promise<z.infer<typeof infoSchema>> {
  const response = await send(`${node}/api/provider`, { headers: { accept: 'application/json' } });
  if (response.status >= 500) throw new ParleyError('timed-out', `the node answers ${response.status}`);
  let body: unknown;
  try {
    body = await response.json();
  } catch (error) {
    throw new ParleyError('malformed-message', 'not a Parley node', { cause: error });
  }
  return parseWith(infoSchema, body, 'malformed-message');
}

/** Whether this browser is signed in, be it as a guest. Errors: those of `nodeInfo`. */
export async function isSignedIn(node: string): Promise<boolean> {
  const { signedIn, guest } = await askInfo(node);
  return signedIn || guest;
}

/**
 * What the node says of itself, and whether this browser is signed in there. Errors: `timed-out` when it is out of
 * reach, `malformed-message` when what answers is no Parley node. `again`: somebody who is signed in is about to sign in
 * once more.
 */
export async function nodeInfo(options?: ConnectOptions & { readonly again?: boolean }): Promise<NodeInfo> {
  const node = nodeUrl(options);
  const info = await askInfo(node);
  // Only who is about to sign in needs a new key.
  const nonce = info.signedIn && !options?.again ? null : await prepareKey();
  return {
    provider: info.provider,
    signedIn: info.signedIn,
    guest: info.guest,
    signIn: info.signIn.map(({ id, name }) => ({
      id,
      name,
      url: (returnTo, options) => signInUrl(node, id, returnTo, nonce, options),
    })),
  };
}

/** Where a sign-in at this issuer begins. `nonce`: of a key that this browser has made. */
export function signInUrl(
  node: string,
  issuer: string,
  returnTo: string,
  nonce: string | null,
  { loginHint, prompt }: NonNullable<Parameters<SignInChoice['url']>[1]> = {},
): string {
  const query = new URLSearchParams({ return: returnTo });
  if (nonce) query.set('nonce', nonce);
  if (loginHint) query.set('login_hint', loginHint);
  if (prompt) query.set('prompt', prompt);
  return `${node}/sign-in/${encodeURIComponent(issuer)}?${query}`;
}

const sessionSchema = z.object({
  proof: z
    .object({ idToken: z.string().max(8192), link: z.string().max(MAX_STATEMENT).nullable() })
    .nullable()
    .default(null),
});

/** What this browser's sign-in left with the node for its proofs; null without, or if the node does not say. */
export async function signInProof(node: string): Promise<SignInProof | null> {
  try {
    const response = await send(`${node}/api/session`, { headers: { accept: 'application/json' } });
    return response.ok ? parseWith(sessionSchema, await response.json(), 'malformed-message').proof : null;
  } catch {
    return null;
  }
}

/** Ends the web session, and with it every device of this browser. Errors: `timed-out`, `internal-error`. */
export async function signOut(node: string): Promise<void> {
  const response = await send(`${node}/sign-out`, { method: 'POST' });
  if (!response.ok) throw new ParleyError('internal-error', `sign-out answered ${response.status}`);
}

const signInsSchema = z.object({
  sessions: z
    .array(
      z.object({
        id: z.string().max(100),
        current: z.boolean(),
        createdAt: z.number(),
        lastSeenAt: z.number(),
        userAgent: z.string().max(300),
      }),
    )
    .max(100),
});

/** Where the person is signed in. Errors: `timed-out`, `session-expired`. */
export async function signIns(node: string): Promise<readonly SignedIn[]> {
  const response = await send(`${node}/api/sessions`, { headers: { accept: 'application/json' } });
  if (!response.ok) throw new ParleyError('session-expired');
  return parseWith(signInsSchema, await response.json(), 'malformed-message').sessions;
}

/** Ends one of them; that it has ended already is as good. Errors: `timed-out`, `session-expired`. */
export async function endSignIn(node: string, id: string): Promise<void> {
  const response = await send(`${node}/api/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' });
  if (!response.ok && response.status !== 404) throw new ParleyError('session-expired');
}
