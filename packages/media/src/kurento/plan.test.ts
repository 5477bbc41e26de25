// What holds for every plan, every way to it, and everything that comes from the server or goes there, whatever it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readPublisherOffer, readServerOffer } from './descriptions.ts';
import { browserAnswer, browserOffer } from './double/browser.ts';
import { pretendedAnswer, pretendedOffer } from './double/objects.ts';
import { readFrame, readStatistics, writeRequest } from './messages.ts';
import {
  assignLegs,
  isPort,
  type Link,
  MAX_PICTURES,
  MAX_RECEIVED,
  type PlannedRoom,
  planRoom,
  recorder,
  sinkKey,
  stepsTo,
} from './plan.ts';

const kinds = fc.constantFrom<('audio' | 'video')[]>(['audio'], ['video'], ['audio', 'video']);

/** Some people who publish, some who receive everybody or the mix, as the room would put it. */
const rooms: fc.Arbitrary<PlannedRoom> = fc
  .record({
    people: fc.array(
      fc.record({ publishes: fc.boolean(), receives: fc.constantFrom('nothing', 'single', 'mixed'), kinds }),
      {
        maxLength: 24,
      },
    ),
    recording: fc.boolean(),
  })
  .map(({ people, recording }) => {
    const named = people.map((person, index) => ({ ...person, device: `d${index}` }));
    const publishers = named
      .filter(({ publishes }) => publishes)
      .map(({ device, kinds: sent }) => ({ device, leg: `${device}-out`, kinds: sent }));
    const receivers = named.flatMap(({ device, receives }) => {
      if (receives === 'nothing') return [];
      if (receives === 'mixed') return [{ device, leg: `${device}-mix`, from: '*' }];
      return publishers
        .filter((publisher) => publisher.device !== device)
        .map((publisher) => ({ device, leg: `${device}-${publisher.device}`, from: publisher.device }));
    });
    return { publishers, receivers, recording };
  });

test('every sink has one source for each kind; nobody receives themselves; everybody what they should', () => {
  fc.assert(
    fc.property(rooms, (room) => {
      const { ports, links } = planRoom(room);
      assert.equal(new Set(links.map(sinkKey)).size, links.length);
      const mixing = room.recording || room.receivers.some(({ from }) => from === '*');
      assert.equal(ports.size > 0, mixing);
      for (const { source, sink } of links) {
        if (isPort(source)) assert.ok(ports.has(source));
        if (isPort(sink)) assert.ok(ports.has(sink));
      }
      const sourceOf = (sink: string, kind: string) =>
        links.find((link) => link.sink === sink && link.kind === kind)?.source;
      for (const { device, leg, from } of room.receivers) {
        const publisher = room.publishers.find((one) => one.device === from);
        if (publisher) {
          assert.notEqual(from, device);
          for (const kind of publisher.kinds) assert.equal(sourceOf(`leg ${leg}`, kind), `leg ${publisher.leg}`);
          continue;
        }
        const port = sourceOf(`leg ${leg}`, 'audio') ?? '';
        assert.ok(isPort(port));
        assert.equal(sourceOf(`leg ${leg}`, 'video'), port);
        // The mixer leaves out what comes in by that port: that must be their own sound, and nobody else's.
        const own = room.publishers.find((one) => one.device === device);
        const heard = own?.kinds.includes('audio') ? `leg ${own.leg}` : undefined;
        assert.equal(sourceOf(port, 'audio'), heard);
      }
      if (!mixing) return;
      const fed = links.filter(({ sink }) => isPort(sink));
      const speaking = room.publishers.filter((one) => one.kinds.includes('audio')).length;
      assert.equal(fed.filter(({ kind }) => kind === 'audio').length, speaking, 'everybody is heard');
      const showing = room.publishers.filter((one) => one.kinds.includes('video')).length;
      assert.equal(fed.filter(({ kind }) => kind === 'video').length, Math.min(MAX_PICTURES, showing));
      assert.equal(sourceOf(recorder, 'video') !== undefined, room.recording);
    }),
  );
});

test('from any plan to any other: the steps lead there, each is possible when its turn comes, and none is wasted', () => {
  fc.assert(
    fc.property(fc.array(rooms, { minLength: 2, maxLength: 4 }), (way) => {
      const connected = new Map<string, Link>();
      const open = new Set<string>();
      for (const room of way) {
        const plan = planRoom(room);
        const before = new Map(connected);
        for (const step of stepsTo(plan, connected, open)) {
          switch (step.do) {
            case 'open':
              assert.ok(!open.has(step.port));
              open.add(step.port);
              break;
            case 'connect':
              for (const end of [step.link.source, step.link.sink]) assert.ok(!isPort(end) || open.has(end));
              assert.notEqual(connected.get(sinkKey(step.link))?.source, step.link.source);
              connected.set(sinkKey(step.link), step.link);
              break;
            case 'disconnect':
              assert.ok(connected.delete(sinkKey(step.link)));
              break;
            case 'close':
              assert.ok(open.delete(step.port));
              for (const [key, { source, sink }] of connected)
                if (source === step.port || sink === step.port) connected.delete(key);
          }
        }
        assert.deepEqual([...open].sort(), [...plan.ports].sort());
        assert.deepEqual([...connected.keys()].sort(), plan.links.map(sinkKey).sort());
        for (const link of plan.links) {
          assert.equal(connected.get(sinkKey(link))?.source, link.source);
          // What goes on is not touched.
          if (before.get(sinkKey(link))?.source === link.source)
            assert.equal(connected.get(sinkKey(link)), before.get(sinkKey(link)));
        }
        assert.deepEqual(stepsTo(plan, connected, open), []);
      }
    }),
  );
});

