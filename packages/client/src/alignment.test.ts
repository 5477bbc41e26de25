// What is decided from what two jitter buffers have held back. What it does for a listener is measured by the bench.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { correction, heldBetween } from './alignment.ts';

test('what a buffer holds back is the mean between two looks, and nothing while nothing comes out', () => {
  assert.equal(heldBetween({ waited: 10, count: 1000 }, { waited: 58, count: 1480 }), 100);
  assert.equal(heldBetween({ waited: 10, count: 1000 }, { waited: 10, count: 1000 }), null);
  assert.equal(heldBetween({ waited: 10, count: 1000 }, { waited: 0, count: 0 }), null, 'counted anew');
  assert.equal(heldBetween(null, { waited: 1, count: 1 }), null);
});

test('the one that holds back less is told to hold back as much as the other', () => {
  assert.deepEqual(correction(140, 40), { of: 'next', to: 140 });
  assert.deepEqual(correction(40, 90), { of: 'present', to: 90 });
  assert.equal(correction(50, 60), null, 'nobody hears that');
  assert.equal(correction(null, 60), null, 'what has stopped has no delay to be kept');
});

test('nobody is ever told to hold back less, nor more than half a second', () => {
  const milliseconds = fc.double({ min: 0, max: 4000, noNaN: true });
  fc.assert(
    fc.property(milliseconds, milliseconds, (present, next) => {
      const told = correction(present, next);
      if (!told) return;
      assert.ok(told.to <= 500);
      assert.ok(told.to >= Math.min(500, Math.floor(told.of === 'next' ? next : present)));
    }),
  );
});
