// What happens in a conversation, as an append-only list. The host numbers the events from 1 without gaps; everybody
// folds them with the reducer in conversation.ts. Media signalling is not history and is not here.
import { z } from 'zod';
import { addressSchema, conversationIdSchema, domainSchema } from './address.ts';
import { errorCodeSchema } from './errors.ts';
import { IDENTIFY_SECONDS, MAX_TEXT } from './limits.ts';
import { deviceIdSchema, displayNameSchema, linkIdSchema, mediaSwitchesSchema, personSchema } from './people.ts';

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

/**
 * Why a recording is over (R58). `refused`: somebody did not agree to it; `stopped`: somebody in the call ended it;
 * `not-answered`: not everybody said something in time; `moved`: the conference went to another room; `limit`: it
 * reached its longest time; `failed`: it could not be made, `code` says why.
 */
export const recordingEndSchema = z.enum([
  'refused',
  'stopped',
  'not-answered',
  'moved',
  'limit',
  'failed',
  'call-ended',
]);
export type RecordingEnd = z.infer<typeof recordingEndSchema>;

/** What is known of a finished recording. Whoever may have it asks the own node for it, by conversation and number. */
export const recordingFileSchema = z.strictObject({
  bytes: z.int().nonnegative(),
  milliseconds: z.int().nonnegative(),
  /** When it is deleted: milliseconds since 1970. */
  expiresAt: z.int().nonnegative(),
});
/** Why somebody is in a call no more. `untrusted`: was asked to prove who they are, and has not in time (R68). */
export const leavingSchema = z.enum(['hung-up', 'lost', 'removed', 'untrusted']);

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
  z.strictObject({
    type: z.literal('added'),
    by: addressSchema,
    person: personSchema,
    /** By which link a guest comes. */
    link: linkIdSchema.optional(),
  }),
  /** A guest waits to be let in; `by` made the link. */
  z.strictObject({ type: z.literal('knocked'), by: addressSchema, person: personSchema, link: linkIdSchema }),
  z.strictObject({ type: z.literal('admitted'), address: addressSchema, by: addressSchema }),
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
  z.strictObject({
    type: z.literal('left'),
    address: addressSchema,
    reason: leavingSchema,
    /** The organiser who took them out, who stays out then. */
    by: addressSchema.optional(),
  }),
  /** Their own device switches the microphone off, and they switch it on again themselves or not at all (R63). */
  z.strictObject({ type: z.literal('muted'), address: addressSchema, by: addressSchema }),
  z.strictObject({ type: z.literal('unmute-asked'), address: addressSchema, by: addressSchema }),
  /** From now on everybody has to be verified; who is not has so many seconds for it (R68). */
  z.strictObject({
    type: z.literal('trust-raised'),
    by: addressSchema,
    seconds: z.int().min(IDENTIFY_SECONDS.least).max(IDENTIFY_SECONDS.most),
  }),
  /** Away to sign in, and expected back. */
  z.strictObject({ type: z.literal('identifying'), address: addressSchema }),
  /** A guest has signed in with an account somewhere; which, their proofs say. */
  z.strictObject({ type: z.literal('identified'), address: addressSchema }),
  z.strictObject({
    type: z.literal('transfer-started'),
    epoch: epochSchema,
    to: pathKindSchema,
    focus: focusRoomSchema.optional(),
    /** Who makes the offer when the new path is direct. */
    offerer: addressSchema.optional(),
    /** Left out when people came or went. `room-moved`: the old room works on until everybody has left it. */
    because: z.enum(['path-failed', 'engine-lost', 'room-moved']).optional(),
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
  z.strictObject({ type: z.literal('recording-asked'), by: addressSchema }),
  z.strictObject({ type: z.literal('recording-consented'), address: addressSchema }),
  /** All who are in the call have consented. */
  z.strictObject({ type: z.literal('recording-agreed') }),
  z.strictObject({ type: z.literal('recording-started'), focus: focusRoomSchema }),
  z.strictObject({
    type: z.literal('recording-ended'),
    because: recordingEndSchema,
    by: addressSchema.optional(),
    code: errorCodeSchema.optional(),
  }),
  /** `recording`: the number of the event that asked for it. */
  z.strictObject({ type: z.literal('recording-filed'), recording: z.int().positive(), file: recordingFileSchema }),
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
