// Chromium and Firefox in one conference on the embedded engine: each decodes the other's picture and hears the other, also
// when somebody comes later and when somebody goes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findFirefox } from '@parley/test-browsers/firefox';
import { end, enter, openStage, perceives, received, until } from '../contract-browser.ts';
import { openFirefoxStage } from '../contract-firefox.ts';
import { createEmbeddedEngine } from './index.ts';

const firefox = findFirefox();
const missing = firefox ? false : 'no Firefox here (Debian: sudo apt-get install firefox-esr)';
if (missing) console.error(`firefox.test.ts is SKIPPED: ${missing}`);

test('Chromium and Firefox see and hear each other', { skip: missing, timeout: 60_000 }, async (t) => {
  const [chromiumStage, firefoxStage] = await Promise.all([openStage(), openFirefoxStage(firefox ?? '')]);
  const engine = createEmbeddedEngine({ listenAddress: '127.0.0.1', portRange: [0, 0] });
  t.after(async () => {
    await Promise.all([chromiumStage.close(), firefoxStage.close()]);
    await engine.close();
  });
  const room = await engine.createRoom({ id: 'mixed' });
  const losses: unknown[] = [];
  room.on('legLost', (loss) => losses.push(loss));
  const alice = await enter(chromiumStage, room, 'alice', 'alice', { large: true, prefer: { audio: 'audio/red' } });
  const bob = await enter(firefoxStage, room, 'bob', 'bob', { large: true });
  await Promise.all([perceives(alice, bob, 20), perceives(bob, alice, 20)]);
  assert.equal((await received(alice, bob, 'video')).frameWidth, 640, 'nothing holds the picture of Firefox back');
  assert.equal((await received(bob, alice, 'video')).frameWidth, 640);

  const carol = await enter(chromiumStage, room, 'carol');
  await Promise.all([
    perceives(bob, carol),
    perceives(carol, bob),
    perceives(carol, alice),
    perceives(bob, alice),
    perceives(alice, bob),
  ]);
  await alice.leave();
  await until('Firefox is offered Carol only', () =>
    (bob.offers.at(-1)?.sources ?? []).every(({ publisher }) => publisher === 'carol'),
  );
  await Promise.all([perceives(bob, carol), perceives(carol, bob)]);
  assert.deepEqual(losses, []);
  await end(room, bob, carol);
});
