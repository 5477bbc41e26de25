// What a transfer is compared with: as long a time on each of its two ways.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RECORDED_RATE } from './analysis.ts';
import { added, beginning, lengthMs, type Summary, together } from './controls.ts';

const heard = {
  sound: Int16Array.from({ length: 2 * RECORDED_RATE }, (_, i) => i % 100),
  shown: [0, 500, 1000, 1500, 2000].map((at) => ({ at: 10_000 + at, frame: at })),
  until: 12_000,
};

describe('a time without a transfer', () => {
  it('is cut to length: sound, pictures and end', () => {
    assert.equal(lengthMs(heard), 2000);
    const first = beginning(heard, 1200);
    assert.equal(lengthMs(first), 1200);
    assert.equal(first.until, 11_200);
    assert.deepEqual(
      first.shown.map(({ frame }) => frame),
      [0, 500, 1000],
    );
    assert.deepEqual(beginning(heard, 9000), heard);
  });

  it('adds up with another one where time is counted, and not where the worst is', () => {
    const one = { silenceMs: 10, dipMs: 20, shiftMs: 5, frameGapMs: 50, backwardFrames: 1 };
    const other = { silenceMs: 5, dipMs: 0, shiftMs: 9, frameGapMs: 17, backwardFrames: 0 };
    assert.deepEqual(together(one, other), { silenceMs: 15, dipMs: 20, shiftMs: 9, frameGapMs: 50, backwardFrames: 1 });
  });

  it('is taken off quantile by quantile, and never leaves less than nothing', () => {
    const of = (median: number, p95: number, max: number, backwardFrames: number): Summary => {
      const spread = { median, p95, max };
      return { n: 30, silenceMs: spread, dipMs: spread, shiftMs: spread, frameGapMs: spread, backwardFrames };
    };
    const { n, silenceMs, backwardFrames } = added(of(10, 30, 50, 1), of(0, 40, 45, 2));
    assert.deepEqual(
      { n, silenceMs, backwardFrames },
      { n: 30, silenceMs: { median: 10, p95: 0, max: 5 }, backwardFrames: 0 },
    );
  });
});
