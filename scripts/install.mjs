// Installs the packages of the lock file when they are not there yet. npm leaves a list of what it installed in
// node_modules/.package-lock.json, written last; comparing the two tells truthfully whether anything is missing,
// whatever git did to the files' times.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runForeground } from './processes.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The Node.js that the lock file pins. */
export const pinnedNode = join(root, 'node_modules/.bin/node');

/** Runs `npm ci` if a package of the lock file is missing or has another version. Throws with what to do if it fails. */
export async function ensureInstalled() {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new Error(`Node.js 20 or later is needed; this is ${process.version}. See https://nodejs.org/`);
  }
  const wanted = await readPackages(join(root, 'package-lock.json'));
  if (!wanted) throw new Error('package-lock.json cannot be read: is this a complete checkout?');
  const present = await readPackages(join(root, 'node_modules/.package-lock.json'));
  const missing = present ? firstMissing(wanted, present) : 'node_modules';
  if (missing === null) return;
  console.log(`Installing packages (${missing} is missing or has changed) ...`);
  // Plain npm by name: inside an npm script the PATH already leads to the right one.
  const status = await runForeground('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root });
  if (status !== 0) {
    throw new Error(`npm ci failed with status ${status}. Check the network and the messages above, then try again.`);
  }
}

/**
 * @param {Record<string, LockedPackage>} wanted
 * @param {Record<string, LockedPackage>} present
 * @returns {string | null} the first package that has to be installed
 */
export function firstMissing(wanted, present) {
  for (const [path, entry] of Object.entries(wanted)) {
    // Workspaces themselves are not installed, only linked; packages for other platforms are optional.
    if (!path.startsWith('node_modules/') || entry.optional || entry.devOptional) continue;
    const installed = present[path];
    if (!installed || installed.version !== entry.version || installed.integrity !== entry.integrity) return path;
  }
  return null;
}

/** @typedef {{ version?: string, integrity?: string, link?: boolean, optional?: boolean, devOptional?: boolean }} LockedPackage */

/** @returns {Promise<Record<string, LockedPackage> | null>} */
async function readPackages(/** @type {string} */ file) {
  try {
    return JSON.parse(await readFile(file, 'utf8')).packages;
  } catch {
    return null;
  }
}
