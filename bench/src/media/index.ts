// `npm run bench -- media [--only embedded,janus] [--cases NAME,…] [--seconds N] [--json FILE]`: the same load on each media
// engine, in a network of its own. docs/engines-figures.md says what is measured and what was found.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { engines } from './engines.ts';
import type { Figures } from './figures.ts';
import { openLoad, type Shape } from './load.ts';
import { isInside, runInside, setUpLinks } from './namespace.ts';

interface Case {
  readonly shape: Shape;
  /** Packets per second of each picture, one after the other in the same conference. */
  readonly steps: readonly number[];
}

/** 3 x 10 with so many packets of each sender, sound included, is the case that engines are compared by: 20,000 packets/s. */
const COMPARED = { name: '3x10', videoPerSecond: 617 };
const sends = (senders: number, receivers: number) => ({
  senders,
  receivers,
  everybody: false,
  speaking: senders,
  pictures: senders,
});
const people = (count: number, pictures: number) => ({
  senders: count,
  receivers: count,
  everybody: true,
  speaking: Math.min(3, count),
  pictures,
});
/** 640x360 at about 800 kbit/s is 100 packets per second. */
const cases: Record<string, Case> = {
  '3x10': { shape: sends(3, 10), steps: [50, 250, COMPARED.videoPerSecond, 950] },
  '25x25': { shape: people(25, 4), steps: [100, 250] },
  'people-8': { shape: people(8, 8), steps: [100] },
  'people-3': { shape: people(3, 3), steps: [100] },
};

export async function measureMedia(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      cases: { type: 'string' },
      seconds: { type: 'string', default: '6' },
      json: { type: 'string' },
    },
  });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1) throw new Error('--seconds: a whole number from 1 on');
  const chosen = named(engines, values.only, '--only');
  const wanted = named(cases, values.cases, '--cases');
  if (!isInside()) {
    process.exitCode = await runInside();
    return;
  }
  setUpLinks();
  const found: Record<string, Record<string, Figures[]>> = {};
  for (const name of chosen) found[name] = await measureEngine(name, wanted, seconds);
  if (values.json) await writeFile(values.json, `${JSON.stringify(summary(found))}\n`);
}

function named<T>(all: Record<string, T>, text: string | undefined, option: string): string[] {
  const names = text?.split(',') ?? Object.keys(all);
  const unknown = names.filter((name) => !Object.hasOwn(all, name));
  if (unknown.length > 0) throw new Error(`${option}: there is no ${unknown.join(', ')}, but ${Object.keys(all)}`);
  return names;
}

async function measureEngine(name: string, wanted: string[], seconds: number): Promise<Record<string, Figures[]>> {
  const found: Record<string, Figures[]> = {};
  const open = engines[name];
  if (!open) return found;
  for (const case_ of wanted) {
    const { shape, steps } = cases[case_] as Case;
    // A process for each case: what one leaves behind is not counted as the next one's memory.
    const measured = await open();
    try {
      const room = await measured.engine.createRoom({ id: `bench-${case_}` });
      const load = await openLoad(room, shape, steps[0] ?? 0);
      try {
        for (const step of steps) {
          const figures = await load.measure(measured.pid(), step, seconds);
          show(name, case_, figures);
          found[case_] = [...(found[case_] ?? []), figures];
        }
      } finally {
        await load.close();
      }
    } finally {
      await measured.close();
    }
  }
  return found;
}

function show(engine: string, name: string, figures: Figures): void {
  const { deliveredPerSecond, lost, packetsPerCore, processor, generators, others } = figures;
  const { delayMs, withoutEngineMs, rssMb } = figures;
  console.log(
    `${engine.padEnd(9)} ${name.padEnd(6)} ${String(deliveredPerSecond).padStart(6)} packets/s, ${lost} lost, ` +
      `${packetsPerCore} per core (${processor} cores; load ${generators}, others ${others}), delay ${delayMs.p50} / ${delayMs.p99} ms ` +
      `(without engine ${withoutEngineMs.p50} / ${withoutEngineMs.p99}), ${rssMb} MB`,
  );
}

/** The compared case of each engine on top, then all there is. */
function summary(found: Record<string, Record<string, Figures[]>>): object {
  const top: Record<string, object> = {};
  const perCore: number[] = [];
  for (const [name, byCase] of Object.entries(found)) {
    const compared = byCase[COMPARED.name]?.find(({ videoPerSecond }) => videoPerSecond === COMPARED.videoPerSecond);
    if (!compared) continue;
    const { packetsPerCore, lost, delayMs, rssMb } = compared;
    top[name] = { packetsPerCore, lost, delayMs, rssMb, cases: byCase };
    perCore.push(packetsPerCore);
  }
  const [embedded, janus] = perCore;
  return { ...top, ratio: embedded && janus ? Math.round((embedded / janus) * 100) / 100 : null };
}
