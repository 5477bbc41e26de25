// What receiver reports tell of a network: a queue, packets that are lost in numbers, or nothing.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ReportBlock } from './rtcp.ts';
import { createStrain } from './strain.ts';

const WALL = 3_973_000_000;

/** Reports of one source, one each second: its round trip in milliseconds, and the share of 50 packets that was lost. */
function looks(reports: readonly { trip: number; lost: number }[]): (boolean | null)[] {
  const strain = createStrain();
  return reports.map(({ trip, lost }, second) => {
    const wall = WALL + second;
    const sent = wall - 0.5 - trip / 1000;
    const block: ReportBlock = {
      ssrc: 7,
      fractionLost: Math.round(lost * 256),
      cumulativeLost: 0,
      highestSequence: 0xffff_ffe0 + second * 50,
      jitter: 0,
      lastSenderReport: Math.floor((sent % 65_536) * 65_536),
      delaySinceLastSenderReport: 32_768,
    };
    strain.report({ ...block, highestSequence: block.highestSequence >>> 0 }, wall);
    return strain.look();
  });
}

describe('strain of a receiver’s network', () => {
  test('jitter and a little loss are none', () => {
    const jittery = Array.from({ length: 40 }, (_, i) => ({ trip: 100 + 40 * (i % 2), lost: 0.04 }));
    assert.ok(looks(jittery).every((one) => one === false));
  });

  test('packets that wait are, until they wait no longer', () => {
    const waiting = [100, 110, 105, 300, 900, 120].map((trip) => ({ trip, lost: 0 }));
    assert.deepEqual(looks(waiting), [false, false, false, true, true, false]);
  });

  test('a way that has become longer for good is none for ever', () => {
    const longer = [...Array(5).fill(50), ...Array(60).fill(250)].map((trip: number) => ({ trip, lost: 0 }));
    const found = looks(longer);
    assert.equal(found[6], true);
    assert.equal(found.at(-1), false);
  });

  test('packets lost in numbers are', () => {
    const losing = [0, 0, 0.3, 0.3, 0].map((lost) => ({ trip: 100, lost }));
    assert.deepEqual(looks(losing), [false, false, true, true, false]);
  });

  test('without a report nothing is known; a report that cannot be true measures no round trip', () => {
    const strain = createStrain();
    assert.equal(strain.look(), null);
    assert.deepEqual(
      looks([
        { trip: 100, lost: 0 },
        { trip: -5000, lost: 0 },
      ]),
      [false, false],
    );
  });
});
