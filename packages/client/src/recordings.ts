// The recordings a person is in, from the own node. The files themselves are fetched by the browser, as downloads.
import { conversationIdSchema, ParleyError, parseWith } from '@parley/protocol';
import { z } from 'zod';
import type { FinishedRecording } from './api.ts';
import { send } from './http.ts';

const listSchema = z.object({
  recordings: z
    .array(
      z.object({
        conversation: conversationIdSchema,
        recording: z.int().positive(),
        title: z.string().max(80).nullable(),
        people: z.array(z.string().max(80)).max(64),
        startedAt: z.number(),
        bytes: z.number(),
        milliseconds: z.number(),
        expiresAt: z.number(),
      }),
    )
    .max(200),
});

/** Errors: `timed-out`, `session-expired`. */
export async function recordings(node: string): Promise<readonly FinishedRecording[]> {
  const response = await send(`${node}/api/recordings`, { headers: { accept: 'application/json' } });
  if (!response.ok) throw new ParleyError('session-expired');
  const list = parseWith(listSchema, await response.json(), 'malformed-message').recordings;
  return list.map((one) => ({
    ...one,
    url: `${node}/api/recordings/${encodeURIComponent(one.conversation)}/${one.recording}`,
  }));
}