test('legs keep whom they carry, are used again, and are never more than needed or allowed', () => {
  const name = fc.constantFrom(...Array.from({ length: 40 }, (_, index) => `d${index}`));
  const wanted = fc.uniqueArray(name, { maxLength: 40 });
  fc.assert(
    fc.property(fc.array(wanted, { maxLength: 6 }), (way) => {
      let legs: (string | null)[] = [];
      let most = 0;
      for (const now of way) {
        const next = assignLegs(legs, now);
        most = Math.max(most, Math.min(now.length, MAX_RECEIVED));
        assert.equal(next.length, most, 'a leg is opened only when none is free');
        legs.forEach((from, index) => {
          if (from !== null && now.includes(from)) assert.equal(next[index], from);
        });
        const carried = next.filter((from) => from !== null);
        assert.equal(new Set(carried).size, carried.length);
        assert.equal(carried.length, Math.min(now.length, MAX_RECEIVED));
        for (const from of carried) assert.ok(now.includes(from));
        legs = next;
      }
    }),
  );
});

test('any frame at all is read without an error, and no response is taken for another', () => {
  const values = fc.jsonValue();
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc
          .record(
            { id: values, jsonrpc: values, result: values, error: values, method: values, params: values },
            { requiredKeys: [] },
          )
          .map((frame) => JSON.stringify(frame)),
      ),
      (text) => {
        const frame = readFrame(text);
        if (frame.kind === 'result' || frame.kind === 'error') assert.equal(JSON.parse(text).id, frame.id);
        if (frame.kind === 'event') assert.equal(JSON.parse(text).params.value.object, frame.event.object);
      },
    ),
  );
  fc.assert(
    fc.property(fc.nat(), fc.oneof(fc.string(), fc.constant(null)), (id, value) => {
      const frame = readFrame(JSON.stringify({ id, jsonrpc: '2.0', result: { sessionId: 's', value } }));
      assert.deepEqual(frame, { kind: 'result', id, value, sessionId: 's', serverId: undefined });
    }),
  );
  fc.assert(fc.property(values, (value) => Object.values(readStatistics(value)).every((number) => number >= 0)));
});

test('requests are one JSON object each, with the session in its place', () => {
  const params = fc.dictionary(
    fc.string().filter((key) => key !== 'sessionId' && key !== '__proto__'),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(fc.nat(), params, fc.option(fc.uuid()), (id, given, session) => {
      const request = JSON.parse(writeRequest(id, 'invoke', given, session));
      assert.deepEqual([request.jsonrpc, request.id, request.method], ['2.0', id, 'invoke']);
      const { sessionId = null, ...rest } = request.params ?? {};
      assert.equal(sessionId, session);
      assert.deepEqual(rest, JSON.parse(JSON.stringify(given)));
    }),
  );
});

const section = fc.record({
  media: fc.constantFrom('audio' as const, 'video' as const, 'application' as const),
  codec: fc.constantFrom('opus/48000/2', 'VP8/90000', 'sing/1'),
  direction: fc.constantFrom('sendonly', 'sendrecv', 'recvonly', 'inactive'),
});

test('whatever a browser offers, the server sees one of each at most, and the answer has every section in its place', () => {
  fc.assert(
    fc.property(fc.array(section, { minLength: 1, maxLength: 8 }), (sections) => {
      const sdp = browserOffer(sections);
      const usable = (media: string, codec: string) =>
        sections.some((one) => one.media === media && one.codec === codec && one.direction.startsWith('send'));
      const expected = [usable('audio', 'opus/48000/2') && 'audio', usable('video', 'VP8/90000') && 'video'].filter(
        Boolean,
      );
      if (expected.length === 0) {
        assert.throws(() => readPublisherOffer(sdp), { code: 'invalid-session-description' });
        return;
      }
      const offer = readPublisherOffer(sdp);
      assert.equal(offer.forServer.match(/^m=/gm)?.length, expected.length);
      assert.ok(!/candidate|transport-cc|AV1/.test(offer.forServer));
      const { sdp: answer, kinds: taken } = offer.answer(pretendedAnswer(offer.forServer), [
        { candidate: 'candidate:9' },
      ]);
      assert.deepEqual([...taken].sort(), expected);
      assert.deepEqual(answer.match(/^a=mid:\d+/gm), sdp.match(/^a=mid:\d+/gm));
      assert.equal(answer.match(/^m=\w+ 9 /gm)?.length, expected.length);
      assert.equal(answer.match(/^a=candidate:9\r$/gm)?.length, 1);
    }),
  );
});

test('every offer of a leg describes the same connection, and its answers are read', () => {
  const offer = readServerOffer(pretendedOffer(), [{ candidate: 'candidate:9' }]);
  const set = fc.subarray<'audio' | 'video'>(['audio', 'video']);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), set, (revision, some) => {
      const sdp = offer.write(revision, new Set(some));
      assert.match(sdp, new RegExp(`^o=- 3 ${revision} `, 'm'));
      assert.equal(sdp.match(/^a=sendonly\r$/gm)?.length ?? 0, some.length);
      assert.equal(
        sdp.replace(/^o=.*|^a=(sendonly|inactive)/gm, ''),
        offer.write(1, new Set()).replace(/^o=.*|^a=(sendonly|inactive)/gm, ''),
      );
      const { forServer } = offer.readAnswer(browserAnswer(sdp));
      // The server is negotiated with once, so it is told at once that everything may come.
      assert.equal(forServer.match(/^a=recvonly\r$/gm)?.length, 2);
    }),
  );
});
