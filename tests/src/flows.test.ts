// The scenario as a test (R77): the three flows through the apps' own pages, in real browsers, on real servers.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { playFlows } from './flows/play.ts';

describe('the three flows', () => {
  it('1: same company, a conference from the start; 2: peer-to-peer that grows; 3: across companies', async (t) => {
    const { flows } = await playFlows([1, 2, 3], {
      onStep: (flow, { name, passed, ms }) => t.diagnostic(`flow ${flow} ${passed ? '✓' : '✗'} ${name} (${ms} ms)`),
    });
    const failed = flows.flatMap(({ flow, steps }) =>
      steps.filter(({ passed }) => !passed).map((s) => ({ flow, ...s })),
    );
    assert.deepEqual(failed, []);
  });
});
