// `npm run attacks`: the named attacks, some of them on pages in a real browser.
import { join } from 'node:path';
import { ensureChromium } from './chromium.ts';
import { root } from './install.mjs';
import { runForeground } from './processes.mjs';

const chromium = await ensureChromium();
if (!chromium) process.exit(1);
const env = { ...process.env, CHROMIUM_PATH: chromium };
const program = join(root, 'tests/src/attacks.ts');
process.exitCode = await runForeground(process.execPath, [program, ...process.argv.slice(2)], { cwd: root, env });
