// Each attack is refused exactly as it says, by two nodes that run, and changes nothing.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { attacks, carryOut, type Result } from './attacks/index.ts';
import { mediaAttacks } from './attacks/media.ts';
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
  for (const attack of attacks.filter((one) => !mediaAttacks.includes(one))) {
    it(`by ${attack.by}: ${attack.name}`, async () => {
      const { code, expected, unchanged } = await carryOut(attack, world);
      assert.equal(code, expected);
      assert.ok(unchanged, 'those who are attacked notice nothing');
    });
  }
});

describe('attacks on media', { timeout: 120_000 }, () => {
  it('are refused too, by a program of their own, since native peers keep a process alive', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-attacks-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, 'report.json');
    const program = fileURLToPath(new URL('attacks.ts', import.meta.url));
    const ended = promisify(execFile)(process.execPath, [program, '--media', '--json', file], {
      timeout: 100_000,
    });
    // Which of them was not refused is said below.
    await ended.catch(() => undefined);
    const { attacks: results } = JSON.parse(await readFile(file, 'utf8')) as { attacks: Result[] };
    assert.equal(results.length, mediaAttacks.length);
    assert.deepEqual(
      results.filter(({ refused }) => !refused),
      [],
    );
  });
});
