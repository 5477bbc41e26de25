// `npm run check`: format and lint, types, dead code, rooms. Everything that can be said without running the product.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './install.mjs';
import { report, runQuietly } from './jobs.ts';
import { type LockedPackages, missingOptionalPackages } from './lock.ts';
import { checkRooms } from './rooms.ts';

const bin = (name: string) => join(root, 'node_modules/.bin', name);

/** Runs all checks, two at a time. True if all passed. */
export async function check(): Promise<boolean> {
  const node = process.execPath;
  const first = [
    () => report('types of the node side', () => runQuietly(bin('tsc'), ['-p', 'tsconfig.json'])),
    () => report('lint and format', () => runQuietly(bin('biome'), ['check', '--error-on-warnings'])),
    () => report('rooms', rooms),
    () => report('lock file', lockFile),
  ];
  const second = [
    () => report('types of the browser side', () => runQuietly(bin('tsc'), ['-p', 'tsconfig.browser.json'])),
    () => report('types of the tests', () => runQuietly(bin('tsc'), ['-p', 'tsconfig.tests.json'])),
    () => report('dead code', () => runQuietly(node, [join(root, 'node_modules/knip/bin/knip.js'), '--no-progress'])),
  ];
  const passed = await Promise.all([first, second].map(inTurn));
  return passed.every(Boolean);
}

async function inTurn(jobs: readonly (() => Promise<boolean>)[]): Promise<boolean> {
  let ok = true;
  for (const job of jobs) ok = (await job()) && ok;
  return ok;
}

async function rooms(): Promise<{ ok: boolean; output: string }> {
  const { faults, warnings } = await checkRooms(root);
  for (const warning of warnings) console.log(`  note: ${warning}`);
  return { ok: faults.length === 0, output: faults.join('\n') };
}

async function lockFile(): Promise<{ ok: boolean; output: string }> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as { packages: LockedPackages };
  const missing = Object.keys(missingOptionalPackages(lock.packages));
  const advice = `npm ci will refuse package-lock.json: ${missing.join(', ')} not listed. Run: node scripts/lock.ts`;
  return { ok: missing.length === 0, output: missing.length === 0 ? '' : advice };
}

if (import.meta.main) process.exitCode = (await check()) ? 0 : 1;
