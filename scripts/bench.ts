// `npm run bench`: the measurements.
import { runNode } from './pinned.ts';

process.exitCode = await runNode('bench/src/main.ts', process.argv.slice(2));
