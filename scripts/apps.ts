// Builds the apps when what they are made of has changed. A hash of the sources, kept beside the result, decides.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compressFolder, judgeSize } from './compress.ts';
import { root } from './install.mjs';
import { report, runQuietly } from './jobs.ts';

const apps = ['enterprise', 'compact'];
const libraries = ['packages/protocol', 'packages/identity', 'packages/client', 'packages/elements'];
const vite = join(root, 'node_modules/vite/bin/vite.js');

/** Builds every app whose sources differ from those of its `dist`. False if one could not be built. */
export async function buildApps(options: { force?: boolean } = {}): Promise<boolean> {
  const built = await Promise.all(apps.map((app) => buildApp(app, options.force ?? false)));
  return built.every(Boolean);
}

async function buildApp(app: string, force: boolean): Promise<boolean> {
  const folder = join(root, 'apps', app);
  if (!existsSync(join(folder, 'index.html'))) {
    console.error(`apps/${app} has no index.html: it cannot be built.`);
    return false;
  }
  const stamp = join(folder, 'dist/.sources');
  const sources = await hashSources([`apps/${app}`, ...libraries]);
  if (!force && (await readFile(stamp, 'utf8').catch(() => '')) === sources) return true;
  const ok = await report(`build of apps/${app}`, async () => {
    const built = await runQuietly(process.execPath, [vite, 'build'], folder);
    if (!built.ok) return built;
    await compressFolder(join(folder, 'dist'));
    const fault = await judgeSize(join(folder, 'dist'));
    return { ok: fault === '', output: fault };
  });
  if (ok) await writeFile(stamp, sources);
  return ok;
}

async function hashSources(folders: readonly string[]): Promise<string> {
  const files: string[] = ['package-lock.json', 'scripts/compress.ts'];
  for (const folder of folders) {
    const exclude = (name: string) => /(^|\/)(node_modules|dist)$|\.test\.ts$/.test(name);
    for await (const entry of glob(`${folder}/**/*`, {
      cwd: root,
      withFileTypes: true,
      exclude: (e) => exclude(e.name),
    })) {
      if (entry.isFile()) files.push(join(entry.parentPath, entry.name).slice(root.length + 1));
    }
  }
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    hash.update(`${file}\0`).update(await readFile(join(root, file)));
  }
  return hash.digest('hex');
}
