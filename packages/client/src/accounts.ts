// Accounts elsewhere with which the person may sign in: what the node is asked over HTTP.
import { asParleyError, displayNameSchema, errorCodeSchema, ParleyError, parseWith } from '@parley/protocol';
import { z } from 'zod';
import type { LinkedAccounts } from './api.ts';
import { send, signInUrl } from './http.ts';
import { prepareKey } from './own-identity.ts';

const id = z.string().max(100);
const listSchema = z.object({
  accounts: z
    .array(z.object({ id, issuer: displayNameSchema, account: z.string().max(400), linkedAt: z.number().nullable() }))
    .max(100),
  choices: z.array(z.object({ id, name: displayNameSchema })).max(16),
});
const targetSchema = z.object({ url: z.url({ protocol: /^https?$/ }).max(4000) });
const sessionSchema = z.object({ issuer: z.string().max(64).nullable().default(null) });
const problemSchema = z.object({ error: z.object({ code: errorCodeSchema }) });

async function ask<T>(url: string, schema: z.ZodType<T>, init: RequestInit = {}): Promise<T> {
  const response = await send(url, { headers: { accept: 'application/json' }, ...init });
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return parseWith(schema, body, 'malformed-message');
  const problem = problemSchema.safeParse(body);
  throw problem.success ? new ParleyError(problem.data.error.code) : asParleyError(null);
}

/** Errors: `timed-out`, `not-signed-in`. */
export function linkedAccounts(node: string): Promise<LinkedAccounts> {
  return ask(`${node}/api/accounts`, listSchema);
}

/**
 * Where to send the browser so that an account at this issuer is linked. Errors: `sign-in-again` (see `signInAgain`),
 * `not-allowed`, `provider-unreachable`, `too-many-requests`.
 */
export async function linkAccount(node: string, issuer: string): Promise<string> {
  return (await ask(`${node}/api/accounts/${encodeURIComponent(issuer)}`, targetSchema, { method: 'POST' })).url;
}

/** Whoever is signed in with it is signed out. That it is gone already is as good. Errors: `timed-out`. */
export async function unlinkAccount(node: string, account: string): Promise<void> {
  const response = await send(`${node}/api/accounts/${encodeURIComponent(account)}`, { method: 'DELETE' });
  if (!response.ok && response.status !== 404) throw new ParleyError('session-expired');
}

/** Where to send the browser so that the person gives their password again, where they gave it, and comes back to a path. */
export async function signInAgain(node: string, returnTo: string): Promise<string> {
  const { issuer } = await ask(`${node}/api/session`, sessionSchema);
  if (issuer === null) throw new ParleyError('session-expired');
  return signInUrl(node, issuer, returnTo, await prepareKey(), { prompt: 'login' });
}
