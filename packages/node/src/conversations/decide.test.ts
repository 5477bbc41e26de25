// The rules of a call, by example and by random play: whatever people do in whatever order, the call stays sound.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Address,
  activeCall,
  awaitedForRecording,
  awaitedForTransfer,
  type ConversationEvent,
  type ConversationId,
  type ConversationState,
  currentRecording,
  type DeviceId,
  type Domain,
  type EventBody,
  emptyConversation,
  type errorCatalogue,
  isRinging,
  joinedParticipants,
  type MediaPolicy,
  ParleyError,
  type Person,
  reduce,
  ringingParticipants,
} from '@parley/protocol';
import fc from 'fast-check';
import { consequences, nextDeadline } from './consequences.ts';
import { begin, type Command, decide, permittedPolicy } from './decide.ts';

const id = 'AAAAAAAAAAAAAAAAAAAAAA@enterprise1.example' as ConversationId;
const names = ['alice', 'bob', 'carol', 'dave', 'erin'] as const;
const address = (name: string) => `${name}@enterprise1.example` as Address;
const person = (name: string): Person => ({ address: address(name), name, company: 'Enterprise 1' });
const device = (name: string) => `d_${name.padEnd(16, '0')}` as DeviceId;
const media = { microphone: true, camera: true };
const patience = { ring: 45_000, transfer: 15_000, returnToDirect: 3_000 };
const room = (n: number) => ({ domain: 'enterprise1.example' as Domain, room: `r_${String(n).padStart(22, '0')}` });

/** A host without I/O: what host.ts does, in memory, with a clock that the test moves. */
function game() {
  let state: ConversationState = emptyConversation(id);
  let clock = 1_000;
  let rooms = 0;
  const log: ConversationEvent[] = [];
  const append = (bodies: readonly EventBody[]) => {
    let next = bodies;
    for (let round = 0; next.length > 0; round++) {
      assert.ok(round < 20, 'consequences come to rest');
      for (const body of next) {
        const event = { conversation: id, n: state.n + 1, at: clock, body };
        log.push(event);
        state = reduce(state, event);
      }
      next = consequences(state);
    }
  };
  return {
    get state() {
      return state;
    },
    get call() {
      return activeCall(state);
    },
    log,
    types: () => log.map((event) => event.body.type),
    begin(to: readonly string[], policy: MediaPolicy = 'direct-first') {
      const focus = policy === 'conference' || to.length > 1 ? room(++rooms) : null;
      append(
        begin({
          by: person('alice'),
          device: device('alice'),
          media,
          to: to.map(person),
          title: undefined,
          policy,
          focus,
        }),
      );
    },
    do(name: string, command: Command, focusAvailable = true) {
      clock += 10;
      let decision = decide(state, address(name), command, null);
      if ('needsFocus' in decision) {
        if (focusAvailable) decision = decide(state, address(name), command, room(++rooms));
        else if (decision.otherwise) decision = { events: decision.otherwise };
        else throw new ParleyError('no-conference-available');
      }
      assert.ok('events' in decision);
      append(decision.events);
    },
    join(name: string) {
      this.do(name, { type: 'alerting' });
      this.do(name, { type: 'accept', device: device(name), media });
    },
    ready(...people: string[]) {
      for (const name of people) this.do(name, { type: 'ready', epoch: this.call?.lastEpoch ?? 0 });
    },
    /** Lets time pass until the next deadline and carries it out. */
    wait() {
      const deadline = nextDeadline(state, patience);
      assert.ok(deadline, 'something is due');
      clock = Math.max(clock, deadline.at);
      append(deadline.events);
    },
  };
}

const refusedWith = (code: keyof typeof errorCatalogue) => (error: unknown) =>
  error instanceof ParleyError && error.code === code;

test('flow 2: a direct call becomes a conference when a third is added, and direct again when they leave', () => {
  const g = game();
  g.begin(['bob']);
  assert.equal(g.call?.path.kind, 'direct');
  g.join('bob');
  const clock = g.call?.answeredAt;
  g.do('bob', { type: 'add', person: person('carol') });
  assert.equal(g.call?.path.kind, 'direct', 'the old path carries the call until both have switched');
  assert.equal(g.call?.transfer?.kind, 'conference');
  g.join('carol');
  g.ready('alice');
  assert.equal(g.call?.path.kind, 'direct', 'one is not enough');
  g.ready('bob');
  assert.equal(g.call?.path.kind, 'conference', 'nobody waits for carol, who has no old path');
  assert.equal(g.call?.answeredAt, clock, 'the call clock goes on');
  g.do('carol', { type: 'leave', reason: 'hung-up' });
  g.wait();
  assert.equal(g.call?.transfer?.kind, 'direct');
  g.ready('alice', 'bob');
  assert.equal(g.call?.path.kind, 'direct');
  assert.equal(g.call?.answeredAt, clock);
});

