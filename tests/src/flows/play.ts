// Plays flows one after the other and sums them up.
import { flow1 } from './flow1.ts';
import { flow2 } from './flow2.ts';
import { flow3 } from './flow3.ts';
import { type Figures, openStage, type Stage, type StageOptions, type Step, type StepResult } from './stage.ts';

export interface FlowResult {
  readonly flow: number;
  readonly passed: boolean;
  readonly steps: readonly StepResult[];
}

export interface ScenarioResult {
  readonly flows: readonly FlowResult[];
  readonly figures: Figures;
}

const scripts: Record<number, (stage: Stage, step: Step) => Promise<void>> = { 1: flow1, 2: flow2, 3: flow3 };
export const allFlows = [1, 2, 3];

/** Plays the flows on a fresh stage. What the messages were like is judged as the last step of each (R76). */
export async function playFlows(flows: readonly number[], options: StageOptions = {}): Promise<ScenarioResult> {
  const stage = await openStage(options);
  try {
    const results: FlowResult[] = [];
    for (const flow of flows) {
      const { passed, steps } = await stage.play(flow, async (step) => {
        await scripts[flow]?.(stage, step);
        await step('Every message was as the published protocol has it (R76)', async () => stage.checkMessages());
      });
      results.push({ flow, passed, steps });
      // Each flow begins with people who come to work: nobody's window is left over from the one before.
      await stage.clear();
    }
    return { flows: results, figures: stage.figures };
  } finally {
    await stage.close();
  }
}
