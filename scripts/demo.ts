// `npm start`: builds the apps if need be and starts the demo.
import { buildApps } from './apps.ts';
import { runNode } from './pinned.ts';

if (!(await buildApps())) process.exit(1);
process.exitCode = await runNode('apps/demo/src/main.ts', process.argv.slice(2));
