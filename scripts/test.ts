// `npm test`: every test of the project, for two cores, in lanes. First those that need browsers: one file at a time in which
// people call each other, beside it one that needs less and, at the lowest priority, the checks. Then those that listen for gaps in sound one at a time, and beside them, two at a time
// and at a lower priority, those that only wait or need no browser: whoever listens leaves half of the machine idle.
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

/** By itself, or by one of the suites and harnesses that do. */
const opensBrowsers =
  /playwright-core|puppeteer-core|test-chromium|from '\.\.?\/(?:harness|flows|browser|contract|attacks)|test-browser/;

/** Listens for gaps or takes times: another call on the same two cores would be heard in it. */
const listensForGaps = /flows\/mishaps|flows\/play|test-browser|harness\/senses|fake-node/;

/** Starts a Janus; skips itself if there is none. */
const startsJanus = /\.\/test-server\.ts/;

/** Starts a Firefox; skips itself if there is none. */
const startsFirefox = /contract-firefox/;

/** Plays attacks over plain sockets, which is mostly waiting for what is refused. */
const mostlyWaits = /src\/attacks\.test/;

/** Whole calls between people at the demo's servers. */
const hasPeople = /openStage|@parley\/demo'/;

/** Waits a long time for something to run out, and needs little meanwhile. */
const waitsLong = /(?:session-expired|blocked-networks)\.test/;

const only = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
const { people, light, alone, beside, chromium: browsers, janus, firefox } = await testFiles();
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
const results = [
  // Two conferences at a time are more than a slow machine carries: calls end, as they should, because they are too late.
  ...(await Promise.all([
    runLane({ files: people, concurrency: 1 }),
    runLane({ files: light, concurrency: 1 }, { later: people.length > 0 }),
  ])),
  ...(await Promise.all([
    runLane({ files: alone, concurrency: 1 }),
    runLane({ files: beside, concurrency: 2 }, { later: alone.length > 0, low: alone.length > 0 }),
  ])),
];
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
 * Runs a lane in a process of its own. `later`: what it prints comes when it is over, so that it stays in one piece. `low`: at
 * a lower priority than the others.
 */
async function runLane(lane: Lane, { later = false, low = false } = {}): Promise<LaneResult> {
  if (lane.files.length === 0) return { passed: 0, failed: 0, seconds: [], failures: [] };
  const stdio = later ? 'pipe' : 'inherit';
  const child = fork(`${root}/scripts/test-lane.ts`, [], { stdio: ['ignore', stdio, stdio, 'ipc'] });
  // What it starts inherits it.
  if (low && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
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
  process.env.PARLEY_TEST_BROWSERS = address;
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
  people: string[];
  light: string[];
  alone: string[];
  beside: string[];
  chromium: boolean;
  janus: boolean;
  firefox: boolean;
}> {
  const people: string[] = [];
  const light: string[] = [];
  const alone: string[] = [];
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
    else if (listensForGaps.test(text)) alone.push(file);
    else (hasPeople.test(text) && !waitsLong.test(file) ? people : light).push(file);
  }
  for (const files of [people, light, alone, beside]) files.sort();
  return { people, light, alone, beside, chromium, janus, firefox };
}
