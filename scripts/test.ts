// `npm test`: every test of the project, for two cores: those that need a browser and mostly wait two files at a time,
// those that listen for gaps in sound one at a time, and beside them, at the lowest priority, the checks.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { glob, readFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { buildApps } from './apps.ts';
import { ensureChromium } from './chromium.ts';
import { root } from './install.mjs';

/** By itself, or by one of the suites and harnesses that do. */
const opensBrowsers = /playwright-core|puppeteer-core|from '\.\.?\/(?:harness|flows|browser|contract)|test-browser/;

/** Listens for gaps or takes times: another call on the same two cores would be heard in it. */
const listensForGaps = /flows\/mishaps|flows\/play|\.\/contract\.ts|test-browser|harness\/senses|fake-node/;

const only = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
let failed = 0;
let passed = 0;
const seconds = new Map<string, number>();

const { unit, patient, alone } = await testFiles();
if (patient.length + alone.length > 0) {
  const chromium = await ensureChromium();
  if (!chromium) process.exit(1);
  process.env.CHROMIUM_PATH = chromium;
}
// Nodes in the tests without browsers serve the apps, too.
if (!(await buildApps())) failed += 1;
await runTests(unit, 2);
const checked = only.length === 0 ? checkAside() : Promise.resolve(true);
await runTests(patient, 2);
await runTests(alone, 1);
if (!(await checked)) failed += 1;
const slowest = [...seconds].sort(([, a], [, b]) => b - a).slice(0, 12);
console.log(`\nThe slowest files:\n${slowest.map(([file, s]) => `${s.toFixed(0).padStart(5)} s  ${file}`).join('\n')}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** The checks, in a process that takes what time the browser tests leave over; they are in no hurry, unlike any test. */
async function checkAside(): Promise<boolean> {
  const child = fork(`${root}/scripts/check.ts`, [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  // Its own children inherit it.
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => output.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  process.stdout.write(Buffer.concat(output));
  return code === 0;
}

/** All test files, or those whose path contains one of the words given; what they need is known by what they import. */
async function testFiles(): Promise<{ unit: string[]; patient: string[]; alone: string[] }> {
  const unit: string[] = [];
  const patient: string[] = [];
  const alone: string[] = [];
  const exclude = (name: string) => name === 'node_modules' || name === 'dist';
  for await (const file of glob('{packages,apps,tests,scripts,bench}/**/*.test.ts', { cwd: root, exclude })) {
    if (only.length > 0 && !only.some((word) => file.includes(word))) continue;
    const text = await readFile(`${root}/${file}`, 'utf8');
    if (!opensBrowsers.test(text)) unit.push(file);
    else (listensForGaps.test(text) ? alone : patient).push(file);
  }
  return { unit: unit.sort(), patient: patient.sort(), alone: alone.sort() };
}

async function runTests(files: readonly string[], concurrency: number): Promise<void> {
  if (files.length === 0) return;
  const stream = run({ files: files.map((file) => `${root}/${file}`), concurrency, cwd: root, timeout: 300_000 });
  stream.on('test:summary', (summary) => {
    // Without a file it is the sum over all files.
    if (summary.file !== undefined) {
      seconds.set(relative(root, summary.file), summary.duration_ms / 1000);
      return;
    }
    passed += summary.counts.passed;
    failed += summary.counts.tests - summary.counts.passed - summary.counts.skipped - summary.counts.todo;
    if (!summary.success && failed === 0) failed += 1;
  });
  const output = stream.compose(spec);
  for await (const text of output) process.stdout.write(text as string);
}
