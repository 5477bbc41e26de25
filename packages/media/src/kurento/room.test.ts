// Rooms of the Kurento engine on a double of the server without media: the traps that concern objects, events and
// negotiation, and what is connected with what.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  answering,
  arrive,
  browserAnswer,
  browserOffer,
  endpoints,
  engineOn,
  nextEvent,
  soundOnly,
  until,
} from './double/browser.ts';
import { Refusal } from './double/objects.ts';
import { type KurentoDouble, openKurentoDouble } from './double/server.ts';
import type { KurentoEngineOptions } from './index.ts';

async function start(t: TestContext, more: Partial<KurentoEngineOptions> = {}) {
  const double = await openKurentoDouble();
  const { engine, logged } = engineOn(double, more);
  t.after(async () => {
    await engine.close();
    await double.stop();
  });
  const room = await engine.createRoom({ id: 'a' });
  return { double, engine, room, logged };
}

/** What feeds what: `source>sink kind`, each named by its place among the objects of its type. */
function wires(double: KurentoDouble): string[] {
  const places = new Map<string, string>();
  for (const type of ['WebRtcEndpoint', 'HubPort', 'RecorderEndpoint']) {
    for (const [index, { id }] of double.objects(type).entries()) places.set(id, `${type}${index}`);
  }
  return double
    .store()
    .links.map(({ source, sink, kind }) => `${places.get(source)}>${places.get(sink)} ${kind}`)
    .sort();
}

const both = (pair: string) => [`${pair} AUDIO`, `${pair} VIDEO`];
const calls = (double: KurentoDouble, operation: string) =>
  double.seen.filter(({ params }) => params.operation === operation).length;

test('candidates that come before the response that causes them are in the answer', async (t) => {
  const { room } = await start(t);
  const { sdp } = await room.publish('alice', browserOffer());
  assert.match(sdp, /^a=candidate:1 1 UDP 2015363327 127\.0\.0\.1 40000 typ host\r$/m);
  assert.match(sdp, /^a=end-of-candidates\r$/m);
});

test('events are asked for before anything is negotiated', async (t) => {
  const { double, room } = await start(t);
  await room.publish('alice', browserOffer());
  const [endpoint] = endpoints(double);
  const about = double.seen.filter(({ params }) => params.object === endpoint?.id);
  const firstInvoked = about.findIndex(({ method }) => method === 'invoke');
  const lastSubscribed = about.findLastIndex(({ method }) => method === 'subscribe');
  assert.ok(firstInvoked > lastSubscribed);
});

test('the server sees one sound and one picture, Opus and VP8; the browser gets an answer to all it offered', async (t) => {
  const { double, room } = await start(t);
  const camera = { media: 'video', codec: 'VP8/90000', direction: 'sendonly' } as const;
  const sections = [
    { media: 'application', codec: '', direction: '' } as const,
    camera,
    { media: 'audio', codec: 'opus/48000/2', direction: 'sendrecv' } as const,
    camera,
  ];
  const { sdp } = await room.publish('alice', browserOffer(sections));
  const { offer } = Object(
    double.seen.find(({ params }) => params.operation === 'processOffer')?.params.operationParams,
  );
  assert.deepEqual(offer.match(/^m=.*$/gm), ['m=video 9 UDP/TLS/RTP/SAVPF 97', 'm=audio 9 UDP/TLS/RTP/SAVPF 98']);
  assert.ok(!/AV1|transport-cc|candidate|sendrecv/.test(offer));
  assert.deepEqual(sdp.match(/^m=\S+ \d+/gm), ['m=application 0', 'm=video 9', 'm=audio 9', 'm=video 0']);
  assert.deepEqual(
    sdp.match(/^a=mid:.*$/gm)?.map((line) => line.trim()),
    ['a=mid:0', 'a=mid:1', 'a=mid:2', 'a=mid:3'],
  );
  assert.match(sdp, /^a=group:BUNDLE 1 2\r$/m);
});

