// Where to go after signing in: a path of this site and nothing else, or the sign-in would be an open redirect. Pure.

const MAX_LENGTH = 1000;
// Only a base for parsing; `.invalid` never exists (RFC 2606).
const base = 'http://site.invalid';

/** The path, query and fragment of a local path; `/` for anything that could lead elsewhere. */
export function localPath(text: string | undefined): string {
  if (text === undefined || text.length > MAX_LENGTH || !/^\/(?![/\\])[\x21-\x7e]*$/.test(text)) return '/';
  if (!URL.canParse(text, base)) return '/';
  const url = new URL(text, base);
  // What the parser makes of it counts, since browsers parse it the same way ("/.//x" has the path "//x").
  if (url.origin !== base || url.pathname.startsWith('//') || url.pathname.includes('\\')) return '/';
  return `${url.pathname}${url.search}${url.hash}`;
}

/** Where a sign-in that failed leads: the start page, which shows the error's sentence. */
export function errorPath(code: string): string {
  return `/?error=${encodeURIComponent(code)}`;
}

/** Where an account that was linked leads, and one that was not: the app shows the list of them, and the sentence. */
export const LINKED_PATH = '/?accounts=linked';
export function linkErrorPath(code: string): string {
  return `/?accounts=${encodeURIComponent(code)}`;
}
