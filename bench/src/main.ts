// `npm run bench [-- NAME ...]`: measurements on this machine, one JSON line each. All of them, or those named.
import { availableParallelism, cpus } from 'node:os';
import { measureProtocol } from './protocol.ts';

/** Name of a figure, with its unit in it, and its value. */
type Figures = Record<string, number>;

const measurements: Record<string, () => Figures | Promise<Figures>> = { protocol: measureProtocol };

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(measurements, name));
if (unknown.length > 0) {
  console.error(`There is no measurement ${unknown.join(', ')}. There are: ${Object.keys(measurements).join(', ')}.`);
  process.exit(2);
}
console.log(JSON.stringify({ node: process.version, processor: cpus()[0]?.model, cores: availableParallelism() }));
for (const name of names.length > 0 ? names : Object.keys(measurements)) {
  console.log(JSON.stringify({ name, ...(await measurements[name]?.()) }));
}