test('a receiver is offered Opus and VP8 only, though the server begins with AV1, and in one direction', async (t) => {
  const { room } = await start(t);
  const offers = answering(room, 'bob');
  await room.publish('alice', browserOffer());
  await room.subscribe('bob');
  await until('an offer', () => offers.length === 1);
  const [{ sdp = '', sources = [], revision = 0 } = {}] = offers;
  assert.deepEqual(sdp.match(/^m=.*\r$/gm), ['m=audio 9 UDP/TLS/RTP/SAVPF 96\r', 'm=video 9 UDP/TLS/RTP/SAVPF 97\r']);
  assert.equal(sdp.match(/^a=sendonly\r$/gm)?.length, 2);
  assert.ok(!/AV1|H264|PCMU|sendrecv/.test(sdp));
  assert.equal(revision, 1);
  assert.deepEqual(sources, [
    { mid: 'audio0', kind: 'audio', publisher: 'alice' },
    { mid: 'video0', kind: 'video', publisher: 'alice' },
  ]);
});

test('each endpoint is negotiated once, however often it is used again', async (t) => {
  const { double, room } = await start(t);
  const offers = answering(room, 'watcher');
  await room.subscribe('watcher');
  for (const name of ['alice', 'bob', 'carol']) {
    await room.publish(name, browserOffer());
    await until(`${name} is offered`, () => offers.at(-1)?.sources[0]?.publisher === name);
    await until('answered', () => wires(double).length === 2);
    await room.remove(name);
    await until('inactive', () => offers.at(-1)?.sources.length === 0);
  }
  assert.equal(new Set(offers.map(({ leg }) => leg)).size, 1, 'one leg for all of them');
  assert.deepEqual(
    offers.map(({ revision }) => revision),
    [1, 2, 3, 4, 5, 6],
  );
  assert.match(offers[1]?.sdp ?? '', /^o=- \d+ 2 /m);
  assert.equal(offers[1]?.sdp.match(/^a=inactive\r$/gm)?.length, 2);
  assert.equal(calls(double, 'processAnswer'), 1);
  assert.equal(calls(double, 'generateOffer'), 1);
  await until('those of the others are released', () => endpoints(double).length === 1);
});

test('sound alone is offered as sound alone', async (t) => {
  const { double, room } = await start(t);
  const offers = answering(room, 'bob');
  await room.subscribe('bob');
  await room.publish('alice', soundOnly());
  await until('an offer', () => offers.length === 1);
  assert.deepEqual(
    offers[0]?.sources.map(({ kind }) => kind),
    ['audio'],
  );
  assert.equal(offers[0]?.sdp.match(/^a=inactive\r$/gm)?.length, 1);
  await until('connected', () => wires(double).length === 1);
});

test('“connected” is the flow out of the endpoint, from the browser, not the flow into it', async (t) => {
  const { double, room } = await start(t);
  const connected: string[] = [];
  room.on('connected', ({ device }) => connected.push(device));
  await room.publish('alice', browserOffer());
  const [alice] = endpoints(double);
  for (const mediaType of ['AUDIO', 'VIDEO']) {
    double.tell(alice?.id ?? '', 'MediaFlowInStateChanged', { state: 'FLOWING', padName: 'default', mediaType });
  }
  double.tell(alice?.id ?? '', 'MediaFlowOutStateChanged', {
    state: 'NOT_FLOWING',
    padName: 'default',
    mediaType: 'AUDIO',
  });
  await room.statistics();
  assert.deepEqual(connected, []);
  arrive(double, alice, true);
  arrive(double, alice, true);
  await room.statistics();
  assert.deepEqual(connected, ['alice'], 'once');
});

test('a description the server refuses changes nothing and leaves nothing', async (t) => {
  const { double, room } = await start(t);
  double.before = ({ params }) => {
    if (params.operation === 'processOffer') throw new Refusal(40201, 'Invalid SDP', 'SDP_PARSE_ERROR');
  };
  await assert.rejects(room.publish('alice', browserOffer()), { code: 'invalid-session-description' });
  assert.deepEqual(room.devices(), []);
  assert.deepEqual(endpoints(double), []);
});

