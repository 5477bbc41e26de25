// The small pure decisions of the SDK.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Address,
  type ConversationEvent,
  type ConversationId,
  type DeviceId,
  type EventBody,
  emptyConversation,
  type Person,
} from '@parley/protocol';
import fc from 'fast-check';
import { retryDelay } from './backoff.ts';
import { endOf, viewOf } from './call-view.ts';
import { type Change, createConversationStore } from './conversation-store.ts';
import { createConversations } from './conversations.ts';
import { isFlowing, nextLook, readCounters, sinceDelivered } from './flowing.ts';
import { mayConnectEarly, ringsFor } from './incoming.ts';
import { noticeOf } from './notices.ts';
import { fadeIn } from './playback.ts';
import { createStore, derive } from './readable.ts';
import type { Request } from './socket.ts';

const id = `${'a'.repeat(22)}@enterprise1.example` as ConversationId;
const person = (name: string): Person => ({
  address: `${name}@enterprise1.example` as Address,
  name,
  company: 'Enterprise 1',
});
const [alice, bob, carol] = [person('alice'), person('bob'), person('carol')];
const device = 'd_0123456789abcdef' as DeviceId;
const media = { microphone: true, camera: true };
const bodies: EventBody[] = [
  { type: 'created', by: alice },
  { type: 'call-started', by: alice.address, policy: 'direct-first' },
  { type: 'joined', address: alice.address, device, media },
  { type: 'added', by: alice.address, person: bob },
  { type: 'alerting', address: bob.address },
];
const numbered = (list: readonly EventBody[]): ConversationEvent[] =>
  list.map((body, i) => ({ conversation: id, n: i + 1, at: 1000 + i, body }));

function storeWith(list: readonly EventBody[]) {
  const changes: Change[] = [];
  const store = createConversationStore(id, () => Promise.reject(new Error('nothing is missing')));
  store.onEvent((change) => changes.push(change));
  store.take(numbered(list), true);
  return { store, changes };
}

