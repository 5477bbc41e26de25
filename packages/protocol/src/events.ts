// What happens in a conversation, as an append-only list. The host numbers the events from 1 without gaps; everybody
// folds them with the reducer in conversation.ts. Media signalling is not history and is not here.
import { z } from 'zod';
import { addressSchema, conversationIdSchema, domainSchema } from './address.ts';
import { errorCodeSchema } from './errors.ts';
import { MAX_TEXT } from './limits.ts';
import { deviceIdSchema, displayNameSchema, mediaSwitchesSchema, personSchema } from './people.ts';

/** How an invitation ended without an answer (R13, R23). Each reads differently on both sides. */
export const outcomeSchema = z.enum([
  'declined',
  'no-answer',
  'cancelled',
  'busy',
  'do-not-disturb',
  'offline',
  'unknown-address',
  'unreachable',
  'refused',
]);
export type Outcome = z.infer<typeof outcomeSchema>;

/** `direct` = peer-to-peer; `conference` = by way of a focus. */
export const pathKindSchema = z.enum(['direct', 'conference']);
export type PathKind = z.infer<typeof pathKindSchema>;

/** What the starter asked for: grow from peer-to-peer when needed, or a conference from the start (flow 1). */
export const mediaPolicySchema = z.enum(['direct-first', 'conference', 'direct-only']);
export type MediaPolicy = z.infer<typeof mediaPolicySchema>;

export const roomIdSchema = z.string().regex(/^r_[A-Za-z0-9_-]{22}$/);
/** Where a conference runs: the provider whose focus it is, and the room there. */
export const focusRoomSchema = z.strictObject({ domain: domainSchema, room: roomIdSchema });
export type FocusRoom = z.infer<typeof focusRoomSchema>;

/** Numbers every attempt to set up a path within a call, so that late messages of an older one are dropped. */
export const epochSchema = z.int().positive().max(1_000_000);

const bodies = [
  z.strictObject({ type: z.literal('created'), by: personSchema, title: displayNameSchema.optional() }),
  z.strictObject({
    type: z.literal('call-started'),
    by: addressSchema,
    policy: mediaPolicySchema,
    focus: focusRoomSchema.optional(),
  }),
  z.strictObject({ type: z.literal('added'), by: addressSchema, person: personSchema }),
  z.strictObject({ type: z.literal('alerting'), address: addressSchema }),
  z.strictObject({ type: z.literal('invitation-ended'), address: addressSchema, outcome: outcomeSchema }),
  z.strictObject({
    type: z.literal('joined'),
    address: addressSchema,
    device: deviceIdSchema,
    media: mediaSwitchesSchema,
  }),
  z.strictObject({ type: z.literal('media'), address: addressSchema, media: mediaSwitchesSchema }),
  z.strictObject({ type: z.literal('connected'), address: addressSchema, epoch: epochSchema }),
  z.strictObject({ type: z.literal('left'), address: addressSchema, reason: z.enum(['hung-up', 'lost', 'removed']) }),
  z.strictObject({
    type: z.literal('transfer-started'),
    epoch: epochSchema,
    to: pathKindSchema,
    focus: focusRoomSchema.optional(),
    /** Who makes the offer when the new path is direct. */
    offerer: addressSchema.optional(),
    /** Left out when people came or went. */
    because: z.enum(['path-failed', 'engine-lost']).optional(),
  }),
  z.strictObject({ type: z.literal('path-ready'), address: addressSchema, epoch: epochSchema }),
  z.strictObject({ type: z.literal('path-changed'), epoch: epochSchema }),
  z.strictObject({
    type: z.literal('transfer-ended'),
    epoch: epochSchema,
    outcome: z.enum(['not-needed', 'failed', 'timed-out']),
    code: errorCodeSchema.optional(),
  }),
  z.strictObject({
    type: z.literal('call-ended'),
    reason: z.enum(['hung-up', 'not-answered', 'media-failed', 'lost']),
  }),
  z.strictObject({ type: z.literal('message'), by: addressSchema, text: z.string().min(1).max(MAX_TEXT) }),
] as const;

const common = {
  conversation: conversationIdSchema,
  /** 1, 2, 3 ... within the conversation. */
  n: z.int().positive(),
  /** Milliseconds since 1970 by the host's clock. */
  at: z.int().nonnegative(),
};

/** What is to be appended, before the host has numbered it. */
export const eventBodySchema = z.discriminatedUnion('type', bodies);
export type EventBody = z.infer<typeof eventBodySchema>;

export const eventSchema = z.strictObject({ ...common, body: eventBodySchema });
export type ConversationEvent = z.infer<typeof eventSchema>;
