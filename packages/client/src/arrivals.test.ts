// A frame that was held up is told from a newer one.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createArrivals } from './arrivals.ts';

describe('when a frame would have come', () => {
  it('is when it came, until one was quicker', () => {
    const way = createArrivals();
    assert.equal(way.add(1000, 0), 1000);
    assert.equal(way.add(1050, 4500), 1050);
    assert.equal(way.add(1250, 9000), 1100);
    assert.equal(way.add(1260, 13_500), 1150);
    assert.equal(way.add(1190, 18_000), 1190);
  });

  it('is when it came, where nothing tells when it was taken', () => {
    assert.equal(createArrivals().add(77, undefined), 77);
  });

  it('never puts frames out of order, however late they are, wherever the clock begins', () => {
    const late = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(late, fc.integer({ min: 0, max: 0xffffffff }), (delays, begin) => {
        const way = createArrivals();
        delays.forEach((delay, n) => {
          const [came, ticks] = [n * 50 + delay, (begin + n * 4500) >>> 0];
          const best = Math.min(...delays.slice(0, n + 1));
          assert.ok(Math.abs(way.add(came, ticks) - (n * 50 + best)) < 1e-6);
        });
      }),
    );
  });
});
