// What a device may ask of its node, and what the node tells it: one table each, from which the types, the checks at
// run time, the JSON Schema files and docs/protocol.md all come.
import { z } from 'zod';
import { addressPatternSchema, addressSchema, conversationIdSchema, domainSchema } from './address.ts';
import { epochSchema, eventSchema, mediaPolicySchema, roomIdSchema } from './events.ts';
import {
  IDENTIFY_SECONDS,
  MAX_CANDIDATES,
  MAX_EVENTS_PER_MESSAGE,
  MAX_PROOF,
  MAX_SDP,
  MAX_STATEMENT,
  MAX_TEXT,
} from './limits.ts';
import {
  chosenPresenceSchema,
  contactSchema,
  deviceIdSchema,
  displayNameSchema,
  linkIdSchema,
  mediaSwitchesSchema,
  personSchema,
  presenceSchema,
  providerSchema,
} from './people.ts';

export const PROTOCOL_VERSION = 1;

const nothing = z.strictObject({});
const sdp = z.string().min(1).max(MAX_SDP);
const conversation = conversationIdSchema;
/** Names one RTCPeerConnection pair of a direct path: late messages of another one are dropped. */
export const pathIdSchema = z.string().regex(/^p_[A-Za-z0-9_-]{8,32}$/);
export const legIdSchema = z.string().regex(/^l_[A-Za-z0-9_-]{16,32}$/);

/** What a conference service can do, in this conference or in another one that it moves it to. */
export const conferenceOffersSchema = z.strictObject({ mixing: z.boolean(), recording: z.boolean() });
export type ConferenceOffers = z.infer<typeof conferenceOffersSchema>;

/** RTCIceCandidateInit; `candidate` empty = end of candidates (RFC 8838). */
export const candidateSchema = z.strictObject({
  candidate: z.string().max(1024),
  sdpMid: z.string().max(32).nullable().optional(),
  sdpMLineIndex: z.int().nonnegative().max(256).nullable().optional(),
  usernameFragment: z.string().max(256).nullable().optional(),
});
export type Candidate = z.infer<typeof candidateSchema>;

/** Set-up of a direct path and proofs of identity, from device to device. Passes through the nodes and is kept nowhere. */
export const signalSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('offer'), path: pathIdSchema, epoch: epochSchema, sdp }),
  z.strictObject({ type: z.literal('answer'), path: pathIdSchema, epoch: epochSchema, sdp }),
  z.strictObject({
    type: z.literal('candidates'),
    path: pathIdSchema,
    epoch: epochSchema,
    candidates: z.array(candidateSchema).min(1).max(MAX_CANDIDATES),
  }),
  /** Asks the offering side for a new offer: `ice` = with an ICE restart (RFC 8839 section 4.4.1.1.1), `new` = from nothing. */
  z.strictObject({ type: z.literal('restart'), path: pathIdSchema, epoch: epochSchema, kind: z.enum(['ice', 'new']) }),
  /** Who the sending device is, for the one it is sent to (R5): a PASSporT as package `identity` makes and verifies it. */
  z.strictObject({ type: z.literal('proof'), proof: z.string().min(1).max(MAX_PROOF) }),
  /** Asks for that proof, where none has come. */
  z.strictObject({ type: z.literal('proof-wanted') }),
]);
export type Signal = z.infer<typeof signalSchema>;

/** Where a signal comes from or goes to; without a device: every device of that person. */
export const endpointSchema = z.strictObject({ address: addressSchema, device: deviceIdSchema.optional() });
export type Endpoint = z.infer<typeof endpointSchema>;

/**
 * Signed by the focus's domain (R53): which certificates its media are encrypted with, for this device; see `identity`.
 */
export const focusStatementSchema = z.string().min(1).max(MAX_STATEMENT);

