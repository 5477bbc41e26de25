// Programs the tests need from the system's packages: installed where that is possible without asking anybody.
import { runQuietly } from './jobs.ts';
import { runForeground } from './processes.mjs';

/** Installs Debian packages. False if this is no machine where that can be done; whether they work is for the caller. */
export async function installPackages(names: readonly string[]): Promise<boolean> {
  const apt = process.getuid?.() === 0 && (await runQuietly('apt-get', ['--version'])).ok;
  if (!apt) return false;
  console.log(`Installing ${names.join(', ')} with apt-get ...`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await runForeground('apt-get', ['update', '-qq'], { env });
  await runForeground('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], { env });
  return true;
}
