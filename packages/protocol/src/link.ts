// What two nodes say to each other over their link, and the well-known document by which one finds the other (R43).
// Both sides are equal: either may send any request. A sender may speak only for people of its own domain.
import { z } from 'zod';
import { addressSchema, conversationIdSchema, domainSchema } from './address.ts';
import {
  candidateSchema,
  conferenceOffersSchema,
  endpointSchema,
  focusStatementSchema,
  legIdSchema,
  signalSchema,
  sourceSchema,
  wantedPicturesSchema,
  wantedQualitiesSchema,
} from './device.ts';
import { epochSchema, eventSchema, leavingSchema, outcomeSchema, recordingFileSchema, roomIdSchema } from './events.ts';
import { IDENTIFY_SECONDS, MAX_CANDIDATES, MAX_EVENTS_PER_MESSAGE, MAX_SDP, MAX_TEXT } from './limits.ts';
import { contactSchema, deviceIdSchema, displayNameSchema, mediaSwitchesSchema, presenceSchema } from './people.ts';

/** An Ed25519 public key as a JWK (RFC 8037). */
export const domainKeySchema = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().length(43),
  kid: z.string().min(1).max(64),
  use: z.literal('sig').optional(),
  alg: z.literal('EdDSA').optional(),
});

/**
 * What a domain says of an issuer that may vouch for its people. Issuers differ in what names a person, so it is
 * published, never guessed.
 */
export const issuerProfileSchema = z.object({
  /** Exactly as in `iss` (OpenID Connect Core section 2). */
  issuer: z.url().max(500),
  /** Client ids whose ID tokens count: `aud`. */
  clientIds: z.array(z.string().min(1).max(300)).min(1).max(16),
  /**
   * The claim that names the person: a whole address, or its local part where `domain` is given. Left out: accounts there
   * belong to people one by one, and the domain vouches for each by a signed link.
   */
  address: z.object({ claim: z.string().min(1).max(64), domain: z.string().max(253).optional() }).optional(),
  /** Claims that must be so: Google's `hd`, Entra's `tid`, `email_verified`. */
  required: z.record(z.string().max(64), z.union([z.string().max(300), z.boolean()])).default({}),
});
export type IssuerProfile = z.infer<typeof issuerProfileSchema>;

/** `https://<domain>/.well-known/parley`. Not strict: a newer provider may say more. */
export const wellKnownSchema = z.object({
  domain: domainSchema,
  name: displayNameSchema,
  versions: z.array(z.int().positive()).min(1).max(16),
  /** WebSocket address of the link, `wss:` (`ws:` on loopback only). */
  link: z.string().max(500),
  keys: z.array(domainKeySchema).min(1).max(8),
  issuers: z.array(issuerProfileSchema).max(16),
  /** True: this provider runs conferences. */
  focus: z.boolean(),
});
export type WellKnown = z.infer<typeof wellKnownSchema>;

/** What a conference must be able to do besides passing on sound and picture. */
export const conferenceNeedsSchema = z.strictObject({
  mixing: z.boolean().optional(),
  recording: z.boolean().optional(),
});
export type ConferenceNeeds = z.infer<typeof conferenceNeedsSchema>;

const nothing = z.strictObject({});
const conversation = conversationIdSchema;
const sdp = z.string().min(1).max(MAX_SDP);
const nonce = z.string().regex(/^[A-Za-z0-9_-]{32,64}$/);
const roomOfDevice = { room: roomIdSchema, address: addressSchema, device: deviceIdSchema };

