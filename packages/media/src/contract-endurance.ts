// The part of the contract that is about lasting: many who come and go, figures that are true, the loss of the engine.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { end, enter, next, perceives, until } from './contract-browser.ts';
import { type ContractStage, type EngineTools, inFull } from './contract-stage.ts';
import type { MediaEngine, MediaRoom } from './engine.ts';

/** Handles that a runtime or a server opens once, for a purpose of its own. */
const HELD_MORE = 20;

export function testEndurance(
  on: ContractStage,
  create: () => MediaEngine | Promise<MediaEngine>,
  tools: EngineTools,
): void {
  const { lose, held } = tools;
  test('two hundred times in and out leave nothing behind', inFull(tools), async () => {
    const room = await on.newRoom();
    const alice = await enter(on.stage(), room, 'alice');
    const page = await on.stage().open();
    const look = { colour: 'black', tone: 300, width: 320 };
    const sdp = await page.evaluate(
      (how) => (globalThis as never as { peer: { offer(l: unknown): Promise<string> } }).peer.offer(how),
      look,
    );
    let heldEarly = 0;
    for (let turn = 0; turn < 200; turn += 1) {
      const offered = next(room, 'offer', ({ device, sources }) => device === 'guest' && sources.length > 0);
      await room.publish('guest', sdp);
      await room.subscribe('guest');
      await offered;
      if (turn % 50 === 0) {
        const legs = await room.statistics();
        assert.ok(
          ['publish', 'subscribe'].every((way) => legs.some((leg) => leg.device === 'guest' && leg.direction === way)),
        );
      }
      await room.remove('guest');
      if (turn === 20) heldEarly = (await held?.(on.engine())) ?? 0;
    }
    assert.deepEqual(room.devices(), ['alice']);
    assert.ok((await room.statistics()).every(({ device }) => device === 'alice'));
    assert.ok((alice.offers.at(-1)?.sdp.match(/^m=/gm)?.length ?? 0) <= 2, 'sections are used again');
    if (held) {
      let now = 0;
      await until(
        'what they held is let go',
        async () => {
          now = await held(on.engine());
          return now <= heldEarly + HELD_MORE;
        },
        () => `${heldEarly} after 20, ${now} after 200`,
      );
    }
    // Not one of them may have cost what the room is for.
    const bob = await enter(on.stage(), room, 'bob');
    await Promise.all([perceives(alice, bob), perceives(bob, alice)]);
    await on.stage().giveBack(page);
    await end(room, alice, bob);
  });

  test('the figures of every leg are true', inFull(tools), async () => {
    const room = await on.newRoom();
    const alice = await enter(on.stage(), room, 'alice');
    const bob = await enter(on.stage(), room, 'bob');
    await Promise.all([perceives(alice, bob), perceives(bob, alice)]);
    const before = await room.statistics();
    await perceives(bob, alice, 10);
    const after = await room.statistics();
    for (const { device, leg, direction, state, packetsReceived, packetsSent } of after) {
      assert.ok(device === 'alice' || device === 'bob');
      assert.equal(state, 'connected');
      const earlier = before.find((one) => one.leg === leg);
      assert.ok(earlier, 'nothing has been connected anew');
      // `null`: the engine cannot count them.
      const now = direction === 'publish' ? packetsReceived : packetsSent;
      const then = direction === 'publish' ? earlier.packetsReceived : earlier.packetsSent;
      assert.ok(now === null || (then !== null && now > then));
    }
    for (const device of ['alice', 'bob']) {
      for (const way of ['publish', 'subscribe'])
        assert.ok(after.some((leg) => leg.device === device && leg.direction === way));
    }
    await end(room, alice, bob);
  });

  test('an engine that is lost says so for every room, and has new ones when it is back', { skip: !lose }, async () => {
    const engine = await create();
    const rooms = await Promise.all(['lost-1', 'lost-2'].map((id) => engine.createRoom({ id })));
    const [room] = rooms;
    assert.ok(room && lose);
    const alice = await enter(on.stage(), room, 'alice');
    const bob = await enter(on.stage(), room, 'bob');
    await perceives(bob, alice);
    const ends = rooms.map((one) => once(one, 'closed'));
    const lost = once(engine, 'lost');
    await lose(engine);
    assert.deepEqual(await Promise.all(ends), [[{ reason: 'engine-lost' }], [{ reason: 'engine-lost' }]]);
    await lost;
    assert.deepEqual(engine.rooms(), []);
    assert.deepEqual(room.devices(), []);
    await Promise.all([alice, bob].map(({ page }) => on.stage().giveBack(page)));
    let again: MediaRoom | null = null;
    await until('rooms are to be had again', async () => {
      again = await engine.createRoom({ id: 'after' }).catch(() => null);
      return again !== null;
    });
    const back = again as MediaRoom | null;
    assert.ok(back);
    const carol = await enter(on.stage(), back, 'carol');
    const dave = await enter(on.stage(), back, 'bob', 'dave');
    await perceives(carol, dave);
    await end(back, carol, dave);
    await engine.close();
  });
}
