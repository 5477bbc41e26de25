// The mix of a conference: one sound and one picture of everybody else, which are no single person's. What follows from
// receiving it in place of single streams, as pure functions.
import type { NotificationParams } from '@parley/protocol';
import { mix } from './path.ts';
import { type SourceKey, sourceKey } from './switcher.ts';

/** Whether an offer is of the mix; null while it offers nothing, so that it cannot be told. */
export function isMixed({ sources }: Pick<NotificationParams<'focus.offer'>, 'sources'>): boolean | null {
  return sources.length === 0 ? null : sources.every(({ address }) => address === null);
}

/**
 * Nobody is heard or seen twice: while the mix is rendered from the preferred line, single streams of other lines are
 * not; once another line is preferred, its single streams take the place of the mix.
 */
export function withoutDoubles(
  chosen: ReadonlyMap<SourceKey, number>,
  preferred: number | null,
): ReadonlyMap<SourceKey, number> {
  const result = new Map(chosen);
  for (const kind of ['audio', 'video'] as const) {
    const key = sourceKey(kind, mix);
    const line = chosen.get(key);
    if (line === undefined) continue;
    const singles = [...chosen.keys()].filter((one) => one !== key && one.startsWith(`${kind} `));
    if (preferred === null || preferred === line) for (const one of singles) result.delete(one);
    else if (singles.some((one) => chosen.get(one) === preferred)) result.delete(key);
  }
  return result;
}

/** What a line must carry to replace others: for the mix, every single stream that is in it. */
export function unmixed(keys: readonly SourceKey[], everybody: readonly SourceKey[]): SourceKey[] {
  return keys.flatMap((key) => {
    const kind = key === sourceKey('audio', mix) ? 'audio' : key === sourceKey('video', mix) ? 'video' : null;
    return kind === null ? [key] : everybody.filter((one) => one.startsWith(`${kind} `));
  });
}