/** One source in a conference: whose sound or picture a media section carries. */
export const sourceSchema = z.strictObject({
  mid: z.string().min(1).max(32),
  /** Null: the mix of everybody else, which is no single person's. */
  address: addressSchema.nullable(),
  kind: z.enum(['audio', 'video']),
});
export type Source = z.infer<typeof sourceSchema>;

/** How high a device shows somebody's picture, in device pixels; 0: not at all. */
export const wantedPictureSchema = z.strictObject({
  address: addressSchema,
  height: z.int().nonnegative().max(16_384),
});
export const wantedPicturesSchema = z.array(wantedPictureSchema).max(64);
export type WantedPictures = z.infer<typeof wantedPicturesSchema>;

/** Which qualities of its picture are worth sending now, by their names (rid, RFC 8851), and in which media section. */
export const wantedQualitiesSchema = {
  leg: legIdSchema,
  mid: z.string().min(1).max(32),
  rids: z.array(z.string().regex(/^[A-Za-z0-9]{1,16}$/)).max(3),
};

export const iceServerSchema = z.strictObject({
  urls: z.array(z.string().max(300)).min(1).max(8),
  username: z.string().max(300).optional(),
  credential: z.string().max(300).optional(),
});

/** `not-failed`: a wrong proof ends the call, a missing one does not. */
export const requiredTrustSchema = z.enum(['any', 'not-failed', 'verified']);
export type RequiredTrust = z.infer<typeof requiredTrustSchema>;

/** What the node asks its clients to observe. */
export const clientSettingsSchema = z.strictObject({
  iceServers: z.array(iceServerSchema).max(8),
  /** Whether media set-up may run while it rings, before the callee accepts: that shows the callee's addresses. */
  connectWhileRinging: z.enum(['everybody', 'same-company', 'nobody']),
  /** Which paths calls may take: `conference` forbids peer-to-peer, `direct` forbids servers. */
  paths: z.enum(['any', 'conference', 'direct']),
  /** What people have to be proven to be for a call with them to go on: see `calls.requiredTrust` of the configuration. */
  requiredTrust: requiredTrustSchema,
  /** The same for some people, by the company's rules: the first entry that means somebody decides. */
  trustRules: z
    .array(z.strictObject({ people: z.array(addressPatternSchema).max(100), requiredTrust: requiredTrustSchema }))
    .max(200),
  /** On one machine only: where other domains are, in place of DNS and TLS. */
  hosts: z.record(domainSchema, z.string().max(300)),
  /** What the own node's conference service can do. */
  conference: conferenceOffersSchema,
  ringSeconds: z.int().positive().max(600),
  heartbeatSeconds: z.int().positive().max(120),
  /** For guests: what the rules let them do besides hearing and speaking. */
  guest: z.strictObject({ share: z.boolean(), write: z.boolean() }).optional(),
});
export type ClientSettings = z.infer<typeof clientSettingsSchema>;

const aboutSomebody = z.strictObject({ conversation, address: addressSchema });

/** A conversation as sent to a device that knows nothing of it: the events from number 1 on. */
export const historySchema = z.strictObject({
  conversation,
  events: z.array(eventSchema).max(MAX_EVENTS_PER_MESSAGE),
  /** False: more follow; ask with `conversation.events` after the last number. */
  complete: z.boolean(),
});
export type History = z.infer<typeof historySchema>;

const companySchema = z.strictObject({ provider: providerSchema, contacts: z.array(contactSchema).max(1000) });
export type Company = z.infer<typeof companySchema>;

/** A guest link as those in the call see it; what it says stands in the URL's fragment and is told once, to its maker. */
export const guestLinkSchema = z.strictObject({
  id: linkIdSchema,
  by: addressSchema,
  /** Whether whoever comes by it waits to be let in. */
  lobby: z.boolean(),
  /** Milliseconds since 1970. */
  expiresAt: z.int().nonnegative(),
});
export type GuestLink = z.infer<typeof guestLinkSchema>;

