// What must not be guessed and must stay the same from one start to the next: client secrets and passwords. Made at the
// first start, kept in one file that only this user can read.
import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Secrets {
  /** The secret called `name`: 256 random bits at its first use. */
  secret(name: string): string;
  /** A password that a person can type: two words and a number, made at its first use. */
  password(name: string): string;
  /** Writes what is new. */
  save(): Promise<void>;
}

const words =
  'amber apple birch bridge canoe cedar cloud comet coral daisy delta eagle ember fable falcon fern garnet harbor ' +
  'hazel heron indigo island ivory jasper juniper lagoon lantern laurel lemon lilac linen lotus maple marble meadow ' +
  'melon mint nectar north oasis olive onyx opal orbit orchid otter pebble pepper pine plum prairie quartz raven ' +
  'river saffron sage sierra silver spruce summit timber topaz velvet violet walnut willow winter';

/** Reads the file in `folder`, if there is one. Rejects if it is there but cannot be read. */
export async function openSecrets(folder: string): Promise<Secrets> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'secrets.json');
  const values = new Map<string, string>(Object.entries(await read(file)));
  const once = (key: string, make: () => string) => {
    const value = values.get(key) ?? make();
    values.set(key, value);
    return value;
  };
  return {
    secret: (name) => once(`secret:${name}`, () => randomBytes(32).toString('base64url')),
    password: (name) => once(`password:${name}`, () => `${word()}-${word()}-${randomInt(10, 100)}`),
    save: () => writeFile(file, `${JSON.stringify(Object.fromEntries(values), null, 2)}\n`, { mode: 0o600 }),
  };
}

function word(): string {
  const all = words.split(' ');
  return all[randomInt(all.length)] ?? '';
}

async function read(file: string): Promise<Record<string, string>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, string>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new Error(`${file} cannot be read. Remove it to start afresh.`, { cause: error });
  }
}
