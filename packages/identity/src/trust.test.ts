// The words for what a verification comes to.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checks, trustProblems } from './index.ts';

describe('the catalogue of problems', () => {
  it('has for each a check, and sentences for people', () => {
    for (const { check, text } of Object.values(trustProblems)) {
      assert.ok(Object.hasOwn(checks, check));
      assert.match(text, /^[A-Z].{20,}\.$/);
    }
  });
  it('has a problem for each check', () => {
    const known = new Set(Object.values(trustProblems).map(({ check }) => check));
    assert.deepEqual([...known].sort(), Object.keys(checks).sort());
  });
});