/** Requests of a device. Each answers with `result` or an error of the catalogue. */
export const deviceMethods = {
  /** First on every socket. With `resume`, goes on where the cut socket stopped; `received` = last `seq` seen. */
  'session.hello': {
    params: z.strictObject({
      version: z.literal(PROTOCOL_VERSION),
      resume: z.strictObject({ token: z.string().max(128), received: z.int().nonnegative() }).optional(),
    }),
    result: z.strictObject({
      device: deviceIdSchema,
      me: personSchema,
      provider: providerSchema,
      resumeToken: z.string().max(128),
      /** True: missed notifications follow. False: start afresh from `conversations`. */
      resumed: z.boolean(),
      settings: clientSettingsSchema,
      /** Conversations with an active call this person is in or rung for; empty when resumed. */
      conversations: z.array(historySchema).max(32),
    }),
  },
  /** Frees the node's copies of notifications up to `seq`. */
  'session.received': { params: z.strictObject({ seq: z.int().nonnegative() }), result: nothing },
  /** Unregisters at once (R9). */
  'session.bye': { params: nothing, result: nothing },

  'directory.contacts': { params: nothing, result: z.strictObject({ companies: z.array(companySchema).max(200) }) },
  /** Own directory by part of name or address; a whole address of another company is looked up there (R12). */
  'directory.search': {
    params: z.strictObject({ text: z.string().min(1).max(320) }),
    result: z.strictObject({ contacts: z.array(contactSchema).max(50) }),
  },
  'directory.addContact': {
    params: z.strictObject({ address: addressSchema }),
    result: z.strictObject({ contact: contactSchema }),
  },
  'directory.removeContact': { params: z.strictObject({ address: addressSchema }), result: nothing },
  'presence.set': { params: z.strictObject({ presence: chosenPresenceSchema }), result: nothing },

  /** Creates a conversation, starts its call and rings; the own device has joined. `offer` goes to whoever rings. */
  'call.start': {
    params: z.strictObject({
      to: z.array(addressSchema).min(1).max(16),
      policy: mediaPolicySchema,
      title: displayNameSchema.optional(),
      media: mediaSwitchesSchema,
      offer: z.strictObject({ path: pathIdSchema, sdp }).optional(),
    }),
    result: historySchema,
  },
  'call.accept': { params: z.strictObject({ conversation, media: mediaSwitchesSchema }), result: nothing },
  'call.decline': { params: z.strictObject({ conversation }), result: nothing },
  /** Takes an invitation back: one's own, or any when one started the call. */
  'call.cancel': { params: z.strictObject({ conversation, address: addressSchema }), result: nothing },
  /** Any participant may add somebody (R24, R40). */
  'call.add': { params: z.strictObject({ conversation, address: addressSchema }), result: nothing },
  'call.leave': { params: z.strictObject({ conversation }), result: nothing },
  'call.media': { params: z.strictObject({ conversation, media: mediaSwitchesSchema }), result: nothing },
  /** This device has switched to the path of `epoch`: everything it shows and plays comes by it. */
  'call.ready': { params: z.strictObject({ conversation, epoch: epochSchema }), result: nothing },
  /** The path of `epoch` could not be set up or has broken for good on this device. */
  'call.pathFailed': { params: z.strictObject({ conversation, epoch: epochSchema }), result: nothing },
  /** Passed to the other device(s); both ends must be in the conversation, joined or rung. */
  'call.signal': {
    params: z.strictObject({ conversation, to: endpointSchema, signal: signalSchema }),
    result: nothing,
  },

  /** A guest asks to come in. `waiting`: until the organiser says so; otherwise it rings at once. */
  'call.enter': { params: z.strictObject({ conversation }), result: z.strictObject({ waiting: z.boolean() }) },
  /** The organiser lets a waiting guest in, or does not. */
  'call.admit': { params: aboutSomebody, result: nothing },
  'call.turnAway': { params: aboutSomebody, result: nothing },
  /** The organiser switches somebody's microphone off; nobody can switch another's on, only ask (R63). */
  'call.mute': { params: aboutSomebody, result: nothing },
  'call.askToUnmute': { params: aboutSomebody, result: nothing },
  /** The organiser takes somebody out, who stays out; `untrusted`: since they have not proven who they are. */
  'call.remove': {
    params: z.strictObject({ conversation, address: addressSchema, because: z.enum(['wish', 'untrusted']) }),
    result: nothing,
  },
  /** The organiser asks everybody to prove who they are within so many seconds (R68). */
  'call.raiseTrust': {
    params: z.strictObject({
      conversation,
      seconds: z.int().min(IDENTIFY_SECONDS.least).max(IDENTIFY_SECONDS.most),
    }),
    result: nothing,
  },
  /** This device goes away to sign in, and comes back with `call.accept`: the place in the call is kept as long as it rings. */
  'call.identify': { params: z.strictObject({ conversation }), result: nothing },

  /** Makes a guest link (R30). `url` holds the secret, in its fragment; it is told only now. */
  'guest.invite': {
    params: z.strictObject({ conversation, lobby: z.boolean(), minutes: z.int().positive().max(10_080).optional() }),
    result: z.strictObject({ link: guestLinkSchema, url: z.string().max(500) }),
  },
  /** Links into this call that are still good. */
  'guest.links': {
    params: z.strictObject({ conversation }),
    result: z.strictObject({ links: z.array(guestLinkSchema).max(50) }),
  },
  /** Its maker, or the organiser, takes a link back: nobody comes by it any more. */
  'guest.withdraw': { params: z.strictObject({ conversation, link: linkIdSchema }), result: nothing },

  'conversation.events': {
    params: z.strictObject({ conversation, after: z.int().nonnegative() }),
    result: historySchema,
  },
  'conversation.send': {
    params: z.strictObject({ conversation, text: z.string().min(1).max(MAX_TEXT) }),
    result: nothing,
  },

  /**
   * Enters the conference of `epoch`: the node fetches this device's pass from the conversation's host and hands it to the
   * focus, so that no browser ever holds one. Opens the sending leg; the receiving one is offered with `focus.offer`.
   */
  'focus.join': {
    params: z.strictObject({ conversation, epoch: epochSchema, sdp }),
    result: z.strictObject({
      room: roomIdSchema,
      leg: legIdSchema,
      sdp,
      statement: focusStatementSchema,
      offers: conferenceOffersSchema,
    }),
  },
  'focus.answer': {
    params: z.strictObject({
      focus: domainSchema,
      room: roomIdSchema,
      leg: legIdSchema,
      revision: z.int().positive(),
      sdp,
    }),
    result: nothing,
  },
  'focus.candidates': {
    params: z.strictObject({
      focus: domainSchema,
      room: roomIdSchema,
      leg: legIdSchema,
      candidates: z.array(candidateSchema).min(1).max(MAX_CANDIDATES),
    }),
    result: nothing,
  },
  /** How large this device shows whom, whenever that changes; those it does not name are wanted as large as they come. */
  'focus.prefer': {
    params: z.strictObject({ focus: domainSchema, room: roomIdSchema, pictures: wantedPicturesSchema }),
    result: nothing,
  },
  /** Tries whether this device could reach the own node's conference service: connects for a moment, with no media. */
  'focus.probe': { params: z.strictObject({ sdp }), result: z.strictObject({ sdp }) },
  /** Closes every leg of this device in the room. */
  'focus.leave': { params: z.strictObject({ focus: domainSchema, room: roomIdSchema }), result: nothing },
  /**
   * Asks for one composed sound and picture of all others in place of one of each, or back. `moving`: this conference
   * cannot, and is being moved to where it can; ask again there. Errors: `not-available`.
   */
  'focus.receive': {
    params: z.strictObject({ focus: domainSchema, room: roomIdSchema, mixed: z.boolean() }),
    result: z.strictObject({ moving: z.boolean() }),
  },

  /** Asks everybody in the call for a recording; whoever asks agrees to it (R58). */
  'call.record': { params: z.strictObject({ conversation }), result: nothing },
  /** Agrees to the recording of that number. */
  'call.consent': { params: z.strictObject({ conversation, recording: z.int().positive() }), result: nothing },
  /** Does not agree, or not any more: the recording ends for everybody. */
  'call.stopRecording': { params: z.strictObject({ conversation, recording: z.int().positive() }), result: nothing },
} as const satisfies Record<string, { params: z.ZodType; result: z.ZodType }>;