test('a server that can take no more says so as an engine that is full', async (t) => {
  const { double, engine, room } = await start(t);
  double.before = ({ method }) => {
    if (method === 'create') throw new Refusal(40401, 'Not enough resources', 'NOT_ENOUGH_RESOURCES');
  };
  await assert.rejects(room.publish('alice', browserOffer()), { code: 'no-conference-available' });
  await assert.rejects(engine.createRoom({ id: 'b' }), { code: 'no-conference-available' });
  assert.deepEqual(room.devices(), []);
  assert.deepEqual(engine.rooms(), ['a']);
});

test('a pipeline that somebody has released is a room that is lost', async (t) => {
  const { double, engine, room } = await start(t);
  const closed = nextEvent(room, 'closed');
  double.store().release(double.objects('MediaPipeline')[0]?.id ?? '');
  await assert.rejects(room.publish('alice', browserOffer()), { code: 'no-conference-available' });
  assert.deepEqual(await closed, [{ reason: 'engine-lost' }]);
  assert.deepEqual(engine.rooms(), []);
});

for (const [what, type, data] of [
  ['ICE fails', 'IceComponentStateChanged', { streamId: 1, componentId: 1, state: 'FAILED' }],
  ['the browser ends DTLS', 'DtlsConnectionStateChange', { streamId: '1', componentId: '1', state: 'CLOSED' }],
] as const) {
  test(`a leg is lost when ${what}, and told once`, async (t) => {
    const { double, room } = await start(t);
    const { leg } = await room.publish('alice', browserOffer());
    const lost: unknown[] = [];
    room.on('legLost', (loss) => lost.push(loss));
    const [endpoint] = endpoints(double);
    const id = endpoint?.id ?? '';
    arrive(double, endpoint, true);
    for (let times = 0; times < 2; times += 1) double.tell(id, type, data);
    await until('it is gone', () => room.devices().length === 0);
    assert.deepEqual(lost, [{ device: 'alice', leg }]);
    await until('it is released', () => endpoints(double).length === 0);
  });
}

test('ICE that fails before it was connected may still succeed with candidates that come later', async (t) => {
  const { double, room } = await start(t);
  const { leg } = await room.publish('alice', browserOffer());
  const [endpoint] = endpoints(double);
  double.tell(endpoint?.id ?? '', 'IceComponentStateChanged', { streamId: 1, componentId: 1, state: 'FAILED' });
  const candidate = 'candidate:2 1 udp 2113937151 127.0.0.1 50001 typ host generation 0';
  await room.addCandidates(leg, [{ candidate, sdpMid: '1', sdpMLineIndex: 1 }, { candidate: 'candidate:nonsense' }]);
  const connected = nextEvent(room, 'connected');
  arrive(double, endpoint, true);
  await connected;
  await room.statistics();
  const told = double.seen
    .filter(({ params }) => params.operation === 'addIceCandidate')
    .map(({ params }) => params.operationParams);
  // Everything is bundled with the first section; names to look up and what is no candidate never reach the server.
  assert.deepEqual(told.at(-1), {
    candidate: { candidate: 'candidate:2 1 udp 2113937151 127.0.0.1 50001 typ host', sdpMid: '0', sdpMLineIndex: 0 },
  });
});

test('a browser of which nothing is heard any more loses all its legs; one that is heard again none', async (t) => {
  const { double, room } = await start(t);
  const offers = answering(room, 'alice');
  await room.publish('bob', browserOffer());
  await room.publish('alice', browserOffer());
  await room.subscribe('alice');
  await until('alice receives', () => offers.length === 1);
  const publishing = endpoints(double).find(({ calls: made }, index) => index > 0 && made.includes('processOffer'));
  arrive(double, publishing, true);
  const state = (newState: string) =>
    double.tell(publishing?.id ?? '', 'MediaStateChanged', { oldState: '', newState });
  state('DISCONNECTED');
  state('CONNECTED');
  await new Promise((resolve) => setTimeout(resolve, 2300));
  assert.deepEqual([...room.devices()].sort(), ['alice', 'bob']);
  const lost: string[] = [];
  room.on('legLost', ({ device }) => lost.push(device));
  state('DISCONNECTED');
  await until('alice is gone', () => room.devices().join() === 'bob');
  assert.deepEqual(lost, ['alice', 'alice'], 'what she sent and what she received');
});