test('flow 1: a conference from the start stays one with two people', () => {
  const g = game();
  g.begin(['bob'], 'conference');
  assert.equal(g.call?.path.kind, 'conference');
  g.do('alice', { type: 'connected', room: room(1).room });
  assert.equal(g.state.participants.get(address('alice'))?.connectedEpoch, 1);
  g.join('bob');
  assert.equal(nextDeadline(g.state, patience), null, 'no return to direct');
});

test('each way for an invitation to end has its own outcome', () => {
  for (const [command, outcome] of [
    [{ type: 'decline' }, 'declined'],
    [{ type: 'refuse', outcome: 'busy' }, 'busy'],
    [{ type: 'refuse', outcome: 'offline' }, 'offline'],
  ] as const) {
    const g = game();
    g.begin(['bob']);
    g.do('bob', command);
    assert.equal(g.state.participants.get(address('bob'))?.outcome, outcome);
    assert.equal(g.state.call?.ended?.reason, 'not-answered');
  }
  const unanswered = game();
  unanswered.begin(['bob']);
  unanswered.wait();
  assert.equal(unanswered.state.participants.get(address('bob'))?.outcome, 'no-answer');
  const cancelled = game();
  cancelled.begin(['bob']);
  cancelled.do('alice', { type: 'leave', reason: 'hung-up' });
  assert.equal(cancelled.state.participants.get(address('bob'))?.outcome, 'cancelled');
});

test('R36: carol declines while the transfer runs; the transfer is dropped and the direct path never left', () => {
  const g = game();
  g.begin(['bob']);
  g.join('bob');
  g.do('alice', { type: 'add', person: person('carol') });
  g.do('carol', { type: 'decline' });
  assert.equal(g.call?.transfer, null);
  assert.equal(g.call?.path.epoch, 1);
  assert.equal(g.call?.transferFailure?.outcome, 'not-needed');
});

test('one of the two leaves while the third is rung: the third still comes to a conference', () => {
  const g = game();
  g.begin(['bob']);
  g.join('bob');
  g.do('bob', { type: 'add', person: person('carol') });
  g.do('alice', { type: 'leave', reason: 'hung-up' });
  g.join('carol');
  g.ready('bob');
  assert.equal(g.call?.path.kind, 'conference', 'the direct path led to alice, who is gone');
  g.wait();
  g.ready('bob', 'carol');
  assert.equal(g.call?.path.kind, 'direct');
});

test('R37: without a conference service nothing changes and the adder gets the error', () => {
  const g = game();
  g.begin(['bob']);
  g.join('bob');
  const before = g.state;
  assert.throws(
    () => g.do('alice', { type: 'add', person: person('carol') }, false),
    refusedWith('no-conference-available'),
  );
  assert.equal(g.state, before);
});

test('R37: a conference that fails midway lets the third go and leaves the two alone', () => {
  const g = game();
  g.begin(['bob']);
  g.join('bob');
  g.do('alice', { type: 'add', person: person('carol') });
  g.join('carol');
  g.do('bob', { type: 'path-failed', epoch: 2 });
  assert.equal(g.call?.path.kind, 'direct');
  assert.deepEqual(
    joinedParticipants(g.state).map((p) => p.person.name),
    ['alice', 'bob'],
  );
});

test('R38: two people add two others at the same moment; one conference, both rung', () => {
  const g = game();
  g.begin(['bob']);
  g.join('bob');
  g.do('alice', { type: 'add', person: person('carol') });
  g.do('bob', { type: 'add', person: person('dave') });
  assert.equal(g.types().filter((type) => type === 'transfer-started').length, 1);
  assert.equal(ringingParticipants(g.state).length, 2);
});

test('R40: only who takes part may add; strangers, the declined and the departed may not', () => {
  const g = game();
  g.begin(['bob']);
  const carol = { type: 'add', person: person('carol') } as const;
  assert.throws(() => g.do('erin', carol), refusedWith('unknown-conversation'));
  assert.throws(() => g.do('bob', carol), refusedWith('not-in-call'));
});

test('only those in the call write during it, and those who were in it afterwards', () => {
  const g = game();
  g.begin(['bob', 'carol', 'dave']);
  g.join('bob');
  g.join('carol');
  g.do('dave', { type: 'decline' });
  g.do('carol', { type: 'leave', reason: 'hung-up' });
  const hello = { type: 'send', text: 'hello' } as const;
  g.do('bob', hello);
  for (const outside of ['carol', 'dave']) assert.throws(() => g.do(outside, hello), refusedWith('not-in-call'));
  g.do('bob', { type: 'leave', reason: 'hung-up' });
  assert.equal(g.call, null);
  g.do('carol', hello);
  assert.throws(() => g.do('dave', hello), refusedWith('not-in-call'));
  assert.equal(g.state.messages.length, 2);
});

