// Each attack is refused exactly as it says, by two nodes that run, and changes nothing.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { attacks, carryOut } from './attacks/index.ts';
import { trueProofHolds } from './attacks/proofs.ts';
import { openWorld, type World } from './attacks/world.ts';

describe('attacks', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world.close());

  it('are told from the truth: the proof of Bob’s own device holds', async () => {
    assert.equal(await trueProofHolds(world), 'verified');
  });
  for (const attack of attacks) {
    it(`by ${attack.by}: ${attack.name}`, async () => {
      const { code, expected, unchanged } = await carryOut(attack, world);
      assert.equal(code, expected);
      assert.ok(unchanged, 'those who are attacked notice nothing');
    });
  }
});
