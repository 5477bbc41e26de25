// The node is killed in the middle of a call and started again: the two who talk never stop hearing each other, the call
// goes on as what it was or became, and hanging up ends it for both with nothing left behind (R9, R36, R54).
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openStage, type Stage } from './flows/stage.ts';
import { converse, leave } from './flows/steps.ts';
import { type Actor, accept, add, backToContacts, by, call, onPath, signedIn, signIn } from './harness/actor.ts';
import { PATIENCE_MS } from './harness/browser.ts';
import { type Interference, interfere } from './harness/interference.ts';
import { until } from './harness/waiting.ts';

/** Between the pulses of a tone it is quiet for 85 ms; the rest is what a busy machine makes of it. */
const SILENCE_MS = 450;

describe('a node that is killed and started again', () => {
  let stage: Stage;
  let bob: Actor;
  let carol: Actor;
  let erin: Actor;
  const faults = new Map<Actor, Interference>();

  const enter = async (login: string): Promise<Actor> => {
    const actor = await stage.stranger(login);
    faults.set(actor, await interfere(actor.page));
    await signIn(actor);
    await signedIn(actor);
    return actor;
  };
  const fault = (actor: Actor): Interference => {
    const found = faults.get(actor);
    assert.ok(found);
    return found;
  };
  const nodeOf = (actor: Actor) => {
    const domain = actor.person.address.split('@')[1];
    const node = stage.demo.companies.find((company) => company.domain === domain);
    assert.ok(node);
    return node;
  };
  /** As a crash: nobody is told, nothing is tidied up. */
  const crash = async (whose: Actor = bob) => {
    await nodeOf(whose).process().kill();
    await nodeOf(whose).restart();
  };

  before(async () => {
    stage = await openStage({ calls: { ringSeconds: 12, transferSeconds: 8, returnToDirectSeconds: 1 } });
    [bob, carol, erin] = await Promise.all([enter('bob'), enter('carol'), enter('erin')]);
  });
  after(() => stage.close());

  /** Bob and somebody else talk directly, and each one's ears are on the other from here on. */
  async function talk(other: Actor): Promise<void> {
    await Promise.all([...faults.keys()].map(online));
    await call(bob, other);
    await accept(other, bob);
    await converse([bob, other]);
    await onPath([bob, other], 'direct');
    await Promise.all([listen(bob, other), listen(other, bob)]);
  }

  afterEach(async () => {
    for (const interference of faults.values()) interference.end();
    for (const actor of faults.keys()) {
      await actor.page.evaluate(async () => {
        for (const ringing of window.parley?.session?.incoming.get() ?? [])
          await ringing.decline().catch(() => undefined);
        await window.parley?.session?.call.get()?.leave();
      });
      await backToContacts(actor);
    }
  });

  /** Neither a connection in a page nor a room at a provider remains. */
  async function nothingLeft(): Promise<void> {
    for (const actor of faults.keys()) {
      let left = -1;
      await until(
        actor.page,
        PATIENCE_MS,
        `${actor.person.name}'s page has no connection left`,
        async () => {
          left = await actor.page.evaluate(() => window.parleyProbe.connections());
          return left === 0;
        },
        () => left,
      );
    }
    for (const { id } of stage.demo.companies) {
      let seen = { rooms: -1, legs: -1 };
      await until(
        bob.page,
        PATIENCE_MS,
        `no room is left at ${id}`,
        async () => {
          seen = await stage.focusOf(id);
          return seen.rooms === 0 && seen.legs === 0;
        },
        () => seen,
      );
    }
  }
  const listen = (listener: Actor, speaker: Actor) =>
    listener.page.evaluate((address) => window.parleyProbe.listen(address), speaker.person.address);
  const online = (actor: Actor) =>
    actor.page.waitForFunction(() => window.parley?.session?.connection.get() === 'online', null, {
      timeout: PATIENCE_MS,
    });
  async function neverStopped(other: Actor): Promise<void> {
    for (const [listener, speaker] of [
      [bob, other],
      [other, bob],
    ] as const) {
      const { silenceMs } = await listener.page.evaluate(
        (address) => window.parleyProbe.listened(address),
        speaker.person.address,
      );
      const who = `${listener.person.name} hears ${speaker.person.name}`;
      assert.ok(silenceMs < SILENCE_MS, `${who} without a break: ${Math.round(silenceMs)} ms of silence`);
    }
  }
  /** The call runs on one path, and nothing is under way; to the path's kind. */
  async function atRest(actor: Actor): Promise<string> {
    let path = '';
    await until(
      actor.page,
      PATIENCE_MS,
      `${actor.person.name}'s call is at rest`,
      async () => {
        const seen = await actor.page.evaluate(async () => {
          const running = window.parley?.session?.call.get();
          return running?.view.get().ended === null ? await running.diagnostics() : null;
        });
        path = JSON.stringify(seen);
        if (!seen || seen.connections.length === 0) return false;
        return seen.connections.every(
          ({ purpose, state, epoch }) =>
            (purpose === 'direct') === (seen.path === 'direct') && state === 'connected' && epoch === seen.epoch,
        );
      },
      () => path,
    );
    return (JSON.parse(path) as { path: string }).path;
  }
  /** Both go on talking, in one state, and the hang-up of one ends it for the other. */
  async function goesOnAndEnds(other: Actor): Promise<void> {
    await Promise.all([online(bob), online(other)]);
    // Whoever was being added either has been let go or still rings; this call is to be the two's again.
    await erin.page.evaluate(async () => {
      for (const ringing of window.parley?.session?.incoming.get() ?? [])
        await ringing.decline().catch(() => undefined);
    });
    await converse([bob, other]);
    assert.equal(await atRest(bob), await atRest(other));
    await neverStopped(other);
    await leave(bob);
    await by(other, 'stage').waitFor({ state: 'hidden', timeout: PATIENCE_MS });
    await nothingLeft();
  }

  it('while two talk directly', async () => {
    await talk(carol);
    const conversation = () => bob.page.evaluate(() => window.parley?.session?.call.get()?.conversation);
    const before = await conversation();
    await crash();
    await Promise.all([online(bob), online(carol)]);
    assert.equal(await conversation(), before);
    await bob.page.evaluate(() => window.parley?.session?.call.get()?.send('still here'));
    await goesOnAndEnds(carol);
  });

  it('in order, while two talk directly', async () => {
    await talk(carol);
    await nodeOf(bob).process().stop();
    await nodeOf(bob).restart();
    await goesOnAndEnds(carol);
  });

  it('while it rings', async () => {
    await call(bob, carol);
    await crash();
    await Promise.all([online(bob), online(carol)]);
    await accept(carol, bob);
    await Promise.all([listen(bob, carol), listen(carol, bob)]);
    await goesOnAndEnds(carol);
  });

  for (const [step, who] of [
    ['call.add', 'adder'],
    ['focus.ticket', 'other'],
    ['focus.join', 'other'],
    ['focus.answer', 'other'],
    ['call.ready', 'other'],
  ] as const) {
    it(`while the call is being moved, at ${step}`, async () => {
      await talk(carol);
      const crashed = fault(who === 'adder' ? carol : bob).when(step, () => crash());
      await add(carol, erin.person.address);
      await crashed;
      await goesOnAndEnds(carol);
    });
  }

  it('at either company, while two talk across them', async () => {
    const dave = await enter('dave');
    for (const whose of [dave, bob]) {
      await talk(dave);
      await crash(whose);
      await goesOnAndEnds(dave);
      await Promise.all([bob, dave].map(backToContacts));
    }
  });
});
