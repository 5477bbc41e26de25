// A picture is encoded in the qualities that somebody looks at and in no other: one while everybody shows it large, a smaller
// one instead once it is small everywhere, and nothing is left running after a path is closed.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openStage, type Stage } from './flows/stage.ts';
import { addThird, converse, leave } from './flows/steps.ts';
import { type Actor, accept, backToContacts, by, call, onPath, tile } from './harness/actor.ts';
import { PATIENCE_MS } from './harness/browser.ts';
import { until } from './harness/waiting.ts';

describe('qualities of a picture', () => {
  let stage: Stage;
  let bob: Actor;
  let carol: Actor;
  let erin: Actor;
  before(async () => {
    // The small film would be too small for a browser to make smaller ones of it.
    stage = await openStage({ film: 'large', calls: { returnToDirectSeconds: 1 } });
    [bob, carol, erin] = [await stage.actor('bob'), await stage.actor('carol'), await stage.actor('erin')];
  });
  after(() => stage.close());
  afterEach(() => stage.checkMessages());

  /** Waits until the person's page encodes exactly these. */
  async function encodes(actor: Actor, ...rids: string[]): Promise<void> {
    let seen: string[] = [];
    await until(
      actor.page,
      PATIENCE_MS,
      `${actor.person.name} encodes ${JSON.stringify(rids)}`,
      async () => {
        seen = await actor.page.evaluate(() => window.parleyProbe.encoding());
        return seen.join() === rids.join();
      },
      () => seen,
    );
  }
  async function pin(viewer: Actor, shown: Actor): Promise<void> {
    await by(viewer, `pin-${shown.person.address}`).press('Enter');
    await by(viewer, tile(shown)).and(viewer.page.locator('[data-size="large"]')).waitFor();
  }

  it('two in a conference: the full one and no other', async () => {
    await call(bob, carol, 'conference');
    await accept(carol, bob);
    await converse([bob, carol]);
    await Promise.all([encodes(bob, 'h'), encodes(carol, 'h')]);
    await leave(bob);
    await Promise.all([bob, carol].map(backToContacts));
  });

  it('a call that grows and shrinks: what is looked at, through both changes of path', async () => {
    await call(bob, carol);
    await accept(carol, bob);
    await converse([bob, carol]);
    await Promise.all([encodes(bob, ''), encodes(carol, '')]);
    await addThird(carol, erin, [bob, carol]);
    await onPath([bob, carol, erin], 'conference');
    await Promise.all([pin(bob, carol), pin(erin, carol), pin(carol, bob)]);
    // Large for both; large for Carol and small for Erin; small for both.
    await Promise.all([encodes(carol, 'h'), encodes(bob, 'h', 'm'), encodes(erin, 'm')]);
    await converse([bob, carol, erin]);
    await leave(erin);
    await onPath([bob, carol], 'direct');
    await Promise.all([encodes(bob, ''), encodes(carol, '')]);
    assert.deepEqual(await erin.page.evaluate(() => window.parleyProbe.encoding()), []);
    await leave(bob);
  });
});
