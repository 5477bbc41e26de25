// `npm test`: the checks, then every test of the project: those that need a browser one file at a time, for two cores.
import { glob, readFile } from 'node:fs/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { buildApps } from './apps.ts';
import { check } from './check.ts';
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
if (only.length === 0 && !(await check())) failed += 1;
if (browser.length > 0 && !(await buildApps())) failed += 1;
await runTests(unit, 2);
await runTests(browser, 1);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

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
