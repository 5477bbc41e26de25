// Two ways of different lengths, as jitter buffers that follow slowly: they are alike in time, or it is given up.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Alignment, compare, consider, LOOKS, type Look, notLookedAt } from './alignment.ts';

const EVERY_MS = 50;
/** What a jitter buffer makes itself longer or shorter by, in such a time. */
const PACE_MS = 6;

interface Way {
  /** The network's part. */
  readonly network: number;
  /** What its jitter buffer holds by itself. */
  readonly own: number;
}

/** Plays both until the alignment is done. @returns what was seen last, and after how long */
function play(present: Way, next: Way, noise: (look: number) => number = () => 0) {
  const held = { present: present.own, next: next.own };
  const look = (n: number): Look => ({
    present: present.network + held.present + noise(2 * n),
    next: next.network + held.next + noise(2 * n + 1),
  });
  let state: Alignment = notLookedAt;
  for (let n = 1; n <= 200; n += 1) {
    const now = n * EVERY_MS;
    for (const way of ['present', 'next'] as const) {
      const own = way === 'present' ? present.own : next.own;
      const target = state.held === way ? own + state.by : own;
      held[way] += Math.max(-PACE_MS, Math.min(PACE_MS, target - held[way]));
    }
    state = consider(state, look(n), now, now);
    if (state.done) return { state, ms: now, apart: next.network + held.next - present.network - held.present };
  }
  return assert.fail('it never ends');
}

describe('ways that are to follow each other', () => {
  it('are left as they are where they are alike', () => {
    const { state, ms } = play({ network: 20, own: 40 }, { network: 25, own: 40 });
    assert.equal(state.held, null);
    assert.equal(ms, LOOKS * EVERY_MS);
  });

  it('the one that is ahead waits', () => {
    assert.equal(play({ network: 10, own: 30 }, { network: 60, own: 40 }).state.held, 'present');
    assert.equal(play({ network: 60, own: 40 }, { network: 10, own: 30 }).state.held, 'next');
  });

  it('meet, however long they are', () => {
    const way = fc.record({ network: fc.integer({ min: 0, max: 100 }), own: fc.integer({ min: 10, max: 80 }) });
    fc.assert(
      fc.property(way, way, fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 20 }), (present, next, noises) => {
        const { apart } = play(present, next, (n) => noises[n % noises.length] ?? 0);
        assert.ok(Math.abs(apart) <= 30, `${apart} ms apart`);
      }),
    );
  });

  it('nobody waits for more than a fifth of a second', () => {
    const { state } = play({ network: 0, own: 20 }, { network: 900, own: 20 });
    assert.equal(state.by, 200);
  });

  it('are not waited for where one does not tell', () => {
    assert.equal(consider(notLookedAt, null, 100, 100).done, false);
    assert.equal(consider(notLookedAt, null, 1300, 1300).done, true);
  });

  it('are not compared while one is not at rest', () => {
    const looks = Array.from({ length: LOOKS }, (_, n) => ({ present: 50, next: 20 + 20 * n }));
    assert.equal(compare(looks), null);
    assert.equal(compare(looks.slice(1)), null);
  });
});
