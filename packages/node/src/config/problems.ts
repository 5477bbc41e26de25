// Turns the schema's findings into sentences for people who write configuration files. Pure.
import type { core } from 'zod';

export type Path = readonly (string | number)[];
export interface Problem {
  readonly path: Path;
  /** Follows the name of the field: "must be ...". */
  readonly message: string;
}

/** `signIn.issuers[0].id` */
export function show(path: Path): string {
  let text = '';
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : `${text && '.'}${part}`;
  return text || 'the configuration';
}

/** One problem a field, in the order of the findings; where a field has several, the one written for people. */
export function problemsOf(issues: readonly core.$ZodIssue[], input: unknown): Problem[] {
  const byField = new Map<string, Problem & { readonly custom: boolean }>();
  for (const issue of issues) {
    for (const problem of describe(issue, input)) {
      const custom = issue.code === 'custom';
      const known = byField.get(show(problem.path));
      if (!known || (custom && !known.custom)) byField.set(show(problem.path), { ...problem, custom });
    }
  }
  return [...byField.values()].map(({ path, message }) => ({ path, message }));
}

function describe(issue: core.$ZodIssue, input: unknown): Problem[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const value = getIn(input, path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: 'is not known; check the spelling' }));
  }
  if (value === undefined && issue.code !== 'custom') return [{ path, message: 'is missing' }];
  const message = requirement(issue);
  if (isSecret(path) || typeof value === 'object') return [{ path, message }];
  return [{ path, message: `${message}${message.startsWith('must ') ? ', not' : ':'} ${JSON.stringify(value)}` }];
}

function requirement(issue: core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${article(issue.expected)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `must ${bound('at least', issue.minimum, issue.origin)}`;
    case 'too_big':
      return `must ${bound('at most', issue.maximum, issue.origin)}`;
    default:
      return sentence(issue.message);
  }
}

function bound(limit: string, value: number | bigint, origin: string): string {
  if (origin === 'string') return `have ${limit} ${value} characters`;
  if (origin === 'array') return `have ${limit} ${value} entries`;
  return `be ${limit} ${value}`;
}

function article(type: string): string {
  const words: Record<string, string> = {
    int: 'a whole number',
    number: 'a number',
    string: 'text',
    boolean: 'true or false',
    array: 'a list',
    tuple: 'a list',
    object: 'a group of fields',
    record: 'a group of fields',
  };
  return words[type] ?? type;
}

function sentence(message: string): string {
  if (/^(must|is|belongs|makes|contains) /.test(message)) return message;
  return message.startsWith('not ') ? `is ${message}` : `is not valid: ${message}`;
}

/** What must not be repeated in a log. */
function isSecret(path: Path): boolean {
  return /secret|credential|password|adminKey/i.test(String(path.at(-1)));
}

function getIn(value: unknown, path: Path): unknown {
  let here: unknown = value;
  for (const part of path) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = Reflect.get(here, part);
  }
  return here;
}
