// Guests at the door, the organiser, and who has to prove who they are: by example and by random play (R3, R63, R64, R68).
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Address,
  activeCall,
  type ConversationId,
  type ConversationState,
  type DeviceId,
  type Domain,
  type EventBody,
  emptyConversation,
  joinedParticipants,
  knockingParticipants,
  LOBBY_SECONDS,
  MAX_WAITING,
  ParleyError,
  type Person,
  reduce,
} from '@parley/protocol';
import fc from 'fast-check';
import { audience } from './audience.ts';
import { consequences, nextDeadline } from './consequences.ts';
import { begin, type Command, decide } from './decide.ts';
import { goneBy } from './lobby.ts';

const at = (name: string) => `${name}@enterprise1.example` as Address;
const person = (name: string): Person => {
  const known = { address: at(name), name, company: 'Enterprise 1' };
  return name.startsWith('guest+') ? { ...known, guest: true } : known;
};
const device = (name: string) => `d_${name.replace('+', '').padEnd(16, '0')}` as DeviceId;
const media = { microphone: true, camera: true };
const patience = { ring: 45_000, transfer: 15_000, returnToDirect: 3_000 };
const link = `g_${'l'.repeat(22)}`;
const room = (n: number) => ({ domain: 'enterprise1.example' as Domain, room: `r_${String(n).padStart(22, '0')}` });

/** A host without I/O, with a call that Alice has begun with Bob. */
function game() {
  let state: ConversationState = emptyConversation(`${'A'.repeat(22)}@enterprise1.example` as ConversationId);
  let clock = 1_000;
  let rooms = 0;
  const log: EventBody[] = [];
  function append(bodies: readonly EventBody[]): void {
    for (let next = bodies, round = 0; next.length > 0; next = consequences(state), round += 1) {
      assert.ok(round < 20, 'consequences come to rest');
      for (const body of next) {
        log.push(body);
        state = reduce(state, { conversation: state.id, n: state.n + 1, at: clock, body });
      }
    }
  }
  const self = {
    get state() {
      return state;
    },
    log,
    organiser: () => activeCall(state)?.organiser,
    stateOf: (name: string) => state.participants.get(at(name))?.state,
    do(name: string, command: Command): void {
      clock += 10;
      const decided = decide(state, at(name), command, null);
      if (!('needsFocus' in decided)) {
        append(decided.events);
        return;
      }
      rooms += 1;
      const again = decide(state, at(name), command, room(rooms));
      assert.ok('events' in again);
      append(again.events);
    },
    joins: (name: string) => self.do(name, { type: 'accept', device: device(name), media }),
    /** A guest comes by the link of Alice. */
    comes: (name: string, lobby = false) =>
      self.do(name, { type: 'enter', person: person(name), by: at('alice'), link, lobby }),
    ready() {
      for (const p of joinedParticipants(state))
        self.do(p.person.address.split('@')[0] ?? '', {
          type: 'ready',
          epoch: activeCall(state)?.transfer?.epoch ?? 0,
        });
    },
    /** Time passes until the next thing that happens by itself. */
    wait(): number {
      const deadline = nextDeadline(state, patience);
      assert.ok(deadline, 'something is awaited');
      const waited = deadline.at - clock;
      clock = Math.max(clock, deadline.at);
      append(deadline.events);
      return waited;
    },
  };
  append(
    begin({
      by: person('alice'),
      device: device('alice'),
      media,
      to: [person('bob')],
      title: undefined,
      policy: 'direct-first',
      focus: null,
    }),
  );
  self.joins('bob');
  return self;
}

const refused = (code: string, act: () => unknown) =>
  assert.throws(act, (error: unknown) => error instanceof ParleyError && error.code === code);

describe('a guest', () => {
  it('makes a direct call a conference, and is rung like anybody who was added', () => {
    const call = game();
    call.comes('guest+1');
    assert.equal(call.stateOf('guest+1'), 'invited');
    assert.equal(activeCall(call.state)?.transfer?.kind, 'conference');
    call.joins('guest+1');
    call.ready();
    assert.equal(activeCall(call.state)?.path.kind, 'conference');
  });

  it('alone with one other person goes on like any two', () => {
    const call = game();
    call.comes('guest+1');
    call.joins('guest+1');
    call.ready();
    call.do('bob', { type: 'leave', reason: 'hung-up' });
    call.wait();
    call.ready();
    assert.equal(activeCall(call.state)?.path.kind, 'direct');
  });

  it('has nothing to do here among guests', () => {
    const call = game();
    call.comes('guest+1');
    call.joins('guest+1');
    call.comes('guest+2');
    call.joins('guest+2');
    call.do('alice', { type: 'leave', reason: 'hung-up' });
    assert.equal(call.organiser(), at('bob'));
    call.do('bob', { type: 'leave', reason: 'lost' });
    assert.equal(activeCall(call.state), null);
  });

  it('adds nobody, admits nobody, and is refused each by a code', () => {
    const call = game();
    call.comes('guest+1');
    call.joins('guest+1');
    call.comes('guest+2', true);
    refused('not-for-guests', () => call.do('guest+1', { type: 'add', person: person('carol') }));
    for (const type of ['admit', 'turn-away', 'mute', 'ask-unmute'] as const)
      refused('not-for-guests', () => call.do('guest+1', { type, address: at('guest+2') }));
    refused('not-for-guests', () => call.do('guest+1', { type: 'raise-trust', seconds: 60 }));
  });

  it('is not let into a call that may not go through a server', () => {
    const call = game();
    const only = {
      ...call.state,
      call: { ...(call.state.call as object), policy: 'direct-only' },
    } as ConversationState;
    const enter = { type: 'enter' as const, person: person('guest+1'), by: at('alice'), link, lobby: false };
    refused('servers-forbidden', () => decide(only, at('guest+1'), enter, null));
  });
});

