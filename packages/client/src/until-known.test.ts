// Asking again, with a clock that is turned by hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { untilKnown } from './until-known.ts';

const turns = async () => {
  for (let n = 0; n < 10; n += 1) await Promise.resolve();
};

describe('what could not be found out', () => {
  it('is asked again, ever more seldom, until it is answered', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const answers = ['nobody', 'nobody', 'verified'];
    const told: string[] = [];
    let asked = 0;
    const ask = async () => answers[asked++] ?? 'too often';
    const done = untilKnown(
      ask,
      (a) => a === 'nobody',
      (a) => void told.push(a),
      new AbortController().signal,
    );
    await turns();
    assert.equal(asked, 1);
    t.mock.timers.tick(4000);
    await turns();
    assert.equal(asked, 2);
    t.mock.timers.tick(4000);
    await turns();
    assert.equal(asked, 2, 'twice as long the next time');
    t.mock.timers.tick(4000);
    await done;
    assert.deepEqual(told, ['nobody', 'nobody', 'verified']);
  });
  it('is not asked any more, and nobody is told, once nobody wants to know', async () => {
    const ended = new AbortController();
    let asked = 0;
    const ask = async () => {
      asked += 1;
      return 'nobody';
    };
    const told: string[] = [];
    const done = untilKnown(
      ask,
      () => true,
      (a) => void told.push(a),
      ended.signal,
    );
    await turns();
    ended.abort();
    await done;
    assert.deepEqual([asked, told], [1, ['nobody']]);
  });
});
