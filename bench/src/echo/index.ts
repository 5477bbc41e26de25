// `npm run bench -- echo [--n N] [--json FILE]`: whether echo is cancelled before, during and after a transfer. Bob's microphone hears his
// loudspeaker (a sound server of ours), so whoever talks to him would hear herself. Carol talks in noise, and what her window
// plays is recorded: how much of her own comes back, with Bob's echo canceller and, for comparison, without it.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Actor, openStage, signedIn, signIn } from '@parley/tests';
import { installRecorder } from '../transfer/page.ts';
import { addThird, leave, noise, type People, samplesOf, settled } from '../transfer/people.ts';
import { FRAME_BITS, RATE } from '../transfer/reference.ts';
import { ungrouped } from '../transfer/scheduling.ts';
import { openSoundServer } from './sound-server.ts';

/** An echo canceller learns the room first. */
const LEARN_MS = 6000;
const LISTEN_MS = 3000;
const AFTER_MS = 1500;

const phases = ['direct', 'to-conference', 'conference', 'to-direct', 'direct-again'] as const;
type Phase = (typeof phases)[number];
/** dB of full scale: the whole time, and the loudest tenth of a second. */
interface Level {
  readonly mean: number;
  readonly loudest: number;
}
type Levels = Record<Phase, Level>;

export async function measureEcho(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { n: { type: 'string' }, json: { type: 'string' } } });
  const n = Number(values.n ?? 5);
  if (!Number.isInteger(n) || n < 1) throw new Error('--n: a whole number from 1 on');
  const result = {
    n,
    ...(await ungrouped(async () => ({ without: await measure(false, 1), with: await measure(true, n) }))),
  };
  console.log(
    '\nwhat comes back to who talks, dB of full scale: mean (loudest tenth of a second), the worst of all times',
  );
  for (const phase of phases) {
    const [without, cancelled] = [result.without[phase], result.with[phase]];
    const cell = ({ mean, loudest }: Level) => `${mean} (${loudest})`.padEnd(18);
    console.log(`${phase.padEnd(16)}without canceller ${cell(without)}with ${cell(cancelled)}`);
  }
  if (values.json) await writeFile(values.json, `${JSON.stringify(result)}\n`);
}

/** @param n how often the call grows and shrinks */
async function measure(cancelled: boolean, n: number): Promise<Levels> {
  const sound = await openSoundServer();
  const stage = await openStage({
    bypassCsp: true,
    calls: { returnToDirectSeconds: 2, ringSeconds: 20, transferSeconds: 20 },
  });
  try {
    const size = { width: 360, height: 400 };
    const talker = async (login: string, silent: boolean): Promise<Actor> => {
      const actor = await stage.stranger(login, { size, background: silent, recordsItself: true });
      await actor.page.addInitScript(installRecorder, { noise, framesPerSecond: 10, frameBits: FRAME_BITS, silent });
      return actor;
    };
    const bob = await stage.stranger('bob', { size, soundServer: sound.address });
    if (!cancelled) await bob.page.addInitScript(withoutCanceller);
    const [carol, erin] = [await talker('carol', false), await talker('erin', true)];
    for (const actor of [bob, carol, erin]) {
      await signIn(actor);
      await signedIn(actor);
    }
    for (const { page } of [bob, erin]) {
      await page.evaluate(() => {
        window.parley?.session?.incoming.subscribe(([call]) => {
          if (call) call.accept({ camera: false }).catch(() => undefined);
        });
      });
    }
    const people: People = { stage, first: carol, second: bob, third: erin, close: () => stage.close() };
    await carol.page.evaluate(async (to) => void (await window.parley?.session?.startCall(to)), bob.person.address);
    await settled([carol, bob], 'direct', 2);
    await carol.page.waitForTimeout(LEARN_MS);
    const during = async (act: () => Promise<void>): Promise<Level> => {
      await carol.page.evaluate((address) => window.recorder.record(address), bob.person.address);
      await act();
      return levelOf((await carol.page.evaluate(() => window.recorder.stop())).sound);
    };
    const listen = () => during(() => carol.page.waitForTimeout(LISTEN_MS));
    const found: Levels[] = [];
    for (let turn = 1; turn <= n; turn += 1) {
      found.push({
        direct: await listen(),
        'to-conference': await during(async () => {
          await addThird(people);
          await settled([carol, bob, erin], 'conference', 3);
          await carol.page.waitForTimeout(AFTER_MS);
        }),
        conference: await listen(),
        'to-direct': await during(async () => {
          await leave(erin);
          await settled([carol, bob], 'direct', 2);
          await carol.page.waitForTimeout(AFTER_MS);
        }),
        'direct-again': await listen(),
      });
    }
    return worst(found);
  } finally {
    await stage.close();
    await sound.close();
  }
}

function worst(found: readonly Levels[]): Levels {
  const of = (phase: Phase): Level => ({
    mean: Math.max(...found.map((levels) => levels[phase].mean)),
    loudest: Math.max(...found.map((levels) => levels[phase].loudest)),
  });
  return Object.fromEntries(phases.map((phase) => [phase, of(phase)])) as Levels;
}

/** In the page, before the app: the microphone as it is, but for what makes it louder or less noisy. */
function withoutCanceller(): void {
  const devices = navigator.mediaDevices;
  const original = devices.getUserMedia.bind(devices);
  devices.getUserMedia = (wanted) => {
    const audio = typeof wanted?.audio === 'object' ? { ...wanted.audio, echoCancellation: false } : wanted?.audio;
    return original({ ...wanted, audio: audio ?? false });
  };
}

function levelOf(base64: string): Level {
  const sound = Float32Array.from(samplesOf(base64), (sample) => sample / 32767);
  const power = (part: Float32Array) => part.reduce((sum, sample) => sum + sample ** 2, 0) / Math.max(1, part.length);
  const tenth = RATE / 10;
  let loudest = 0;
  for (let at = 0; at + tenth <= sound.length; at += tenth) {
    loudest = Math.max(loudest, power(sound.subarray(at, at + tenth)));
  }
  const decibel = (value: number) => Math.round(10 * Math.log10(Math.max(value, 1e-9)));
  return { mean: decibel(power(sound)), loudest: decibel(loudest) };
}
