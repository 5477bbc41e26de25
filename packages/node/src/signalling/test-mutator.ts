// For tests only: spoils valid messages in a repeatable way, by structure (a value, a field, a depth) or by letter.

export interface Random {
  /** Whole number from 0 up to and not including `below`. */
  int(below: number): number;
  pick<T>(items: readonly T[]): T;
}

/** The mulberry32 generator: the same seed gives the same run. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const int = (below: number) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
  return { int, pick: (items) => items[int(items.length)] as (typeof items)[number] };
}

const hostileValues: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER + 2,
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\u202e',
  '__proto__',
  'a@b',
  'alice@enterprise1.example',
  '../../etc/passwd',
  'x'.repeat(5000),
  [],
  {},
  [[]],
  { toString: 'x', length: -1 },
  { length: { valueOf: 0, toString: 0 } },
  { constructor: 'x' },
  Array.from({ length: 300 }, () => 0),
];

type Spot = { holder: Record<string, unknown>; key: string };

function spotsOf(value: unknown, found: Spot[] = []): Spot[] {
  if (typeof value !== 'object' || value === null) return found;
  const holder = value as Record<string, unknown>;
  for (const key of Object.keys(holder)) {
    found.push({ holder, key });
    spotsOf(holder[key], found);
  }
  return found;
}

function spoilStructure(random: Random, message: unknown): string {
  const copy = structuredClone(message);
  for (let times = 1 + random.int(3); times > 0; times -= 1) {
    const { holder, key } = random.pick(spotsOf({ root: copy }).slice(1));
    switch (random.int(6)) {
      case 0:
        delete holder[key];
        break;
      case 1:
        holder[random.pick(['extra', 'constructor', 'id', 'method', 'params', 'result', 'error', 'then'])] =
          structuredClone(random.pick(hostileValues));
        break;
      case 2:
        holder[key] = { [key]: holder[key] };
        break;
      case 3:
        holder[key] = [holder[key], structuredClone(holder[key])];
        break;
      default:
        holder[key] = structuredClone(random.pick(hostileValues));
    }
    if (spotsOf({ root: copy }).length < 2) break;
  }
  const text = JSON.stringify(copy);
  // A real `__proto__` field can only be written as text.
  return random.int(20) === 0 ? text.replace('{', '{"__proto__":{"method":"session.bye"},') : text;
}

function spoilText(random: Random, text: string): string {
  let result = text;
  for (let times = 1 + random.int(4); times > 0; times -= 1) {
    const at = random.int(result.length + 1);
    const piece = result.slice(at, at + random.int(12));
    switch (random.int(5)) {
      case 0:
        result = result.slice(0, at) + result.slice(at + piece.length);
        break;
      case 1:
        result = result.slice(0, at) + piece + result.slice(at);
        break;
      case 2:
        result = result.slice(0, at) + String.fromCharCode(random.int(0x250)) + result.slice(at + 1);
        break;
      case 3:
        result = result.slice(0, at);
        break;
      default:
        result =
          result.slice(0, at) + random.pick(['{', '}', '[', '"', ',', '\\', 'null', '9'.repeat(20)]) + result.slice(at);
    }
  }
  return result;
}

/** A spoilt copy of a message, as the text of a frame. Some turn out valid still. */
export function mutate(random: Random, message: unknown): string {
  const depth = random.int(200);
  if (depth === 0) return '['.repeat(1000 + random.int(20_000));
  if (depth === 1) {
    return JSON.stringify(message).replace('"params":', `"params":${'{"a":'.repeat(3000)}1${'}'.repeat(3000)},"p":`);
  }
  return random.int(4) === 0 ? spoilText(random, JSON.stringify(message)) : spoilStructure(random, message);
}
