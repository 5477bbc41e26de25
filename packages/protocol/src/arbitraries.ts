// For tests: any event that the schema lets through, in any order, as a hostile host could send it; and among few people
// and few epochs, so that events meet.
import fc from 'fast-check';
import { type Address, type ConversationId, isGuestAddress } from './address.ts';
import { errorCodeSchema } from './errors.ts';
import { type ConversationEvent, type EventBody, leavingSchema, outcomeSchema, recordingEndSchema } from './events.ts';
import type { Person } from './people.ts';

export const conversation = `${'c'.repeat(22)}@enterprise1.example` as ConversationId;

const names = ['alice', 'bob', 'carol', 'dave', 'guest+1'];
const address = fc.constantFrom(...names).map((name) => `${name}@enterprise1.example` as Address);
const person: fc.Arbitrary<Person> = address.map((a) => {
  const known = { address: a, name: a.slice(0, 3), company: 'Enterprise 1' };
  return isGuestAddress(a) ? { ...known, guest: true } : known;
});
const link = fc.constant(`g_${'l'.repeat(22)}`);
const device = fc.constantFrom('d_aaaaaaaaaaaaaaaa', 'd_bbbbbbbbbbbbbbbb').map((d) => d as never);
const media = fc.record({ microphone: fc.boolean(), camera: fc.boolean() }, { noNullPrototype: true });
const epoch = fc.integer({ min: 1, max: 6 });
const focus = fc.record(
  {
    domain: fc.constantFrom('enterprise1.example', 'enterprise2.example').map((d) => d as never),
    room: fc.constantFrom(`r_${'a'.repeat(22)}`, `r_${'b'.repeat(22)}`),
  },
  { noNullPrototype: true },
);
const kind = fc.constantFrom('direct' as const, 'conference' as const);
/** Sometimes there: the key is left out otherwise, as JSON has no undefined. */
const optionally = { noNullPrototype: true } as const;

/** Any body of an event. */
export const anyBody: fc.Arbitrary<EventBody> = fc.oneof(
  fc.record({ type: fc.constant('created' as const), by: person }, optionally),
  fc.record(
    {
      type: fc.constant('call-started' as const),
      by: address,
      policy: fc.constantFrom('direct-first' as const, 'conference' as const, 'direct-only' as const),
      focus,
    },
    { ...optionally, requiredKeys: ['type', 'by', 'policy'] },
  ),
  fc.record(
    { type: fc.constant('added' as const), by: address, person, link },
    { ...optionally, requiredKeys: ['type', 'by', 'person'] },
  ),
  fc.record({ type: fc.constant('knocked' as const), by: address, person, link }, optionally),
  fc.record({ type: fc.constant('admitted' as const), address, by: address }, optionally),
  fc.record({ type: fc.constant('muted' as const), address, by: address }, optionally),
  fc.record({ type: fc.constant('unmute-asked' as const), address, by: address }, optionally),
  fc.record(
    { type: fc.constant('trust-raised' as const), by: address, seconds: fc.integer({ min: 15, max: 600 }) },
    optionally,
  ),
  fc.record({ type: fc.constant('identifying' as const), address }, optionally),
  fc.record({ type: fc.constant('identified' as const), address }, optionally),
  fc.record({ type: fc.constant('alerting' as const), address }, optionally),
  fc.record(
    { type: fc.constant('invitation-ended' as const), address, outcome: fc.constantFrom(...outcomeSchema.options) },
    optionally,
  ),
  fc.record({ type: fc.constant('joined' as const), address, device, media }, optionally),
  fc.record({ type: fc.constant('joined' as const), address, device, media }, optionally),
  fc.record({ type: fc.constant('media' as const), address, media }, optionally),
  fc.record({ type: fc.constant('connected' as const), address, epoch }, optionally),
  fc.record(
    {
      type: fc.constant('left' as const),
      address,
      reason: fc.constantFrom(...leavingSchema.options),
      by: address,
    },
    { ...optionally, requiredKeys: ['type', 'address', 'reason'] },
  ),
  fc.record(
    {
      type: fc.constant('transfer-started' as const),
      epoch,
      to: kind,
      focus,
      offerer: address,
      because: fc.constantFrom('path-failed' as const, 'engine-lost' as const, 'room-moved' as const),
    },
    { ...optionally, requiredKeys: ['type', 'epoch', 'to'] },
  ),
  fc.record({ type: fc.constant('path-ready' as const), address, epoch }, optionally),
  fc.record({ type: fc.constant('path-changed' as const), epoch }, optionally),
  fc.record(
    {
      type: fc.constant('transfer-ended' as const),
      epoch,
      outcome: fc.constantFrom('not-needed' as const, 'failed' as const, 'timed-out' as const),
      code: fc.constantFrom(...errorCodeSchema.options),
    },
    { ...optionally, requiredKeys: ['type', 'epoch', 'outcome'] },
  ),
  fc.record(
    {
      type: fc.constant('call-ended' as const),
      reason: fc.constantFrom('hung-up' as const, 'not-answered' as const, 'media-failed' as const, 'lost' as const),
    },
    optionally,
  ),
  fc.record(
    { type: fc.constant('message' as const), by: address, text: fc.string({ minLength: 1, maxLength: 20 }) },
    optionally,
  ),
  fc.record({ type: fc.constant('recording-asked' as const), by: address }, optionally),
  fc.record({ type: fc.constant('recording-consented' as const), address }, optionally),
  fc.record({ type: fc.constant('recording-agreed' as const) }, optionally),
  fc.record({ type: fc.constant('recording-started' as const), focus }, optionally),
  fc.record(
    {
      type: fc.constant('recording-ended' as const),
      because: fc.constantFrom(...recordingEndSchema.options),
      by: address,
      code: fc.constantFrom(...errorCodeSchema.options),
    },
    { ...optionally, requiredKeys: ['type', 'because'] },
  ),
  fc.record(
    {
      type: fc.constant('recording-filed' as const),
      recording: fc.integer({ min: 1, max: 40 }),
      file: fc.record({ bytes: fc.nat(), milliseconds: fc.nat(), expiresAt: fc.nat() }, optionally),
    },
    optionally,
  ),
);

/** Bodies as a conversation's events, numbered from 1, a second apart. */
export function numbered(bodies: readonly EventBody[]): ConversationEvent[] {
  return bodies.map((body, i) => ({ conversation, n: i + 1, at: 1_000_000 + i * 1000, body }));
}

/** A conversation that has begun as real ones do, and then anything. */
export const anyEvents: fc.Arbitrary<ConversationEvent[]> = fc
  .tuple(person, fc.boolean(), fc.array(anyBody, { maxLength: 40 }))
  .map(([by, begun, rest]) => {
    const start: EventBody[] = [
      { type: 'created', by },
      { type: 'call-started', by: by.address, policy: 'direct-first' },
    ];
    return numbered(begun ? [...start, ...rest] : rest);
  });
