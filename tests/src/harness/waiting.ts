// Waiting for something that only looking can tell. Looks again with the next pictures of the page at first, then less
// often: many look at once, and looking costs the call's own time. Gives up with a sentence.
import type { Page } from 'playwright-core';

/** About as long as a picture is shown. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 150;

/** Looks until `look` gives something other than false, null or undefined, and returns it; undefined if it never did. */
export async function repeat<T>(
  page: Page,
  patience: number,
  look: () => Promise<T | false | null | undefined>,
): Promise<T | undefined> {
  const end = Date.now() + patience;
  let pause = FIRST_PAUSE_MS;
  while (Date.now() < end) {
    const found = await look();
    if (found !== false && found !== null && found !== undefined) return found;
    await page.evaluate((ms) => new Promise((resolve) => setTimeout(resolve, ms)), pause);
    pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5);
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
