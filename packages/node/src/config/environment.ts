// Environment variables over the file: PARLEY_ and the field's path in capitals, joined by "_"; entries of a list by
// their number from 0 (PARLEY_SIGNIN_ISSUERS_0_CLIENTSECRET). Lists and groups are written as YAML or JSON.
import { parse } from 'yaml';
import { z } from 'zod';
import type { Path } from './problems.ts';
import { configSchema } from './schema.ts';

const PREFIX = 'PARLEY_';

export interface Override {
  readonly path: Path;
  readonly value: unknown;
  readonly variable: string;
}

/**
 * The overrides in an environment, sorted by name. A variable that begins like a section's name and leads to no field
 * is a problem (a misspelling must not pass unseen); other PARLEY_ variables are not ours.
 */
export function environmentOverrides(env: Readonly<Record<string, string | undefined>>): {
  values: Override[];
  problems: string[];
} {
  const values: Override[] = [];
  const problems: string[] = [];
  for (const variable of Object.keys(env).sort()) {
    const text = env[variable];
    if (!variable.startsWith(PREFIX) || text === undefined) continue;
    const words = variable.slice(PREFIX.length).split('_');
    const target = walk(configSchema, words, []);
    if (target) values.push({ path: target.path, value: read(target.schema, text), variable });
    else if (walk(configSchema, words.slice(0, 1), [])) problems.push(`${variable}: there is no such field`);
  }
  return { values, problems };
}

interface Target {
  readonly path: Path;
  readonly schema: z.core.$ZodType;
}

function walk(schema: z.core.$ZodType, words: readonly string[], path: Path): Target | null {
  const [word, ...rest] = words;
  if (word === undefined) return { path, schema };
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    for (const [key, field] of Object.entries<z.core.$ZodType>(inner.shape)) {
      if (key.toUpperCase() === word) return walk(field, rest, [...path, key]);
    }
  }
  if (inner instanceof z.ZodArray && /^\d{1,6}$/.test(word)) return walk(inner.element, rest, [...path, Number(word)]);
  return null;
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable
  ) {
    inner = inner._zod.def.innerType;
  }
  return inner;
}

/** Text stays text where the field takes it; anything else is read as YAML, of which JSON is a part. */
function read(schema: z.core.$ZodType, text: string): unknown {
  if (unwrap(schema) instanceof z.ZodString && text !== 'null') return text;
  try {
    return parse(text);
  } catch {
    return text;
  }
}

/** Sets a value inside plain data, making groups on the way. False if the path leads through something else. */
export function setIn(target: unknown, path: Path, value: unknown): boolean {
  const [key, ...rest] = path;
  if (key === undefined || typeof target !== 'object' || target === null) return false;
  if (Array.isArray(target) && (typeof key !== 'number' || key >= target.length)) return false;
  if (rest.length === 0) return Reflect.set(target, key, value);
  const next: unknown = Reflect.get(target, key);
  if (next !== undefined && next !== null) return setIn(next, rest, value);
  if (typeof rest[0] === 'number') return false;
  const made = {};
  return setIn(made, rest, value) && Reflect.set(target, key, made);
}
