// Finds a Firefox for the tests of what browsers of two makers see of each other, or installs Debian's.
import { runQuietly } from './jobs.ts';
import { installPackages } from './packages.ts';

const usual = ['/usr/bin/firefox-esr', '/usr/bin/firefox'];

/** Path of a Firefox that starts; null, with a message on the console that says what to do, if there is none. */
export async function ensureFirefox(): Promise<string | null> {
  const named = process.env.FIREFOX_PATH;
  const found = await firstThatStarts(named ? [named, ...usual] : usual);
  if (found) return found;
  const installed = (await installPackages(['firefox-esr'])) ? await firstThatStarts(usual) : null;
  if (!installed) {
    console.error(
      'The tests with Firefox need one, and are SKIPPED. Install it (Debian: sudo apt-get install firefox-esr), or name ' +
        'one in FIREFOX_PATH.',
    );
  }
  return installed;
}

async function firstThatStarts(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) if ((await runQuietly(path, ['--version'])).ok) return path;
  return null;
}
