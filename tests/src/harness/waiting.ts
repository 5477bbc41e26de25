// Waiting for something that only looking can tell. Looks again with each picture of the page, so it is never slower
// than a person, and gives up with a sentence.
import type { Page } from 'playwright-core';

/** Looks until `look` gives something other than false, null or undefined, and returns it; undefined if it never did. */
export async function repeat<T>(
  page: Page,
  patience: number,
  look: () => Promise<T | false | null | undefined>,
): Promise<T | undefined> {
  const end = Date.now() + patience;
  while (Date.now() < end) {
    const found = await look();
    if (found !== false && found !== null && found !== undefined) return found;
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }
  return undefined;
}

/** The same, but rejects, saying what did not happen and what was last seen. */
export async function until<T>(
  page: Page,
  patience: number,
  what: string,
  look: () => Promise<T | false | null | undefined>,
  lastSeen: () => unknown = () => undefined,
): Promise<T> {
  const found = await repeat(page, patience, look);
  if (found !== undefined) return found;
  const seen = lastSeen();
  throw new Error(`${what}: not in ${patience} ms${seen === undefined ? '' : `; last seen: ${JSON.stringify(seen)}`}`);
}
