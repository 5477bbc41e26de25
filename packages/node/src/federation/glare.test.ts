import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Domain } from '@parley/protocol';
import { decide } from './glare.ts';

const small = 'a.example' as Domain;
const large = 'b.example' as Domain;

test('of two links that cross, both sides keep the one opened by the domain that sorts first', () => {
  // Both have sent their proof, each sees the other's arrive.
  assert.equal(decide({ own: small, peer: large, current: null, attempt: 'proof-sent' }), 'await-attempt');
  assert.equal(decide({ own: large, peer: small, current: null, attempt: 'proof-sent' }), 'accept');
});

test('never do both sides wait for their own attempt', () => {
  for (const mine of ['none', 'unproven', 'proof-sent'] as const) {
    for (const theirs of ['none', 'unproven', 'proof-sent'] as const) {
      const here = decide({ own: small, peer: large, current: null, attempt: mine });
      const there = decide({ own: large, peer: small, current: null, attempt: theirs });
      assert.ok(here === 'accept' || there === 'accept', `${mine}, ${theirs}`);
    }
  }
});

test('an attempt whose proof is not out yet gives way: the other side cannot have taken it', () => {
  for (const own of [small, large]) {
    const peer = own === small ? large : small;
    assert.equal(decide({ own, peer, current: null, attempt: 'unproven' }), 'accept');
  }
});

test('a second link of the same opener replaces the first; one across it is taken only if the first is dead', () => {
  assert.equal(decide({ own: small, peer: large, current: 'peer', attempt: 'none' }), 'accept');
  assert.equal(decide({ own: large, peer: small, current: 'peer', attempt: 'none' }), 'accept');
  assert.equal(decide({ own: small, peer: large, current: 'own', attempt: 'none' }), 'probe');
  assert.equal(decide({ own: large, peer: small, current: 'own', attempt: 'none' }), 'accept');
});
