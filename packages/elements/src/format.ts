// Small pure functions for what people see: initials, colours, clocks, names of browsers.

/** One or two letters that stand for a name when there is no picture. */
export function initialsOf(name: string): string {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? [];
  const first = words[0] ?? '';
  const last = words.length > 1 ? (words.at(-1) ?? '') : '';
  return `${firstLetter(first)}${firstLetter(last)}`.toLocaleUpperCase() || '?';
}

function firstLetter(word: string): string {
  return [...word][0] ?? '';
}

/** How many colours there are for avatars. */
export const TINTS = 6;

/** A person's colour: the same on every screen, because it follows from the address alone. From 0 to TINTS - 1. */
export function tintOf(address: string): number {
  let hash = 0;
  for (const character of address) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return hash % TINTS;
}

/** `0:07`, `12:30`, `1:02:09` for a length in milliseconds. Negative lengths (clocks differ) count as none. */
export function clockText(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** The same as a duration of HTML's `time` element: `PT75S`. */
export function clockDuration(milliseconds: number): string {
  return `PT${Math.max(0, Math.floor(milliseconds / 1000))}S`;
}

/** `14:05` in the reader's own way of writing it, for milliseconds since 1970. */
export function timeOfDay(at: number): string {
  return new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/** What a browser calls itself, in two words that people know: `Firefox on Windows`. */
export function browserName(userAgent: string): string {
  const found = (known: readonly (readonly [RegExp, string])[]) => known.find(([sign]) => sign.test(userAgent))?.[1];
  // Each calls itself by the names of others too, so the order matters.
  const browser = found([
    [/Edg\//, 'Edge'],
    [/Firefox\//, 'Firefox'],
    [/Chrom(?:e|ium)\//, 'Chrome'],
    [/Safari\//, 'Safari'],
  ]);
  const system = found([
    [/Android/, 'Android'],
    [/iPhone|iPad/, 'iOS'],
    [/Windows/, 'Windows'],
    [/Mac OS X/, 'macOS'],
    [/Linux/, 'Linux'],
  ]);
  return [browser ?? 'A browser', system].filter(Boolean).join(' on ');
}
