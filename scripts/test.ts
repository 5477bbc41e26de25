// `npm test`: every test of the project, for two cores: those that need a browser one file at a time, and beside them, at
// the lowest priority, the checks.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { glob, readFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { buildApps } from './apps.ts';
import { ensureChromium } from './chromium.ts';
import { root } from './install.mjs';

/** By itself, or by one of the suites and harnesses that do. */
const opensBrowsers = /playwright-core|puppeteer-core|from '\.\.?\/(?:harness|flows|browser|contract)|test-browser/;

const only = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
let failed = 0;
let passed = 0;

const { unit, browser } = await testFiles();
if (browser.length > 0) {
  const chromium = await ensureChromium();
  if (!chromium) process.exit(1);
  process.env.CHROMIUM_PATH = chromium;
}
// Nodes in the tests without browsers serve the apps, too.
if (!(await buildApps())) failed += 1;
await runTests(unit, 2);
const checked = only.length === 0 ? checkAside() : Promise.resolve(true);
await runTests(browser, 1);
if (!(await checked)) failed += 1;
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

/** All test files, or those whose path contains one of the words given. Browser tests are known by what they import. */
async function testFiles(): Promise<{ unit: string[]; browser: string[] }> {
  const unit: string[] = [];
  const browser: string[] = [];
  const exclude = (name: string) => name === 'node_modules' || name === 'dist';
  for await (const file of glob('{packages,apps,tests,scripts,bench}/**/*.test.ts', { cwd: root, exclude })) {
    if (only.length > 0 && !only.some((word) => file.includes(word))) continue;
    const text = await readFile(`${root}/${file}`, 'utf8');
    (opensBrowsers.test(text) ? browser : unit).push(file);
  }
  return { unit: unit.sort(), browser: browser.sort() };
}

async function runTests(files: readonly string[], concurrency: number): Promise<void> {
  if (files.length === 0) return;
  const stream = run({ files: files.map((file) => `${root}/${file}`), concurrency, cwd: root, timeout: 300_000 });
  stream.on('test:summary', (summary) => {
    // Without a file it is the sum over all files.
    if (summary.file !== undefined) return;
    passed += summary.counts.passed;
    failed += summary.counts.tests - summary.counts.passed - summary.counts.skipped - summary.counts.todo;
    if (!summary.success && failed === 0) failed += 1;
  });
  const output = stream.compose(spec);
  for await (const text of output) process.stdout.write(text as string);
}
