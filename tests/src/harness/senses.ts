// What a person at a window sees and hears: whose mark is in a picture, whether it moves, whose tone is in the sound.
import type { Page } from 'playwright-core';
import type { Mark } from './mark.ts';
import { toneOf } from './microphone-file.ts';

/** The mark in the picture shown inside the element with this test id; null if there is none that can be read. */
export function readMark(page: Page, testId: string): Promise<Mark | null> {
  return page.evaluate((id) => window.parleyProbe.mark(id), testId);
}

/** Waits until this person is seen in the element, in motion: two different frames of theirs. */
export async function waitForMark(page: Page, testId: string, person: number, patience: number): Promise<void> {
  const missed = await page.evaluate(
    ({ testId, person, patience }) => window.parleyProbe.waitForMark(testId, person, patience),
    { testId, person, patience },
  );
  if (missed)
    throw new Error(`${testId}: person ${person} was not seen moving; last seen: ${JSON.stringify(missed.last)}`);
}

/** Level in dB of each person's tone in the sound played for an address; null if nothing is played for it. */
export function tones(page: Page, address: string, people: readonly number[]): Promise<number[] | null> {
  return page.evaluate(({ address, frequencies }) => window.parleyProbe.tones(address, frequencies), {
    address,
    frequencies: people.map(toneOf),
  });
}

/** A tone louder than this, and than everybody else's by the margin, is heard. */
const level = { audible: -75, margin: 15 };

/** Waits until `person` is heard, and none of the `others`, in what is played for `address`. */
export async function waitForTone(
  page: Page,
  address: string,
  person: number,
  others: readonly number[],
  patience: number,
): Promise<void> {
  const frequencies = [person, ...others].map(toneOf);
  const missed = await page.evaluate(
    ({ address, frequencies, level, patience }) =>
      window.parleyProbe.waitForTone(address, frequencies, level, patience),
    { address, frequencies, level, patience },
  );
  if (!missed) return;
  const text = missed.last?.map((one) => `${Math.round(one)} dB`).join(', ') ?? 'nothing is played';
  throw new Error(`${address}: the tone of person ${person} was not heard (own, others: ${text})`);
}

/** How many players of sound for an address can be heard: more than one would be doubled sound. */
export async function audiblePlayers(page: Page, address: string): Promise<number> {
  return await page.evaluate((wanted) => window.parleyProbe.players(wanted), address);
}
