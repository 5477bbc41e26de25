// Finds a Janus for the tests of its engine, or installs Debian's.
import { runQuietly } from './jobs.ts';
import { installPackages } from './packages.ts';

/** True if there is a Janus that starts; if not, a message on the console says what to do. */
export async function ensureJanus(): Promise<boolean> {
  if (await starts()) return true;
  if ((await installPackages(['janus'])) && (await starts())) return true;
  console.error(
    'The tests of the Janus engine need Janus 1.x, and are SKIPPED. Install it (Debian: sudo apt-get install janus).',
  );
  return false;
}

async function starts(): Promise<boolean> {
  return (await runQuietly('janus', ['--help'])).ok;
}
