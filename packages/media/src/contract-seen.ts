// The part of the contract that is about what people see and hear while they do something: make a tile smaller, switch a
// camera off, speak.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { end, enter, hears, next, perceives, received, sectionOf, sees, until } from './contract-browser.ts';
import type { ContractStage } from './contract-stage.ts';
import type { EngineCapabilities } from './engine.ts';

export function testWhatIsSeen(on: ContractStage, declared: EngineCapabilities): void {
  test('each gets the quality that fits the size of the tile', { skip: !declared.layers }, async () => {
    const room = await on.newRoom();
    const alice = await enter(on.stage(), room, 'alice', 'alice', { rids: ['h', 'm', 'l'] });
    const bob = await enter(on.stage(), room, 'bob', 'bob', { large: true });
    const carol = await enter(on.stage(), room, 'carol', 'carol', { large: true });
    await Promise.all([sees(bob, alice), sees(carol, alice)]);
    const width = async (who: typeof bob) => (await received(who, alice, 'video')).frameWidth;
    assert.equal(await width(bob), 640);
    assert.deepEqual(await alice.call('sentRids'), ['h'], 'what nobody wants is not sent');
    // Opening a window takes the whole machine; what counts is what the changes do, beside a picture that nobody changes.
    const freezes = async (who: typeof bob, of: typeof bob) => {
      const { freezeCount, totalFreezesDuration } = await received(who, of, 'video');
      return { count: freezeCount, seconds: totalFreezesDuration };
    };
    await Promise.all([sees(bob, carol), sees(carol, bob)]);
    const watched = [
      { who: bob, other: carol, changed: await freezes(bob, alice), same: await freezes(bob, carol) },
      { who: carol, other: bob, changed: await freezes(carol, alice), same: await freezes(carol, bob) },
    ];

    await room.prefer('bob', [{ publisher: 'alice', height: 120 }]);
    await until('bob has the small picture', async () => (await width(bob)) === 320);
    assert.equal(await width(carol), 640);
    await Promise.all([sees(bob, alice, 10), sees(carol, alice, 10)]);

    await room.prefer('carol', [{ publisher: 'alice', height: 170 }]);
    await until('only the small one is sent', async () => {
      return (await width(carol)) === 320 && String(await alice.call('sentRids')) === 'm';
    });
    await Promise.all([sees(bob, alice, 10), sees(carol, alice, 10)]);

    await room.prefer('bob', [{ publisher: 'alice', height: 720 }]);
    await until('bob has the full picture again', async () => (await width(bob)) === 640);
    await Promise.all([sees(bob, alice, 10), sees(carol, alice, 10)]);
    assert.equal(await width(carol), 320);
    for (const { who, other, changed, same } of watched) {
      const [now, anyway] = [await freezes(who, alice), await freezes(who, other)];
      const more = now.count - changed.count - (anyway.count - same.count);
      const longer = now.seconds - changed.seconds - (anyway.seconds - same.seconds);
      // A slow machine may be late with a key frame; that is to be short.
      assert.ok(
        more <= 1 || longer <= 0.5 * more,
        `${who.name}: ${more} freezes more, ${longer.toFixed(2)} s, in three changes than where nothing was changed`,
      );
    }
    await end(room, alice, bob, carol);
  });

  test('a picture that nobody shows is not passed on', { skip: !declared.layers }, async () => {
    const room = await on.newRoom();
    const alice = await enter(on.stage(), room, 'alice');
    const bob = await enter(on.stage(), room, 'bob');
    await perceives(bob, alice);
    const frames = async () => (await received(bob, alice, 'video')).framesDecoded;
    await room.prefer('bob', [{ publisher: 'alice', height: 0 }]);
    let last = -1;
    await until('no more frames', async () => {
      const before = last;
      last = await frames();
      await new Promise((resolve) => setTimeout(resolve, 200));
      return last === before;
    });
    await hears(bob, alice);
    await room.prefer('bob', []);
    await sees(bob, alice, 10);
    await end(room, alice, bob);
  });

  test('a camera that is switched off and on, and a microphone that is muted, break nothing', async () => {
    const room = await on.newRoom();
    const alice = await enter(on.stage(), room, 'alice');
    const bob = await enter(on.stage(), room, 'bob');
    await Promise.all([perceives(bob, alice), perceives(alice, bob)]);
    const losses: unknown[] = [];
    room.on('legLost', (loss) => losses.push(loss));
    const { offers } = bob;
    const offered = offers.length;

    await alice.call('send', 'video', false);
    if (declared.forwarding) {
      let last = -1;
      await until('no more frames', async () => {
        const before = last;
        last = (await received(bob, alice, 'video')).framesDecoded;
        await new Promise((resolve) => setTimeout(resolve, 200));
        return last === before;
      });
    }
    await hears(bob, alice);
    await alice.call('send', 'video', true);
    await sees(bob, alice, 10);

    await alice.call('silence', true);
    const at = sectionOf(bob, alice, 'audio');
    assert.ok(at);
    const loudness = () => bob.call<number>('loudness', at.leg, at.mid, alice.look.tone);
    await until('she is not heard', async () => (await loudness()) < -80);
    await perceives(alice, bob);
    await alice.call('silence', false);
    await hears(bob, alice);
    assert.deepEqual(losses, []);
    assert.equal(offers.length, offered, 'nothing is offered anew');
    await end(room, alice, bob);
  });

  test('it says who is speaking, and when nobody is', { skip: !declared.speaker }, async () => {
    const room = await on.newRoom();
    const alice = await enter(on.stage(), room, 'alice');
    const bob = await enter(on.stage(), room, 'bob');
    await Promise.all([perceives(bob, alice), perceives(alice, bob)]);
    const said: (string | null)[] = [];
    room.on('speaker', ({ device }) => said.push(device));
    await Promise.all([alice.call('silence', true), bob.call('silence', true)]);
    await until('nobody speaks', () => said.at(-1) === null);

    const bobSpeaks = next(room, 'speaker', () => true);
    await bob.call('silence', false);
    assert.deepEqual(await bobSpeaks, [{ device: 'bob' }]);
    const aliceSpeaks = next(room, 'speaker', ({ device }) => device === 'alice');
    await Promise.all([alice.call('silence', false), bob.call('silence', true)]);
    await aliceSpeaks;
    const nobody = next(room, 'speaker', () => true);
    await alice.call('silence', true);
    assert.deepEqual(await nobody, [{ device: null }]);
    await end(room, alice, bob);
  });
}
