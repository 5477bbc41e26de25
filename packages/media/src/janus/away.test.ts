// A server elsewhere is cut off, is restarted, stays away, and has things left behind by a process that is no more.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { enter, openStage, perceives, received, type Stage, sees, until } from '../contract-browser.ts';
import { createJanusEngine, type JanusEngineOptions } from './index.ts';
import { participantsSchema, roomListSchema } from './messages.ts';
import { openSession } from './session.ts';
import { openTcpRelay } from './test-relay.ts';
import { inNamespace, type JanusServer, startJanus } from './test-server.ts';

/** An engine, and what it logs, as events. */
function engineWith(options: Pick<JanusEngineOptions, 'url' | 'owner' | 'awayMs'>) {
  const logged = new EventEmitter();
  return { logged, engine: createJanusEngine({ ...options, log: (event, details) => logged.emit(event, details) }) };
}

if (await inNamespace(import.meta.filename)) {
  describe('a Janus that is away', () => {
    let stage: Stage;
    let server: JanusServer;
    before(async () => {
      [stage, server] = await Promise.all([openStage(), startJanus({ port: 8188, reclaimSeconds: 20 })]);
    });
    after(async () => {
      await stage.close();
      await server.close();
    });

    test('a cut of its WebSocket is heard by nobody, and afterwards everything works', async (t) => {
      const relay = await openTcpRelay(8188);
      t.after(() => relay.close());
      const { engine, logged } = engineWith({ url: `ws://127.0.0.1:${relay.port}`, owner: 'cut' });
      const room = await engine.createRoom({ id: 'cut' });
      const ends: unknown[] = [];
      for (const event of ['closed', 'legLost'] as const) room.on(event, (what: unknown) => ends.push(what));
      engine.on('lost', () => ends.push('lost'));
      const alice = await enter(stage, room, 'alice');
      const bob = await enter(stage, room, 'bob');
      await Promise.all([perceives(bob, alice), perceives(alice, bob)]);
      const { keyFramesDecoded } = await received(bob, alice, 'video');
      const offers = bob.offers.length;

      const [cut, resumed] = ['janus-cut', 'janus-resumed'].map((event) => once(logged, event));
      relay.block(true);
      relay.cut();
      await cut;
      // Asked while it is away: it waits.
      const watcher = room.subscribe('watcher');
      await sees(bob, alice, 20);
      relay.block(false);
      await resumed;
      await watcher;
      await room.remove('watcher');
      // A picture that stopped would have been begun anew. Freezes are not counted: a busy machine makes them, too.
      assert.equal((await received(bob, alice, 'video')).keyFramesDecoded, keyFramesDecoded, 'media have not noticed');
      assert.equal(bob.offers.length, offers, 'nothing was negotiated anew');

      const carol = await enter(stage, room, 'carol');
      await Promise.all([perceives(carol, alice), perceives(bob, carol)]);
      assert.deepEqual(ends, []);
      await Promise.all([alice, bob, carol].map((person) => person.leave()));
      await engine.close();
    });

    test('a leg that was lost during the cut is lost after it', async (t) => {
      const relay = await openTcpRelay(8188);
      t.after(() => relay.close());
      const { engine, logged } = engineWith({ url: `ws://127.0.0.1:${relay.port}`, owner: 'cut' });
      const room = await engine.createRoom({ id: 'cut' });
      const alice = await enter(stage, room, 'alice');
      const bob = await enter(stage, room, 'bob');
      await perceives(bob, alice);
      const resumed = once(logged, 'janus-resumed');
      const lost = once(room, 'legLost');
      relay.block(true);
      relay.cut();
      await kick(server, 'cut');
      relay.block(false);
      await resumed;
      await lost;
      await Promise.all([alice, bob].map((person) => person.leave()));
      await engine.close();
    });

    test('a server that was restarted has lost its rooms; the next room is made on the new one', async (t) => {
      let other = await startJanus({ port: 8288, reclaimSeconds: 20 });
      // A server that is left over would keep this process from ending.
      t.after(() => other.close());
      const { engine } = engineWith({ url: other.url, owner: 'restart' });
      const room = await engine.createRoom({ id: 'r' });
      const alice = await enter(stage, room, 'alice');
      await until('connected', async () => (await room.statistics()).some(({ state }) => state === 'connected'));
      const ends = Promise.all([once(room, 'closed'), once(engine, 'lost')]);
      await other.kill();
      other = await startJanus({ port: 8288, reclaimSeconds: 20 });
      assert.deepEqual((await ends)[0], [{ reason: 'engine-lost' }]);
      assert.deepEqual([engine.rooms(), room.devices()], [[], []]);
      await assert.rejects(room.subscribe('alice'), { code: 'unknown-room' });
      await stage.giveBack(alice.page);

      const next = await engine.createRoom({ id: 'r' });
      const people = [await enter(stage, next, 'alice'), await enter(stage, next, 'bob')] as const;
      await perceives(people[1], people[0]);
      await Promise.all(people.map((person) => person.leave()));
      await engine.close();
      assert.deepEqual(await other.left(), []);
    });

    test('a server that stays away is lost in time; no room can be made there', async (t) => {
      const other = await startJanus({ port: 8288, reclaimSeconds: 20 });
      t.after(() => other.close());
      const { engine } = engineWith({ url: other.url, owner: 'gone', awayMs: 1000 });
      const room = await engine.createRoom({ id: 'r' });
      const ends = Promise.all([once(room, 'closed'), once(engine, 'lost')]);
      await other.close();
      const waiting = assert.rejects(room.subscribe('alice'), { code: 'engine-lost' });
      await ends;
      await waiting;
      await assert.rejects(engine.createRoom({ id: 'r' }), { code: 'no-conference-available' });
      assert.deepEqual(engine.rooms(), []);
      await engine.close();
    });

    test('rooms left behind by an earlier process are destroyed, and nobody else’s', async (t) => {
      const relay = await openTcpRelay(8188);
      t.after(() => relay.close());
      const earlier = engineWith({ url: `ws://127.0.0.1:${relay.port}`, owner: 'crashed', awayMs: 500 }).engine;
      const orphan = await earlier.createRoom({ id: 'left-behind' });
      const other = createJanusEngine({ url: server.url, owner: 'crash' });
      await other.createRoom({ id: 'of-another' });
      // For the server the process is gone from here on.
      const gone = once(orphan, 'closed');
      relay.block(true);
      relay.cut();
      await gone;
      const roomNames = async () => (await server.left()).flatMap((words) => words.split(' ')[3] ?? []).sort();
      assert.deepEqual(await roomNames(), ['left-behind', 'of-another']);
      const next = createJanusEngine({ url: server.url, owner: 'crashed' });
      await next.createRoom({ id: 'new' });
      assert.deepEqual(await roomNames(), ['new', 'of-another']);
      await Promise.all([next.close(), other.close(), earlier.close()]);
      assert.deepEqual(await roomNames(), []);
    });
  });
}

/** Throws a publisher out of the room of that name, as an administrator may. */
async function kick(server: JanusServer, name: string): Promise<void> {
  const ignore = () => undefined;
  const session = await openSession({ url: server.url, awayMs: 0, log: ignore }, { resumed: ignore, lost: ignore });
  const handle = await session.attach('janus.plugin.videoroom', 'test', ignore);
  const { list } = roomListSchema.parse((await handle.message({ request: 'list' })).data);
  const room = list.find(({ description }) => description.split(' ')[3] === name)?.room;
  const { participants } = participantsSchema.parse((await handle.message({ request: 'listparticipants', room })).data);
  await handle.message({ request: 'kick', room, id: participants[0]?.id });
  await session.close();
}
