// `npm run attacks [-- --json FILE] [--only WORD] [--media]`: tries named attacks on two running nodes, and says of each whether it
// was refused exactly as it should be and left everything as it was. Exit status 0 only if all were.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { attacks, carryOut, type Result } from './attacks/index.ts';
import { mediaAttacks } from './attacks/media.ts';
import { openWorld } from './attacks/world.ts';

const { values } = parseArgs({
  options: { json: { type: 'string' }, only: { type: 'string' }, media: { type: 'boolean', default: false } },
});
const { json, only, media } = values;

function tell({ name, by, refused, code, expected, unchanged }: Result): void {
  console.log(`${refused ? '✓' : '✗'} ${by}: ${name} → ${code}`);
  if (code !== expected) console.log(`    expected ${expected}`);
  if (!unchanged) console.log('    something was changed by it');
}

const world = await openWorld();
const results: Result[] = [];
try {
  for (const attack of media ? mediaAttacks : attacks) {
    if (only !== undefined && !attack.name.includes(only)) continue;
    const result = await carryOut(attack, world);
    tell(result);
    results.push(result);
  }
} finally {
  await world.close();
}
const refused = results.filter((result) => result.refused).length;
console.log(`\n${refused} of ${results.length} attacks were refused as they should be.`);
const report = { total: results.length, refused, attacks: results };
if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
// The native peers of some attacks would keep this process alive.
process.exit(results.length > 0 && refused === results.length ? 0 : 1);