export type DeviceMethod = keyof typeof deviceMethods;
export type DeviceParams<M extends DeviceMethod> = z.infer<(typeof deviceMethods)[M]['params']>;
export type DeviceResult<M extends DeviceMethod> = z.infer<(typeof deviceMethods)[M]['result']>;

/** All that a guest's device may ask for; everything else is `not-for-guests`. */
export const guestMethods: ReadonlySet<string> = new Set<DeviceMethod>([
  'call.enter',
  'call.accept',
  'call.decline',
  'call.leave',
  'call.media',
  'call.ready',
  'call.pathFailed',
  'call.signal',
  'call.identify',
  'call.consent',
  'call.stopRecording',
  'conversation.events',
  'conversation.send',
  'focus.join',
  'focus.answer',
  'focus.candidates',
  'focus.receive',
  'focus.probe',
  'focus.leave',
]);

/** What the node tells a device, each with the envelope's `seq`. */
export const deviceNotifications = {
  /** New events, in order. A gap means: ask with `conversation.events`. */
  'conversation.events': z.strictObject({
    conversation,
    events: z.array(eventSchema).min(1).max(MAX_EVENTS_PER_MESSAGE),
  }),
  'call.signal': z.strictObject({
    conversation,
    from: z.strictObject({ address: addressSchema, device: deviceIdSchema }),
    signal: signalSchema,
  }),
  'presence.changed': z.strictObject({ address: addressSchema, presence: presenceSchema }),
  /** The focus offers (or offers anew) a receiving leg; `sources` tells whose each media section is. */
  'focus.offer': z.strictObject({
    focus: domainSchema,
    room: roomIdSchema,
    leg: legIdSchema,
    revision: z.int().positive(),
    sdp,
    sources: z.array(sourceSchema).max(256),
    statement: focusStatementSchema,
  }),
  /** What this device sends in several qualities: those not named need not be sent. Until told: the first only. */
  'focus.wanted': z.strictObject({ focus: domainSchema, room: roomIdSchema, ...wantedQualitiesSchema }),
  /** Somebody else is speaking now, or nobody. */
  'focus.speaker': z.strictObject({ focus: domainSchema, room: roomIdSchema, speaker: addressSchema.nullable() }),
  /** The room or this device's legs are gone. */
  'focus.closed': z.strictObject({
    focus: domainSchema,
    room: roomIdSchema,
    reason: z.enum(['room-ended', 'engine-lost', 'leg-lost']),
  }),
  /** A guest who waited is not let in: refused, nobody said anything, or the call is over. Who is let in is rung. */
  'call.lobby': z.strictObject({ conversation, outcome: z.enum(['refused', 'no-answer', 'call-ended']) }),
  /** The company's rules do not permit this call, which rings, any more: nothing else is told of it (R48). */
  'call.withdrawn': z.strictObject({ conversation }),
  /** The company's rules have changed, and hold for running calls too (R48). */
  'session.settings': z.strictObject({ settings: clientSettingsSchema }),
  /** The node will close the socket and not resume. */
  'session.ended': z.strictObject({ reason: z.enum(['signed-out', 'expired', 'replaced', 'shutting-down']) }),
} as const satisfies Record<string, z.ZodType>;

export type DeviceNotification = keyof typeof deviceNotifications;
export type NotificationParams<N extends DeviceNotification> = z.infer<(typeof deviceNotifications)[N]>;