describe('the lobby', () => {
  it('tells whoever waits nothing, and lets only the organiser open it', () => {
    const call = game();
    const before = call.state;
    call.comes('guest+1', true);
    assert.equal(call.stateOf('guest+1'), 'knocking');
    assert.ok(!audience(before, call.state).includes(at('guest+1')));
    assert.equal(activeCall(call.state)?.transfer, null, 'nothing moves for whoever only waits');
    refused('not-admitted', () => call.joins('guest+1'));
    refused('not-allowed', () => call.do('bob', { type: 'admit', address: at('guest+1') }));
    call.do('alice', { type: 'admit', address: at('guest+1') });
    assert.equal(activeCall(call.state)?.transfer?.kind, 'conference');
    call.joins('guest+1');
  });

  it('forgets who is refused, gives up, or waits too long, and says which', () => {
    const call = game();
    const outcomes = [
      ['refused', () => call.do('alice', { type: 'turn-away', address: at('guest+1') })],
      ['no-answer', () => assert.ok(call.wait() <= LOBBY_SECONDS * 1000)],
      ['call-ended', () => call.do('alice', { type: 'leave', reason: 'hung-up' })],
    ] as const;
    for (const [outcome, act] of outcomes) {
      call.comes('guest+1', true);
      if (outcome === 'call-ended') call.do('bob', { type: 'leave', reason: 'hung-up' });
      const { state, log } = { state: call.state, log: call.log.length };
      act();
      const events = call.log
        .slice(log)
        .map((body, i) => ({ conversation: state.id, n: state.n + i + 1, at: 0, body }));
      assert.deepEqual(goneBy(state, call.state, events), [{ address: at('guest+1'), outcome }]);
      assert.equal(call.state.participants.has(at('guest+1')), false);
    }
  });

  it('holds no more than there may be, and fills nobody’s place', () => {
    const call = game();
    for (let n = 0; n < MAX_WAITING; n += 1) call.comes(`guest+${n}`, true);
    refused('too-many-requests', () => call.comes('guest+more', true));
    for (let n = 0; n < MAX_WAITING; n += 1) call.do('alice', { type: 'turn-away', address: at(`guest+${n}`) });
    assert.equal(call.state.participants.size, 2);
  });

  it('keeps a call of one alive, who can still open it', () => {
    const call = game();
    call.comes('guest+1', true);
    call.do('bob', { type: 'leave', reason: 'hung-up' });
    call.do('alice', { type: 'admit', address: at('guest+1') });
    call.joins('guest+1');
    call.ready();
    assert.equal(activeCall(call.state)?.path.kind, 'conference');
  });
});

describe('the organiser', () => {
  it('is who began the call, then whoever has been in it longest, and never a guest', () => {
    const call = game();
    call.comes('guest+1');
    call.joins('guest+1');
    call.do('alice', { type: 'add', person: person('carol') });
    call.joins('carol');
    assert.equal(call.organiser(), at('alice'));
    call.do('alice', { type: 'leave', reason: 'lost' });
    assert.equal(call.organiser(), at('bob'));
    call.do('bob', { type: 'leave', reason: 'hung-up' });
    assert.equal(call.organiser(), at('carol'));
  });

  it('mutes once, and only the muted switch it on again', () => {
    const call = game();
    call.do('alice', { type: 'mute', address: at('bob') });
    const bob = () => call.state.participants.get(at('bob'));
    assert.equal(bob()?.mutedBy, at('alice'));
    // What Bob's device had said before it heard of it changes nothing.
    call.do('bob', { type: 'media', media: { microphone: true, camera: false } });
    assert.equal(bob()?.mutedBy, at('alice'));
    call.do('bob', { type: 'media', media: { microphone: false, camera: false } });
    call.do('alice', { type: 'ask-unmute', address: at('bob') });
    assert.equal(bob()?.unmuteAskedBy, at('alice'));
    assert.equal(bob()?.media.microphone, false, 'nobody switches it on for him');
    call.do('bob', { type: 'media', media });
    assert.deepEqual([bob()?.mutedBy, bob()?.unmuteAskedBy], [null, null]);
    refused('not-allowed', () => call.do('bob', { type: 'mute', address: at('alice') }));
    refused('invalid-parameters', () => call.do('alice', { type: 'mute', address: at('alice') }));
  });

  it('takes people out, who come back only by the organiser', () => {
    const call = game();
    call.do('alice', { type: 'add', person: person('carol') });
    call.joins('carol');
    call.do('alice', { type: 'remove', address: at('bob'), because: 'wish' });
    assert.equal(call.stateOf('bob'), 'left');
    refused('call-ended', () => call.joins('bob'));
    refused('not-allowed', () => call.do('carol', { type: 'add', person: person('bob') }));
    call.do('alice', { type: 'add', person: person('bob') });
    call.joins('bob');
  });

  it('makes everybody who comes by the link of somebody taken out wait', () => {
    const call = game();
    call.comes('guest+1');
    call.joins('guest+1');
    call.do('alice', { type: 'remove', address: at('guest+1'), because: 'wish' });
    call.comes('guest+2');
    assert.equal(call.stateOf('guest+2'), 'knocking');
  });
});

