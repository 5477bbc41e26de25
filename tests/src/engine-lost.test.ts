// The process that carries a conference dies: the call goes on by another one, or directly, and people are told (R54).
// An administrator drains an engine: its conferences move to another one, and nobody hears it.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { killEngines, listen, listened, type Mishaps, neverStopped, openMishaps } from './flows/mishaps.ts';
import { converse } from './flows/steps.ts';
import {
  type Actor,
  accept,
  add,
  call,
  clickWhenThere,
  everybodySeesAndHears,
  expectNotice,
  onPath,
} from './harness/actor.ts';

/** The bar is 1.5 s, which the bench measures. Here it is only to come back at all, on machines that are at times slow to a third. */
const BACK_MS = 8000;

describe('an engine that is lost', () => {
  let mishaps: Mishaps;
  let bob: Actor;
  let carol: Actor;
  let erin: Actor;

  before(async () => {
    mishaps = await openMishaps({ calls: { ringSeconds: 20, transferSeconds: 10, returnToDirectSeconds: 5 } });
    const { enter } = mishaps;
    [bob, carol, erin] = await Promise.all([enter('bob'), enter('carol'), enter('erin')]);
  });
  after(() => mishaps.close());
  beforeEach(async () => {
    await call(bob, carol);
    await accept(carol, bob);
    await converse([bob, carol]);
    await Promise.all([listen(bob, carol), listen(carol, bob)]);
  });
  afterEach(() => mishaps.tidyUp());

  async function addErin(): Promise<void> {
    const accepted = clickWhenThere(erin, 'accept');
    await add(carol, erin.person.address);
    await accepted;
    await converse([bob, carol, erin]);
    await onPath([bob, carol, erin], 'conference');
  }
  async function soundIsBack(): Promise<void> {
    for (const [listener, speaker] of [
      [bob, carol],
      [carol, bob],
    ] as const) {
      const { silenceMs } = await listened(listener, speaker);
      assert.ok(silenceMs < BACK_MS, `${listener.person.name} heard nothing for ${Math.round(silenceMs)} ms`);
    }
  }

  it('while the call is being moved there: the two never stop, and the adder is told', async () => {
    const told = expectNotice(carol, 'add-failed', '');
    // Bob's report is held until the node has noticed: otherwise it may come first, and the call has moved.
    const killed = mishaps.fault(bob).when('call.ready', async () => {
      await killEngines(mishaps.stage);
      while ((await mishaps.stage.focusOf('enterprise1')).rooms > 0) await setTimeout(20);
    });
    await add(carol, erin.person.address);
    await killed;
    await told();
    await onPath([bob, carol], 'direct');
    await everybodySeesAndHears([bob, carol]);
    await neverStopped([bob, carol], [carol, bob]);
  });

  it('with three in the conference: they go on in another one', async () => {
    await addErin();
    const told = expectNotice(bob, 'trouble', '');
    await killEngines(mishaps.stage);
    await told();
    await everybodySeesAndHears([bob, carol, erin]);
    await onPath([bob, carol, erin], 'conference');
    await soundIsBack();
  });

  it('with two left in the conference: they go on directly', async () => {
    await addErin();
    await erin.page.evaluate(() => window.parley?.session?.call.get()?.leave());
    await killEngines(mishaps.stage);
    await onPath([bob, carol], 'direct');
    await everybodySeesAndHears([bob, carol]);
    await soundIsBack();
  });
});

describe('an engine that is drained', () => {
  let mishaps: Mishaps;

  before(async () => {
    const calls = { ringSeconds: 20, transferSeconds: 10, returnToDirectSeconds: 5 };
    mishaps = await openMishaps({
      calls,
      engines: ['first', 'second'].map((id) => ({ id, kind: 'embedded' as const })),
    });
  });
  after(() => mishaps.close());

  it('gives its conference to the other one, and those who talk notice nothing', async () => {
    const { enter, stage } = mishaps;
    const [bob, carol, erin] = await Promise.all([enter('bob'), enter('carol'), enter('erin')]);
    await call(bob, carol);
    await accept(carol, bob);
    await converse([bob, carol]);
    const accepted = clickWhenThere(erin, 'accept');
    await add(carol, erin.person.address);
    await accepted;
    await converse([bob, carol, erin]);
    await onPath([bob, carol, erin], 'conference');
    await Promise.all([listen(bob, carol), listen(carol, bob)]);

    const company = stage.demo.companies.find(({ id }) => id === 'enterprise1');
    assert.ok(company);
    const text = await readFile(company.configFile, 'utf8');
    await writeFile(company.configFile, text.replace('drain: false', 'drain: true'));
    const epoch = () => bob.page.evaluate(async () => (await window.parley?.session?.call.get()?.diagnostics())?.epoch);
    assert.equal(await epoch(), 2);
    process.kill(company.process().pid, 'SIGHUP');
    await bob.page.waitForFunction(
      async () => ((await window.parley?.session?.call.get()?.diagnostics())?.epoch ?? 0) === 3,
      null,
      { timeout: 20_000 },
    );
    await onPath([bob, carol, erin], 'conference');
    await everybodySeesAndHears([bob, carol, erin]);
    await neverStopped([bob, carol], [carol, bob]);
    await mishaps.tidyUp();
  });
});