test('somebody who cannot reach the conference leaves alone; a broken direct path moves the call to a conference', () => {
  const g = game();
  g.begin(['bob']);
  g.join('bob');
  g.do('bob', { type: 'path-failed', epoch: 1 });
  assert.equal(g.call?.transfer?.kind, 'conference');
  g.ready('alice', 'bob');
  assert.equal(g.call?.path.kind, 'conference');
  assert.equal(nextDeadline(g.state, patience), null, 'it does not go back to a path that failed');
  const h = game();
  h.begin(['bob', 'carol']);
  h.join('bob');
  h.join('carol');
  h.do('carol', { type: 'path-failed', epoch: 1 });
  assert.equal(h.state.participants.get(address('carol'))?.state, 'left');
  assert.ok(h.call);
});

test('engine lost: two go direct, three go to another room', () => {
  const g = game();
  g.begin(['bob']);
  g.join('bob');
  g.do('alice', { type: 'add', person: person('carol') });
  g.join('carol');
  g.ready('alice', 'bob');
  g.do('alice', { type: 'room-lost', room: g.call?.path.focus?.room ?? '' });
  assert.equal(g.call?.transfer?.kind, 'conference');
  assert.notEqual(g.call?.transfer?.focus?.room, g.call?.path.focus?.room);
  g.ready('alice', 'bob', 'carol');
  g.do('carol', { type: 'leave', reason: 'lost' });
  g.do('alice', { type: 'room-lost', room: g.call?.path.focus?.room ?? '' });
  assert.equal(g.call?.transfer?.kind, 'direct');
});

test('a room that is to be left works until all have left it: a transfer that fails changes nothing', () => {
  const g = game();
  g.begin(['bob', 'carol']);
  g.join('bob');
  g.join('carol');
  const before = g.call?.path.focus?.room ?? '';
  assert.throws(() => g.do('alice', { type: 'move', room: before, needs: {} }, false), ParleyError);
  g.do('alice', { type: 'move', room: before, needs: {} });
  assert.equal(g.call?.transfer?.because, 'room-moved');
  g.do('bob', { type: 'path-failed', epoch: 2 });
  assert.equal(g.call?.transfer, null);
  assert.equal(g.call?.path.focus?.room, before);
  g.do('alice', { type: 'move', room: before, needs: {} });
  g.ready('alice', 'bob', 'carol');
  assert.notEqual(g.call?.path.focus?.room, before);
});

test('a recording needs a conference, also between two: nothing else takes them there or away', () => {
  const g = game();
  g.begin(['bob']);
  g.join('bob');
  g.do('alice', { type: 'record' });
  const n = g.state.recordings.at(-1)?.n ?? 0;
  assert.equal(g.state.recordings.at(-1)?.state, 'asked');
  g.do('bob', { type: 'consent', recording: n });
  assert.equal(g.state.recordings.at(-1)?.state, 'agreed');
  g.do('alice', { type: 'recording-needs-room', recording: n }, false);
  assert.equal(g.state.recordings.at(-1)?.code, 'not-available');
  g.do('alice', { type: 'record' });
  const again = g.state.recordings.at(-1)?.n ?? 0;
  g.do('bob', { type: 'consent', recording: again });
  g.do('alice', { type: 'recording-needs-room', recording: again });
  g.ready('alice', 'bob');
  const focus = g.call?.path.focus;
  assert.ok(focus);
  g.do('alice', { type: 'recording-running', recording: again, focus });
  assert.equal(nextDeadline(g.state, patience), null, 'no way back while it is recorded');
  g.do('bob', { type: 'stop-recording', recording: again });
  assert.equal(nextDeadline(g.state, patience)?.events[0]?.type, 'transfer-started');
});

