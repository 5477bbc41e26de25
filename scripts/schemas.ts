// `npm run schemas`: writes the protocol's JSON Schema files.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { schemaFiles, schemaText } from '@parley/protocol/schemas';
import { root } from './install.mjs';

const folder = join(root, 'packages/protocol/schema');
const files = schemaFiles();
await mkdir(folder, { recursive: true });
for (const name of await readdir(folder)) if (!Object.hasOwn(files, name)) await rm(join(folder, name));
for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), schemaText(content));
console.log(`${Object.keys(files).length} files written to packages/protocol/schema`);
