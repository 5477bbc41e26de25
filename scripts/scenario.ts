// `npm run scenario`: the three flows in real browsers, step by step.
import { buildApps } from './apps.ts';
import { ensureChromium } from './chromium.ts';
import { runNode } from './pinned.ts';

const chromium = await ensureChromium();
if (!chromium || !(await buildApps())) process.exit(1);
process.env.CHROMIUM_PATH = chromium;
process.exitCode = await runNode('tests/src/scenario.ts', process.argv.slice(2));