test('publishing anew takes the receivers over from the old leg, which goes only then', async (t) => {
  const { double, room } = await start(t);
  const offers = answering(room, 'bob');
  await room.publish('alice', browserOffer());
  await room.subscribe('bob');
  await until('linked', () => wires(double).length === 2);
  const [old] = endpoints(double);
  arrive(double, old, true);
  await room.publish('alice', browserOffer());
  assert.deepEqual(wires(double), both('WebRtcEndpoint0>WebRtcEndpoint1'), 'nothing changes before media come');
  const before = double.seen.length;
  arrive(double, endpoints(double)[2], true);
  await until('the old leg is gone', () => !endpoints(double).some(({ id }) => id === old?.id));
  assert.deepEqual(wires(double), both('WebRtcEndpoint1>WebRtcEndpoint0'));
  const done = double.seen.slice(before).flatMap(({ method, params }) => {
    if (method === 'release') return ['release'];
    return params.operation === 'connect' || params.operation === 'disconnect' ? [params.operation] : [];
  });
  assert.deepEqual(done, ['connect', 'connect', 'release']);
  assert.equal(offers.length, 1, 'the receiver need not know');
});

test('key frames are asked for on the leg that receives; the server hands the wish on', async (t) => {
  const { double, room } = await start(t);
  answering(room, 'bob');
  const { leg } = await room.publish('alice', browserOffer());
  await room.subscribe('bob');
  await until('linked', () => wires(double).length === 2);
  const [alice, bob] = endpoints(double);
  arrive(double, bob, false);
  await until('asked', () => bob?.calls.includes('requestKeyframe') ?? false);
  assert.ok(!alice?.calls.includes('requestKeyframe'));
  const statistics = await room.statistics();
  // Again, if the server says of the way in only now that it leads there.
  assert.ok((statistics.find((entry) => entry.leg === leg)?.keyframeRequests ?? 0) >= 1);
});

test('each listener to the mix is fed by the port that takes their own sound', async (t) => {
  const { double, room } = await start(t);
  const offers = new Map(['alice', 'bob', 'carol'].map((name) => [name, answering(room, name)]));
  for (const name of offers.keys()) await room.publish(name, browserOffer());
  assert.deepEqual(double.objects('Composite'), [], 'nobody pays for a mixer that nobody hears');
  for (const name of ['alice', 'bob']) await room.subscribe(name, { mixed: true });
  await until('all is connected', () => wires(double).length === 10);
  // Three publishers into three ports, and two of these back.
  assert.deepEqual(
    wires(double),
    [
      ...both('WebRtcEndpoint0>HubPort0'),
      ...both('WebRtcEndpoint1>HubPort1'),
      ...both('WebRtcEndpoint2>HubPort2'),
      ...both('HubPort0>WebRtcEndpoint3'),
      ...both('HubPort1>WebRtcEndpoint4'),
    ].sort(),
  );
  assert.deepEqual(
    offers.get('alice')?.[0]?.sources.map(({ publisher, kind }) => [publisher, kind]),
    [
      ['*', 'audio'],
      ['*', 'video'],
    ],
  );
  const [mixer] = double.objects('Composite');
  assert.deepEqual(mixer?.params, { mediaPipeline: mixer?.pipeline, width: 1280, height: 720, framerate: 15 });
  // Who leaves takes their tile along: it stays as long as its port.
  await room.remove('carol');
  await until('her port is gone', () => double.objects('HubPort').length === 2);
  // Whoever listens without sending gets a port of their own.
  await room.subscribe('carol', { mixed: true });
  await until('carol hears the mix', () => wires(double).length === 10);
  for (const name of offers.keys()) await room.remove(name);
  await until('no mixer is left', () => double.objects('Composite').length + double.objects('HubPort').length === 0);
});

