// Reads the configuration: one YAML file, then the environment over it. Every mistake is named by its field and its
// line (or its variable), all of them at once.
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { environmentOverrides, setIn } from './environment.ts';
import { type Path, problemsOf, show } from './problems.ts';
import { type Config, configSchema } from './schema.ts';

/** The configuration cannot be used. `problems` has one line for each mistake. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Loads a file; variables such as PARLEY_HTTP_PORT override its fields. Relative paths are taken from the file's
 * folder. Throws `ConfigError`.
 */
export function loadConfig(file: string, env: Environment = process.env): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`${file}: cannot be read: ${reason}`]);
  }
  return parseConfig(text, file, env);
}

/** The same for text that is already at hand; `file` names it in messages and anchors relative paths. */
export function parseConfig(text: string, file: string, env: Environment = {}): Config {
  const { document, lines, name, input } = openYaml(text, file);
  const overrides = environmentOverrides(env);
  const variables = new Map<string, string>();
  for (const { path, value, variable } of overrides.values) {
    variables.set(show(path), variable);
    if (!setIn(input, path, value))
      overrides.problems.push(`${variable}: there is nothing at ${show(path)} to override`);
  }
  const parsed = configSchema.safeParse(input);
  if (parsed.success && overrides.problems.length === 0) return withAbsolutePaths(parsed.data, dirname(resolve(file)));
  const where = (path: Path) => variables.get(show(path)) ?? `${name}:${lineOf(document, lines, path)}`;
  throw new ConfigError([
    ...problemsOf(parsed.error?.issues ?? [], input).map((p) => `${where(p.path)}: ${show(p.path)} ${p.message}`),
    ...overrides.problems,
  ]);
}

/** Any YAML file by its schema, its mistakes named in the same way. Throws `ConfigError`. */
export function readYaml<T>(schema: z.ZodType<T>, text: string, file: string): T {
  const { document, lines, name, input } = openYaml(text, file);
  const { success, data, error } = schema.safeParse(input);
  if (success) return data;
  throw new ConfigError(
    problemsOf(error.issues, input).map(
      (p) => `${name}:${lineOf(document, lines, p.path)}: ${show(p.path)} ${p.message}`,
    ),
  );
}

function openYaml(text: string, file: string) {
  const name = basename(file);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new ConfigError(document.errors.map((e) => `${name}:${lines.linePos(e.pos[0]).line}: ${e.message}`));
  }
  return { document, lines, name, input: plainData(document, lines, name) };
}

/** The file's content. An alias without an anchor is found only here: most often a `*` that should have been quoted. */
function plainData(document: Document, lines: LineCounter, name: string): unknown {
  const unresolved: string[] = [];
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document)) return;
      const line = alias.range ? lines.linePos(alias.range[0]).line : 1;
      unresolved.push(`${name}:${line}: "*${alias.source}" needs quotes, as text that begins with * does in YAML`);
    },
  });
  if (unresolved.length > 0) throw new ConfigError(unresolved);
  try {
    return document.toJS() ?? {};
  } catch (error) {
    // Such as aliases within aliases that would fill the memory.
    throw new ConfigError([`${name}: ${error instanceof Error ? error.message : error}`]);
  }
}

/** The line of the field, or of the nearest thing around it that is in the file. */
function lineOf(document: Document, lines: LineCounter, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key),
      );
      if (pair && isNode(pair.key) && pair.key.range) return lines.linePos(pair.key.range[0]).line;
    }
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function withAbsolutePaths(config: Config, folder: string): Config {
  const absolute = (path: string) => resolve(folder, path);
  const { http, storage, federation } = config;
  return {
    ...config,
    http: {
      ...http,
      app: http.app === null ? null : absolute(http.app),
      tls: http.tls && { certificate: absolute(http.tls.certificate), key: absolute(http.tls.key) },
    },
    storage: { file: storage.file === ':memory:' ? storage.file : absolute(storage.file) },
    federation: { ...federation, keyFile: absolute(federation.keyFile) },
    policy: { file: config.policy.file === null ? null : absolute(config.policy.file) },
    recordings: { ...config.recordings, folder: absolute(config.recordings.folder) },
  };
}
