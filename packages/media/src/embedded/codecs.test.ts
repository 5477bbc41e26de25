// Every codec of the embedded engine is passed on as it is: a Chromium that would rather send it does, and another one
// decodes it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { end, enter, openStage, perceives, received, type Stage, sectionOf, until } from '../contract-browser.ts';
import type { MediaEngine } from '../engine.ts';
import { createEmbeddedEngine } from './index.ts';

let stage: Stage;
let engine: MediaEngine;
before(async () => {
  stage = await openStage();
  engine = createEmbeddedEngine({ listenAddress: '127.0.0.1', portRange: [0, 0] });
});
after(async () => {
  await stage.close();
  await engine.close();
});

for (const codec of ['VP8', 'VP9', 'H264', 'AV1']) {
  test(`${codec} is passed on, also to one who comes late`, async () => {
    const room = await engine.createRoom({ id: codec });
    const mimeType = `video/${codec}`;
    const alice = await enter(stage, room, 'alice', 'alice', { prefer: { video: mimeType } });
    const bob = await enter(stage, room, 'bob');
    await Promise.all([perceives(bob, alice), perceives(alice, bob)]);
    const carol = await enter(stage, room, 'carol');
    await perceives(carol, alice);
    for (const who of [bob, carol]) {
      const at = sectionOf(who, alice, 'video');
      assert.equal(await who.call('codec', at?.leg, at?.mid), mimeType);
    }
    await end(room, alice, bob, carol);
  });
}

test('Opus with RED is passed on', async () => {
  const room = await engine.createRoom({ id: 'red' });
  const alice = await enter(stage, room, 'alice', 'alice', { prefer: { audio: 'audio/red' } });
  const bob = await enter(stage, room, 'bob');
  await Promise.all([perceives(bob, alice), perceives(alice, bob)]);
  assert.match(bob.offers.at(-1)?.sdp ?? '', /a=rtpmap:63 red\/48000\/2/);
  // Each packet has the sound of the one before in it, too; the statistics call that Opus, and count from the beginning,
  // when there is nothing to repeat yet.
  await until('larger packets with RED than without', async () => {
    const [withRed, plain] = [await alice.call<number>('soundPacket'), await bob.call<number>('soundPacket')];
    return withRed > plain * 1.4;
  });
  await end(room, alice, bob);
});

test('when a sound and a picture were taken is passed on', async () => {
  const room = await engine.createRoom({ id: 'taken' });
  const [alice, bob] = [await enter(stage, room, 'alice', 'alice', { large: true }), await enter(stage, room, 'bob')];
  await perceives(bob, alice);
  for (const kind of ['audio', 'video'] as const) {
    const at = sectionOf(bob, alice, kind);
    // All of this is one machine, with one clock.
    await until(`${kind}: taken just now`, async () => {
      const taken = await bob.call<number | null>('taken', at?.leg, at?.mid);
      return taken !== null && Math.abs(Date.now() - taken) < 3000;
    });
  }
  await end(room, alice, bob);
});

test('in a large room only the latest speakers and those asked for are passed on', async () => {
  const small = createEmbeddedEngine({ listenAddress: '127.0.0.1', portRange: [0, 0], lastN: 1 });
  const room = await small.createRoom({ id: 'large' });
  const [alice, bob, carol] = [
    await enter(stage, room, 'alice'),
    await enter(stage, room, 'bob'),
    await enter(stage, room, 'carol'),
  ];
  const frames = async (of: typeof alice) => (await received(carol, of, 'video')).framesDecoded;
  /** Whose picture moves, seen from Carol. */
  const moving = async () => {
    const first = [await frames(alice), await frames(bob)];
    await new Promise((resolve) => setTimeout(resolve, 300));
    const then = [await frames(alice), await frames(bob)];
    return ['alice', 'bob'].filter((_, index) => (then[index] ?? 0) > (first[index] ?? 0)).join();
  };
  await Promise.all([alice, bob, carol].map((who) => who.call('silence', true)));
  await bob.call('silence', false);
  await until('only who speaks', async () => (await moving()) === 'bob');
  await room.prefer('carol', [{ publisher: 'alice', height: 360 }]);
  await until('who is asked for', async () => (await moving()) === 'alice');
  await room.prefer('carol', [
    { publisher: 'alice', height: 360 },
    { publisher: 'bob', height: 360 },
  ]);
  await until('both', async () => (await moving()) === 'alice,bob');
  await end(room, alice, bob, carol);
  await small.close();
});
