// `npm run bench -- transfer [--n N] [--quick] [--only KIND,…] [--conditions loopback,impaired,across] [--processor]
// [--json FILE]`:
// what a transfer costs the two who talk, from what their browsers play and show. docs/transfer.md says what is measured.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { killEngines } from '@parley/tests';
import { type Noticed, type Spread, spread } from './analysis.ts';
import { added, beginning, type Heard, lengthMs, type Summary, together } from './controls.ts';
import { openNetwork } from './network.ts';
import { AFTER_MS, addThird, leave, listen, noticedIn, openPeople, type People, settled, talk } from './people.ts';
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

/** The ways a transfer leads from and to. */
const ways: Record<Exclude<Kind, 'control'>, readonly [from: Still, to: Still]> = {
  'direct-to-conference': ['direct', 'conference'],
  'conference-to-direct': ['conference', 'direct'],
  'engine-lost-to-engine': ['conference', 'conference'],
  'engine-lost-to-direct': ['conference', 'direct'],
  'baseline-break': ['direct', 'conference'],
  calibration: ['direct', 'direct'],
};
/** A way on which nothing happens. */
type Still = 'direct' | 'conference';
/** About as long as the longest transfer. */
const STILL_MS = 4500;

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
    const summaries = summariesOf(found, condition === 'impaired');
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

interface Recorded {
  readonly heard: ReadonlyMap<Kind, Heard[]>;
  readonly still: Readonly<Record<Still, Heard[]>>;
}

/** Judged only now: it takes a processor for seconds. */
function summariesOf({ heard, still }: Recorded, compared: boolean): Record<string, Summary> {
  const summaries: Record<string, Summary> = {};
  for (const [kind, all] of heard) {
    if (all.length === 0) continue;
    const whole = summarise(all.map(noticedIn));
    if (!compared || kind === 'control' || kind === 'calibration') {
      summaries[kind] = whole;
      continue;
    }
    const [from, to] = ways[kind];
    const control = summarise(
      all.flatMap((one, i) => {
        const [before, after] = [still[from][i], still[to][i]];
        if (!before || !after) return [];
        return [
          together(noticedIn(beginning(before, lengthMs(one) - AFTER_MS)), noticedIn(beginning(after, AFTER_MS))),
        ];
      }),
    );
    summaries[kind] = added(whole, control);
    summaries[`${kind}, with its control`] = whole;
    summaries[`${kind}, its control`] = control;
  }
  return summaries;
}

async function measure(condition: Condition, n: number, wanted: ReadonlySet<Kind>): Promise<Recorded> {
  const network = condition === 'impaired' ? openNetwork({ delay: 50, jitter: 10, loss: 0.02 }) : null;
  const people = await openPeople(
    condition === 'across' ? ['alice', 'bob', 'carol'] : ['bob', 'carol', 'erin'],
    RETURN_SECONDS,
    network,
  );
  const recorded: Recorded = { heard: new Map(kinds.map((kind) => [kind, []])), still: { direct: [], conference: [] } };
  try {
    await talk(people);
    for (let turn = 1; turn <= n; turn += 1) {
      const begun = performance.now();
      await round(people, wanted, recorded, condition === 'impaired');
      const left = Math.round(((n - turn) * (performance.now() - begun)) / 1000);
      console.error(`${condition} ${turn}/${n}, about ${left} s left`);
    }
  } finally {
    await people.close();
    network?.close();
  }
  return recorded;
}

/** One of each kind. Before and after it the first two are in a direct call. */
async function round(
  people: People,
  wanted: ReadonlySet<Kind>,
  { heard, still }: Recorded,
  compared: boolean,
): Promise<void> {
  const { first, second, third } = people;
  const two = [first, second];
  const three = [first, second, third];
  const note = async (kind: Kind, act: () => Promise<void>) => {
    if (!wanted.has(kind)) return act();
    heard.get(kind)?.push(...(await listen(people, act)));
  };
  const rest = async (way: Still) => {
    still[way].push(...(await listen(people, () => first.page.waitForTimeout(STILL_MS))));
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
  if (compared || wanted.has('direct-to-conference') || wanted.has('conference-to-direct')) {
    await note('direct-to-conference', grow);
    if (compared) await rest('conference');
    await note('conference-to-direct', shrink);
  }
  if (wanted.has('control')) await note('control', () => first.page.waitForTimeout(STILL_MS));
  if (compared) await rest('direct');
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
  console.log(`${''.padEnd(46)}${['silence', 'dips', 'shift', 'frame gap'].map((t) => t.padEnd(18)).join('')}backward`);
  for (const [kind, s] of Object.entries(summaries)) {
    const cells = [s.silenceMs, s.dipMs, s.shiftMs, s.frameGapMs].map(cell).join('');
    console.log(`${`${kind} (${s.n})`.padEnd(46)}${cells}${s.backwardFrames}`);
  }
}