const who = fc.constantFrom(...names);
const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  fc.constant<Command>({ type: 'alerting' }),
  fc.constant<Command>({ type: 'decline' }),
  fc.constantFrom<Command>({ type: 'refuse', outcome: 'busy' }, { type: 'refuse', outcome: 'offline' }),
  who.map((name): Command => ({ type: 'cancel', address: address(name) })),
  who.map((name): Command => ({ type: 'add', person: person(name) })),
  fc.constantFrom<Command>({ type: 'leave', reason: 'hung-up' }, { type: 'leave', reason: 'lost' }),
  fc.nat(8).map((epoch): Command => ({ type: 'ready', epoch })),
  fc.nat(8).map((epoch): Command => ({ type: 'path-failed', epoch })),
  fc.nat(8).map((n): Command => ({ type: 'room-lost', room: room(n).room })),
  fc.boolean().map((on): Command => ({ type: 'media', media: { microphone: on, camera: on } })),
  fc.nat(8).map((n): Command => ({ type: 'move', room: room(n).room, needs: {} })),
  fc.constant<Command>({ type: 'record' }),
  fc
    .nat(40)
    .chain((recording) =>
      fc.constantFrom<Command>(
        { type: 'consent', recording },
        { type: 'stop-recording', recording },
        { type: 'recording-needs-room', recording },
        { type: 'recording-failed', recording, code: 'timed-out' },
        { type: 'recording-running', recording, focus: room(recording % 8) },
        { type: 'recorded', recording, because: 'limit' },
      ),
    ),
);
const move = fc.oneof(
  {
    weight: 4,
    arbitrary: who.map((by) => ({
      by,
      command: { type: 'accept', device: device(by), media } as Command,
      focus: true,
    })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(who, who)
      .map(([by, name]) => ({ by, command: { type: 'add', person: person(name) } as Command, focus: true })),
  },
  { weight: 8, arbitrary: fc.record({ by: who, command: anyCommand, focus: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant('wait' as const) },
);

test('random play of 5 people: the call is always sound and always comes to an end', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(move, { maxLength: 60 }), (conference, moves) => {
      const g = game();
      g.begin(['bob'], conference ? 'conference' : 'direct-first');
      let clock: number | null = null;
      let epoch = 1;
      for (const next of moves) {
        const before = g.state;
        try {
          if (next === 'wait') {
            if (nextDeadline(g.state, patience)) g.wait();
          } else g.do(next.by, next.command, next.focus);
        } catch (error) {
          assert.ok(error instanceof ParleyError, String(error));
          assert.equal(g.state, before, 'a refused command changes nothing');
          continue;
        }
        const { state, call } = g;
        const joined = joinedParticipants(state);
        const recording = currentRecording(state.recordings);
        if (
          recording &&
          recording.state !== 'asked' &&
          currentRecording(before.recordings)?.state !== recording.state
        ) {
          assert.deepEqual(awaitedForRecording(state), [], 'nothing is recorded before all have agreed');
        }
        assert.ok(call || !recording, 'a recording ends with the call');
        if (recording?.state === 'running') assert.equal(recording.focus?.room, call?.path.focus?.room);
        if (!call) {
          assert.ok(
            ![...state.participants.values()].some((p) => p.state === 'joined' || isRinging(p)),
            'nobody is left in an ended call',
          );
          continue;
        }
        assert.ok(joined.length >= 1, 'a call has somebody in it');
        assert.ok(joined.length + ringingParticipants(state).length >= 2, 'nobody talks to themselves');
        assert.ok(call.path.epoch >= epoch, 'epochs only grow');
        epoch = call.path.epoch;
        if (call.transfer) {
          assert.ok(call.transfer.epoch > call.path.epoch && call.transfer.epoch === call.lastEpoch);
          assert.ok(awaitedForTransfer(state).length > 0, 'a transfer nobody has to do is over');
        }
        for (const path of [call.path, call.transfer]) {
          if (path)
            assert.equal(
              path.kind === 'conference',
              path.focus !== null,
              'a conference has a room, a direct path none',
            );
        }
        if (joined.length > 2)
          assert.ok(
            (call.transfer ?? call.path).kind === 'conference',
            'three people are in or on their way to a conference',
          );
        assert.ok(clock === null || call.answeredAt === clock, 'the clock never jumps');
        clock = call.answeredAt;
      }
      for (const name of names) {
        try {
          g.do(name, { type: 'leave', reason: 'lost' });
        } catch (error) {
          assert.ok(error instanceof ParleyError);
        }
      }
      assert.equal(g.call, null, 'when everybody has left it is over');
    }),
    { numRuns: Number(process.env.PARLEY_RUNS ?? 3000) },
  );
});

test('a call that may not use a server stays between two, and ends where they cannot connect', () => {
  const g = game();
  g.begin(['bob'], 'direct-only');
  g.join('bob');
  const before = g.state;
  assert.throws(() => g.do('alice', { type: 'add', person: person('carol') }), refusedWith('servers-forbidden'));
  assert.equal(g.state, before);
  g.do('alice', { type: 'path-failed', epoch: 1 });
  assert.equal(g.state.call?.ended?.reason, 'media-failed');
});

test('the company decides which paths its calls may take', () => {
  assert.equal(permittedPolicy('direct-first', 'any'), 'direct-first');
  assert.equal(permittedPolicy('direct-first', 'conference'), 'conference');
  assert.equal(permittedPolicy('direct-first', 'direct'), 'direct-only');
  assert.throws(() => permittedPolicy('direct-only', 'conference'), refusedWith('direct-forbidden'));
  assert.throws(() => permittedPolicy('conference', 'direct'), refusedWith('servers-forbidden'));
});