describe('who is asked to prove who they are', () => {
  it('has the time that is said, from coming in on, and leaves if it is a guest of whom nobody knows', () => {
    const call = game();
    call.comes('guest+1');
    call.joins('guest+1');
    call.ready();
    refused('not-allowed', () => call.do('bob', { type: 'raise-trust', seconds: 60 }));
    call.do('alice', { type: 'raise-trust', seconds: 60 });
    call.comes('guest+2');
    call.joins('guest+2');
    call.do('guest+2', { type: 'identified' });
    assert.ok(call.wait() <= 60_000);
    assert.equal(call.stateOf('guest+1'), 'left');
    assert.deepEqual(call.log.at(-1), { type: 'left', address: at('guest+1'), reason: 'untrusted' });
    assert.equal(call.stateOf('guest+2'), 'joined');
  });

  it('keeps the place in the call while away to sign in, also in a call of two', () => {
    const call = game();
    call.do('bob', { type: 'identify' });
    assert.equal(call.stateOf('bob'), 'invited');
    assert.equal(activeCall(call.state)?.transfer?.kind, 'conference');
    call.ready();
    call.joins('bob');
    assert.equal(activeCall(call.state)?.path.kind, 'conference');
  });

  it('gives the place to the person that they turn out to be', () => {
    const call = game();
    call.comes('guest+1');
    call.joins('guest+1');
    call.do('guest+1', { type: 'identify' });
    call.do('guest+1', { type: 'become', person: person('carol') });
    assert.deepEqual([call.stateOf('guest+1'), call.stateOf('carol')], ['ended', 'invited']);
    call.joins('carol');
    call.comes('guest+2', true);
    refused('not-admitted', () => call.do('guest+2', { type: 'become', person: person('dave') }));
  });
});

it('whatever people and guests do, the organiser is a person in the call, and nobody waits who is in it', () => {
  const names = ['alice', 'bob', 'carol', 'guest+1', 'guest+2'];
  const who = fc.constantFrom(...names);
  const command = fc.oneof(
    fc
      .constantFrom('admit', 'turn-away', 'mute', 'ask-unmute')
      .chain((type) => who.map((name) => ({ type, address: at(name) }) as Command)),
    who.map((name): Command => ({ type: 'remove', address: at(name), because: 'wish' })),
    who.map((name): Command => ({ type: 'add', person: person(name) })),
    fc.constantFrom<Command>(
      { type: 'identify' },
      { type: 'identified' },
      { type: 'leave', reason: 'lost' },
      { type: 'raise-trust', seconds: 60 },
      { type: 'become', person: person('carol') },
    ),
  );
  const step = fc.oneof(
    fc.tuple(who, command).map(
      ([name, one]) =>
        (call: ReturnType<typeof game>) =>
          call.do(name, one),
    ),
    who.map((name) => (call: ReturnType<typeof game>) => call.joins(name)),
    fc.tuple(fc.constantFrom('guest+1', 'guest+2'), fc.boolean()).map(
      ([name, lobby]) =>
        (call: ReturnType<typeof game>) =>
          call.comes(name, lobby),
    ),
    fc.constant((call: ReturnType<typeof game>) => call.ready()),
    fc.constant((call: ReturnType<typeof game>) => {
      if (nextDeadline(call.state, patience)) call.wait();
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const call = game();
      for (const act of steps) {
        if (!activeCall(call.state)) break;
        try {
          act(call);
        } catch (error) {
          if (!(error instanceof ParleyError)) throw error;
        }
        const active = activeCall(call.state);
        if (!active) {
          assert.equal(knockingParticipants(call.state).length, 0, 'nobody waits for a call that is over');
          continue;
        }
        const organiser = call.state.participants.get(active.organiser);
        assert.ok(organiser && !organiser.person.guest, 'the organiser is a person');
        const joined = joinedParticipants(call.state);
        if (joined.some(({ person: { guest } }) => !guest))
          assert.ok(organiser.state === 'joined' || organiser.state === 'invited', 'the organiser is there');
      }
    }),
    { numRuns: 500 },
  );
});
