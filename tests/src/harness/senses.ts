// What a person at a window sees and hears: whose mark is in a picture, whether it moves, whose tone is in the sound.
import type { Page } from 'playwright-core';
import { BLOCKS, blockArea, type Mark, readBlocks, WIDTH } from './mark.ts';
import { toneOf } from './microphone-file.ts';
import { repeat } from './waiting.ts';

const areas = Array.from({ length: BLOCKS }, (_, i) => blockArea(i));

/** The mark in the picture shown inside the element with this test id; null if there is none that can be read. */
export async function readMark(page: Page, testId: string): Promise<Mark | null> {
  const brightness = await page.evaluate(
    ({ testId, areas, width }) => window.parleyProbe.brightness(testId, areas, width),
    { testId, areas, width: WIDTH },
  );
  return brightness && readBlocks(brightness);
}

/** Waits until this person is seen in the element, in motion: two different frames of theirs. */
export async function waitForMark(page: Page, testId: string, person: number, patience: number): Promise<void> {
  let first: Mark | null = null;
  let last: Mark | null = null;
  const seen = await repeat(page, patience, async () => {
    last = await readMark(page, testId);
    if (last?.person !== person) return false;
    first ??= last;
    return first.frame !== last.frame;
  });
  if (!seen) throw new Error(`${testId}: person ${person} was not seen moving; last seen: ${JSON.stringify(last)}`);
}

/** Level in dB of each person's tone in the sound played for an address; null if nothing is played for it. */
export async function tones(page: Page, address: string, people: readonly number[]): Promise<number[] | null> {
  return await page.evaluate(({ address, frequencies }) => window.parleyProbe.tones(address, frequencies), {
    address,
    frequencies: people.map(toneOf),
  });
}

/** A tone louder than this, and than everybody else's by the margin, is heard. */
const AUDIBLE_DB = -75;
const MARGIN_DB = 15;

/** Waits until `person` is heard, and none of the `others`, in what is played for `address`. */
export async function waitForTone(
  page: Page,
  address: string,
  person: number,
  others: readonly number[],
  patience: number,
): Promise<void> {
  let levels: number[] | null = null;
  const heard = await repeat(page, patience, async () => {
    levels = await tones(page, address, [person, ...others]);
    const [own = Number.NEGATIVE_INFINITY, ...rest] = levels ?? [];
    return own > AUDIBLE_DB && rest.every((level) => own > level + MARGIN_DB);
  });
  const text = levels ? (levels as number[]).map((level) => `${Math.round(level)} dB`).join(', ') : 'nothing is played';
  if (!heard) throw new Error(`${address}: the tone of person ${person} was not heard (own, others: ${text})`);
}

/** How many players of sound for an address can be heard: more than one would be doubled sound. */
export async function audiblePlayers(page: Page, address: string): Promise<number> {
  return await page.evaluate((wanted) => window.parleyProbe.players(wanted), address);
}
