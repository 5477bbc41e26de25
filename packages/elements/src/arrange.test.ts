import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallParticipant } from '@parley/client';
import type { Address } from '@parley/protocol';
import fc from 'fast-check';
import { arrange, largeOf } from './arrange.ts';

test('tiles lie inside the stage and beside each other, and the large one is the largest', () => {
  const sizes = fc.record({
    small: fc.integer({ min: 2, max: 31 }),
    width: fc.integer({ min: 320, max: 4000 }),
    height: fc.integer({ min: 400, max: 3000 }),
  });
  fc.assert(
    fc.property(sizes, ({ small, width, height }) => {
      const places = arrange(small, width, height, 12);
      assert.equal(places.small.length, small);
      const all = [places.large, ...places.small];
      for (const [index, box] of all.entries()) {
        assert.ok(box.x >= 0 && box.y >= 0, JSON.stringify(box));
        assert.ok(box.x + box.width <= width + 0.01 && box.y + box.height <= height + 0.01, JSON.stringify(box));
        assert.ok(box.width > 20 && box.height > 12, JSON.stringify(box));
        assert.ok(box.width * box.height <= places.large.width * places.large.height);
        for (const other of all.slice(index + 1)) {
          const apart =
            box.x + box.width <= other.x ||
            other.x + other.width <= box.x ||
            box.y + box.height <= other.y ||
            other.y + other.height <= box.y;
          assert.ok(apart, `${JSON.stringify(box)} and ${JSON.stringify(other)}`);
        }
      }
    }),
    // More people than ever fit beside a small stage.
    { examples: [[{ small: 25, width: 401, height: 400 }]] },
  );
});

test('large is who is pinned, then who shows a screen, then who speaks, then the first of the others in the call', () => {
  const person = (id: string, more: Partial<CallParticipant> = {}) =>
    ({
      person: { address: `${id}@x.example` },
      self: false,
      state: 'joined',
      screen: false,
      ...more,
    }) as CallParticipant;
  const address = (id: string) => `${id}@x.example` as Address;
  const me = person('me', { self: true });
  const everybody = [me, person('ringing', { state: 'alerting' }), person('a'), person('b')];
  assert.equal(largeOf(everybody, null, null), address('a'));
  assert.equal(largeOf(everybody, address('b'), null), address('b'));
  const withScreen = [...everybody, person('c', { screen: true })];
  assert.equal(largeOf(withScreen, address('b'), null), address('c'));
  assert.equal(largeOf(withScreen, address('b'), address('me')), address('me'));
  // Whoever has left is neither pinned nor the speaker any more; the own screen is not shown large to oneself.
  assert.equal(largeOf(everybody, address('gone'), address('gone')), address('a'));
  assert.equal(largeOf([person('me', { self: true, screen: true }), person('a')], null, null), address('a'));
  assert.equal(largeOf([me], null, null), null);
});
