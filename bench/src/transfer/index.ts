// `npm run bench -- transfer [--n N] [--quick] [--only KIND,…] [--conditions loopback,impaired,across] [--processor]
// [--json FILE]`:
// what a transfer costs the two who talk, from what their browsers play and show. docs/transfer.md says what is measured.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { killEngines } from '@parley/tests';
import { type Noticed, type Spread, spread } from './analysis.ts';
import { openNetwork } from './network.ts';
import {
  AROUND_MS,
  addThird,
  type Heard,
  leave,
  listen,
  noticedIn,
  openPeople,
  type People,
  settled,
  talk,
} from './people.ts';
import { browserTime } from './processor.ts';
import { ungrouped } from './scheduling.ts';

const kinds = [
  'direct-to-conference',
  'conference-to-direct',
  'engine-lost-to-engine',
  'engine-lost-to-direct',
  'baseline-break',
  'control',
  'calibration',
] as const;
type Kind = (typeof kinds)[number];
const conditions = ['loopback', 'impaired', 'across'] as const;
type Condition = (typeof conditions)[number];
const RETURN_SECONDS = 2;
/** What a direct call costs the processor is looked at for so long; before that, everything comes to rest. */
const WATCH_MS = 10_000;
const REST_MS = 8000;

interface Summary {
  readonly n: number;
  readonly silenceMs: Spread;
  readonly dipMs: Spread;
  readonly shiftMs: Spread;
  readonly frameGapMs: Spread;
  readonly backwardFrames: number;
}

export async function measureTransfers(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      n: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      conditions: { type: 'string' },
      processor: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  });
  const n = Number(values.n ?? (values.quick ? 3 : 30));
  if (!Number.isInteger(n) || n < 1) throw new Error('--n: a whole number from 1 on');
  const wanted = chosen(kinds, values.only, '--only');
  const under = chosen(conditions, values.conditions, '--conditions');
  const result: Record<string, Record<string, Summary> | Processor> = {};
  for (const condition of under) {
    const found = await ungrouped(() => measure(condition, n, new Set(wanted)));
    const summaries: Record<string, Summary> = {};
    const control = found.get('control') ?? [];
    for (const [kind, noticed] of found) {
      if (noticed.length === 0) continue;
      const whole = summarise(noticed);
      // A bad network is heard without any transfer, too.
      const added = condition === 'impaired' && kind !== 'control' && control.length > 0;
      summaries[kind] = added ? over(summarise(control), whole) : whole;
    }
    result[condition === 'loopback' ? 'kinds' : condition] = summaries;
    show(condition, summaries);
  }
  if (values.processor) {
    const processor = await ungrouped(measureProcessor);
    result.processor = processor;
    const { beforeMs, afterMs, ratio } = processor;
    console.log(
      `\nbrowsers' processor time in ${WATCH_MS / 1000} s of a direct call, before it was in a conference and`,
    );
    console.log(`after: ${beforeMs} ms, ${afterMs} ms; ratio ${ratio}`);
  }
  if (values.json) await writeFile(values.json, `${JSON.stringify(result)}\n`);
}

function chosen<T extends string>(all: readonly T[], text: string | undefined, option: string): T[] {
  if (text === undefined) return [...all];
  const names = text.split(',');
  const unknown = names.filter((name) => !all.includes(name as T));
  if (unknown.length > 0) throw new Error(`${option}: there is no ${unknown.join(', ')}, but ${all.join(', ')}`);
  return names as T[];
}

async function measure(condition: Condition, n: number, wanted: ReadonlySet<Kind>): Promise<Map<Kind, Noticed[]>> {
  const network = condition === 'impaired' ? openNetwork({ delay: 50, jitter: 10, loss: 0.02 }) : null;
  const people = await openPeople(
    condition === 'across' ? ['alice', 'bob', 'carol'] : ['bob', 'carol', 'erin'],
    RETURN_SECONDS,
    network,
  );
  const heard = new Map<Kind, Heard[]>(kinds.map((kind) => [kind, []]));
  try {
    await talk(people);
    for (let turn = 1; turn <= n; turn += 1) {
      const begun = performance.now();
      await round(people, wanted, heard);
      const left = Math.round(((n - turn) * (performance.now() - begun)) / 1000);
      console.error(`${condition} ${turn}/${n}, about ${left} s left`);
    }
  } finally {
    await people.close();
    network?.close();
  }
  return new Map([...heard].map(([kind, each]) => [kind, each.map(noticedIn)]));
}

