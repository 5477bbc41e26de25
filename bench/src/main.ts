// `npm run bench [-- NAME …]`: measurements on this machine, one JSON line each; all of the short ones, or those named.
// `npm run bench -- transfer …`, `echo …`, `identity …` and `media …` are instruments of their own, with options of their own.
import { availableParallelism, cpus } from 'node:os';
import { measureProtocol } from './protocol.ts';

/** Name of a figure, with its unit in it, and its value. */
type Figures = Record<string, number>;

const short: Record<string, () => Figures | Promise<Figures>> = { protocol: measureProtocol };
/** Loaded when they are asked for: they bring browsers and servers with them. */
const instruments: Record<string, (args: string[]) => Promise<void>> = {
  echo: async (args) => (await import('./echo/index.ts')).measureEcho(args),
  identity: async (args) => (await import('./identity/index.ts')).measureIdentity(args),
  media: async (args) => (await import('./media/index.ts')).measureMedia(args),
  transfer: async (args) => (await import('./transfer/index.ts')).measureTransfers(args),
};

const [first = '', ...rest] = process.argv.slice(2);
const instrument = Object.hasOwn(instruments, first) ? instruments[first] : undefined;
if (instrument) await instrument(rest).catch(fail);
else await measureAll(process.argv.slice(2));
// Browsers and servers are closed by now; what they left open must not keep this process.
process.exit();

async function measureAll(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !Object.hasOwn(short, name));
  const known = [...Object.keys(short), ...Object.keys(instruments)];
  if (unknown.length > 0)
    fail(new Error(`There is no measurement ${unknown.join(', ')}. There are: ${known.join(', ')}.`));
  console.log(JSON.stringify({ node: process.version, processor: cpus()[0]?.model, cores: availableParallelism() }));
  for (const name of names.length > 0 ? names : Object.keys(short)) {
    console.log(JSON.stringify({ name, ...(await short[name]?.()) }));
  }
}

function fail(error: unknown): never {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exit(2);
}