test('from the mix to single streams and back, each time on new legs before the old ones go', async (t) => {
  const { double, room } = await start(t);
  const offers = answering(room, 'alice');
  for (const name of ['alice', 'bob']) await room.publish(name, browserOffer());
  await room.subscribe('alice');
  await until('bob is offered', () => offers.length === 1);
  arrive(double, endpoints(double)[2], false);
  await room.statistics();
  for (const [mixed, from] of [
    [true, '*'],
    [false, 'bob'],
  ] as const) {
    const before = offers.at(-1)?.leg;
    const count = offers.length;
    await room.subscribe('alice', { mixed });
    await room.subscribe('alice', { mixed });
    await until('another offer', () => offers.length === count + 1);
    assert.equal(offers.at(-1)?.sources[0]?.publisher, from);
    assert.notEqual(offers.at(-1)?.leg, before);
    assert.ok(
      (await room.statistics()).some(({ leg }) => leg === before),
      'the old leg goes on',
    );
    await until('answered', () => endpoints(double).at(-1)?.calls.includes('processAnswer') ?? false);
    arrive(double, endpoints(double).at(-1), false);
    await until('the old leg is gone', () => endpoints(double).length === 3);
    assert.ok((await room.statistics()).every(({ leg }) => leg !== before));
  }
  await until('no mixer is left', () => double.objects('Composite').length === 0);
});

test('a recording is the mix, in a file the engine names, complete before it is handed out', async (t) => {
  const { double, room } = await start(t);
  await room.publish('alice', browserOffer());
  await assert.rejects(room.stopRecording(), { code: 'out-of-turn' });
  await room.startRecording();
  await assert.rejects(room.startRecording(), { code: 'out-of-turn' });
  const [recorder] = double.objects('RecorderEndpoint');
  assert.match(String(recorder?.params.uri), /^file:\/\/\/recordings\/\d{4}-[\w-]+-a-[0-9a-f]{12}\.webm$/);
  assert.equal(recorder?.params.mediaProfile, 'WEBM');
  assert.deepEqual(
    wires(double).filter((wire) => wire.includes('Recorder')),
    both('HubPort1>RecorderEndpoint0'),
  );
  const order = double.seen.map(({ params }) => params.operation);
  assert.ok(order.lastIndexOf('connect') < order.indexOf('record'), 'fed before it begins');
  await new Promise((resolve) => setTimeout(resolve, 120));
  const { url, milliseconds } = await room.stopRecording();
  assert.equal(url, recorder?.params.uri);
  assert.ok(milliseconds >= 100 && milliseconds < 3000);
  assert.deepEqual(recorder?.calls, ['record', 'stopAndWait']);
  await until('nothing of it is left', () => double.objects('Composite').length === 0);
  assert.deepEqual(double.objects('RecorderEndpoint'), []);
});

test('a file that cannot be written is an error, told by events whose own type is the name of the error', async (t) => {
  const { double, room } = await start(t);
  double.after = ({ params }) => {
    if (params.operation === 'record')
      double.tell(String(params.object), 'Error', { type: 'RESOURCE_ERROR_OPEN', errorCode: 5, description: '' });
  };
  await assert.rejects(room.startRecording(), { code: 'not-available' });
  assert.deepEqual(double.objects('RecorderEndpoint'), []);
  await assert.rejects(room.stopRecording(), { code: 'out-of-turn' });
});

test('a room that ends while it is recorded completes the file first', async (t) => {
  const { double, room } = await start(t);
  await room.startRecording();
  const before = double.seen.length;
  await room.close();
  const done = double.seen.slice(before).map(({ method, params }) => params.operation ?? method);
  assert.ok(done.indexOf('stopAndWait') >= 0 && done.indexOf('stopAndWait') < done.lastIndexOf('release'));
  assert.deepEqual(double.objects('MediaPipeline'), []);
});

