// Who can be reached, as colleagues see it, and who is rung where (R9, R10, R13, R14): by what each window shows.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openStage, type Stage } from './flows/stage.ts';
import { leave } from './flows/steps.ts';
import { type Actor, accept, backToContacts, by, call, everybodySeesAndHears, find } from './harness/actor.ts';

describe('presence', () => {
  let stage: Stage;
  let bob: Actor;
  let carol: Actor;
  before(async () => {
    stage = await openStage();
    [bob, carol] = [await stage.actor('bob'), await stage.actor('carol')];
  });
  after(() => stage.close());
  afterEach(() => stage.checkMessages());

  /** Waits until the viewer's list of contacts says this of somebody, in a word. */
  async function sees(viewer: Actor, address: string, presence: string, word: string): Promise<void> {
    await by(viewer, `contact-${address}`)
      .and(viewer.page.locator(`[data-presence="${presence}"]`))
      .getByText(word, { exact: true })
      .first()
      .waitFor();
  }

  it('do not disturb: seen before calling, said when one calls all the same, and nothing rings', async () => {
    await by(bob, 'my-presence').selectOption('do-not-disturb');
    await sees(carol, bob.person.address, 'do-not-disturb', 'Do not disturb');
    await (await find(carol, bob.person.address)).click();
    await by(carol, 'call-ended').and(carol.page.locator('[data-outcome="do-not-disturb"]')).waitFor();
    await by(carol, 'call-ended').getByText('does not want to be disturbed').first().waitFor();
    assert.equal(await by(bob, 'incoming').count(), 0);
    await by(bob, 'my-presence').selectOption('available');
    await backToContacts(carol);
    await sees(carol, bob.person.address, 'available', 'Available');
  });

  it('in a call, as long as it goes on', async () => {
    const erin = await stage.actor('erin');
    await call(bob, carol);
    await accept(carol, bob);
    for (const { person } of [bob, carol]) await sees(erin, person.address, 'in-a-call', 'In a call');
    await leave(bob);
    for (const { person } of [bob, carol]) await sees(erin, person.address, 'available', 'Available');
  });

  it('both of two windows ring; when one answers, the other stops and says so', async () => {
    const other = await stage.another('carol');
    const rings = by(other, 'incoming').waitFor();
    await call(bob, carol);
    await rings;
    await accept(carol, bob);
    await by(other, 'incoming').waitFor({ state: 'hidden' });
    await by(other, 'notice').getByText('another device answered').waitFor();
    await everybodySeesAndHears([bob, carol]);
    await leave(bob);
    // The other window goes without a word: the person is still here.
    await other.close();
    await backToContacts(bob);
    await sees(bob, carol.person.address, 'available', 'Available');
  });

  it('offline in the moment in which the last window is closed, or the person signs out', async () => {
    const erin = await stage.actor('erin');
    await sees(bob, erin.person.address, 'available', 'Available');
    await erin.page.close();
    await sees(bob, erin.person.address, 'offline', 'Offline');
    await backToContacts(carol);
    await by(carol, 'sign-out').click();
    await by(carol, 'sign-in-company').waitFor();
    await sees(bob, carol.person.address, 'offline', 'Offline');
  });
});
