import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { anyBody, anyEvents, conversation, numbered } from './arbitraries.ts';
import { awaitedForTransfer } from './call-paths.ts';
import {
  activeCall,
  type ConversationState,
  emptyConversation,
  joinedParticipants,
  reduce,
  reduceAll,
} from './conversation.ts';
import { type ConversationEvent, eventSchema } from './events.ts';
import { MAX_PARTICIPANTS } from './limits.ts';

const empty = emptyConversation(conversation);

/** Every state on the way, the empty one first. */
function statesOf(events: readonly ConversationEvent[]): ConversationState[] {
  const states = [empty];
  for (const event of events) states.push(reduce(states.at(-1) ?? empty, event));
  return states;
}

/** Checks each step of any history: `before` and `after` the event. */
function forEveryStep(check: (before: ConversationState, after: ConversationState, event: ConversationEvent) => void) {
  fc.assert(
    fc.property(anyEvents, (events) => {
      const states = statesOf(events);
      events.forEach((event, i) => {
        check(states[i] ?? empty, states[i + 1] ?? empty, event);
      });
    }),
    { numRuns: 400 },
  );
}

describe('the reducer', () => {
  it('is tried with events that the schema lets through', () => {
    fc.assert(fc.property(anyEvents, (events) => events.every((event) => eventSchema.safeParse(event).success)));
  });

  it('takes no notice of repeated and of late events', () => {
    const copies = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 20 });
    fc.assert(
      fc.property(anyEvents, copies, (events, repeats) => {
        const disturbed = [...events];
        for (const [which, where] of repeats) {
          const event = events[which % Math.max(1, events.length)];
          if (!event) continue;
          // Anywhere behind the original: that is what a second delivery looks like.
          const from = disturbed.indexOf(event) + 1;
          disturbed.splice(from + (where % (disturbed.length - from + 1)), 0, structuredClone(event));
        }
        assert.deepEqual(reduceAll(empty, disturbed), reduceAll(empty, events));
      }),
    );
  });

  it('leaves the state as it is over a gap and for another conversation', () => {
    fc.assert(
      fc.property(anyEvents, anyBody, fc.integer({ min: 2, max: 50 }), (events, body, gap) => {
        const state = reduceAll(empty, events);
        const early = { conversation, n: state.n + gap, at: 5_000_000, body };
        assert.equal(reduce(state, early), state);
        const foreign = `${'x'.repeat(22)}@enterprise1.example` as typeof conversation;
        assert.equal(reduce(state, { ...early, n: state.n + 1, conversation: foreign }), state);
      }),
    );
  });

  it('gives the same state wherever a history is cut, and never changes an older state', () => {
    fc.assert(
      fc.property(anyEvents, fc.nat(), (events, cut) => {
        const at = cut % (events.length + 1);
        const first = reduceAll(empty, events.slice(0, at));
        const kept = structuredClone(first);
        const whole = reduceAll(first, events.slice(at));
        assert.deepEqual(first, kept);
        assert.deepEqual(whole, reduceAll(empty, events));
        assert.equal(whole.n, events.length);
      }),
    );
  });

  it('never moves the start of the call clock', () => {
    forEveryStep((before, after) => {
      const [then, now] = [activeCall(before), activeCall(after)];
      if (!then || !now || then.answeredAt === null) return;
      assert.equal(now.answeredAt, then.answeredAt);
    });
  });

  it('keeps one call at a time: an active one is not replaced', () => {
    forEveryStep((before, after) => {
      const [then, now] = [activeCall(before), activeCall(after)];
      if (then && now) assert.equal(now.startedAt, then.startedAt);
    });
  });

  it('moves epochs only upwards, a transfer above the path it leaves', () => {
    forEveryStep((before, after) => {
      const [then, now] = [activeCall(before), activeCall(after)];
      if (now?.transfer) assert.ok(now.transfer.epoch > now.path.epoch);
      if (now) assert.ok(now.lastEpoch >= Math.max(now.path.epoch, now.transfer?.epoch ?? 0));
      if (then && now) assert.ok(now.path.epoch >= then.path.epoch && now.lastEpoch >= then.lastEpoch);
    });
  });

  it('names a focus for conferences and an offerer for direct paths only', () => {
    forEveryStep((_before, after) => {
      for (const path of [after.call?.path, after.call?.transfer]) {
        if (!path) continue;
        assert.equal(path.focus !== null, path.kind === 'conference');
        assert.equal(path.offerer !== null, path.kind === 'direct');
        if (path.kind === 'conference') assert.deepEqual(path.between, []);
      }
    });
  });

  it('gives exactly those who have joined a device', () => {
    forEveryStep((_before, after) => {
      for (const p of after.participants.values()) assert.equal(p.device !== null, p.state === 'joined');
    });
  });

  it('leaves nobody in a call that is over', () => {
    forEveryStep((before, after, { body }) => {
      if (body.type !== 'call-ended' || !activeCall(before)) return;
      assert.deepEqual(joinedParticipants(after), []);
      assert.equal(after.call?.transfer, null);
    });
  });

  it('waits in a transfer only for people who are in the call', () => {
    forEveryStep((_before, after) => {
      const joined = new Set(joinedParticipants(after));
      for (const p of awaitedForTransfer(after)) assert.ok(joined.has(p));
    });
  });

  it('holds no more people than a conversation may have', () => {
    const bodies = Array.from({ length: MAX_PARTICIPANTS + 5 }, (_, i) => ({
      type: 'added' as const,
      by: 'alice@enterprise1.example' as never,
      person: { address: `p${i}@enterprise1.example` as never, name: 'P', company: 'Enterprise 1' },
    }));
    assert.equal(reduceAll(empty, numbered(bodies)).participants.size, MAX_PARTICIPANTS);
  });
});