describe('a conversation store', () => {
  it('comes to the same state whatever is lost, repeated or late, by asking for what it lacks', async () => {
    const all = numbered([...bodies, { type: 'joined', address: bob.address, device, media }]);
    const batches = fc.array(fc.shuffledSubarray(all, { minLength: 1 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(batches, async (told) => {
        const asked: number[] = [];
        const store = createConversationStore(id, async (after) => {
          asked.push(after);
          return { conversation: id, events: all.slice(after, after + 2), complete: after + 2 >= all.length };
        });
        const seen: number[] = [];
        store.onEvent(({ event }) => seen.push(event.n));
        for (const events of told) {
          store.take(events, true);
          await Promise.resolve();
        }
        store.take(all.slice(-1), true);
        for (let turn = 0; turn < 50 && store.get().n < all.length; turn += 1) await Promise.resolve();
        assert.equal(store.get().n, all.length);
        assert.deepEqual(
          seen,
          all.map(({ n }) => n),
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe('a call that is being begun', () => {
  it('is known to be over, though that was told before the answer that names it', async () => {
    const all = numbered([
      ...bodies,
      { type: 'invitation-ended', address: bob.address, outcome: 'do-not-disturb' },
      { type: 'call-ended', reason: 'not-answered' },
    ]);
    const page = (events: readonly ConversationEvent[]) => ({ conversation: id, events: [...events], complete: true });
    let beginning = true;
    const conversations = createConversations({
      me: alice.address,
      // Asked for what came before the events that were told.
      request: (async () => page(all)) as Request,
      changed: () => undefined,
      beginning: () => beginning,
    });
    conversations.told({ conversation: id, events: all.slice(bodies.length) });
    await new Promise(setImmediate);
    // As it was when the node began to write its answer.
    const store = conversations.learn(page(all.slice(0, bodies.length)));
    assert.equal(store.get().call?.ended?.reason, 'not-answered');
    beginning = false;
    conversations.begun();
    assert.deepEqual(conversations.all(), []);
  });
});

describe('who is rung', () => {
  it('a person who is invited to a call that goes on', () => {
    const { store } = storeWith(bodies);
    assert.equal(ringsFor(store.get(), bob.address), true);
    assert.equal(ringsFor(store.get(), alice.address), false);
    assert.equal(ringsFor(store.get(), carol.address), false);
    assert.equal(ringsFor(emptyConversation(id), bob.address), false);
  });

  it('shows addresses before the answer only to whom the node allows', () => {
    const stranger = 'eve@enterprise2.example' as Address;
    assert.equal(mayConnectEarly('same-company', alice.address, bob.address), true);
    assert.equal(mayConnectEarly('same-company', stranger, bob.address), false);
    assert.equal(mayConnectEarly('everybody', stranger, bob.address), true);
    assert.equal(mayConnectEarly('nobody', alice.address, bob.address), false);
  });
});

describe('what a person is told', () => {
  it('what others do, not what they did themselves', () => {
    const { changes } = storeWith([
      ...bodies,
      { type: 'joined', address: bob.address, device, media },
      { type: 'added', by: bob.address, person: carol },
      { type: 'invitation-ended', address: carol.address, outcome: 'declined' },
      { type: 'left', address: bob.address, reason: 'hung-up' },
    ]);
    const told = (me: Address) => changes.flatMap((c) => noticeOf(c, me) ?? []).map((n) => [n.kind, n.person?.name]);
    assert.deepEqual(told(alice.address), [
      ['joined', 'bob'],
      ['invitation-ended', 'carol'],
      ['left', 'bob'],
    ]);
    assert.deepEqual(told(bob.address), [
      ['joined', 'alice'],
      ['invitation-ended', 'carol'],
    ]);
  });

  it('that somebody could not be added, and why, when the conference did not come about', () => {
    const { changes } = storeWith([
      ...bodies,
      {
        type: 'transfer-started',
        epoch: 2,
        to: 'conference',
        focus: { domain: 'enterprise1.example' as never, room: `r_${'a'.repeat(22)}` },
      },
      { type: 'transfer-ended', epoch: 2, outcome: 'timed-out', code: 'media-not-connected' },
    ]);
    const notice = changes.flatMap((c) => noticeOf(c, alice.address) ?? []).at(-1);
    assert.equal(notice?.kind, 'add-failed');
    assert.equal(notice?.error?.code, 'media-not-connected');
  });
});

describe('the end of a call', () => {
  const endAfter = (...more: EventBody[]) =>
    endOf(storeWith([...bodies, ...more]).store.get(), alice.address, device, true, false);
  it('has its reason, and for a call to one person what became of it', () => {
    assert.equal(endAfter(), null);
    const declined: EventBody = { type: 'invitation-ended', address: bob.address, outcome: 'declined' };
    const over: EventBody = { type: 'call-ended', reason: 'not-answered' };
    assert.deepEqual(endAfter(declined, over), { reason: 'not-answered', outcome: 'declined' });
    assert.deepEqual(endAfter({ type: 'left', address: alice.address, reason: 'removed' }), {
      reason: 'left',
      outcome: null,
    });
  });

  it('is what the view says, oneself first', () => {
    const state = storeWith(bodies).store.get();
    const rest = {
      rendered: new Map(),
      speaker: null,
      own: media,
      notices: [],
      everFlowed: false,
      trust: new Map(),
      cannotAdd: null,
      canRecord: false,
      clockOffset: 0,
      provable: true,
      guest: undefined,
    };
    const view = viewOf({ state, me: bob.address, ended: null, ...rest });
    assert.deepEqual(
      view.participants.map((p) => p.person.name),
      ['bob', 'alice'],
    );
    assert.equal(view.phase, 'connecting');
    assert.equal(viewOf({ state, me: alice.address, ended: null, ...rest }).phase, 'calling');
  });
});

describe('whether media flow', () => {
  const look = (before: Parameters<typeof readCounters>[0], value: number, now: number) =>
    readCounters(before, new Map([['0', value]]), now);
  it('is that something comes out, and goes on coming out', () => {
    const none = look(new Map(), 0, 0);
    assert.equal(isFlowing(none.get('0'), 0), false);
    const some = look(none, 3, 100);
    assert.equal(isFlowing(some.get('0'), 100), true);
    const stalled = look(some, 3, 5000);
    assert.equal(isFlowing(stalled.get('0'), 5000), false);
    assert.equal(isFlowing(look(stalled, 4, 5100).get('0'), 5100), true);
  });
  it('is not taken back by counters that are a moment older than the frame that was seen', () => {
    const seen = new Map([['0', { value: 0, grewAt: 90 }]]);
    assert.equal(isFlowing(look(seen, 0, 100).get('0'), 100), true);
    assert.equal(isFlowing(look(seen, 0, 5000).get('0'), 5000), false);
  });
  it('goes on with another sender, whose counters begin anew', () => {
    const before = new Map([['0', { value: 500, grewAt: 0 }]]);
    assert.equal(isFlowing(look(before, 0, 4000).get('0'), 4000), false);
    assert.equal(isFlowing(look(before, 2, 4000).get('0'), 4000), true);
  });
});

describe('looking at what flows', () => {
  it('takes the newest frame of a track, however the browser counts time', () => {
    const timeOrigin = 1_700_000_000_000;
    assert.equal(sinceDelivered([], 5000, timeOrigin), Number.POSITIVE_INFINITY);
    assert.equal(sinceDelivered([4000, 4900, 200], 5000, timeOrigin), 100);
    assert.equal(sinceDelivered([timeOrigin + 4900], 5000, timeOrigin), 100);
    assert.equal(sinceDelivered([5003], 5000, timeOrigin), 0);
  });
  it('is close while something starts, and never at the expense of the usual look', () => {
    const at = { now: 1000, lookedAt: 1000, closeUntil: 9000, closeLook: 30, starting: true };
    assert.deepEqual(nextLook(at), { glance: true, ms: 30 });
    assert.deepEqual(nextLook({ ...at, starting: false }), { glance: false, ms: 1000 });
    assert.deepEqual(nextLook({ ...at, closeUntil: 1000 }), { glance: false, ms: 1000 });
    // A camera that is off: its track has been shown once, and goes on to be awaited for as long as the close looks last.
    assert.deepEqual(nextLook({ ...at, lookedAt: 20 }), { glance: false, ms: 20 });
    assert.deepEqual(nextLook({ ...at, lookedAt: -500 }), { glance: false, ms: 0 });
  });
});

describe('a cross-fade', () => {
  it('keeps the power of what is heard, and never leaves the range of a volume', () => {
    fc.assert(
      fc.property(fc.double({ min: -1, max: 2, noNaN: true }), (at) => {
        const [up, down] = [fadeIn(at), fadeIn(1 - at)];
        assert.ok(up >= 0 && up <= 1 && down >= 0 && down <= 1);
        assert.ok(Math.abs(up * up + down * down - 1) < 1e-9);
      }),
    );
  });
});

describe('trying again', () => {
  it('begins at once, grows, is bounded, and is not in step with others', () => {
    assert.equal(
      retryDelay(0, () => 1),
      0,
    );
    fc.assert(
      fc.property(fc.nat(1000), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
        const delay = retryDelay(attempt, () => random);
        assert.ok(delay >= 0 && delay <= 8750);
      }),
    );
    assert.notEqual(
      retryDelay(3, () => 0),
      retryDelay(3, () => 1),
    );
  });
});

describe('a readable', () => {
  it('calls back at once and on every change, and no more after unsubscribing', () => {
    const store = createStore(1);
    const seen: number[] = [];
    const odd: boolean[] = [];
    const stop = store.subscribe((value) => seen.push(value));
    const stopOdd = derive(store, (value) => value % 2 === 1).subscribe((value) => odd.push(value));
    for (const value of [1, 3, 4]) store.set(value);
    stop();
    stopOdd();
    store.set(5);
    assert.deepEqual(seen, [1, 3, 4]);
    assert.deepEqual(odd, [true, false]);
  });
});
