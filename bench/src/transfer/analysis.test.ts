// The instrument on made-up sounds: what it must report, and what it must not.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { analyse, spread } from './analysis.ts';
import { makeNoise, PERIOD, RATE } from './reference.ts';

const noise = makeNoise(RATE, PERIOD, 7);
const at = (position: number) => noise[((Math.round(position) % PERIOD) + PERIOD) % PERIOD] ?? 0;
/** Three seconds; `position` says which sample of the noise is played at which moment, `gain` how loud. */
const sound = (position: (i: number) => number, gain: (i: number) => number = () => 1) =>
  Float32Array.from({ length: 3 * RATE }, (_, i) => gain(i) * at(position(i)));
const ms = (n: number) => (n * RATE) / 1000;
const frames = (skip: (i: number) => boolean = () => false) =>
  Array.from({ length: 60 }, (_, i) => ({ at: 50 * i, frame: 100 + i })).filter((_, i) => !skip(i));
const of = (heard: Float32Array, shown = frames()) => analyse(heard, noise, shown, 50, 3000);
const during = (i: number, length: number) => i >= ms(1500) && i < ms(1500 + length);

describe('the instrument', () => {
  it('notices nothing where there is nothing, wherever the noise begins', () => {
    for (const start of [0, 1234, 7999]) {
      const { silenceMs, dipMs, shiftMs, frameGapMs, backwardFrames } = of(sound((i) => start + i));
      assert.deepEqual([silenceMs, shiftMs, backwardFrames], [0, 0, 0]);
      assert.ok(dipMs <= 5 && frameGapMs <= 1);
    }
  });

  it('reports a break of 100 ms as 100 ± 10 ms, of sound and of picture', () => {
    const { silenceMs, dipMs } = of(
      sound(
        (i) => i,
        (i) => (during(i, 100) ? 0 : 1),
      ),
    );
    assert.ok(Math.abs(silenceMs - 100) <= 10, `${silenceMs}`);
    assert.ok(Math.abs(dipMs - 100) <= 25, `${dipMs}`);
    assert.equal(
      of(
        sound((i) => i),
        frames((i) => i === 30 || i === 31),
      ).frameGapMs,
      100,
    );
  });

  it('reports sound that is skipped or repeated, however little it is', () => {
    for (const step of [-90, -25, 10, 40, 150]) {
      const { shiftMs, silenceMs } = of(sound((i) => (i < ms(1500) ? i : i + ms(step))));
      assert.ok(Math.abs(shiftMs - Math.abs(step)) <= 2, `${step}: ${shiftMs}`);
      assert.equal(silenceMs, 0);
    }
  });

  it('reports a silence that lasts, and noise that is not the sender’s', () => {
    const stopped = of(
      sound(
        (i) => i,
        (i) => (i < ms(1200) ? 1 : 0),
      ),
    );
    assert.ok(Math.abs(stopped.silenceMs - 1800) <= 30, `${stopped.silenceMs}`);
    const other = makeNoise(RATE, PERIOD, 99);
    const replaced = sound((i) => i).map((sample, i) => (during(i, 200) ? (other[i % PERIOD] ?? 0) : sample));
    assert.ok(Math.abs(of(replaced).silenceMs - 200) <= 60, `${of(replaced).silenceMs}`);
  });

  it('reports a dip', () => {
    const { dipMs, silenceMs } = of(
      sound(
        (i) => i,
        (i) => (during(i, 60) ? 0.5 : 1),
      ),
    );
    assert.ok(Math.abs(dipMs - 60) <= 20, `${dipMs}`);
    assert.equal(silenceMs, 0);
  });

  it('reports frames that go backwards, and a picture that stops', () => {
    const shown = frames();
    assert.equal(
      of(
        sound((i) => i),
        [...shown, { at: 3000, frame: 120 }],
      ).backwardFrames,
      1,
    );
    assert.ok(
      of(
        sound((i) => i),
        shown.slice(0, 20),
      ).frameGapMs > 1900,
    );
  });

  it('does not take it for a step back when the numbers of frames begin anew', () => {
    const shown = frames().map(({ at, frame }) => ({ at, frame: (frame + 2 ** 14 - 10) % 2 ** 14 }));
    const { backwardFrames, frameGapMs } = of(
      sound((i) => i),
      shown,
    );
    assert.deepEqual(
      [backwardFrames, frameGapMs],
      [
        0,
        of(
          sound((i) => i),
          frames(),
        ).frameGapMs,
      ],
    );
  });

  it('spreads', () => {
    assert.deepEqual(spread([5]), { median: 5, p95: 5, max: 5 });
    assert.deepEqual(spread(Array.from({ length: 100 }, (_, i) => i + 1)), { median: 50, p95: 95, max: 100 });
  });
});
