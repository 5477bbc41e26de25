// Which path each person's sound and picture is taken from. Pure: it knows sources on numbered lines (one line = one
// path that is open on this device) and nothing of what a path is. The rule that makes a transfer seamless is here:
// a source that flows is never given up for one that does not.
import type { MediaKind, SourceOwner } from './path.ts';

/** `audio alice@…`: one person's sound or picture. */
export type SourceKey = `${MediaKind} ${SourceOwner}`;

export interface LineSource {
  readonly line: number;
  readonly key: SourceKey;
  readonly flowing: boolean;
}

export function sourceKey(kind: MediaKind, address: SourceOwner): SourceKey {
  return `${kind} ${address}`;
}

/**
 * The line each source is rendered from. The preferred line wins where it flows; otherwise what is rendered stays as
 * long as it flows; otherwise the newest line that flows; otherwise whatever is there, so that it shows as soon as it
 * starts. Sources that are on no line have no entry.
 */
export function choose(
  rendered: ReadonlyMap<SourceKey, number>,
  preferred: number | null,
  sources: readonly LineSource[],
): Map<SourceKey, number> {
  const byKey = new Map<SourceKey, LineSource[]>();
  for (const source of sources) byKey.set(source.key, [...(byKey.get(source.key) ?? []), source]);
  const chosen = new Map<SourceKey, number>();
  for (const [key, offered] of byKey) {
    const present = rendered.get(key);
    const flowing = offered.filter((source) => source.flowing).map((source) => source.line);
    const all = offered.map((source) => source.line);
    const candidates = flowing.length > 0 ? flowing : all;
    const line =
      [preferred, present].find((wanted) => wanted != null && candidates.includes(wanted)) ?? Math.max(...candidates);
    chosen.set(key, line);
  }
  return chosen;
}

/**
 * The readiness gate: whether `line` carries everything in `needed`, so that rendering may move to it as a whole.
 * @param needed what is seen and heard now by other lines, of people who still take part and have it switched on
 */
export function carriesAll(line: number, needed: Iterable<SourceKey>, sources: readonly LineSource[]): boolean {
  const flowing = new Set(sources.filter((s) => s.line === line && s.flowing).map((s) => s.key));
  return [...needed].every((key) => flowing.has(key));
}