test('without a folder nothing is recorded, and a server without a mixer does not mix', async (t) => {
  const { engine, room } = await start(t, { recordings: null });
  assert.deepEqual(
    { ...engine.capabilities },
    { forwarding: true, mixing: true, recording: false, layers: false, speaker: false },
  );
  await assert.rejects(room.startRecording(), { code: 'not-available' });
  const double = await openKurentoDouble({ without: ['Composite'] });
  const { engine: plain } = engineOn(double);
  t.after(async () => {
    await plain.close();
    await double.stop();
  });
  const other = await plain.createRoom({ id: 'b' });
  assert.deepEqual(
    { ...plain.capabilities },
    { forwarding: true, mixing: false, recording: false, layers: false, speaker: false },
  );
  await assert.rejects(other.subscribe('alice', { mixed: true }), { code: 'not-available' });
  assert.deepEqual(other.devices(), []);
});

test('a leg the server cannot connect is lost; the others go on', async (t) => {
  const { double, room } = await start(t);
  for (const name of ['bob', 'carol']) answering(room, name);
  await room.publish('alice', browserOffer());
  await room.subscribe('bob');
  await until('bob receives', () => wires(double).length === 2);
  double.before = ({ params }) => {
    if (params.operation === 'connect') throw new Refusal(40300, 'no', 'CONNECT_ERROR');
  };
  const lost = nextEvent(room, 'legLost');
  await room.subscribe('carol');
  assert.equal((await lost)[0].device, 'carol');
  assert.deepEqual([...room.devices()].sort(), ['alice', 'bob']);
  assert.deepEqual(wires(double), both('WebRtcEndpoint0>WebRtcEndpoint1'));
});

test('an answer that fits no offer is refused, and one to an older offer not read', async (t) => {
  const { double, room } = await start(t);
  await room.publish('alice', browserOffer());
  const offered = nextEvent(room, 'offer');
  await room.subscribe('bob');
  const [{ leg, revision, sdp }] = await offered;
  const refused = { code: 'invalid-session-description' };
  await assert.rejects(room.answer(leg, revision, 'nonsense'), refused);
  await assert.rejects(room.answer(leg, revision, sdp), refused);
  await assert.rejects(room.answer(leg, revision, browserAnswer(sdp).replace(/m=video[\s\S]*/, '')), refused);
  await room.answer(leg, revision - 1, 'nonsense');
  await room.answer('no-such-leg', 1, 'nonsense');
  assert.equal(calls(double, 'processAnswer'), 0);
  await room.answer(leg, revision, browserAnswer(sdp));
  await room.answer(leg, revision, browserAnswer(sdp));
  assert.equal(calls(double, 'processAnswer'), 1);
});

test('what an endpoint is to be is said by operations before it is negotiated: `properties` would be ignored', async (t) => {
  const { double, room } = await start(t);
  answering(room, 'bob');
  await room.publish('alice', browserOffer());
  await room.subscribe('bob');
  await until('both are negotiated', () => calls(double, 'processAnswer') === 1);
  for (const { params } of double.seen) assert.ok(!('properties' in params));
  const [alice, bob] = endpoints(double);
  assert.deepEqual(alice?.calls.slice(0, 2), ['setMaxVideoRecvBandwidth', 'processOffer']);
  assert.deepEqual(bob?.calls.slice(0, 2), ['setMaxVideoSendBandwidth', 'generateOffer']);
});

test('many come and go at once, and responses come in another order: in the end exactly what should be connected is', async (t) => {
  const { double, room } = await start(t);
  let turn = 0;
  double.before = async () => {
    turn += 7;
    await new Promise((resolve) => setTimeout(resolve, turn % 5));
  };
  const names = Array.from({ length: 8 }, (_, index) => `p${index}`);
  const left = names.slice(0, 3);
  for (const name of names) answering(room, name);
  await Promise.all(
    names.map(async (name, index) => {
      await room.publish(name, browserOffer());
      await room.subscribe(name, { mixed: index % 2 === 1 });
      if (!left.includes(name)) await room.remove(name);
    }),
  );
  // p0 and p2 receive the two others each, p1 the mix; all three feed the mixer.
  // In the moment in which the wires are right, the port of one who left may still be on its way out.
  await until(
    'it is quiet',
    () => wires(double).length === 2 * (2 + 2 + 1 + 3) && double.objects('HubPort').length === 3,
  );
  await room.close();
  assert.deepEqual(
    double.objects().map(({ type }) => type),
    ['ServerManager'],
  );
});
