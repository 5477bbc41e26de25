// What becomes of a call that is not answered, or cannot be made: each outcome in its own words, on both sides (R13, R23).
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openStage, type Stage } from './flows/stage.ts';
import { leave } from './flows/steps.ts';
import {
  type Actor,
  accept,
  appears,
  backToContacts,
  by,
  call,
  diagnostics,
  everybodySeesAndHears,
  find,
  onPath,
  signIn,
} from './harness/actor.ts';

/** Long enough to answer in the tests that do, short enough to wait for in the one that does not. */
const RING_SECONDS = 6;

describe('outcomes', () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage({ calls: { ringSeconds: RING_SECONDS, transferSeconds: 8 } });
  });
  after(() => stage.close());
  afterEach(() => stage.checkMessages());

  /** Waits for the end of a call on the caller's side: why, in what words. Each outcome must have words of its own. */
  const words = new Map<string, string>();
  async function endsWith(actor: Actor, outcome: string): Promise<void> {
    const ended = by(actor, 'call-ended')
      .and(actor.page.locator(`[data-outcome="${outcome}"]`))
      .first();
    await ended.waitFor();
    const text = ((await ended.textContent()) ?? '').trim();
    assert.notEqual(text, '');
    for (const [other, said] of words)
      if (other !== outcome) assert.notEqual(text, said, `${outcome} reads like ${other}`);
    words.set(outcome, text);
  }
  async function ringsNoMore(actor: Actor): Promise<void> {
    await by(actor, 'incoming').waitFor({ state: 'hidden' });
  }

  it('declined', async () => {
    const [bob, carol] = [await stage.actor('bob'), await stage.actor('carol')];
    await call(bob, carol);
    await by(carol, 'decline').click();
    await endsWith(bob, 'declined');
    await ringsNoMore(carol);
  });

  it('not answered', async () => {
    const [bob, carol] = [await stage.actor('bob'), await stage.actor('carol')];
    await call(bob, carol);
    await endsWith(bob, 'no-answer');
    await ringsNoMore(carol);
  });

  it('cancelled by the caller', async () => {
    const [bob, carol] = [await stage.actor('bob'), await stage.actor('carol')];
    await call(bob, carol);
    await by(bob, 'hang-up-cancel').click();
    await ringsNoMore(carol);
    await by(bob, 'stage').waitFor({ state: 'hidden' });
  });

  it('busy, to whoever calls a person who is in a call; then hung up, to the one left', async () => {
    const [bob, carol, erin] = [await stage.actor('bob'), await stage.actor('carol'), await stage.actor('erin')];
    await call(bob, carol);
    await accept(carol, bob);
    await (await find(erin, carol.person.address)).click();
    await endsWith(erin, 'busy');
    await onPath([bob, carol], 'direct');
    await leave(carol);
    const ended = by(bob, 'call-ended').and(bob.page.locator('[data-reason="hung-up"]'));
    await ended.waitFor();
    assert.notEqual(((await ended.textContent()) ?? '').trim(), '');
  });

  it('offline', async () => {
    const bob = await stage.actor('bob');
    const dave = stage.demo.people.find(({ login }) => login === 'dave');
    assert.ok(dave);
    await (await find(bob, dave.address)).click();
    await endsWith(bob, 'offline');
  });

  it('declined and cancelled across companies', async () => {
    const [alice, bob] = [await stage.actor('alice'), await stage.actor('bob')];
    await call(alice, bob);
    await by(bob, 'decline').click();
    await endsWith(alice, 'declined');
    await call(bob, alice);
    await by(bob, 'hang-up-cancel').click();
    await ringsNoMore(alice);
  });

  it('an address that nobody has, and one of no company', async () => {
    const bob = await stage.actor('bob');
    await backToContacts(bob);
    for (const address of ['nobody@enterprise2.example', 'somebody@nowhere.example']) {
      await by(bob, 'search').fill(address);
      await by(bob, 'search-problem').filter({ hasText: /\S/ }).first().waitFor();
      assert.equal(await by(bob, `search-result-${address}`).count(), 0);
    }
  });

  it('another company that is down, said within seconds, and reached again afterwards', async () => {
    const [bob, alice] = [await stage.actor('bob'), await stage.actor('alice')];
    const other = stage.demo.companies.find(({ id }) => id === 'enterprise2');
    assert.ok(other);
    const button = await find(bob, alice.person.address);
    await other.process().kill();
    await button.click();
    await endsWith(bob, 'unreachable');
    await other.restart();
    await alice.page.waitForFunction(() => window.parley?.session?.connection.get() === 'online');
    await call(bob, alice);
    await by(alice, 'decline').click();
    await endsWith(bob, 'declined');
  });

  it('a changed network: ICE is restarted, on other ports, and the call goes on (R71)', async () => {
    const [bob, carol] = [await stage.actor('bob'), await stage.actor('carol')];
    await call(bob, carol);
    await accept(carol, bob);
    await onPath([bob, carol], 'direct');
    const before = (await diagnostics(bob))?.connections[0]?.selected?.local;
    assert.ok(before);
    // What a browser tells a page when it is on a network again.
    await bob.page.evaluate(() => window.dispatchEvent(new Event('online')));
    await bob.page.waitForFunction(async (old) => {
      const now = await window.parley?.session?.call.get()?.diagnostics();
      const [connection, ...more] = now?.connections ?? [];
      return more.length === 0 && connection?.selected != null && connection.selected.local !== old;
    }, before);
    await everybodySeesAndHears([bob, carol]);
    await onPath([bob, carol], 'direct');
    await leave(bob);
  });

  it('R1: a wrong password is refused in words at the identity provider, and nobody is signed in', async () => {
    const dave = await stage.stranger('dave');
    await signIn(dave, 'not the password');
    await dave.page.getByRole('alert').getByText('wrong').waitFor();
    assert.equal(await dave.page.locator('#name').inputValue(), 'dave');
    await dave.page.goto(dave.person.origin);
    await appears(dave, 'sign-in-company');
  });
});
