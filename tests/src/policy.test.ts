// Rules of who may call whom, as people notice them when an administrator changes the file while they talk (R48).
import { writeFile } from 'node:fs/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import { openStage, type Stage } from './flows/stage.ts';
import {
  type Actor,
  accept,
  backToContacts,
  by,
  call,
  everybodySeesAndHears,
  find,
  sees,
  signInWithoutKey,
} from './harness/actor.ts';
import { PATIENCE_MS } from './harness/browser.ts';
import { until } from './harness/waiting.ts';

const apart = `rules:
  - { name: no-enterprise2-in, from: ['*@enterprise2.example'], decision: deny }
  - { name: no-enterprise2-out, to: ['*@enterprise2.example'], decision: deny }
`;

describe('rules that change', () => {
  let stage: Stage;
  let alice: Actor;
  let bob: Actor;
  /** Writes Enterprise 1's rules. */
  const rule = (text: string) =>
    writeFile(stage.demo.companies.find(({ id }) => id === 'enterprise1')?.policyFile ?? '', text);
  before(async () => {
    stage = await openStage();
    [alice, bob] = await Promise.all([stage.actor('alice'), stage.actor('bob')]);
  });
  after(() => stage.close());
  afterEach(() => stage.checkMessages());

  it('end a running call, keep both sides from calling, and let them call again', async () => {
    await call(alice, bob);
    await accept(bob, alice);
    await everybodySeesAndHears([alice, bob]);
    await rule(apart);
    const removed = by(bob, 'call-ended').and(bob.page.locator('[data-reason="removed"]'));
    await removed.getByText('rules do not permit').waitFor();
    await by(alice, 'call-ended').waitFor();
    await Promise.all([alice, bob].map(backToContacts));
    await (await find(bob, alice.person.address)).click();
    await bob.page.getByText('rules do not permit this call').first().waitFor();
    await (await find(alice, bob.person.address)).click();
    await by(alice, 'call-ended').getByText('does not take this call').waitFor();
    await backToContacts(alice);
    await rule('default: allow\n');
    await until(bob.page, PATIENCE_MS, 'Bob may look somebody up there again', () =>
      bob.page.evaluate(async () => {
        const found = window.parley?.session?.search('dave@enterprise2.example');
        return (await found?.catch(() => null)) != null;
      }),
    );
    await call(alice, bob);
    await accept(bob, alice);
    await by(alice, 'leave').click();
    await Promise.all([alice, bob].map(backToContacts));
  });
  it('end the ringing of one whom another company calls', async () => {
    await call(alice, bob);
    await rule(apart);
    // Bob's node tells him nothing more of that call: his window goes because it says that the call is withdrawn.
    await by(bob, 'incoming').waitFor({ state: 'hidden' });
    await by(alice, 'call-ended').getByText('does not take this call').waitFor();
    await backToContacts(alice);
    await rule('default: allow\n');
  });

  it('demand that people are proven, also of a call that runs', async () => {
    const erin = await stage.stranger('erin');
    await signInWithoutKey(erin);
    await call(erin, bob);
    await accept(bob, erin);
    await sees(bob, erin, 'unverified', 'proof-missing');
    await rule('rules:\n  - { name: proven-only, decision: allow, requiredTrust: verified }\n');
    await by(bob, 'call-ended').and(bob.page.locator('[data-reason="untrusted"]')).waitFor();
    await by(erin, 'call-ended').waitFor();
  });
});
