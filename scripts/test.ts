// `npm test`: the tests of the project (`--all`: the contract of engines in full for doubles, too), for two cores. One file at a time has browsers that call
// each other: each takes both cores, so two at a time end no sooner, and on a slow machine calls end, as they should, because
// they are too late. Beside it, at a lower priority, run those that need no browser or mostly wait, and the checks last.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { glob, mkdtemp, readFile, rm } from 'node:fs/promises';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApps } from './apps.ts';
import { ensureChromium } from './chromium.ts';
import { ensureFirefox } from './firefox.ts';
import { root } from './install.mjs';
import { ensureJanus } from './janus.ts';
import type { Lane, LaneResult } from './test-lane.ts';

/** Where tests ask for browsers (tests/src/harness/browser-pool.ts). */
const POOL = 'PARLEY_TEST_BROWSERS';

/** By itself, or by one of the suites and harnesses that do. */
const opensBrowsers =
  /playwright-core|puppeteer-core|from '\.\.?\/(?:harness|flows|browser|contract|attacks)|test-browser/;

/** Starts a Janus; skips itself if there is none. */
const startsJanus = /\.\/test-server\.ts|janus-server'/;

/** Starts a Firefox; skips itself if there is none. */
const startsFirefox = /contract-firefox|harness\/firefox/;

/** Plays attacks over plain sockets, or waits a long time for something to run out, and needs little meanwhile. */
const mostlyWaits = /src\/(?:attacks|session-expired|blocked-networks)\.test/;

// Read by the tests themselves.
if (process.argv.includes('--all')) process.env.PARLEY_TEST_ALL = '1';
const only = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
const { calls, beside, chromium: browsers, janus, firefox } = await testFiles();
if (browsers) {
  const chromium = await ensureChromium();
  if (!chromium) process.exit(1);
  process.env.CHROMIUM_PATH = chromium;
}
if (janus) await ensureJanus();
if (firefox) await ensureFirefox();
// Every file and every node in it is a process that compiles the same sources again.
const compiled = await mkdtemp(join(tmpdir(), 'parley-compiled-'));
process.env.NODE_COMPILE_CACHE = compiled;
// Nodes in the tests without browsers serve the apps, too.
const built = await buildApps();
const pool = browsers ? await openPool() : null;
const checked = only.length === 0 ? checkAside() : Promise.resolve(true);
const results = await Promise.all([
  runLane({ files: calls, concurrency: 1 }),
  runLane({ files: beside, concurrency: 1 }, { second: calls.length > 0 }),
]);
const sound = await checked;
await closePool(pool);
await rm(compiled, { recursive: true, force: true });

const slowest = results
  .flatMap(({ seconds }) => seconds)
  .sort(([, a], [, b]) => b - a)
  .slice(0, 12);
console.log(`\nThe slowest files:\n${slowest.map(([file, s]) => `${s.toFixed(0).padStart(5)} s  ${file}`).join('\n')}`);
// Once more at the end, where it is found.
const failures = results.flatMap((result) => result.failures);
if (failures.length > 0) console.log(`\nWhat failed:\n${failures.join('\n')}`);
const sum = (what: 'passed' | 'failed') => results.reduce((all, result) => all + result[what], 0);
const failed = sum('failed') + (built ? 0 : 1) + (sound ? 0 : 1);
console.log(`\n${sum('passed')} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/**
 * Runs a lane in a process of its own. `second`: at a lower priority than the other one, and what it prints comes when it is
 * over, so that it stays in one piece.
 */
async function runLane(lane: Lane, { second = false } = {}): Promise<LaneResult> {
  if (lane.files.length === 0) return { passed: 0, failed: 0, seconds: [], failures: [] };
  const stdio = second ? 'pipe' : 'inherit';
  // The browsers of the pool have the first lane's priority.
  const { [POOL]: pool, ...without } = process.env;
  const env = second ? without : process.env;
  const child = fork(`${root}/scripts/test-lane.ts`, [], { stdio: ['ignore', stdio, stdio, 'ipc'], env });
  // What it starts inherits it.
  if (second && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  const output = outputOf(child);
  let result: LaneResult | null = null;
  child.on('message', (message) => {
    result = message as LaneResult;
  });
  child.send(lane);
  await once(child, 'close');
  process.stdout.write(output());
  return (
    result ?? { passed: 0, failed: 1, seconds: [], failures: [`✖ a lane of tests ended by itself: ${lane.files}`] }
  );
}

/** Browsers for all files together, which are named to the tests in the environment. */
async function openPool(): Promise<ChildProcess> {
  const child = fork(`${root}/tests/src/harness/browser-pool-server.ts`);
  const [address] = (await once(child, 'message')) as [string];
  process.env[POOL] = address;
  return child;
}

async function closePool(child: ChildProcess | null): Promise<void> {
  if (!child || child.exitCode !== null) return;
  const over = once(child, 'exit');
  child.disconnect();
  await over;
}

/** Everything a process prints, if it is not passed on anyway. */
function outputOf(child: ChildProcess): () => Buffer {
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => output.push(chunk));
  return () => Buffer.concat(output);
}

/** The checks, in a process that takes what time the browser tests leave over; they are in no hurry, unlike any test. */
async function checkAside(): Promise<boolean> {
  const child = fork(`${root}/scripts/check.ts`, [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  // Its own children inherit it.
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  const output = outputOf(child);
  const [code] = (await once(child, 'close')) as [number | null];
  process.stdout.write(output());
  return code === 0;
}

/** All test files, or those whose path contains one of the words given; what they need is known by what they import. */
async function testFiles(): Promise<{
  calls: string[];
  beside: string[];
  chromium: boolean;
  janus: boolean;
  firefox: boolean;
}> {
  const calls: string[] = [];
  const beside: string[] = [];
  let chromium = false;
  let janus = false;
  let firefox = false;
  const exclude = (name: string) => name === 'node_modules' || name === 'dist';
  for await (const file of glob('{packages,apps,tests,scripts,bench}/**/*.test.ts', { cwd: root, exclude })) {
    if (only.length > 0 && !only.some((word) => file.includes(word))) continue;
    const text = await readFile(`${root}/${file}`, 'utf8');
    janus ||= startsJanus.test(text);
    firefox ||= startsFirefox.test(text);
    const browsers = opensBrowsers.test(text);
    chromium ||= browsers;
    if (!browsers || mostlyWaits.test(file)) beside.push(file);
    else calls.push(file);
  }
  for (const files of [calls, beside]) files.sort();
  return { calls, beside, chromium, janus, firefox };
}
