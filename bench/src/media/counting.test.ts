import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addDelays, createDelayCounter, createSequenceCounter, delayAt } from './counting.ts';

function counted(sequences: readonly number[]) {
  const counter = createSequenceCounter();
  for (const sequence of sequences) counter.note(sequence);
  return counter.counts();
}
const run = (from: number, count: number) => Array.from({ length: count }, (_, i) => (from + i) & 0xffff);

describe('counting packets', () => {
  it('misses nothing when nothing is lost, wherever the numbers begin and however often they go round', () => {
    for (const [from, count] of [
      [0, 10],
      [65_530, 20],
      [1, 200_000],
      [65_535, 1],
    ] as const) {
      assert.deepEqual(counted(run(from, count)), { received: count, duplicates: 0, missing: 0 });
    }
    assert.deepEqual(counted([]), { received: 0, duplicates: 0, missing: 0 });
  });

  it('counts what is lost before, at and after the turn', () => {
    const lost = new Set([65_000, 65_535, 0, 7]);
    const { received, missing } = counted(run(64_000, 3000).filter((sequence) => !lost.has(sequence)));
    assert.deepEqual({ received, missing }, { received: 2996, missing: 4 });
  });

  it('takes a late packet for no loss, and a second copy for no packet', () => {
    assert.deepEqual(counted([65_534, 0, 65_535, 2, 1]), { received: 5, duplicates: 0, missing: 0 });
    assert.deepEqual(counted([65_535, 0, 65_535, 0, 1]), { received: 3, duplicates: 2, missing: 0 });
    // Even the very first may have been overtaken.
    assert.deepEqual(counted([0, 65_535, 65_534]), { received: 3, duplicates: 0, missing: 0 });
  });
});

describe('counting delays', () => {
  const counts = (delays: readonly number[]) => {
    const counter = createDelayCounter();
    for (const delay of delays) counter.note(delay);
    return counter.counts();
  };

  it('gives the delay that a share of the packets did not exceed', () => {
    const hundred = counts(Array.from({ length: 100 }, (_, i) => (i + 1) / 10));
    assert.deepEqual(
      [0.5, 0.99, 1].map((share) => delayAt(hundred, share)),
      [5, 9.9, 10],
    );
    assert.equal(delayAt(counts([3.1259]), 0.5), 3.13);
    assert.ok(Number.isNaN(delayAt({}, 0.5)));
  });

  it('puts the counts of several receivers together', () => {
    const all = addDelays([counts([1, 1, 1]), counts([2, 2]), counts([9])]);
    assert.deepEqual(
      [0.5, 0.8, 0.99].map((share) => delayAt(all, share)),
      [1, 2, 9],
    );
  });

  it('loses none: what is below zero or beyond a second is at the ends', () => {
    assert.deepEqual(
      [0, 1].map((share) => delayAt(counts([-5, 70_000]), share || 0.5)),
      [0, 1000],
    );
  });
});
