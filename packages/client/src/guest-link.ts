// What a browser asks of a node with nothing but a guest link (R30): where it leads, and to come in by it.
import {
  type ConversationId,
  conversationIdSchema,
  displayNameSchema,
  errorCodeSchema,
  ParleyError,
  parseWith,
  personSchema,
  providerSchema,
} from '@parley/protocol';
import { z } from 'zod';
import type { ConnectOptions, Invitation } from './api.ts';
import { nodeUrl, send } from './http.ts';

// Not strict: a newer node may say more.
const invitationSchema = z.object({
  provider: providerSchema,
  by: z.object({ name: displayNameSchema, company: displayNameSchema }),
  title: displayNameSchema.nullable(),
  lobby: z.boolean(),
  me: personSchema.nullable(),
});
const enteredSchema = z.object({ conversation: conversationIdSchema });
const refusalSchema = z.object({ error: z.object({ code: errorCodeSchema }) });

/** Where a link leads. `secret`: what stands in its fragment. Errors: `link-invalid`, `link-ended`, `too-many-requests`. */
export async function invitation(secret: string, options?: ConnectOptions): Promise<Invitation> {
  return parseWith(invitationSchema, await post(options, 'look', { link: secret }), 'malformed-message');
}

/**
 * Begins to come in by a link: with a name as a guest, without one as who is signed in here. `connect` and `Session.enter`
 * follow. Errors: those of `invitation`, `invalid-parameters` (the name), `conversation-full`.
 */
export async function enterByLink(
  secret: string,
  name: string | null,
  options?: ConnectOptions,
): Promise<ConversationId> {
  const body = name === null ? { link: secret } : { link: secret, name };
  return parseWith(enteredSchema, await post(options, 'enter', body), 'malformed-message').conversation;
}

async function post(options: ConnectOptions | undefined, verb: 'look' | 'enter', body: object): Promise<unknown> {
  const response = await send(`${nodeUrl(options)}/api/guest/${verb}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
  });
  const said: unknown = await response.json().catch(() => null);
  if (response.ok) return said;
  const refusal = refusalSchema.safeParse(said);
  throw new ParleyError(refusal.success ? refusal.data.error.code : 'internal-error');
}
