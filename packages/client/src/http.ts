// The few plain HTTP requests a client makes of its node: who are you, and sign me out.
import { displayNameSchema, ParleyError, parseWith, providerSchema } from '@parley/protocol';
import { z } from 'zod';
import type { ConnectOptions, NodeInfo } from './api.ts';

const HTTP_MS = 10_000;

// Not strict: a newer node may say more.
const infoSchema = z.object({
  provider: providerSchema,
  signIn: z.array(z.object({ id: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/), name: displayNameSchema })).max(16),
  signedIn: z.boolean(),
});

/** The node's own address, without a slash at the end. */
export function nodeUrl(options: ConnectOptions | undefined): string {
  return (options?.node ?? globalThis.location.origin).replace(/\/+$/, '');
}

export function socketUrl(node: string): string {
  return `${node.replace(/^http/, 'ws')}/socket`;
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { credentials: 'include', signal: AbortSignal.timeout(HTTP_MS), ...init });
  } catch (error) {
    throw new ParleyError('timed-out', 'the node does not answer', { cause: error });
  }
}

/**
 * What the node says of itself, and whether this browser is signed in there. Errors: `timed-out` when it is out of
 * reach, `malformed-message` when what answers is no Parley node.
 */
export async function nodeInfo(options?: ConnectOptions): Promise<NodeInfo> {
  const node = nodeUrl(options);
  const response = await send(`${node}/api/provider`, { headers: { accept: 'application/json' } });
  if (response.status >= 500) throw new ParleyError('timed-out', `the node answers ${response.status}`);
  let body: unknown;
  try {
    body = await response.json();
  } catch (error) {
    throw new ParleyError('malformed-message', 'not a Parley node', { cause: error });
  }
  const info = parseWith(infoSchema, body, 'malformed-message');
  return {
    provider: info.provider,
    signedIn: info.signedIn,
    signIn: info.signIn.map(({ id, name }) => ({
      id,
      name,
      url: (returnTo) => `${node}/sign-in/${encodeURIComponent(id)}?return=${encodeURIComponent(returnTo)}`,
    })),
  };
}

/** Ends the web session, and with it every device of this browser. Errors: `timed-out`, `internal-error`. */
export async function signOut(node: string): Promise<void> {
  const response = await send(`${node}/sign-out`, { method: 'POST' });
  if (!response.ok) throw new ParleyError('internal-error', `sign-out answered ${response.status}`);
}
