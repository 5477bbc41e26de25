// Keeps package-lock.json complete for every platform. npm leaves out optional packages (binaries for other systems) that
// the registry at hand does not carry, and then `npm ci` refuses the lock file everywhere. Their exact versions stand in
// the packages that ask for them, so they can be written in; npm fetches one only on the platform it is made for.
// `node scripts/lock.ts` mends the file; `npm run check` says when that is needed.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './install.mjs';

interface LockedPackage {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  optionalDependencies?: Record<string, string>;
}
export type LockedPackages = Record<string, LockedPackage>;

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

/** What a complete lock file holds besides: optional packages that are asked for in an exact version but not listed. */
export function missingOptionalPackages(packages: LockedPackages): LockedPackages {
  const missing: LockedPackages = {};
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const listed = packages[`${path}/node_modules/${name}`] ?? packages[`node_modules/${name}`];
      if (listed || !/^\d/.test(version)) continue;
      const words = name.split(/[/-]/);
      const os = systems.filter((word) => words.includes(word));
      const cpu = processors.filter((word) => words.includes(word));
      // One that names no platform would be fetched here too, so it is no mere gap.
      if (os.length === 0 && cpu.length === 0) continue;
      missing[`node_modules/${name}`] = {
        version,
        ...(entry.dev ? { dev: true } : {}),
        optional: true,
        ...(os.length > 0 ? { os } : {}),
        ...(cpu.length > 0 ? { cpu } : {}),
      };
    }
  }
  return missing;
}

if (import.meta.main) {
  const file = join(root, 'package-lock.json');
  const lock = JSON.parse(await readFile(file, 'utf8')) as { packages: LockedPackages };
  const missing = missingOptionalPackages(lock.packages);
  const { '': own = {}, ...others } = { ...lock.packages, ...missing };
  const sorted = Object.entries(others).sort(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = { '': own, ...Object.fromEntries(sorted) };
  await writeFile(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`${Object.keys(missing).length} packages for other platforms written into package-lock.json`);
}
