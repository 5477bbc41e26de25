// Where a conference is placed, for any engines in any state.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canDo, chooseEngines, type EngineLoad, hasSeat, type Needs, seatsTaken } from './engine-choice.ts';

const room = fc.record({ devices: fc.integer({ min: 0, max: 30 }), expected: fc.integer({ min: 0, max: 30 }) });
const engine = (id: string): fc.Arbitrary<EngineLoad> =>
  fc.record({
    id: fc.constant(id),
    weight: fc.constantFrom(0.5, 1, 2, 10),
    maxRooms: fc.integer({ min: 1, max: 6 }),
    maxDevices: fc.integer({ min: 3, max: 100 }),
    capabilities: fc.record({
      forwarding: fc.boolean(),
      mixing: fc.constantFrom(true, false, 'sound' as const),
      recording: fc.boolean(),
      layers: fc.boolean(),
      speaker: fc.boolean(),
    }),
    state: fc.constantFrom('up' as const, 'lost' as const, 'draining' as const),
    rooms: fc.array(room, { maxLength: 6 }),
  });
const engines = fc
  .integer({ min: 0, max: 6 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => engine(`e${i}`))));
const needs: fc.Arbitrary<Needs> = fc.record({ mixing: fc.boolean(), recording: fc.boolean() });
const seats = fc.integer({ min: 1, max: 20 });

function forAll(check: (all: readonly EngineLoad[], wanted: Needs, seats: number) => void): void {
  fc.assert(fc.property(engines, needs, seats, check), { numRuns: 500 });
}

const healthy: EngineLoad = {
  id: 'a',
  weight: 1,
  maxRooms: 10,
  maxDevices: 100,
  capabilities: { forwarding: true, mixing: false, recording: false, layers: false, speaker: false },
  state: 'up',
  rooms: [],
};

describe('the choice of an engine', () => {
  it('never goes beyond a limit, to one that is drained, or to one that cannot do it', () => {
    forAll((all, wanted, seats) => {
      for (const id of chooseEngines(all, wanted, seats).order) {
        const chosen = all.find((one) => one.id === id);
        assert.ok(chosen && chosen.state !== 'draining' && canDo(chosen.capabilities, wanted));
        assert.ok(chosen.rooms.length + 1 <= chosen.maxRooms);
        assert.ok(seatsTaken(chosen) + seats <= chosen.maxDevices);
      }
    });
  });

  it('tries a lost engine only after all that are in order, and leaves none out that could do it', () => {
    forAll((all, wanted, seats) => {
      const { order, refusal } = chooseEngines(all, wanted, seats);
      const states = order.map((id) => all.find((one) => one.id === id)?.state);
      assert.deepEqual(
        states,
        states.toSorted((a, b) => Number(a === 'lost') - Number(b === 'lost')),
      );
      const able = all.filter((one) => one.state !== 'draining' && canDo(one.capabilities, wanted));
      const fits = able.filter((one) => one.rooms.length < one.maxRooms && seatsTaken(one) + seats <= one.maxDevices);
      assert.equal(order.length, fits.length);
      assert.equal(refusal, fits.length > 0 ? null : able.length > 0 ? 'full' : 'cannot');
    });
  });

  it('takes the one that is least full for its weight', () => {
    forAll((all, wanted, seats) => {
      const ups = chooseEngines(all, wanted, seats).order.flatMap(
        (id) => all.find((one) => one.id === id && one.state === 'up') ?? [],
      );
      const loads = ups.map((one) => seatsTaken(one) / one.weight);
      assert.deepEqual(
        loads,
        loads.toSorted((a, b) => a - b),
      );
    });
  });

  it('spreads conferences by weight', () => {
    const all = [
      { ...healthy, weight: 2 },
      { ...healthy, id: 'b' },
    ].map((one) => ({ ...one, rooms: [...one.rooms] }));
    for (let n = 0; n < 9; n += 1) {
      const [id] = chooseEngines(all, {}, 3).order;
      all.find((one) => one.id === id)?.rooms.push({ devices: 0, expected: 3 });
    }
    assert.deepEqual(
      all.map((one) => one.rooms.length),
      [6, 3],
    );
  });

  it('keeps an engine that can mix for those who ask, and the seats of those who are on their way', () => {
    const mixer = { ...healthy, id: 'a', capabilities: { ...healthy.capabilities, mixing: true } };
    assert.deepEqual(chooseEngines([mixer, { ...healthy, id: 'b' }], {}, 3).order, ['b', 'a']);
    assert.deepEqual(chooseEngines([mixer, { ...healthy, id: 'b' }], { mixing: true }, 3).order, ['a']);
    const full = {
      ...healthy,
      maxDevices: 6,
      rooms: [
        { devices: 1, expected: 3 },
        { devices: 3, expected: 3 },
      ],
    };
    assert.equal(hasSeat(full, { devices: 1, expected: 3 }), true);
    assert.equal(hasSeat(full, { devices: 3, expected: 3 }), false);
  });
});
