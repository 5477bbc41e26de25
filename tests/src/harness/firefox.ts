// A person whose browser is a Firefox, in the app as it is. What they see is looked at in the page, as in Chromium; what they
// hear is recorded first: without a sound card Firefox starts no AudioContext.
import type { DemoPerson } from '@parley/demo';
import { launchFirefox, type Page } from '@parley/test-browsers/firefox';
import { PATIENCE_MS } from './browser.ts';
import { decodeMark, markLayout } from './mark.ts';
import { toneOf } from './microphone-file.ts';
import { installProbe } from './page-probe.ts';

export interface FirefoxUser {
  readonly person: DemoPerson;
  /** In the tone of the microphone; the camera of this Firefox shows nobody's mark. */
  readonly number: number;
  readonly page: Page;
  close(): Promise<void>;
}

/** Starts the Firefox at `path` and signs the person in with name and password. */
export async function openFirefoxUser(path: string, person: DemoPerson, number: number): Promise<FirefoxUser> {
  const browser = await launchFirefox(path, toneOf(number));
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.evaluateOnNewDocument(`(${installProbe})(${decodeMark}, ${JSON.stringify(markLayout)})`);
    const user = { person, number, page, close: () => browser.close() };
    await page.goto(person.origin);
    await clickIn(user, 'sign-in-company');
    await page.locator('#name').fill(person.login);
    await page.locator('#password').fill(person.password);
    await page.locator('button[type=submit]:not(.quiet)').click();
    await page.waitForFunction(() => window.parley?.session?.connection.get() === 'online');
    return user;
  } catch (error) {
    await browser.close();
    throw error;
  }
}

/** Clicks the element with this test id as soon as it is there. */
export async function clickIn({ page }: FirefoxUser, testId: string): Promise<void> {
  await page.waitForFunction(() => window.parleyProbe !== undefined);
  await page.evaluate((id, ms) => window.parleyProbe.clickWhenThere(id, ms), testId, PATIENCE_MS);
}

/** Waits until the Firefox shows this person in motion, by their mark. */
export async function seesMark({ page, person }: FirefoxUser, testId: string, number: number): Promise<void> {
  const missed = await page.evaluate(
    (id, who, ms) => window.parleyProbe.waitForMark(id, who, ms),
    testId,
    number,
    PATIENCE_MS,
  );
  if (missed) throw new Error(`${person.name} does not see person ${number} moving: ${JSON.stringify(missed)}`);
}

/** Waits until the Firefox plays the tone of this person for their address, and of none of the `others`. */
export async function hearsTone(
  { page, person }: FirefoxUser,
  address: string,
  number: number,
  others: readonly number[],
): Promise<void> {
  const tones = [number, ...others].map(toneOf);
  let heard: number[] | null = null;
  const end = performance.now() + PATIENCE_MS;
  while (performance.now() < end) {
    heard = await page.evaluate(levelsPlayed, address, tones);
    const [own = Number.NEGATIVE_INFINITY, ...rest] = heard ?? [];
    if (own > -60 && rest.every((level) => own > level + 15)) return;
  }
  throw new Error(`${person.name} does not hear person ${number} (own, others, in dB): ${heard}`);
}

/** In the page: decibels below full scale of each tone in half a second of what is played for an address; null: nothing is. */
async function levelsPlayed(address: string, tones: readonly number[]): Promise<number[] | null> {
  const players = [...document.querySelectorAll('audio')].filter(
    ({ dataset, srcObject, muted }) => dataset.parleyAddress === address && srcObject instanceof MediaStream && !muted,
  );
  const [track] = players.flatMap(({ srcObject }) => (srcObject as MediaStream).getAudioTracks());
  if (!track) return null;
  const recorder = new MediaRecorder(new MediaStream([track]));
  const parts: Blob[] = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const stopped = new Promise((resolve) => {
    recorder.onstop = resolve;
  });
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, 600));
  recorder.stop();
  await stopped;
  const offline = new OfflineAudioContext(1, 48_000, 48_000);
  const decoded = await offline.decodeAudioData(await new Blob(parts).arrayBuffer()).catch(() => null);
  if (!decoded) return null;
  const samples = decoded.getChannelData(0).slice(-14_400);
  return tones.map((tone) => {
    let [inPhase, across, weight] = [0, 0, 0];
    samples.forEach((sample, n) => {
      const window = 1 - Math.cos((2 * Math.PI * n) / samples.length);
      const angle = (2 * Math.PI * tone * n) / 48_000;
      inPhase += sample * window * Math.cos(angle);
      across += sample * window * Math.sin(angle);
      weight += window;
    });
    return 20 * Math.log10((2 * Math.hypot(inPhase, across)) / weight || 1e-10);
  });
}
