// A person with Firefox among people with Chromium, in the app as it is: a direct call that grows into a conference and
// shrinks again (R33, R41). Everybody sees and hears everybody on every path.
import { after, before, describe, it } from 'node:test';
import { findFirefox } from '@parley/test-browsers/firefox';
import { openStage, type Stage } from './flows/stage.ts';
import { addThird, leave } from './flows/steps.ts';
import { type Actor, by, everybodySeesAndHears, find, onPath, tile } from './harness/actor.ts';
import { PATIENCE_MS } from './harness/browser.ts';
import { clickIn, type FirefoxUser, hearsTone, openFirefoxUser, seesMark } from './harness/firefox.ts';
import { waitForTone } from './harness/senses.ts';
import { until } from './harness/waiting.ts';

const firefox = findFirefox();
const missing = firefox ? false : 'no Firefox here (Debian: sudo apt-get install firefox-esr)';
if (missing) console.error(`firefox.test.ts is SKIPPED: ${missing}`);

describe('Firefox among others', { skip: missing }, () => {
  let stage: Stage;
  let bob: Actor;
  let erin: Actor;
  let carol: FirefoxUser;
  before(async () => {
    stage = await openStage();
    const person = stage.demo.people.find(({ login }) => login === 'carol');
    if (!person) throw new Error('carol is not in the cast');
    [bob, erin, carol] = await Promise.all([
      stage.actor('bob'),
      stage.actor('erin'),
      openFirefoxUser(firefox ?? '', person, 2),
    ]);
  });
  after(async () => {
    await carol?.close();
    await stage?.close();
  });

  /** The picture of Carol is shown and changes: what her camera sends carries no mark. */
  async function seesCarol(actor: Actor): Promise<void> {
    const picture = by(actor, `tile-${carol.person.address}`).locator('.picture:not(.off) video').last();
    const frames = () =>
      picture.evaluate((video: HTMLVideoElement) => video.getVideoPlaybackQuality().totalVideoFrames);
    let first: number | undefined;
    await until(actor.page, PATIENCE_MS, `${actor.person.name} sees Carol moving`, async () => {
      const now = await frames();
      first ??= now;
      return now > first + 5;
    });
  }

  async function converse(others: readonly Actor[]): Promise<void> {
    const numbers = others.map(({ number }) => number);
    for (const actor of others) {
      const strangers = numbers.filter((number) => number !== actor.number);
      await seesMark(carol, tile(actor), actor.number);
      await hearsTone(carol, actor.person.address, actor.number, strangers);
      await seesCarol(actor);
      await waitForTone(actor.page, carol.person.address, carol.number, numbers, PATIENCE_MS);
    }
    await everybodySeesAndHears(others);
  }

  it('talks directly with Chromium', async () => {
    await (await find(bob, carol.person.address)).click();
    await clickIn(carol, 'accept');
    await converse([bob]);
    await onPath([bob], 'direct');
  });

  it('moves to a conference with the others when somebody is added', async () => {
    await addThird(bob, erin, [bob]);
    await converse([bob, erin]);
    await onPath([bob, erin], 'conference');
  });

  it('is in a direct call again when the third has left', async () => {
    await leave(erin);
    await onPath([bob], 'direct');
    await converse([bob]);
    await leave(bob);
    await clickIn(carol, 'call-ended-close');
  });
});
