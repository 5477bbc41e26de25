import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBudgets } from './index.ts';

test('each name has a burst and a rate of its own', () => {
  let at = 0;
  const may = createBudgets(2, 3, () => at);
  assert.deepEqual([may('a'), may('a'), may('a'), may('a')], [true, true, true, false]);
  assert.equal(may('b'), true);
  at = 500;
  assert.deepEqual([may('a'), may('a')], [true, false]);
  at = 400;
  assert.equal(may('a'), false, 'a clock that goes back gives nothing');
});

test('names that were quiet longest are forgotten, those that ask are not', () => {
  const may = createBudgets(0, 1, () => 0);
  may('busy');
  for (let n = 0; n < 15_000; n += 1) {
    may(`name ${n}`);
    if (n % 1000 === 0) assert.equal(may('busy'), false);
  }
  assert.equal(may('name 0'), true);
});
