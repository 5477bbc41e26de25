#!/usr/bin/env node
// The one door of every npm script. Runs on whatever Node.js the machine has (20 or later) and without any dependency:
// installs what the lock file names, then hands over to the pinned Node.js, which runs TypeScript as it stands.
import { join } from 'node:path';
import { ensureInstalled, pinnedNode, root } from './install.mjs';
import { runForeground } from './processes.mjs';

/** @type {Record<string, string>} */
const commands = {
  demo: 'scripts/demo.ts',
  test: 'scripts/test.ts',
  check: 'scripts/check.ts',
  scenario: 'scripts/scenario.ts',
  build: 'scripts/build.ts',
  schemas: 'scripts/schemas.ts',
  bench: 'scripts/bench.ts',
};

const [command = '', ...rest] = process.argv.slice(2);
const program = Object.hasOwn(commands, command) ? commands[command] : undefined;
if (program === undefined) {
  console.error(`Unknown command "${command}". There are: ${Object.keys(commands).join(', ')}.`);
  process.exit(2);
}
try {
  await ensureInstalled();
  process.exitCode = await runForeground(pinnedNode, [join(root, program), ...rest], { cwd: root });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
