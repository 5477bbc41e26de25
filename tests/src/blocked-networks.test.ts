// Networks that let some or all media not through: what the people are told, and when (R70).
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openStage, type Stage } from './flows/stage.ts';
import { checkNoServerCarriesMedia, leave } from './flows/steps.ts';
import { accept, by, call, everybodySeesAndHears, expectNotice, signedIn, signIn } from './harness/actor.ts';

describe('a network that blocks', () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage({ calls: { ringSeconds: 30, transferSeconds: 8 } });
  });
  after(() => stage.close());
  afterEach(async () => {
    stage.checkMessages();
    await stage.clear();
  });

  it('everything but the web: said in words that name a way out, on both sides', async () => {
    const [bob, erin] = [await stage.actor('bob'), await stage.stranger('erin')];
    // A network that lets nothing through but the web: no address of this browser is of any use.
    await erin.page.addInitScript(() => {
      const Real = window.RTCPeerConnection;
      window.RTCPeerConnection = class extends Real {
        constructor(options?: RTCConfiguration) {
          super({ ...options, iceTransportPolicy: 'relay' });
        }
      };
    });
    await signIn(erin);
    await signedIn(erin);
    await call(bob, erin);
    await by(erin, 'accept').click();
    for (const actor of [bob, erin]) {
      const ended = by(actor, 'call-ended');
      await ended.waitFor({ timeout: 60_000 });
      assert.equal(await ended.getAttribute('data-reason'), 'media-failed');
      assert.match((await ended.textContent()) ?? '', /another network/);
    }
  });

  it('only the conference: said early in a direct call, which goes on', async () => {
    const [bob, erin] = [await stage.actor('bob'), await stage.stranger('erin')];
    // Connections on which one only sends lead to the conference service: here they find no way.
    await erin.page.addInitScript(() => {
      const { addTransceiver } = RTCPeerConnection.prototype;
      RTCPeerConnection.prototype.addTransceiver = function (track, init) {
        if (init?.direction === 'sendonly')
          this.setConfiguration({ ...this.getConfiguration(), iceTransportPolicy: 'relay' });
        return addTransceiver.call(this, track, init);
      };
    });
    await signIn(erin);
    await signedIn(erin);
    const warned = expectNotice(erin, 'trouble', 'blocks the conference');
    await call(bob, erin);
    await accept(erin, bob);
    await warned();
    await by(erin, 'add-person').click();
    await by(erin, 'add-problem').getByText('blocks the conference').waitFor();
    await by(erin, 'add-close').click();
    // Whoever is not blocked is not warned, and nothing of the trial is left on the server.
    assert.equal(await bob.page.evaluate(() => window.parley?.session?.call.get()?.view.get().cannotAdd), null);
    await checkNoServerCarriesMedia(stage);
    await everybodySeesAndHears([bob, erin]);
    await leave(bob);
  });
});