/** One of each kind. Before and after it the first two are in a direct call. */
async function round(people: People, wanted: ReadonlySet<Kind>, heard: Map<Kind, Heard[]>): Promise<void> {
  const { first, second, third } = people;
  const two = [first, second];
  let actMs = 2000;
  const three = [first, second, third];
  const note = async (kind: Kind, act: () => Promise<void>) => {
    if (!wanted.has(kind)) return act();
    heard.get(kind)?.push(...(await listen(people, act)));
  };
  const grow = async () => {
    await addThird(people);
    await settled(three, 'conference', 3);
  };
  const shrink = async () => {
    await leave(third);
    await settled(two, 'direct', 2);
  };
  if (wanted.has('calibration')) {
    await note('calibration', async () => {
      await Promise.all(two.map(({ page }) => page.evaluate(() => window.recorder.pause(100))));
    });
  }
  if (wanted.has('direct-to-conference') || wanted.has('conference-to-direct')) {
    const begun = performance.now();
    await note('direct-to-conference', grow);
    actMs = performance.now() - begun - (wanted.has('direct-to-conference') ? AROUND_MS : 0);
    await note('conference-to-direct', shrink);
  }
  // As long as a transfer takes.
  if (wanted.has('control')) await note('control', () => first.page.waitForTimeout(actMs));
  if (wanted.has('baseline-break')) {
    await note('baseline-break', async () => {
      const cut = two.map(async ({ page }) => {
        await page.waitForFunction(() => window.parley?.session?.call.get()?.view.get().transferring, null, {
          polling: 10,
        });
        await page.evaluate(() => window.recorder.breakOff());
      });
      await addThird(people);
      await Promise.all(cut);
      await settled(three, 'conference', 3);
    });
    await shrink();
  }
  if (wanted.has('engine-lost-to-engine')) {
    await grow();
    await note('engine-lost-to-engine', async () => {
      await killEngines(people.stage);
      await first.page.waitForTimeout(500);
      await settled(three, 'conference', 3);
    });
    await shrink();
  }
  if (wanted.has('engine-lost-to-direct')) {
    await grow();
    await leave(third);
    await settled(two, 'conference', 2);
    await note('engine-lost-to-direct', async () => {
      await killEngines(people.stage);
      await settled(two, 'direct', 2);
    });
  }
}

/** Processor time of a call of two that never left the direct path, and of the same call after it came back to it. */
interface Processor {
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly ratio: number;
}

async function measureProcessor(): Promise<Processor> {
  const people = await openPeople(['bob', 'carol', 'erin'], RETURN_SECONDS, null);
  const { first, second, third } = people;
  const watched = async () => {
    await first.page.waitForTimeout(REST_MS);
    const begun = await browserTime();
    await first.page.waitForTimeout(WATCH_MS);
    return (await browserTime()) - begun;
  };
  try {
    await talk(people);
    const beforeMs = await watched();
    await addThird(people);
    await settled([first, second, third], 'conference', 3);
    await leave(third);
    await settled([first, second], 'direct', 2);
    const afterMs = await watched();
    return { beforeMs, afterMs, ratio: Math.round((afterMs / beforeMs) * 100) / 100 };
  } finally {
    await people.close();
  }
}

/** What transfers add, quantile by quantile, to what was noticed in equally long times without one. Not listener by
 * listener: packets are lost by chance, and the difference of two such times is more than nothing in half of all pairs. */
function over(control: Summary, transfers: Summary): Summary {
  const less = (name: 'silenceMs' | 'dipMs' | 'shiftMs' | 'frameGapMs'): Spread => ({
    median: Math.max(0, transfers[name].median - control[name].median),
    p95: Math.max(0, transfers[name].p95 - control[name].p95),
    max: Math.max(0, transfers[name].max - control[name].max),
  });
  return {
    n: transfers.n,
    silenceMs: less('silenceMs'),
    dipMs: less('dipMs'),
    shiftMs: less('shiftMs'),
    frameGapMs: less('frameGapMs'),
    backwardFrames: Math.max(0, transfers.backwardFrames - control.backwardFrames),
  };
}

function summarise(noticed: readonly Noticed[]): Summary {
  const of = (name: 'silenceMs' | 'dipMs' | 'shiftMs' | 'frameGapMs') => spread(noticed.map((one) => one[name]));
  return {
    // Each transfer is heard by two.
    n: noticed.length / 2,
    silenceMs: of('silenceMs'),
    dipMs: of('dipMs'),
    shiftMs: of('shiftMs'),
    frameGapMs: of('frameGapMs'),
    backwardFrames: noticed.reduce((sum, one) => sum + one.backwardFrames, 0),
  };
}

function show(condition: string, summaries: Record<string, Summary>): void {
  const cell = ({ median, p95, max }: Spread) => `${median} / ${p95} / ${max}`.padEnd(18);
  console.log(`\n${condition}: median / p95 / max in ms`);
  console.log(`${''.padEnd(28)}${['silence', 'dips', 'shift', 'frame gap'].map((t) => t.padEnd(18)).join('')}backward`);
  for (const [kind, s] of Object.entries(summaries)) {
    const cells = [s.silenceMs, s.dipMs, s.shiftMs, s.frameGapMs].map(cell).join('');
    console.log(`${`${kind} (${s.n})`.padEnd(28)}${cells}${s.backwardFrames}`);
  }
}
