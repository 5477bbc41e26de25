// Which media section of a receiver's offer carries which source. Sections are never removed from a session
// (RFC 8829 section 5.2.2): one whose source is gone becomes inactive, and the next source of its kind takes it over.
import type { Kind } from './sdp.ts';

export interface Section<S> {
  readonly mid: string;
  readonly kind: Kind;
  source: S | null;
}

/**
 * Of each kind; sources beyond are offered to a receiver when others have gone. Counted by kind, since a section never
 * changes its kind: pictures that have gone must not keep sounds out.
 */
export const MAX_RECEIVED = 32;

/** Brings `sections` to `wanted`, in place, keeping every source where it is. True if anything has changed. */
export function assignSections<S extends { readonly kind: Kind }>(
  sections: Section<S>[],
  wanted: readonly S[],
  most = MAX_RECEIVED,
): boolean {
  let changed = false;
  const left = new Set(wanted);
  for (const section of sections) {
    if (!section.source || left.delete(section.source)) continue;
    section.source = null;
    changed = true;
  }
  for (const source of left) {
    const ofKind = sections.filter(({ kind }) => kind === source.kind);
    const free = ofKind.find((section) => section.source === null);
    if (free) free.source = source;
    else if (ofKind.length < most) sections.push({ mid: String(sections.length), kind: source.kind, source });
    else continue;
    changed = true;
  }
  return changed;
}
