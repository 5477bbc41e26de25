// The rooms of the project and who may enter which: imports go only downwards, through each package's `exports`, and
// never in a circle. See docs/architecture.md.
import { glob, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { importsOf } from './imports.ts';

/** A source file: its path from the root with `/`, its length, and what it imports. */
export interface SourceFile {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly string[];
}

export interface RoomsReport {
  /** Broken rules, each a sentence that names the file. */
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** Which packages each may import. `node` and `client` never meet: they only share the language. */
const mayImport: Record<string, readonly string[]> = {
  protocol: [],
  'test-browsers': [],
  identity: ['protocol'],
  media: ['protocol', 'identity', 'test-browsers'],
  client: ['protocol', 'identity', 'test-browsers'],
  elements: ['protocol', 'identity', 'client', 'test-browsers'],
  node: ['protocol', 'identity', 'media'],
  enterprise: ['protocol', 'client', 'elements'],
  compact: ['protocol', 'client'],
  demo: ['protocol', 'identity', 'node'],
  tests: ['protocol', 'identity', 'media', 'client', 'elements', 'node', 'demo', 'test-browsers'],
  bench: ['protocol', 'identity', 'media', 'client', 'elements', 'node', 'demo', 'tests'],
  scripts: ['protocol'],
};
/** Rooms of the node that every other room of it may use as they are. */
const commonRooms = ['config', 'limits', 'storage', 'web'];
/** What a room of the node shows to its neighbours. */
const faces = ['api.ts', 'types.ts'];
const LONG_FILE = 400;

/** Reads every source file below `root` and checks the rules. */
export async function checkRooms(root: string): Promise<RoomsReport> {
  const files: SourceFile[] = [];
  const exclude = (name: string) => name === 'node_modules' || name === 'dist';
  for await (const path of glob('{packages,apps,tests,bench,scripts}/**/*.{ts,mts,mjs}', { cwd: root, exclude })) {
    const text = await readFile(join(root, path), 'utf8');
    files.push({ path, lines: text.split('\n').length - 1, imports: importsOf(path, text) });
  }
  const exportsOf = new Map<string, readonly string[]>();
  for await (const path of glob('{packages/*,apps/*,tests,bench}/package.json', { cwd: root, exclude })) {
    const manifest = JSON.parse(await readFile(join(root, path), 'utf8')) as { name: string; exports?: object };
    exportsOf.set(manifest.name, Object.keys(manifest.exports ?? {}));
  }
  return judgeRooms(files, exportsOf);
}

/** The rules themselves. `exportsOf`: subpaths (`.`, `./x`) that each `@parley/...` package exports. */
export function judgeRooms(
  files: readonly SourceFile[],
  exportsOf: ReadonlyMap<string, readonly string[]>,
): RoomsReport {
  const known = new Set(files.map((file) => file.path));
  const faults: string[] = [];
  const graph = new Map<string, string[]>();
  for (const file of files) {
    const edges: string[] = [];
    graph.set(file.path, edges);
    for (const specifier of file.imports) {
      if (specifier.startsWith('@parley/')) {
        const fault = crossing(file.path, specifier, exportsOf);
        if (fault) faults.push(`${file.path}: ${fault}`);
      } else if (specifier.startsWith('.')) {
        const target = normalize(join(dirname(file.path), specifier.replace(/\?.*$/, '')));
        if (known.has(target)) edges.push(target);
        const fault = neighbour(file.path, target);
        if (fault) faults.push(`${file.path}: ${fault}`);
      }
    }
  }
  for (const cycle of cycles(graph)) faults.push(`circle of imports: ${cycle.join(' → ')}`);
  const warnings = files
    .filter((file) => file.lines > LONG_FILE && !file.path.endsWith('.test.ts'))
    .map((file) => `${file.path} has ${file.lines} lines (more than ${LONG_FILE})`);
  return { faults, warnings };
}

/** The package a file belongs to: `packages/node/src/x.ts` → `node`, `tests/src/x.ts` → `tests`. */
function packageOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'packages' || first === 'apps' ? second : first;
}

/** The root folder of the package, with a closing slash. */
function folderOf(path: string): string {
  const [first, second] = path.split('/');
  return first === 'packages' || first === 'apps' ? `${first}/${second}/` : `${first}/`;
}

function crossing(path: string, specifier: string, exportsOf: ReadonlyMap<string, readonly string[]>): string | null {
  const from = packageOf(path);
  const [scope, to = '', ...rest] = specifier.split('/');
  const subpath = rest.length > 0 ? `./${rest.join('/')}` : '.';
  if (to === from) return `imports its own package as ${specifier}; use a relative path`;
  if (!mayImport[from]?.includes(to)) return `${from} may not import ${to} (${specifier})`;
  const offered = exportsOf.get(`${scope}/${to}`);
  if (!offered?.includes(subpath)) return `${specifier} is not among the exports of ${to}`;
  return null;
}

function neighbour(path: string, target: string): string | null {
  if (!target.startsWith(folderOf(path))) return `reaches into another package by ${target}; use its exports`;
  const rooms = 'packages/node/src/';
  // A test may put rooms together as main.ts does, to try them against each other.
  if (!path.startsWith(rooms) || path.endsWith('.test.ts')) return null;
  const [own, ownRest] = split(path.slice(rooms.length));
  const [other, otherRest] = split(target.slice(rooms.length));
  if (ownRest === undefined || own === other) return null;
  if (otherRest === undefined) return `a room may not import ${target}, which composes the rooms`;
  if (commonRooms.includes(other) || faces.includes(otherRest)) return null;
  return `room ${own} may use only ${faces.join(' or ')} of room ${other}, not ${otherRest}`;
}

function split(path: string): [string, string | undefined] {
  const slash = path.indexOf('/');
  return slash < 0 ? [path, undefined] : [path.slice(0, slash), path.slice(slash + 1)];
}

/** One circle for each strongly connected part of the graph that has one (depth-first search, each file visited once). */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (node: string, path: string[]) => {
    if (state.get(node) === 'done') return;
    if (state.get(node) === 'open') {
      found.push([...path.slice(path.indexOf(node)), node]);
      return;
    }
    state.set(node, 'open');
    for (const next of graph.get(node) ?? []) visit(next, [...path, node]);
    state.set(node, 'done');
  };
  for (const node of graph.keys()) visit(node, []);
  return found;
}
