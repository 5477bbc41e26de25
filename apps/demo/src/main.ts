// `npm start`.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDemo } from './index.ts';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const begun = Date.now();
try {
  const demo = await startDemo({ dataDirectory: join(root, 'data') });
  let stopping: Promise<void> | null = null;
  const end = () => {
    if (!stopping) console.log('\nEnding ...');
    stopping ??= demo.stop();
    // Whatever the servers still hold open must not keep the terminal.
    void stopping.then(() => process.exit(0));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  const seconds = ((Date.now() - begun) / 1000).toFixed(1);
  console.log(`
Parley is running (ready in ${seconds} s). Open this page in Chromium, Chrome or Firefox:

    ${demo.pages}

It opens a window for each person. Or sign in by hand:
`);
  for (const { name, company, login, password, origin } of demo.people) {
    console.log(`    ${name.padEnd(16)} ${company}   ${origin}   name ${login}, password ${password}`);
  }
  console.log('\nCtrl-C ends everything.');
} catch (error) {
  console.error(`\nThe demo could not start. ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
