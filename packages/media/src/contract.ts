// What every media engine must do, as a person in a conference would notice it. One suite, run by each engine's own test
// with real browsers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, before, describe, test } from 'node:test';
import { ParleyError } from '@parley/protocol';
import {
  enter,
  next,
  openStage,
  type Participant,
  perceives,
  received,
  type Stage,
  sectionOf,
  sees,
  until,
} from './contract-browser.ts';
import { testEndurance } from './contract-endurance.ts';
import { openLossyRelay } from './contract-relay.ts';
import { testWhatIsSeen } from './contract-seen.ts';
import { type ContractStage, type EngineTools, inFull } from './contract-stage.ts';
import type { EngineCapabilities, MediaEngine } from './engine.ts';

/** Apps offer their picture in several qualities, of which one is sent until others are asked for. */
const asApps = { rids: ['h', 'm', 'l'] };

const refused = (error: unknown) => error instanceof ParleyError && error.code === 'invalid-session-description';

/** Registers the suite for one engine. */
export function testMediaEngine(
  create: () => MediaEngine | Promise<MediaEngine>,
  declared: EngineCapabilities,
  tools: EngineTools = {},
): void {
  describe('media engine contract', () => {
    let stage: Stage;
    let engine: MediaEngine;
    let count = 0;
    const newRoom = () => {
      count += 1;
      return engine.createRoom({ id: `room-${count}` });
    };
    const leaveAll = (...people: Participant[]) => Promise.all(people.map((person) => person.leave()));

    before(async () => {
      [stage, engine] = await Promise.all([openStage(), create()]);
    });
    afterEach(() => stage.takeBack());
    after(async () => {
      await stage.close();
      await engine.close();
    });

    test('it says what it can do', () => {
      assert.deepEqual({ ...engine.capabilities }, { ...declared });
    });

    test('two people see and hear each other; a third comes late; one leaves; one crashes', async () => {
      const room = await newRoom();
      const connected: string[] = [];
      room.on('connected', ({ device }) => connected.push(device));
      const alice = await enter(stage, room, 'alice', 'alice', asApps);
      const bob = await enter(stage, room, 'bob', 'bob', asApps);
      await Promise.all([perceives(alice, bob), perceives(bob, alice)]);
      assert.deepEqual([...connected].sort(), ['alice', 'bob']);

      const carol = await enter(stage, room, 'carol', 'carol', asApps);
      await Promise.all([
        perceives(carol, alice),
        perceives(carol, bob),
        perceives(alice, carol),
        perceives(bob, carol),
      ]);
      assert.deepEqual([...room.devices()].sort(), ['alice', 'bob', 'carol']);

      const seenBefore = sectionOf(alice, bob, 'video');
      await bob.leave();
      await until('bob is gone from the offers', () =>
        [alice, carol].every(
          ({ offers }) => offers.at(-1)?.sources.every(({ publisher }) => publisher !== 'bob') ?? false,
        ),
      );
      if (declared.forwarding && seenBefore) {
        await until('his section is inactive', async () => {
          return (await alice.call('direction', seenBefore.leg, seenBefore.mid)) === 'inactive';
        });
      }
      const { keyFramesDecoded, frameWidth } = await received(alice, carol, 'video');
      await Promise.all([perceives(alice, carol, 10), perceives(carol, alice, 10)]);
      // A picture that stopped would have been begun anew. Freezes are not counted: a busy machine makes them, too.
      const after = await received(alice, carol, 'video');
      const begun = `nobody else is disturbed (${frameWidth}, then ${after.frameWidth} wide)`;
      assert.equal(after.keyFramesDecoded, keyFramesDecoded, begun);

      const lost = next(room, 'legLost', ({ device }) => device === 'carol');
      await carol.page.close();
      await lost;
      await until('carol has no legs', () => !room.devices().includes('carol'));
      const dave = await enter(stage, room, 'bob', 'dave', asApps);
      await Promise.all([perceives(alice, dave), perceives(dave, alice)]);
      if (declared.forwarding) {
        assert.deepEqual(sectionOf(alice, dave, 'video'), seenBefore, 'the section of one who left is used again');
      }
      await leaveAll(alice, dave);
      assert.deepEqual(room.devices(), []);
      assert.deepEqual(await room.statistics(), []);
      await room.close();
    });

    test('a picture sent through has full size and rate, and nothing holds it back', inFull(tools), async () => {
      const room = await newRoom();
      const alice = await enter(stage, room, 'alice', 'alice', { large: true });
      const bob = await enter(stage, room, 'bob');
      await sees(bob, alice);
      type Sent = { frameWidth: number; framesPerSecond: number; qualityLimitationReason: string };
      await until('640 wide, nearly 20 a second, not limited', async () => {
        const sent = await alice.call<Sent>('sent');
        return sent.frameWidth === 640 && sent.framesPerSecond >= 18 && sent.qualityLimitationReason !== 'bandwidth';
      });
      assert.equal((await received(bob, alice, 'video')).frameWidth, 640);
      await leaveAll(alice, bob);
      await room.close();
    });

    test('one who joins late gets a key frame at once', inFull(tools), async () => {
      const room = await newRoom();
      const alice = await enter(stage, room, 'alice');
      const bob = await enter(stage, room, 'bob');
      await sees(bob, alice, 10);
      const { keyFramesDecoded } = await received(bob, alice, 'video');
      const carol = await enter(stage, room, 'carol');
      await sees(carol, alice, 1);
      await until(
        'everybody gets it',
        async () => (await received(bob, alice, 'video')).keyFramesDecoded > keyFramesDecoded,
      );
      const legs = await room.statistics();
      const { keyframeRequests = 0 } = legs.find(({ leg }) => leg === alice.leg) ?? {};
      assert.ok(keyframeRequests === null || keyframeRequests >= 1);
      await leaveAll(alice, bob, carol);
      await room.close();
    });

    test('lost packets are sent again, on the way in and on the way out', inFull(tools), async (t) => {
      const room = await newRoom();
      const relay = openLossyRelay(20);
      // Also when the test fails: an open socket would keep its process from ending.
      t.after(() => relay.close());
      const alice = await enter(stage, room, 'alice', 'alice', { relay });
      const bob = await enter(stage, room, 'bob', 'bob', { relay });
      await Promise.all([perceives(bob, alice), perceives(alice, bob)]);
      const requests = async () => {
        const told = (await room.statistics()).map((leg) => leg.keyframeRequests);
        if (told.every((count) => count !== null)) return told.reduce((sum, count) => sum + count, 0);
        // The engine cannot tell: what the browsers have asked for.
        const seen = await Promise.all([received(bob, alice, 'video'), received(alice, bob, 'video')]);
        return seen.reduce((sum, { pliCount }) => sum + pliCount, 0);
      };
      const before = await requests();
      const lostBefore = relay.lost();
      await Promise.all([sees(bob, alice, 100), sees(alice, bob, 100)]);
      assert.ok(relay.lost() - lostBefore >= 20, 'packets were lost');
      // A packet that is sent again can be lost too, and then only a key frame helps. Without sending again, every loss
      // of these seconds would need one.
      const asked = (await requests()) - before;
      assert.ok(asked <= 2, `gaps were filled, so hardly anybody had to ask for a key frame, yet ${asked} did`);
      const legs = await room.statistics();
      for (const way of ['publish', 'subscribe']) {
        assert.ok(
          legs.some(({ direction, retransmissions: count }) => direction === way && (count === null || count > 0)),
          way,
        );
      }
      await leaveAll(alice, bob);
      await room.close();
    });

    test('publishing again replaces the leg; others go on seeing and hearing', async () => {
      const room = await newRoom();
      const alice = await enter(stage, room, 'alice');
      const bob = await enter(stage, room, 'bob');
      await perceives(bob, alice);
      const old = alice.leg;
      const losses: unknown[] = [];
      room.on('legLost', (loss) => losses.push(loss));
      const again = next(room, 'connected', ({ device }) => device === 'alice');
      await alice.publish();
      assert.notEqual(alice.leg, old);
      await again;
      await alice.call('stopOld');
      await perceives(bob, alice, 10);
      const legs = (await room.statistics()).filter(
        ({ device, direction }) => device === 'alice' && direction === 'publish',
      );
      assert.deepEqual(
        legs.map(({ leg }) => leg),
        [alice.leg],
      );
      assert.deepEqual(losses, []);
      await leaveAll(alice, bob);
      await room.close();
    });

    test('a device that publishes and subscribes anew is offered everything on a new leg', inFull(tools), async () => {
      const room = await newRoom();
      const alice = await enter(stage, room, 'alice');
      const bob = await enter(stage, room, 'bob');
      await perceives(bob, alice);
      const old = sectionOf(bob, alice, 'video')?.leg;
      await bob.publish();
      await room.subscribe('bob');
      await until('a new leg', () => sectionOf(bob, alice, 'video')?.leg !== old);
      await perceives(bob, alice);
      await until('the old leg is gone', async () => (await room.statistics()).every(({ leg }) => leg !== old));
      await leaveAll(alice, bob);
      await room.close();
    });

    test('a bad description is refused and changes nothing', async () => {
      const room = await newRoom();
      const alice = await enter(stage, room, 'alice');
      const page = await stage.open();
      const offer = await page.evaluate(async () => {
        const { RTCPeerConnection } = globalThis as never as { RTCPeerConnection: new () => never };
        const pc = new RTCPeerConnection() as {
          addTransceiver(kind: string): void;
          createOffer(): Promise<{ sdp: string }>;
        };
        pc.addTransceiver('audio');
        return (await pc.createOffer()).sdp;
      }, null);
      const bad = [
        '',
        'nonsense',
        'v=0\r\n',
        offer.replace(/a=fingerprint:.*/g, 'a=fingerprint:sha-256 00'),
        offer.replace(/a=ice-pwd:.*/g, 'a=ice-pwd:short'),
        offer.replaceAll('opus', 'sing'),
        offer.replaceAll('a=sendrecv', 'a=recvonly'),
        offer + 'a=x'.repeat(70_000),
      ];
      for (const sdp of bad) await assert.rejects(room.publish('mallory', sdp), refused);
      assert.deepEqual(room.devices(), ['alice']);
      await room.addCandidates(alice.leg, [{ candidate: 'candidate:nonsense' }]);
      await room.addCandidates('no-such-leg', [{ candidate: '' }]);

      const offered = next(room, 'offer', ({ device }) => device === 'watcher');
      await room.subscribe('watcher');
      const [{ leg, revision, sdp }] = await offered;
      await assert.rejects(room.answer(leg, revision, 'nonsense'), refused);
      await assert.rejects(room.answer(leg, revision, sdp.replace('m=audio', 'm=video')), refused);
      // An answer to an offer that is not the latest is not even read.
      await room.answer(leg, revision - 1, 'nonsense');
      await room.answer(leg, revision + 1, 'nonsense');
      await room.answer('no-such-leg', 1, 'nonsense');
      await room.remove('watcher');
      const bob = await enter(stage, room, 'bob');
      await perceives(bob, alice);
      await stage.giveBack(page);
      await leaveAll(alice, bob);
      await room.close();
    });

    test('a room that is closed frees everything and says so once', async () => {
      const room = await newRoom();
      const alice = await enter(stage, room, 'alice');
      const bob = await enter(stage, room, 'bob');
      await sees(bob, alice);
      const ends: unknown[] = [];
      room.on('closed', (end) => ends.push(end));
      await room.close();
      await room.close();
      assert.deepEqual(ends, [{ reason: 'closed' }]);
      assert.deepEqual(room.devices(), []);
      assert.deepEqual(await room.statistics(), []);
      assert.ok(!engine.rooms().includes(room.id));
      await assert.rejects(
        room.subscribe('alice'),
        (error) => error instanceof ParleyError && error.code === 'unknown-room',
      );
      await Promise.all([alice, bob].map(({ page }) => stage.giveBack(page)));
    });

    const on: ContractStage = { stage: () => stage, engine: () => engine, newRoom };
    testWhatIsSeen(on, declared);
    testEndurance(on, create, tools);

    test('an engine that is closed ends its rooms', async () => {
      const other = await create();
      const room = await other.createRoom({ id: 'last' });
      const alice = await enter(stage, room, 'alice');
      const closed = once(room, 'closed');
      await other.close();
      assert.deepEqual(await closed, [{ reason: 'closed' }]);
      assert.deepEqual(other.rooms(), []);
      await assert.rejects(other.createRoom({ id: 'one more' }), ParleyError);
      await stage.giveBack(alice.page);
    });
  });
}
