// What the reducer makes of recordings, of any history, and of the ways one goes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Address } from './address.ts';
import { anyEvents, conversation, numbered } from './arbitraries.ts';
import { type ConversationState, emptyConversation, joinedParticipants, reduce, reduceAll } from './conversation.ts';
import type { EventBody } from './events.ts';
import { currentRecording } from './recording.ts';
import { awaitedForRecording, mayBeHeard } from './recording-rules.ts';

const empty = emptyConversation(conversation);
const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => `${name}@enterprise1.example` as Address) as [
  Address,
  Address,
  Address,
];
const person = (address: Address) => ({ address, name: address, company: 'Enterprise 1' });
const media = { microphone: true, camera: true };
const device = 'd_aaaaaaaaaaaaaaaa' as never;
const focus = { domain: 'enterprise1.example' as never, room: `r_${'a'.repeat(22)}` };
const joins = (address: Address): EventBody[] => [
  { type: 'added', by: alice, person: person(address) },
  { type: 'joined', address, device, media },
];
const inCall: EventBody[] = [
  { type: 'created', by: person(alice) },
  { type: 'call-started', by: alice, policy: 'conference', focus },
  { type: 'joined', address: alice, device, media },
  ...joins(bob),
];
const after = (...more: EventBody[]): ConversationState => reduceAll(empty, numbered([...inCall, ...more]));
const asked: EventBody = { type: 'recording-asked', by: alice };
const bobAgrees: EventBody = { type: 'recording-consented', address: bob };
const agreed: EventBody = { type: 'recording-agreed' };
const started: EventBody = { type: 'recording-started', focus };

describe('a recording, of any events', () => {
  it('is at most one at a time, and only of people who were in the call and said yes', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        let state = empty;
        const everJoined = new Set<Address>();
        for (const event of events) {
          state = reduce(state, event);
          for (const { person: one } of joinedParticipants(state)) everJoined.add(one.address);
          const open = state.recordings.filter((one) => one.state !== 'ended');
          assert.ok(open.length <= 1);
          for (const one of state.recordings) {
            assert.ok(one.people.every((address) => everJoined.has(address)));
            assert.ok(one.consented.every((address) => one.people.includes(address)));
            assert.ok((one.startedAt !== null) === (one.focus !== null));
            if (one.file) assert.ok(one.startedAt !== null);
          }
        }
      }),
    );
  });

  it('ends with the call', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const state = reduceAll(empty, events);
        if (state.call?.ended) assert.equal(currentRecording(state.recordings)?.startedAt ?? null, null);
      }),
    );
  });
});

describe('a recording', () => {
  it('waits for everybody, runs, and has a file for those who agreed', () => {
    assert.deepEqual(
      awaitedForRecording(after(asked)).map((p) => p.person.address),
      [bob],
    );
    assert.deepEqual(awaitedForRecording(after(asked, bobAgrees)), []);
    const file = { bytes: 9, milliseconds: 1000, expiresAt: 5 };
    const ended: EventBody = { type: 'recording-ended', because: 'stopped', by: bob };
    const state = after(asked, bobAgrees, agreed, started, ended, { type: 'recording-filed', recording: 6, file });
    const [one] = state.recordings;
    assert.deepEqual(
      [one?.n, one?.state, one?.because, one?.endedBy, one?.people, one?.file],
      [6, 'ended', 'stopped', bob, [alice, bob], file],
    );
  });

  it('lets a late joiner in only once they agree, and asks anew whoever comes back', () => {
    const running = [asked, bobAgrees, agreed, started];
    const late = after(...running, ...joins(carol));
    assert.equal(mayBeHeard(late, carol), false);
    assert.deepEqual(
      awaitedForRecording(late).map((p) => p.person.address),
      [carol],
    );
    const yes = after(...running, ...joins(carol), { type: 'recording-consented', address: carol });
    assert.equal(mayBeHeard(yes, carol), true);
    const left: EventBody = { type: 'left', address: bob, reason: 'hung-up' };
    const back = after(...running, left, ...joins(bob));
    assert.equal(mayBeHeard(back, bob), false);
    assert.deepEqual(back.recordings[0]?.people, [alice, bob], 'he is in it all the same');
  });

  it('is agreed to anew by a guest who comes back from signing in', () => {
    const guest = { ...person(carol), guest: true as const };
    const comes: EventBody = { type: 'joined', address: carol, device, media };
    const agrees: EventBody = { type: 'recording-consented', address: carol };
    const away: EventBody = { type: 'identifying', address: carol };
    const before = [{ type: 'added', by: alice, person: guest }, comes, asked, bobAgrees, agrees] as const;
    assert.deepEqual(awaitedForRecording(after(...before)), []);
    const back = after(...before, agreed, started, away, comes);
    assert.equal(mayBeHeard(back, carol), false);
  });

  it('keeps nobody out while it is only asked for', () => {
    assert.equal(mayBeHeard(after(asked), bob), true);
  });
});
