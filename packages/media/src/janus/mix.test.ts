// The sound of a room, mixed by a real Janus: everybody else is heard, nobody hears themselves.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { enter, openStage, type Participant, perceives, type Stage, sectionOf, until } from '../contract-browser.ts';
import { mixedSource } from '../engine.ts';
import { createJanusEngine } from './index.ts';
import { inNamespace, type JanusServer, startJanus } from './test-server.ts';

/** In one section: these are heard, those are not. */
async function hearsMix(listener: Participant, heard: readonly Participant[], unheard: readonly Participant[]) {
  let last: unknown;
  await until(
    `${listener.name} hears ${heard.map(({ name }) => name).join(' and ')}, not ${unheard.map(({ name }) => name).join()}`,
    async () => {
      const offer = listener.offers.at(-1);
      const section = offer?.sources.find(({ publisher }) => publisher === mixedSource);
      if (!offer || !section) return false;
      const levels = (people: readonly Participant[]) =>
        Promise.all(people.map(({ look }) => listener.call<number>('loudness', offer.leg, section.mid, look.tone)));
      const [loud, quiet] = await Promise.all([levels(heard), levels(unheard)]);
      last = { loud, quiet };
      return loud.every((level) => level > -60) && quiet.every((level) => level < Math.min(...loud) - 20);
    },
    () => JSON.stringify(last),
  ).catch(async (error: Error) => {
    const { leg = '' } = listener.offers.at(-1) ?? {};
    error.message += JSON.stringify(await listener.call('audible', leg, '0').catch(String));
    throw error;
  });
}

if (await inNamespace(import.meta.filename)) {
  describe('mixed sound', () => {
    let stage: Stage;
    let server: JanusServer;
    before(async () => {
      [stage, server] = await Promise.all([openStage(), startJanus({ port: 8188, reclaimSeconds: 20 })]);
    });
    after(async () => {
      await stage.close();
      await server.close();
    });

    test('a listener may change to the mix and back; who comes, publishes anew and goes is in it', async () => {
      const engine = createJanusEngine({
        url: server.url,
        owner: 'mix',
        mixing: true,
        log: (event, details) => {
          if (event === 'janus-mix') console.error(event, details);
        },
      });
      const room = await engine.createRoom({ id: 'mix' });
      const alice = await enter(stage, room, 'alice');
      const bob = await enter(stage, room, 'bob');
      await perceives(bob, alice);
      const each = sectionOf(bob, alice, 'audio')?.leg;
      await room.subscribe('bob', { mixed: true });
      await hearsMix(bob, [alice], [bob]);
      assert.deepEqual(
        bob.offers.at(-1)?.sources.map(({ publisher, kind }) => ({ publisher, kind })),
        [{ publisher: mixedSource, kind: 'audio' }],
        'one sound, and no picture',
      );
      await until('the leg before is gone', async () => (await room.statistics()).every(({ leg }) => leg !== each));

      const carol = await enter(stage, room, 'carol');
      await perceives(alice, carol);
      await room.subscribe('carol', { mixed: true });
      await Promise.all([hearsMix(bob, [alice, carol], [bob]), hearsMix(carol, [alice, bob], [carol])]);

      await alice.publish();
      await until(
        'replaced',
        async () => (await room.statistics()).filter((leg) => leg.device === 'alice').length === 2,
      );
      await alice.call('stopOld');
      await hearsMix(bob, [alice, carol], [bob]);

      await room.subscribe('bob');
      await Promise.all([perceives(bob, alice), perceives(bob, carol), hearsMix(carol, [alice, bob], [carol])]);
      await alice.leave();
      await hearsMix(carol, [bob], [carol, alice]);
      await Promise.all([bob, carol].map((person) => person.leave()));
      assert.deepEqual(await room.statistics(), []);
      await engine.close();
      assert.deepEqual(await server.left(), [], 'nothing is left on the server');
    });
  });
}
