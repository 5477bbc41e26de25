// What a Janus server says: its own protocol and what the plugins used here put inside it. Shapes of Janus 1.x; only
// what is read is named. A server of ours is trusted with media, not with our memory: everything is parsed.
import { type ErrorCode, ParleyError } from '@parley/protocol';
import { z } from 'zod';

/** Rooms and feeds are numbers, or strings on a server configured with `string_ids`; we take them as they come. */
export const janusIdSchema = z.union([z.number().int().nonnegative(), z.string().min(1).max(256)]);
export type JanusId = z.infer<typeof janusIdSchema>;

const handleIdSchema = z.number().int().positive();

/** What goes into requests that only the server's administrators may make. */
export type AdminKey = { readonly admin_key?: string };

const jsepSchema = z.object({ type: z.enum(['offer', 'answer']), sdp: z.string() });
export type Jsep = z.infer<typeof jsepSchema>;

export const messageSchema = z.object({
  janus: z.string(),
  transaction: z.string().optional(),
  sender: handleIdSchema.optional(),
  data: z.object({ id: handleIdSchema }).optional(),
  error: z.object({ code: z.number(), reason: z.string() }).optional(),
  plugindata: z.object({ data: z.looseObject({}) }).optional(),
  jsep: jsepSchema.optional(),
  /** Of `hangup`. */
  reason: z.string().optional(),
  /** Of `media`. */
  mid: z.string().optional(),
  receiving: z.boolean().optional(),
});
export type JanusMessage = z.infer<typeof messageSchema>;

export const createdSchema = z.object({ room: janusIdSchema });
export const roomListSchema = z.object({
  list: z
    .array(
      z.object({
        room: janusIdSchema.optional(),
        /** Of mountpoints. */
        id: janusIdSchema.optional(),
        description: z.string().default(''),
      }),
    )
    .max(100_000),
});
export const joinedSchema = z.object({ id: janusIdSchema });
export const streamsSchema = z.object({
  streams: z
    .array(
      z.object({
        mid: z.string(),
        type: z.string(),
        feed_id: janusIdSchema.optional(),
        feed_mid: z.string().optional(),
        ready: z.boolean().default(true),
      }),
    )
    .max(1024)
    .default([]),
});
export const participantsSchema = z.object({
  participants: z.array(z.object({ id: janusIdSchema, publisher: z.boolean().default(false) })).max(10_000),
});
/** Of the AudioBridge: where a participant by plain RTP sends to. */
export const rtpJoinedSchema = z.object({
  rtp: z.object({ ip: z.string().min(1).max(64), port: z.number().int().min(1).max(65535) }),
});
/** Of the VideoRoom, for one stream. */
export const forwardedSchema = z.object({ forwarders: z.tuple([z.object({ stream_id: janusIdSchema })]) });
/** Of the Streaming plugin, for a mountpoint with one stream. */
export const mountpointSchema = z.object({
  stream: z.object({
    id: janusIdSchema,
    ports: z.tuple([z.object({ port: z.number().int().min(1).max(65535) })]),
  }),
});
const failureSchema = z.object({ error_code: z.number(), error: z.string().default('') });

/** Codes of the core (4xx below 470) and of the VideoRoom and AudioBridge plugins that mean something to people. */
const meanings: Partial<Record<number, ErrorCode>> = {
  464: 'invalid-session-description',
  465: 'invalid-session-description',
};
const videoRoomMeanings: Partial<Record<number, ErrorCode>> = {
  426: 'unknown-room',
  432: 'conversation-full',
};
/** The session is not known (any more): the server was restarted or has given us up. */
export const NO_SUCH_SESSION = 458;
export const NO_SUCH_FEED = 428;

/** A request the server has refused. `number` is Janus' own. */
export class JanusRefusal extends ParleyError {
  readonly number: number;
  constructor(code: ErrorCode, number: number, reason: string) {
    super(code, `Janus ${number}: ${reason.slice(0, 300)}`);
    this.number = number;
  }
}

/** The refusal inside a message, if it is one. */
export function refusalIn(message: JanusMessage): JanusRefusal | null {
  if (message.error) {
    const { code, reason } = message.error;
    return new JanusRefusal(meanings[code] ?? 'internal-error', code, reason);
  }
  const failure = failureSchema.safeParse(message.plugindata?.data);
  if (!failure.success) return null;
  const { error_code: number, error } = failure.data;
  return new JanusRefusal(videoRoomMeanings[number] ?? 'internal-error', number, error);
}