/** A participant's command, relayed by their provider to the host; the host checks it as if made by its own people. */
export const relayedCommandSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('alerting') }),
  z.strictObject({ type: z.literal('refuse'), outcome: outcomeSchema }),
  z.strictObject({ type: z.literal('accept'), device: deviceIdSchema, media: mediaSwitchesSchema }),
  z.strictObject({ type: z.literal('decline') }),
  z.strictObject({ type: z.literal('cancel'), address: addressSchema }),
  z.strictObject({ type: z.literal('add'), address: addressSchema }),
  /** `removed`: their own company's rules do not permit the call any more. */
  z.strictObject({ type: z.literal('leave'), reason: leavingSchema }),
  z.strictObject({ type: z.literal('media'), media: mediaSwitchesSchema }),
  z.strictObject({ type: z.literal('ready'), epoch: epochSchema }),
  z.strictObject({ type: z.literal('path-failed'), epoch: epochSchema }),
  z.strictObject({ type: z.literal('send'), text: z.string().min(1).max(MAX_TEXT) }),
  z.strictObject({ type: z.literal('record') }),
  z.strictObject({ type: z.literal('consent'), recording: z.int().positive() }),
  z.strictObject({ type: z.literal('stop-recording'), recording: z.int().positive() }),
  // By the organiser only, but for the last.
  z.strictObject({ type: z.literal('admit'), address: addressSchema }),
  z.strictObject({ type: z.literal('turn-away'), address: addressSchema }),
  z.strictObject({ type: z.literal('mute'), address: addressSchema }),
  z.strictObject({ type: z.literal('ask-unmute'), address: addressSchema }),
  z.strictObject({ type: z.literal('remove'), address: addressSchema, because: z.enum(['wish', 'untrusted']) }),
  z.strictObject({
    type: z.literal('raise-trust'),
    seconds: z.int().min(IDENTIFY_SECONDS.least).max(IDENTIFY_SECONDS.most),
  }),
  z.strictObject({ type: z.literal('identify') }),
]);
export type RelayedCommand = z.infer<typeof relayedCommandSchema>;

