// Legs that replace each other, whatever happens to them in whatever order: what flows is in use, nothing is left open, nothing
// is closed twice.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createSuccession } from './succession.ts';

interface Leg {
  readonly name: number;
  up: boolean;
  isConnected(): boolean;
}

function line() {
  const open = new Set<Leg>();
  const changes: [Leg | null, Leg | null][] = [];
  const legs = createSuccession<Leg>({
    changed: (present, before) => changes.push([present, before]),
    drop: (leg) => assert.ok(open.delete(leg), 'closed twice'),
  });
  let name = 0;
  return {
    legs,
    open,
    changes,
    put() {
      name += 1;
      const leg: Leg = { name, up: false, isConnected: () => leg.up };
      open.add(leg);
      legs.put(leg);
      return leg;
    },
    connect(leg: Leg) {
      leg.up = true;
      legs.connected(leg);
    },
    lose(leg: Leg) {
      open.delete(leg);
      return legs.lost(leg);
    },
  };
}

describe('legs that replace each other', () => {
  it('closes the old one only when the new one is connected', () => {
    const { legs, open, changes, put, connect } = line();
    const first = put();
    connect(first);
    const second = put();
    assert.deepEqual([legs.present, legs.next, [...open]], [first, second, [first, second]]);
    connect(second);
    assert.deepEqual([legs.present, legs.next, [...open]], [second, null, [second]]);
    assert.deepEqual(changes.at(-1), [second, first]);
  });

  it('does not wait for the new one where the old one never was connected', () => {
    const { legs, open, put } = line();
    put();
    const second = put();
    assert.deepEqual([legs.present, [...open]], [second, [second]]);
  });

  it('is not noticed where the present one is lost while another is on its way', () => {
    const { legs, changes, put, connect, lose } = line();
    const first = put();
    connect(first);
    const second = put();
    assert.equal(lose(first), true);
    assert.equal(legs.present, second);
    assert.deepEqual(changes.at(-1), [second, first]);
    assert.equal(lose(second), false);
    assert.deepEqual([legs.present, changes.at(-1)], [null, [null, second]]);
  });

  it('keeps the present one where the one that was to replace it is lost', () => {
    const { legs, changes, put, connect, lose } = line();
    const first = put();
    connect(first);
    const before = changes.length;
    assert.equal(lose(put()), false);
    assert.deepEqual([legs.present, legs.next, changes.length], [first, null, before]);
  });

  it('is not noticed where one is lost that has been replaced', () => {
    const { legs, changes, put, connect } = line();
    const first = put();
    connect(first);
    const second = put();
    connect(second);
    const before = changes.length;
    assert.equal(legs.lost(first), true);
    assert.deepEqual([legs.present, changes.length], [second, before]);
  });

  it('holds in any order: what is open is in the line, and a connected one is in use as long as there is one', () => {
    const step = fc.record({ act: fc.constantFrom('put', 'connect', 'lose', 'clear'), which: fc.nat(1) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { legs, open, changes, put, connect, lose } = line();
        for (const { act, which } of steps) {
          const leg = legs.all()[which];
          const [{ present }, flowed] = [{ present: legs.present }, legs.present?.isConnected()];
          if (act === 'put') put();
          else if (act === 'clear') legs.clear();
          else if (leg && act === 'connect') connect(leg);
          else if (leg) lose(leg);
          assert.deepEqual(new Set(legs.all()), open);
          assert.ok(legs.next === null || legs.present !== null);
          // Nothing but its own end, or one that flows, takes the place of one that flows.
          const replaced = flowed && legs.present !== present;
          if (replaced && act !== 'clear') assert.ok(!open.has(present as Leg) && (leg === present || leg?.up));
          if (act !== 'clear' && legs.present !== present) assert.deepEqual(changes.at(-1), [legs.present, present]);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
