// Recordings for those who are in them: the list, and the file, as a download only. From elsewhere it comes by way of the
// own node, on a ticket of the conference's provider that is good once and for a minute and stands in no URL.
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import {
  type Address,
  type ConversationId,
  conversationIdSchema,
  type Domain,
  domainOf,
  ParleyError,
  parseWith,
} from '@parley/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Conversations } from '../conversations/api.ts';
import type { Federation } from '../federation/api.ts';
import type { SignIn } from '../sign-in/api.ts';
import type { Web } from '../web/index.ts';
import type { RecordingStore } from './store.ts';

/** Where other nodes fetch what they have a ticket for. */
const FILE_PATH = '/recordings/file';
const TICKET_MS = 60_000;
const MAX_TICKETS = 1000;
/** A long recording by a slow line. */
const DOWNLOAD_MS = 6 * 3_600_000;

const which = z.strictObject({ conversation: conversationIdSchema, recording: z.coerce.number().int().positive() });

/** Adds the routes and answers other providers. `conversations` is asked only once the node listens. */
export function addRecordings(deps: {
  domain: Domain;
  web: Web;
  signIn: SignIn;
  federation: Federation;
  conversations: () => Conversations;
  store: RecordingStore;
}): void {
  const { domain, web, signIn, federation, conversations, store } = deps;
  const tickets = new Map<string, { conversation: ConversationId; recording: number; until: number }>();

  async function person(request: FastifyRequest): Promise<Address> {
    const session = await signIn.authenticate(request.raw);
    if (!session) throw new ParleyError('not-signed-in');
    if (session.guest) throw new ParleyError('not-for-guests');
    return session.person.address;
  }

  /** The recording, for somebody who is in it. Throws `recording-gone` for everybody else, so that nothing is learnt. */
  async function recordingFor(address: Address, conversation: ConversationId, n: number) {
    const state = await conversations().state(conversation);
    const recording = state?.recordings.find((one) => one.n === n);
    if (!recording?.file || !recording.focus || !recording.people.includes(address)) {
      throw new ParleyError('recording-gone');
    }
    return { ...recording, focus: recording.focus, file: recording.file };
  }

  /** Never shown in a page of ours, whatever is in it. */
  function send(reply: FastifyReply, recording: number, file: { bytes: number; extension: string; stream: Readable }) {
    reply.headers({
      'content-type': 'application/octet-stream',
      'content-length': file.bytes,
      'content-disposition': `attachment; filename="recording-${recording}${file.extension}"`,
    });
    return reply.send(file.stream);
  }

  async function kept(conversation: ConversationId, recording: number) {
    const found = await store.find(conversation, recording);
    if (!found) throw new ParleyError('recording-gone');
    return { ...found, extension: extname(found.path) };
  }
  const open = async (conversation: ConversationId, recording: number) => {
    const found = await kept(conversation, recording);
    return { ...found, stream: createReadStream(found.path) };
  };

  web.app.get('/api/recordings', async (request) => ({
    recordings: await conversations().recordingsOf(await person(request)),
  }));
  web.app.get('/api/recordings/:conversation/:recording', { handlerTimeout: DOWNLOAD_MS }, async (request, reply) => {
    const address = await person(request);
    const { conversation, recording } = parseWith(which, request.params, 'recording-gone');
    const { focus, file } = await recordingFor(address, conversation, recording);
    if (focus.domain === domain) return send(reply, recording, await open(conversation, recording));
    const wanted = { conversation, recording, address };
    const { ticket, extension } = await federation.request(focus.domain, 'focus.recording', wanted);
    const stream = await federation.download(focus.domain, FILE_PATH, ticket, file.bytes);
    return send(reply, recording, { bytes: file.bytes, extension, stream });
  });
  web.app.get(FILE_PATH, { handlerTimeout: DOWNLOAD_MS }, async (request, reply) => {
    const [, name = ''] = /^Bearer ([\w-]+)$/.exec(request.headers.authorization ?? '') ?? [];
    const ticket = tickets.get(name);
    tickets.delete(name);
    if (!ticket || ticket.until < Date.now()) throw new ParleyError('ticket-invalid');
    return send(reply, ticket.recording, await open(ticket.conversation, ticket.recording));
  });
  federation.handle('focus.recording', async (from, { conversation, recording, address }) => {
    if (domainOf(address) !== from) throw new ParleyError('not-allowed', 'a provider speaks only for its own people');
    const { focus } = await recordingFor(address, conversation, recording);
    if (focus.domain !== domain) throw new ParleyError('recording-gone');
    const { extension } = await kept(conversation, recording);
    for (const [ticket, { until }] of tickets) if (until < Date.now()) tickets.delete(ticket);
    if (tickets.size >= MAX_TICKETS) throw new ParleyError('too-many-requests');
    const ticket = randomBytes(24).toString('base64url');
    tickets.set(ticket, { conversation, recording, until: Date.now() + TICKET_MS });
    return { ticket, extension };
  });
}
