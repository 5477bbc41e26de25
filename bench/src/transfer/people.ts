// The people of a measurement: real browsers with made-up devices, at the demo's two companies, calling by the SDK.
import { type Actor, openStage, type Stage, signedIn, signIn } from '@parley/tests';
import { analyse, type Noticed } from './analysis.ts';
import type { Heard } from './controls.ts';
import { type Network, throughNetwork } from './network.ts';
import { installRecorder } from './page.ts';
import { FRAME_BITS, makeNoise, PERIOD, RATE } from './reference.ts';

const FRAMES_PER_SECOND = 20;
const noise48 = makeNoise(48_000, 48_000, 7);
/** What a talker's microphone plays: one period, at 48,000 samples a second. */
export const noise = Array.from(noise48, (sample) => Math.round(sample * 1e4) / 1e4);
/** As recorded: means of six samples. */
const reference = Float32Array.from({ length: PERIOD }, (_, i) => {
  let sum = 0;
  for (let k = 0; k < 48_000 / RATE; k += 1) sum += noise48[(48_000 / RATE) * i + k] ?? 0;
  return sum / (48_000 / RATE);
});
const PATIENCE_MS = 30_000;
/** What is listened to before something happens, and after it is over. */
const BEFORE_MS = 1200;
export const AFTER_MS = 900;
/** A person takes longer to answer than the other two are moved; a program would set up its own connections meanwhile. */
const THIRD_ANSWERS_MS = 1500;

export interface People {
  readonly stage: Stage;
  /** Who talk; then who is added. */
  readonly first: Actor;
  readonly second: Actor;
  readonly third: Actor;
  close(): Promise<void>;
}

/** Opens the browsers. @param logins who talks with whom, and who is added */
export async function openPeople(
  logins: readonly [string, string, string],
  returnToDirectSeconds: number,
  network: Network | null,
): Promise<People> {
  const stage = await openStage({
    bypassCsp: true,
    calls: { returnToDirectSeconds, ringSeconds: 20, transferSeconds: 20 },
  });
  // Small windows, since a processor paints them here; and whoever is not measured gets what time the others leave over, as
  // three people would have machines of their own.
  const size = { width: 360, height: 400 };
  const open = async (login: string, background = false): Promise<Actor> => {
    const actor = await stage.stranger(login, { size, background, recordsItself: true });
    if (network) await throughNetwork(actor.page, network);
    const options = { noise, framesPerSecond: FRAMES_PER_SECOND, frameBits: FRAME_BITS, silent: background };
    await actor.page.addInitScript(installRecorder, options);
    await signIn(actor);
    await signedIn(actor);
    return actor;
  };
  const [first, second, third] = await Promise.all([open(logins[0]), open(logins[1]), open(logins[2], true)]);
  for (const [who, { page }] of [
    ['second', second],
    ['third', third],
  ] as const) {
    // Whoever is called answers; the third by sound alone, to leave two cores to those who are measured.
    await page.evaluate(
      ([camera, answerMs]) => {
        window.parley?.session?.incoming.subscribe(([call]) => {
          if (call) setTimeout(() => call.accept({ camera }).catch(() => undefined), answerMs);
        });
      },
      [who === 'second', who === 'third' ? THIRD_ANSWERS_MS : 0] as const,
    );
  }
  return { stage, first, second, third, close: () => stage.close() };
}

/** The first calls the second; resolves when both hear and see each other directly. */
export async function talk({ first, second }: People): Promise<void> {
  await first.page.evaluate(async (to) => void (await window.parley?.session?.startCall(to)), second.person.address);
  await settled([first, second], 'direct', 2);
  for (const [listener, speaker] of [
    [first, second],
    [second, first],
  ] as const) {
    await listener.page.evaluate(bareStage, speaker.person.address);
    await listener.page.evaluate((address) => window.recorder.record(address), speaker.person.address);
  }
  // The network's estimate and the jitter buffers come to rest.
  await first.page.waitForTimeout(4000);
}

/** In the page: takes the app away and shows the other's picture by the SDK alone, so that only the call is measured, and
 * not what an app paints around it. */
function bareStage(address: string): void {
  // The players of sound are the SDK's own.
  for (const element of [...document.body.children]) if (!(element instanceof HTMLAudioElement)) element.remove();
  const container = document.createElement('div');
  Object.assign(container.style, { position: 'relative', width: '320px', height: '180px' });
  document.body.append(container);
  const call = window.parley?.session?.call.get();
  const other = call?.view.get().participants.find(({ person }) => person.address === address);
  if (call && other) call.showVideo(other.person.address, container);
}

/** Everybody's call runs on this path, with so many people in it, and nothing is being moved. */
export async function settled(actors: readonly Actor[], path: 'direct' | 'conference', people: number): Promise<void> {
  await Promise.all(
    actors.map(({ page }) =>
      page.waitForFunction(
        ([wanted, count]) => {
          const view = window.parley?.session?.call.get()?.view.get();
          if (!view || view.path !== wanted || view.transferring || view.phase !== 'active') return false;
          return view.participants.filter((p) => p.state === 'joined' && p.flowing).length === count;
        },
        [path, people] as const,
        { timeout: PATIENCE_MS, polling: 50 },
      ),
    ),
  );
}

export async function addThird({ first, third }: People): Promise<void> {
  await first.page.evaluate(
    async (to) => void (await window.parley?.session?.call.get()?.add(to)),
    third.person.address,
  );
}

export async function leave({ page }: Actor): Promise<void> {
  await page.evaluate(async () => void (await window.parley?.session?.call.get()?.leave()));
}

/** Listens to the two, each with the other's ears, while `act` happens and until it is over. */
export async function listen({ first, second }: People, act: () => Promise<void>): Promise<Heard[]> {
  const pairs = [
    [first, second],
    [second, first],
  ] as const;
  await Promise.all(
    pairs.map(([listener, { person }]) =>
      listener.page.evaluate((address) => window.recorder.record(address), person.address),
    ),
  );
  await first.page.waitForTimeout(BEFORE_MS);
  await act();
  await first.page.waitForTimeout(AFTER_MS);
  const recorded = await Promise.all(pairs.map(([{ page }]) => page.evaluate(() => window.recorder.stop())));
  return recorded.map(({ sound, shown, until }) => ({ sound: samplesOf(sound), shown, until }));
}

/** What a recorder hands over. */
export function samplesOf(base64: string): Int16Array {
  return new Int16Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}

/** Takes a second or two of a processor: not while somebody is listened to, or the relays of a bad network stand still. */
export function noticedIn({ sound, shown, until }: Heard): Noticed {
  const heard = Float32Array.from(sound, (sample) => sample / 32767);
  return analyse(heard, reference, shown, 1000 / FRAMES_PER_SECOND, until);
}
