// Somebody in a running conference asks for the mix, and takes it back: the conference moves to a real Janus, which mixes the
// sound, and nobody's sound stops for it (R54, R57). In a network of its own, as every test with a Janus.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { inNamespace, type JanusServer, startJanus } from '@parley/media/janus-server';
import { listen, type Mishaps, neverStopped, openMishaps } from './flows/mishaps.ts';
import { addThird, converse } from './flows/steps.ts';
import { type Actor, accept, by, call, onPath } from './harness/actor.ts';
import { PATIENCE_MS } from './harness/browser.ts';
import { POOL } from './harness/browser-pool.ts';
import { waitForTone } from './harness/senses.ts';

/** Whose sound the mix is (`mix` of the SDK). */
const MIX = '*';

if (await inNamespace(import.meta.filename)) {
  // The browsers of the pool are in another network.
  delete process.env[POOL];

  describe('the mix of a conference', () => {
    let server: JanusServer;
    let mishaps: Mishaps;
    before(async () => {
      server = await startJanus({ port: 8188, reclaimSeconds: 20 });
      mishaps = await openMishaps({
        engines: [
          { id: 'usual', kind: 'embedded' },
          { id: 'janus', kind: 'janus', url: server.url, mixing: true },
        ],
      });
    });
    after(async () => {
      await mishaps?.close();
      await server?.close();
    });

    async function chooses(actor: Actor, mixed: boolean): Promise<void> {
      await by(actor, 'call-menu').click();
      await by(actor, 'receive-mixed').click();
      const chosen = by(actor, 'receive-mixed').and(actor.page.locator(`[data-received="${mixed}"]`));
      await chosen.waitFor({ timeout: PATIENCE_MS });
      await actor.page.keyboard.press('Escape');
      await by(actor, 'receive-mixed').waitFor({ state: 'hidden' });
    }

    it('is heard by whoever asks for it, without their own voice; the others hear each other all the time', async () => {
      const { enter } = mishaps;
      const [bob, carol, erin] = await Promise.all([enter('bob'), enter('carol'), enter('erin')]);
      await call(bob, carol);
      await accept(carol, bob);
      await addThird(bob, erin, [bob, carol]);
      await onPath([bob, carol, erin], 'conference');
      await converse([bob, carol, erin]);
      await Promise.all([listen(bob, erin), listen(erin, bob)]);

      await chooses(carol, true);
      assert.ok((await server.left()).length > 0, 'the conference is on Janus');
      for (const heard of [bob, erin]) await waitForTone(carol.page, MIX, heard.number, [carol.number], PATIENCE_MS);
      // A mix of sounds has no picture; whoever wants little of a narrow network wants none.
      await by(carol, 'tile-mix').waitFor();

      await chooses(carol, false);
      await converse([bob, carol, erin]);
      await neverStopped([bob, erin], [erin, bob]);
      await mishaps.tidyUp();
    });
  });
}
