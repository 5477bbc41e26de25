// `npm run scenario [-- --flow 1|2|3] [--json FILE] [--headed] [--screenshots DIR]`: the three flows, step by step.
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { allFlows, playFlows, type ScenarioResult } from './flows/play.ts';
import type { StepResult } from './flows/stage.ts';

const { flow, json, headed, screenshots } = options();
let current = 0;
const result = await playFlows(flow, {
  headed,
  ...(screenshots === undefined ? {} : { screenshots: resolve(screenshots) }),
  onStep: show,
});
console.log(`\nIn milliseconds: ${figuresText(result.figures)}`);
if (json !== undefined) await writeFile(json, `${JSON.stringify(result, null, 2)}\n`);
const failed = result.flows.filter(({ passed }) => !passed).map((one) => one.flow);
console.log(failed.length === 0 ? 'All steps passed.' : `Failed: flow ${failed.join(', ')}.`);
process.exit(failed.length === 0 && result.flows.length > 0 ? 0 : 1);

function options() {
  try {
    const { values } = parseArgs({
      options: {
        flow: { type: 'string', multiple: true },
        json: { type: 'string' },
        headed: { type: 'boolean', default: false },
        screenshots: { type: 'string' },
      },
    });
    const flow = values.flow?.map(Number) ?? allFlows;
    for (const number of flow)
      if (!allFlows.includes(number)) throw new Error(`There are flows ${allFlows.join(', ')}.`);
    return { ...values, flow };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error('Use: npm run scenario [-- --flow 1|2|3] [--json FILE] [--headed] [--screenshots DIR]');
    process.exit(2);
  }
}

function show(number: number, step: StepResult): void {
  if (number !== current) console.log(`\nFlow ${number}`);
  current = number;
  const time = new Date().toISOString().slice(11, 19);
  console.log(`  ${time} ${step.passed ? '✓' : '✗'} ${step.name} (${step.ms} ms)`);
  if (step.error !== undefined) console.log(step.error.replace(/^/gm, '      '));
}

function figuresText(figures: ScenarioResult['figures']): string {
  const names = {
    ringMs: 'call → ringing',
    ringAcrossMs: 'call → ringing across companies',
    firstFrameMs: 'accept → first picture',
    firstSoundMs: 'accept → first sound',
    addToSeenMs: 'add → third person seen by all',
  } as const;
  const parts = Object.entries(names).map(
    ([key, name]) => `${name} ${figures[key as keyof typeof names] ?? 'not measured'}`,
  );
  return parts.join(', ');
}