export const linkMethods = {
  /** Handshake, from the side that connected: who it is, whom it means, and a fresh nonce for the other to sign. */
  'link.hello': {
    params: z.strictObject({ version: z.literal(1), from: domainSchema, to: domainSchema, nonce }),
    /** `proof`: compact JWS (EdDSA) by the answering domain's key over both nonces and both domains. */
    result: z.strictObject({ nonce, proof: z.string().max(2048) }),
  },
  /** Second half of the handshake: the connecting domain's own proof. Nothing else is heard before it. */
  'link.prove': { params: z.strictObject({ proof: z.string().max(2048) }), result: nothing },

  /**
   * Host → participants' provider: events in order, at least once. `have` in the result is the last number the
   * receiver now holds; if it is below the first event's number the host sends again from there.
   */
  'conversation.deliver': {
    params: z.strictObject({ conversation, events: z.array(eventSchema).min(1).max(MAX_EVENTS_PER_MESSAGE) }),
    result: z.strictObject({ have: z.int().nonnegative() }),
  },
  /** Participants' provider → host. */
  'conversation.command': {
    params: z.strictObject({ conversation, by: addressSchema, command: relayedCommandSchema }),
    result: nothing,
  },
  /** Either way: signalling of a direct path. */
  'call.signal': {
    params: z.strictObject({
      conversation,
      from: z.strictObject({ address: addressSchema, device: deviceIdSchema }),
      to: endpointSchema,
      signal: signalSchema,
    }),
    result: nothing,
  },

  /** Host → focus provider: a room for a conversation that one of the focus' own people is in. Same answer if repeated. */
  'focus.create': {
    params: z.strictObject({ conversation, epoch: epochSchema, needs: conferenceNeedsSchema.optional() }),
    result: z.strictObject({ room: roomIdSchema }),
  },
  'focus.close': { params: z.strictObject({ room: roomIdSchema }), result: nothing },
  /** Host → focus: this device takes part no more, and what it sends and receives ends whatever it does itself. */
  'focus.evict': {
    params: z.strictObject({ room: roomIdSchema, address: addressSchema, device: deviceIdSchema }),
    result: nothing,
  },
  /** Host → itself for its own people, or participants' provider → host: a pass for one device. */
  'focus.ticket': {
    params: z.strictObject({ conversation, epoch: epochSchema, address: addressSchema, device: deviceIdSchema }),
    result: z.strictObject({ ticket: z.string().max(4096) }),
  },
  /** Device's provider → focus. */
  'focus.join': {
    params: z.strictObject({ ticket: z.string().max(4096), address: addressSchema, device: deviceIdSchema, sdp }),
    result: z.strictObject({
      room: roomIdSchema,
      leg: legIdSchema,
      sdp,
      statement: focusStatementSchema,
      offers: conferenceOffersSchema,
    }),
  },
  'focus.answer': {
    params: z.strictObject({ ...roomOfDevice, leg: legIdSchema, revision: z.int().positive(), sdp }),
    result: nothing,
  },
  'focus.candidates': {
    params: z.strictObject({
      ...roomOfDevice,
      leg: legIdSchema,
      candidates: z.array(candidateSchema).min(1).max(MAX_CANDIDATES),
    }),
    result: nothing,
  },
  'focus.leave': { params: z.strictObject(roomOfDevice), result: nothing },
  'focus.prefer': { params: z.strictObject({ ...roomOfDevice, pictures: wantedPicturesSchema }), result: nothing },
  /** Focus → device's provider. */
  'focus.offer': {
    params: z.strictObject({
      ...roomOfDevice,
      leg: legIdSchema,
      revision: z.int().positive(),
      sdp,
      sources: z.array(sourceSchema).max(256),
      statement: focusStatementSchema,
    }),
    result: nothing,
  },
  'focus.wanted': { params: z.strictObject({ ...roomOfDevice, ...wantedQualitiesSchema }), result: nothing },
  'focus.speaker': {
    params: z.strictObject({ ...roomOfDevice, speaker: addressSchema.nullable() }),
    result: nothing,
  },
  'focus.closed': {
    params: z.strictObject({ ...roomOfDevice, reason: z.enum(['room-ended', 'engine-lost', 'leg-lost']) }),
    result: nothing,
  },
  /** Focus → host: a person's media reaches the room, their legs have died, or the whole room is gone. */
  'focus.report': {
    params: z.strictObject({
      conversation,
      room: roomIdSchema,
      report: z.discriminatedUnion('type', [
        z.strictObject({ type: z.literal('connected'), address: addressSchema, device: deviceIdSchema }),
        z.strictObject({ type: z.literal('leg-lost'), address: addressSchema, device: deviceIdSchema }),
        z.strictObject({ type: z.literal('room-lost') }),
        /** The room works on, but is to be left for another one: its engine is drained, or cannot do what is wanted. */
        z.strictObject({ type: z.literal('move'), needs: conferenceNeedsSchema }),
        /** The recording of that number has ended, and this is the file; without one: nothing could be kept. */
        z.strictObject({
          type: z.literal('recorded'),
          recording: z.int().positive(),
          because: z.enum(['limit', 'failed']).optional(),
          file: recordingFileSchema.optional(),
        }),
      ]),
    }),
    result: nothing,
  },
  /** Device's provider → focus, as in the device's `focus.receive`. */
  'focus.receive': {
    params: z.strictObject({ ...roomOfDevice, mixed: z.boolean() }),
    result: z.strictObject({ moving: z.boolean() }),
  },
  /** Host → focus: begins or ends the recording of a room. Errors: `not-available`, `recording-storage-full`. */
  'focus.record': {
    params: z.strictObject({ room: roomIdSchema, recording: z.int().positive(), on: z.boolean() }),
    result: nothing,
  },
  /**
   * Provider of somebody who is in a recording → focus: the provider itself then asks `GET /recordings/file` at the link's
   * host for it, with the ticket as bearer token (RFC 6750 section 2.1), once and within a minute.
   */
  'focus.recording': {
    params: z.strictObject({ conversation, recording: z.int().positive(), address: addressSchema }),
    result: z.strictObject({
      ticket: z.string().regex(/^[\w-]{20,200}$/),
      extension: z.string().regex(/^(?:\.[a-z0-9]{1,8})?$/),
    }),
  },

  'directory.lookup': {
    params: z.strictObject({ address: addressSchema, by: addressSchema }),
    result: z.strictObject({ contact: contactSchema }),
  },
  /** Asks to be told of a person's presence on behalf of one's own; answers with what it is now. Ends with the link. */
  'presence.watch': {
    params: z.strictObject({ address: addressSchema, by: addressSchema }),
    result: z.strictObject({ presence: presenceSchema }),
  },
  /** `for`: whom of the receiver's people it is meant for (R15); left out: everybody who watches. */
  'presence.changed': {
    params: z.strictObject({
      address: addressSchema,
      presence: presenceSchema,
      for: z.array(addressSchema).min(1).max(500).optional(),
    }),
    result: nothing,
  },
} as const satisfies Record<string, { params: z.ZodType; result: z.ZodType }>;

export type LinkMethod = keyof typeof linkMethods;
export type LinkParams<M extends LinkMethod> = z.infer<(typeof linkMethods)[M]['params']>;
export type LinkResult<M extends LinkMethod> = z.infer<(typeof linkMethods)[M]['result']>;
