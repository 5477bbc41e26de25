// Finds a Chromium for the browser tests, or installs Debian's where that is possible without asking anybody.
import { runQuietly } from './jobs.ts';
import { installPackages } from './packages.ts';

const usual = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome-stable'];

/** Path of a Chromium that starts; null, with a message on the console, if there is none and none could be installed. */
export async function ensureChromium(): Promise<string | null> {
  const named = process.env.CHROMIUM_PATH;
  if (named) {
    if (await starts(named)) return named;
    console.error(`CHROMIUM_PATH is ${named}, which does not start.`);
    return null;
  }
  const found = await firstThatStarts();
  if (found) return found;
  if (!(await installPackages(['chromium', 'fonts-liberation']))) {
    console.error(
      'The browser tests need Chromium. Install it (Debian: sudo apt-get install chromium), or name one in CHROMIUM_PATH.',
    );
    return null;
  }
  const installed = await firstThatStarts();
  if (!installed) {
    console.error('apt-get did not bring a Chromium that starts. Install one by hand and name it in CHROMIUM_PATH.');
  }
  return installed;
}

async function firstThatStarts(): Promise<string | null> {
  for (const path of usual) if (await starts(path)) return path;
  return null;
}

// Ubuntu's package is a script that only asks for a snap, so being there is not enough.
async function starts(path: string): Promise<boolean> {
  return (await runQuietly(path, ['--version'])).ok;
}
