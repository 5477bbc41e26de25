// Two ways of different lengths, as jitter buffers that follow slowly: they are alike in time, or it is given up.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Alignment, compare, consider, LOOKS, notLookedAt } from './alignment.ts';

const EVERY_MS = 50;
/** What a jitter buffer makes itself longer or shorter by, in such a time. */
const PACE_MS = 3;
const MOST_LOOKS = 200;

interface Way {
  /** The network's part. */
  readonly network: number;
  /** What its jitter buffer holds by itself. */
  readonly own: number;
}

/**
 * Plays both until the alignment is done.
 * @param enough which share of what it is asked for a buffer is content with
 * @returns what was seen last, and after how long
 */
function play(present: Way, next: Way, enough = 1, noise: (look: number) => number = () => 0) {
  const held = { present: present.own, next: next.own };
  const apart = () => next.network + held.next - present.network - held.present;
  let state: Alignment = notLookedAt;
  for (let n = 1; n <= MOST_LOOKS; n += 1) {
    const now = n * EVERY_MS;
    for (const way of ['present', 'next'] as const) {
      const target = (way === 'present' ? present : next).own + state.asked[way];
      if (held[way] < enough * target) held[way] = Math.min(enough * target, held[way] + PACE_MS);
      if (held[way] > target) held[way] = Math.max(target, held[way] - PACE_MS);
    }
    const look = {
      present: present.network + held.present + noise(2 * n),
      next: next.network + held.next + noise(2 * n + 1),
    };
    state = consider(state, look, now);
    if (state.done) return { state, ms: now, apart: apart(), held };
  }
  return { state, ms: Number.POSITIVE_INFINITY, apart: apart(), held };
}

describe('ways that are to follow each other', () => {
  it('are left as they are where they are alike', () => {
    const { state, ms } = play({ network: 20, own: 40 }, { network: 25, own: 40 });
    assert.deepEqual(state.asked, { present: 0, next: 0 });
    assert.equal(ms, LOOKS * EVERY_MS);
  });

  it('the one that is ahead waits', () => {
    const { asked } = play({ network: 10, own: 30 }, { network: 60, own: 40 }).state;
    assert.ok(asked.present >= 40 && asked.next === 0);
    const other = play({ network: 60, own: 40 }, { network: 10, own: 30 }).state.asked;
    assert.ok(other.next >= 40 && other.present === 0);
  });

  it('meet, however long they are, also where a buffer does less than it is asked to', () => {
    const way = fc.record({ network: fc.integer({ min: 0, max: 60 }), own: fc.integer({ min: 10, max: 80 }) });
    const noise = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 20 });
    fc.assert(
      fc.property(way, way, fc.constantFrom(1, 0.75), noise, (present, next, enough, noises) => {
        const { apart, ms } = play(present, next, enough, (n) => noises[n % noises.length] ?? 0);
        assert.ok(Math.abs(apart) <= 25 && ms < 8000, `${apart} ms apart after ${ms} ms`);
      }),
    );
  });

  it('nobody waits for much more than a third of a second', () => {
    const { ms, held } = play({ network: 0, own: 20 }, { network: 900, own: 20 });
    assert.ok(ms < 8000 && held.present <= 20 + 300, `${held.present} after ${ms} ms`);
  });

  it('of two devices, whose clocks differ, are not compared', () => {
    const { state, ms } = play({ network: 0, own: 20 }, { network: 90_000, own: 20 });
    assert.deepEqual(state.asked, { present: 0, next: 0 });
    assert.equal(ms, LOOKS * EVERY_MS);
  });

  it('are not waited for where one does not tell', () => {
    assert.equal(consider(notLookedAt, null, 100).done, false);
    assert.equal(consider(notLookedAt, null, 3600).done, true);
  });

  it('are not compared while one is not at rest', () => {
    const looks = Array.from({ length: LOOKS }, (_, n) => ({ present: 50, next: 20 + 20 * n }));
    assert.equal(compare(looks), null);
    assert.equal(compare(looks.slice(1)), null);
  });
});
