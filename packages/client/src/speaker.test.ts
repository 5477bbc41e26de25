import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '@parley/protocol';
import { type Loudness, nextSpeaker, readLoudness } from './speaker.ts';

const a = 'a@x.example' as Address;
const b = 'b@x.example' as Address;

test('loudness is taken over a window, and starts anew when another sound takes the place', () => {
  let known: ReadonlyMap<string, Loudness> = new Map();
  const look = (energy: number, seconds: number) => {
    known = readLoudness(known, new Map([['0', { energy, seconds }]]));
    return known.get('0')?.level;
  };
  assert.equal(look(5, 10), 0);
  assert.equal(look(5.02, 10.5), 0, 'half a second says nothing');
  assert.equal(look(5.04, 11), 0.2);
  assert.equal(look(5.04, 11.2), 0.2, 'kept until the next window');
  assert.equal(look(5.04, 12), 0);
  assert.equal(look(0, 0.1), 0);
  assert.equal(look(0.25, 1.1), 0.5);
});

test('the one who speaks keeps the floor against a cough, through a pause, and until they have gone', () => {
  const after = (before: Address | null, levelA: number, levelB: number) =>
    nextSpeaker(
      before,
      new Map([
        [a, levelA],
        [b, levelB],
      ]),
    );
  assert.equal(after(null, 0, 0), null);
  assert.equal(after(null, 0, 0.05), b);
  assert.equal(after(null, 0.1, 0.05), a);
  assert.equal(after(b, 0.06, 0.05), b);
  assert.equal(after(b, 0.1, 0.05), a);
  assert.equal(after(b, 0, 0), b);
  assert.equal(after(b, 0.02, 0), a);
  assert.equal(nextSpeaker(b, new Map([[a, 0]])), null);
  assert.equal(nextSpeaker(b, new Map([[a, 0.2]])), a);
});
