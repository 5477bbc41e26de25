// The decisions of the Janus engine, without a server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publisherOffer, receiverAnswer } from './descriptions.ts';
import { messageSchema, refusalIn } from './messages.ts';
import { orphansOf, roomMark } from './orphans.ts';
import { refill } from './source.ts';
import { createSpeakers } from './speakers.ts';

const fingerprint = `sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`;
const section = (kind: 'audio' | 'video', mid: string, direction: string, extra: readonly string[] = []) => [
  `m=${kind} 9 UDP/TLS/RTP/SAVPF ${kind === 'audio' ? 111 : 96}`,
  'c=IN IP4 0.0.0.0',
  `a=mid:${mid}`,
  `a=${direction}`,
  'a=rtcp-mux',
  kind === 'audio' ? 'a=rtpmap:111 opus/48000/2' : 'a=rtpmap:96 VP8/90000',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuvwx',
  `a=fingerprint:${fingerprint}`,
  ...extra,
];
const description = (setup: string, ...sections: readonly (readonly string[])[]) =>
  [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    `a=group:BUNDLE ${sections.map((_, index) => index).join(' ')}`,
    ...sections.flatMap((lines) => [...lines, `a=setup:${setup}`]),
    '',
  ].join('\r\n');

test('of a browser’s offer Janus gets lines of known kinds only', () => {
  const extra = [
    'a=candidate:1 1 udp 2122260223 192.0.2.7 5000 typ host generation 0',
    'a=candidate:2 1 udp 2122260223 inside.example 5000 typ host',
    'a=x-unknown:1',
    'a=fmtp:111 minptime=10;\u0001useinbandfec=1',
    'a=rid:h send',
    'a=rid:l send pt=96;max-width=1',
    'a=simulcast:send h;l',
    'a=simulcast:send h;l recv x',
  ];
  const offer = description('actpass', section('audio', '0', 'sendonly', extra), section('video', '1', 'sendonly'));
  const { sdp, sections } = publisherOffer(offer);
  assert.deepEqual(sections, [
    { mid: '0', kind: 'audio' },
    { mid: '1', kind: 'video' },
  ]);
  assert.match(sdp, /^a=candidate:1 1 udp 2122260223 192\.0\.2\.7 5000 typ host\r$/m);
  for (const kept of [
    'a=rtpmap:111 opus/48000/2',
    'a=mid:1',
    'a=setup:actpass',
    'a=rid:h send',
    'a=simulcast:send h;l',
  ])
    assert.ok(sdp.includes(`${kept}\r\n`), kept);
  for (const gone of ['inside.example', 'x-unknown', '\u0001', 'a=rid:l', 'recv x'])
    assert.ok(!sdp.includes(gone), gone);
});

test('without a candidate Janus could use, it is given one, or it would not listen', () => {
  const { sdp } = publisherOffer(description('actpass', section('audio', '0', 'sendonly')));
  assert.equal(sdp.match(/^a=candidate:/gm)?.length, 1);
});

test('an answer must fit what was offered', () => {
  const offered = [{ mid: '0', kind: 'audio' }] as const;
  assert.ok(receiverAnswer(description('active', section('audio', '0', 'recvonly')), offered));
  const code = { code: 'invalid-session-description' };
  const other = description('active', section('video', '0', 'recvonly'));
  const undecided = description('actpass', section('audio', '0', 'recvonly'));
  for (const bad of [other, undecided, 'nonsense']) assert.throws(() => receiverAnswer(bad, offered), code);
});

test('rooms of the same owner’s other runs are orphans, nobody else’s', () => {
  const list = [
    { room: 1, description: roomMark('one.example', 'now', 'a') },
    { room: 2, description: roomMark('one.example', 'before', 'b') },
    { id: 'three', description: roomMark('one.example', 'before', 'c d') },
    { room: 4, description: roomMark('one.example before', 'x', 'e') },
    { room: 5, description: 'parley one.example before' },
    { room: 6, description: 'Demo Room' },
    { room: 7 },
  ];
  assert.deepEqual(orphansOf({ list }, 'one.example', 'now'), [2, 'three']);
});

test('a source goes on when its device publishes anew', () => {
  const stream = (feed: number, kind: 'audio' | 'video', mid: string) => ({ feed, kind, mid });
  const before = refill('alice', [], [stream(1, 'audio', '0'), stream(1, 'video', '1')]);
  const [sound, picture] = before;
  const after = refill('alice', before, [stream(2, 'video', '0'), stream(2, 'video', '1'), stream(2, 'audio', '2')]);
  assert.equal(after[0], picture);
  assert.equal(after[2], sound);
  assert.deepEqual(
    after.map(({ feed }) => [feed.feed, feed.mid]),
    [
      [2, '0'],
      [2, '1'],
      [2, '2'],
    ],
  );
});

test('the one who began to talk last speaks; then the one who still does', () => {
  const said: unknown[] = [];
  const speakers = createSpeakers((feed) => said.push(feed));
  const tell = (videoroom: string, id: number) => speakers.told({ videoroom, room: 9, id });
  tell('talking', 1);
  tell('talking', 2);
  // Everybody in the room is told, so it is heard again.
  tell('talking', 1);
  speakers.told({ videoroom: 'event', publishers: [] });
  tell('stopped-talking', 2);
  speakers.gone(1);
  assert.deepEqual(said, [1, 2, 1, null]);
});

test('what Janus refuses has a code people can act on', () => {
  const refused = (message: unknown) => refusalIn(messageSchema.parse(message));
  const failed = (error_code: number) => ({ janus: 'event', plugindata: { data: { error_code, error: 'why' } } });
  assert.equal(refused({ janus: 'success', plugindata: { data: { videoroom: 'created' } } }), null);
  assert.equal(refused({ janus: 'error', error: { code: 465, reason: 'SDP' } })?.code, 'invalid-session-description');
  assert.equal(refused(failed(426))?.code, 'unknown-room');
  const { code, number, details } = refused(failed(499)) ?? {};
  assert.deepEqual([code, number, details], ['internal-error', 499, 'Janus 499: why']);
});
