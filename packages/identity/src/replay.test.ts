// Proofs that were accepted before.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createReplayGuard } from './index.ts';

describe('the memory of proofs', () => {
  it('is bounded, forgets what is too old, and refuses rather than forget what is not', () => {
    const guard = createReplayGuard(2);
    assert.equal(guard.take('a', 10, 0), 'first');
    assert.equal(guard.take('b', 20, 0), 'first');
    assert.equal(guard.take('c', 20, 5), 'full');
    assert.equal(guard.take('c', 30, 11), 'first');
    assert.equal(guard.take('b', 20, 12), 'again');
    assert.equal(guard.size, 2);
  });
});
