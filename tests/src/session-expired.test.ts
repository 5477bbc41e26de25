// A session that ends at the node while its page is open: each company's app says so in a sentence, asks to sign in again,
// and is the person's again once they have (R4, R76).
import { after, before, describe, it } from 'node:test';
import { openStage, type Stage } from './flows/stage.ts';
import { by, fillIn, signedIn } from './harness/actor.ts';
import { PATIENCE_MS } from './harness/browser.ts';

/** Long enough to come in, short enough to wait for the end. */
const SESSION_SECONDS = 30;
const HOURS = 'PARLEY_SIGNIN_SESSIONHOURS';

describe('a session that expires', () => {
  let stage: Stage;
  before(async () => {
    // The nodes are processes of their own and read it as an operator would set it.
    process.env[HOURS] = String(SESSION_SECONDS / 3600);
    stage = await openStage();
  });
  after(async () => {
    delete process.env[HOURS];
    await stage.close();
  });

  for (const [login, app] of [
    ['bob', 'the full app'],
    ['alice', 'the small app'],
  ] as const) {
    it(`is said in ${app}, which asks to sign in again`, async () => {
      const actor = await stage.actor(login);
      const { page, person } = actor;
      await by(actor, 'sign-in-error')
        .getByText('Your session has ended. Sign in again.')
        .waitFor({ timeout: SESSION_SECONDS * 1000 + PATIENCE_MS });
      await by(actor, 'self-address').waitFor({ state: 'detached' });
      await by(actor, 'sign-in-company').click();
      // The company’s identity provider may still know who sits there.
      await page.locator('#name').or(by(actor, 'self-address')).first().waitFor();
      if (await page.locator('#name').isVisible()) await fillIn(actor, person.login, person.password);
      await signedIn(actor);
      stage.checkMessages();
    });
  }
});
