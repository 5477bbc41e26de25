// Runs one of the project's own programs under the Node.js that runs this.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';
import { runForeground } from './processes.mjs';

/** Runs a program of the project (path from the root) until it ends. Resolves to its exit status. */
export async function runNode(program: string, args: readonly string[]): Promise<number> {
  if (!existsSync(join(root, program))) {
    console.error(`${program} does not exist in this checkout.`);
    return 1;
  }
  return await runForeground(process.execPath, [join(root, program), ...args], { cwd: root });
}
