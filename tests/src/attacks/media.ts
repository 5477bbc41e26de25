// Attacks on the conference service's media ports (OWASP ASVS 5.0, V17.2), while Erin really sends sound to Dave through
// it: native WebRTC peers, so that packets can be made by hand.

import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { setTimeout as pause, setImmediate } from 'node:timers/promises';
import { Audio, PeerConnection, type Track } from 'node-datachannel';
import type { Attack } from './attack.ts';
import type { Line } from './visitor.ts';
import {
  DTLS_1_0,
  DTLS_1_2,
  goodProfiles,
  goodSuites,
  type Hello,
  hearHello,
  nullProfiles,
  sayHello,
  weakSuites,
} from './weak-dtls.ts';
import type { World } from './world.ts';

const focus = 'enterprise1.example';
const OPUS = 111;
const ERINS_SOURCE = 0x0e11e;
const CONNECT_MS = 8000;
/** Sound is 50 packets a second. */
const PACKET_MS = 20;
/** As browsers do; who says nothing at all for some seconds is taken for dead. */
const REPORT_MS = 500;
/** RFC 3550 section 6.4.2, about nobody. */
const receiverReport = Buffer.from([0x80, 201, 0, 1, 0, 0, 0xda, 0x7e]);
const LOOK_MS = 400;
/** What an attacker's sound says, and nobody must hear. */
const MARK = Buffer.from('sound of an attacker');

interface Talk {
  /** Where Erin's sound goes in, and where Dave's comes from. */
  readonly ports: readonly number[];
  /** Erin sends so many packets at once. */
  speak(packets: number): void;
  /** Packets that Dave gets in this time; throws if one is an attacker's. */
  received(ms: number): Promise<number>;
}

function rtp(sequence: number, source: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(12);
  header[0] = 0x80;
  header[1] = OPUS;
  header.writeUInt16BE(sequence & 0xffff, 2);
  header.writeUInt32BE((sequence * 960) >>> 0, 4);
  header.writeUInt32BE(source, 8);
  return Buffer.concat([header, payload]);
}

const portsIn = (sdp: string): number[] =>
  [...sdp.matchAll(/^a=candidate:\S+ 1 udp \d+ \S+ (\d+) /gim)].map(([, port]) => Number(port));

const candidates = /^a=(?:candidate:.*|end-of-candidates)\r?\n/gm;

/** Without these two the library never lets go of a track, and keeps this process alive. */
function releasable(track: Track): Track {
  track.onOpen(() => {});
  track.onClosed(() => {});
  return track;
}

/** The library takes candidates only once its own side is there, so they come last. */
async function describe(peer: PeerConnection, sdp: string, type: 'offer' | 'answer', ready?: Promise<unknown>) {
  const lines = sdp.match(/^a=candidate:.*$/gm) ?? [];
  peer.setRemoteDescription(sdp.replace(candidates, ''), type as never);
  await ready;
  for (const line of lines) peer.addRemoteCandidate(line.trim().slice('a='.length), '0');
}

/**
 * A peer that sends sound; resolves with its offer. Its addresses are left out: the library refuses whoever reaches it
 * before it has kept the answer's fingerprint, and a focus that knows the addresses may (libdatachannel 0.24).
 */
async function openSender(name: string) {
  const peer = new PeerConnection(name, { iceServers: [], bindAddress: '127.0.0.1' });
  const audio = new Audio('0', 'SendOnly');
  audio.addOpusCodec(OPUS);
  audio.addSSRC(ERINS_SOURCE, name, name, name);
  const gathered = new Promise<void>((resolve) => {
    peer.onGatheringStateChange((state) => {
      if (state === 'complete') resolve();
    });
  });
  const connected = new Promise<boolean>((resolve) => {
    peer.onStateChange((state) => {
      if (state === 'connected') resolve(true);
      if (state === 'failed' || state === 'closed') resolve(false);
    });
  });
  const track = releasable(peer.addTrack(audio));
  peer.setLocalDescription('offer');
  await gathered;
  const within = () => Promise.race([connected, pause(CONNECT_MS, false, { ref: false })]);
  const offer = (peer.localDescription()?.sdp ?? '').replace(candidates, '');
  return { peer, track, offer, connected: within };
}

async function join(line: Line, conversation: string, sdp: string): Promise<{ sdp: string }> {
  const joined = await line.say('focus.join', { conversation, epoch: 1, sdp });
  if (joined.code !== 'done') throw new Error(`not let in: ${joined.code}`);
  return { sdp: String(joined.result.sdp) };
}

const talks = new WeakMap<World, Promise<Talk>>();

/** Erin sends, Dave receives: one talk for all attacks, which begins with somebody else's ClientHello. */
function talkIn(world: World): Promise<Talk> {
  const running = talks.get(world) ?? openTalk(world, (port) => send([port], times(50, clientHello)));
  talks.set(world, running);
  return running;
}

/** @param before happens when Erin's port is open and she has not yet connected */
async function openTalk(world: World, before: (port: number) => Promise<void>): Promise<Talk> {
  const { erins, daves, met } = await world.meeting();
  const erin = await openSender('erin');
  const answer = await join(erins, met, erin.offer);
  const [port = 0] = portsIn(answer.sdp);
  await before(port);
  await describe(erin.peer, answer.sdp, 'answer');
  if (!(await erin.connected())) throw new Error('Erin could not connect');

  const dave = await openSender('dave');
  await describe(dave.peer, (await join(daves, met, dave.offer)).sdp, 'answer');
  if (!(await dave.connected())) throw new Error('Dave could not connect');
  const offered = await daves.told('focus.offer');
  const ear = new PeerConnection('ear', { iceServers: [], bindAddress: '127.0.0.1' });
  const tracks: Track[] = [];
  let count = 0;
  let forged = false;
  ear.onTrack((track) => {
    tracks.push(releasable(track));
    track.onMessage((packet) => {
      count += 1;
      forged ||= packet.includes(MARK);
    });
  });
  const answered = new Promise<string>((resolve) => {
    ear.onGatheringStateChange((state) => {
      if (state === 'complete') resolve(ear.localDescription()?.sdp ?? '');
    });
  });
  const sdp = String(offered.sdp);
  await describe(ear, sdp, 'offer', answered);
  const { room, leg, revision } = offered;
  const told = await daves.say('focus.answer', { focus, room, leg, revision, sdp: await answered });
  if (told.code !== 'done') throw new Error(`the answer was not taken: ${told.code}`);

  let sequence = 0;
  const speak = (packets: number) => {
    for (let n = 0; n < packets && erin.track.isOpen(); n += 1) {
      sequence += 1;
      erin.track.sendMessageBinary(rtp(sequence, ERINS_SOURCE, randomBytes(40)));
    }
  };
  const speaking = setInterval(() => speak(1), PACKET_MS);
  const reporting = setInterval(() => {
    for (const track of tracks) if (track.isOpen()) track.sendMessageBinary(receiverReport);
  }, REPORT_MS);
  world.atEnd(() => {
    clearInterval(speaking);
    clearInterval(reporting);
    for (const track of [erin.track, dave.track, ...tracks]) track.close();
    for (const peer of [erin.peer, dave.peer, ear]) peer.close();
  });
  return {
    ports: [port, ...portsIn(sdp)],
    speak,
    async received(ms) {
      const first = count;
      await pause(ms);
      if (forged) throw new Error('an attacker was heard');
      return count - first;
    },
  };
}

/** Half of what is sent in that time is a lot less than gets through undisturbed, and far more than nothing. */
const enough = (packets: number) => packets > LOOK_MS / PACKET_MS / 2;

/** Within three seconds: what is on its way, or piled up, may come first. */
async function heard(running: Talk): Promise<boolean> {
  for (let look = 0; look < 5; look += 1) if (enough(await running.received(LOOK_MS))) return true;
  return false;
}

async function send(ports: readonly number[], packets: Iterable<Buffer>): Promise<void> {
  const socket = createSocket('udp4');
  const sent = [...packets].flatMap((packet) =>
    ports.map((port) => new Promise<void>((resolve) => socket.send(packet, port, '127.0.0.1', () => resolve()))),
  );
  await Promise.all(sent);
  socket.close();
}

const times = (count: number, make: (n: number) => Buffer) => Array.from({ length: count }, (_, n) => make(n));

/** Disturbs the talk of Erin and Dave, who must go on hearing each other, and no attacker. */
function disturbing(name: string, disturb: (talk: Talk) => Promise<void>, by: Attack['by'] = 'anybody'): Attack {
  return {
    name,
    by,
    refusedWith: 'they talk on',
    async attempt(world) {
      const running = await talkIn(world);
      if (!(await heard(running))) return 'nobody was heard before it';
      await disturb(running);
      return (await heard(running)) ? 'they talk on' : 'they were cut off';
    },
  };
}

/** In portions: on a busy machine all at once takes longer than this process may be silent on its sockets. */
async function flood({ speak }: Talk): Promise<void> {
  for (let portion = 0; portion < 40; portion += 1) {
    speak(500);
    await setImmediate();
  }
}

/** A DTLS 1.2 record with a ClientHello that has no more than its beginning (RFC 6347 section 4.2). */
function clientHello(n: number): Buffer {
  const body = Buffer.concat([Buffer.from([0xfe, 0xfd]), randomBytes(32), Buffer.from([0, 0, 0, 2, 0xc0, 0x2b, 1, 0])]);
  const handshake = Buffer.alloc(12);
  handshake[0] = 1;
  handshake.writeUIntBE(body.length, 1, 3);
  handshake.writeUIntBE(body.length, 9, 3);
  const record = Buffer.alloc(13);
  record.set([22, 0xfe, 0xfd]);
  record.writeUIntBE(n, 5, 6);
  record.writeUInt16BE(handshake.length + body.length, 11);
  return Buffer.concat([record, handshake, body]);
}

const iceIn = (sdp: string) => ({
  ufrag: /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? '',
  pwd: /^a=ice-pwd:(\S+)/m.exec(sdp)?.[1] ?? '',
});

/** Erin's device joins anew with a description of its own, and somebody else speaks for it. */
async function meetWith<T>(
  world: World,
  setup: 'active' | 'actpass',
  how: (ours: ReturnType<typeof iceIn>, theirs: ReturnType<typeof iceIn> & { port: number }) => Promise<T>,
): Promise<T> {
  const { erins, met } = await world.meeting();
  const { peer, track, offer } = await openSender('weak');
  track.close();
  peer.close();
  const { sdp } = await join(erins, met, offer.replace(/a=setup:\w+/g, `a=setup:${setup}`));
  return how(iceIn(offer), { ...iceIn(sdp), port: portsIn(sdp)[0] ?? 0 });
}

const helloTo = (world: World, hello: Hello) =>
  meetWith(world, 'active', (ours, theirs) => sayHello(hello, ours, theirs));

const good: Hello = { version: DTLS_1_2, suites: goodSuites, profiles: goodProfiles };

/** Asks for less than there should be, having seen that what is good is answered. */
function weaker(what: string, less: Partial<Hello>): Attack {
  return {
    name: `a peer that can do no better than ${what} (V17.2.2)`,
    by: 'a colleague',
    refusedWith: 'not agreed',
    async attempt(world) {
      const proper = await helloTo(world, good);
      if (proper === 'closed' || proper.profile === null) return 'what is good is not answered';
      const answer = await helloTo(world, { ...good, ...less });
      if (answer === 'closed' || answer.profile === null) return 'not agreed';
      return `agreed: suite ${answer.suite.toString(16)}, profile ${answer.profile}`;
    },
  };
}

export const mediaAttacks: readonly Attack[] = [
  {
    name: 'somebody else says ClientHello first (V17.2.6)',
    by: 'anybody',
    refusedWith: 'they talk on',
    async attempt(world) {
      const running = await talkIn(world);
      return (await heard(running)) ? 'they talk on' : 'nobody was heard';
    },
  },
  disturbing('sound in the clear, under the name of somebody who talks (V17.2.3)', ({ ports }) =>
    send(
      ports,
      times(500, (n) => rtp(60_000 + n, ERINS_SOURCE, MARK)),
    ),
  ),
  disturbing('sound encrypted with a key of the attacker’s (V17.2.3)', ({ ports }) =>
    send(
      ports,
      times(500, (n) => rtp(60_000 + n, ERINS_SOURCE, Buffer.concat([MARK, randomBytes(10)]))),
    ),
  ),
  disturbing('2,000 malformed SRTP packets (V17.2.4)', ({ ports }) =>
    send(
      ports,
      times(2000, (n) => Buffer.concat([Buffer.from([128 + (n % 64)]), randomBytes(n % 1400)])),
    ),
  ),
  disturbing('malformed RTCP, STUN and DTLS (V17.2.4)', ({ ports }) =>
    send(
      ports,
      times(2000, (n) => Buffer.concat([Buffer.from([n % 128, 200 + (n % 5)]), randomBytes(n % 600)])),
    ),
  ),
  disturbing('a flood of 20,000 packets by somebody who may talk (V17.2.5)', flood, 'a colleague'),
  {
    name: 'a second device enters the conference that the first is in',
    by: 'a colleague',
    refusedWith: 'not-in-call',
    async attempt({ erin, meeting }) {
      const { met } = await meeting();
      const line = await erin.device();
      const { code } = await line.say('focus.join', { conversation: met, epoch: 1, sdp: 'v=0\r\n' });
      line.close();
      return code;
    },
  },
  // Last: a leg that fails, or comes anew, takes the device's other legs out of the room.
  weaker('DTLS 1.0', { version: DTLS_1_0 }),
  weaker('no authentication, no encryption, RC4 or DES', { suites: weakSuites }),
  weaker('SRTP that everybody can read', { profiles: nullProfiles }),
  {
    name: 'a peer that looks for a weak cipher suite among those it may choose from (V17.2.2)',
    by: 'a colleague',
    refusedWith: 'none is weak',
    async attempt(world) {
      const offered = await meetWith(world, 'actpass', hearHello);
      if (!goodSuites.some((suite) => offered.includes(suite))) return `not even a good one of ${offered.length}`;
      const weak = offered.filter((suite) => weakSuites.some((one) => one === suite));
      return weak.length === 0 ? 'none is weak' : `weak: ${weak.map((suite) => suite.toString(16)).join(' ')}`;
    },
  },
  {
    name: 'a device whose DTLS certificate is not the one in its description (V17.2.8)',
    by: 'a colleague',
    refusedWith: 'not connected',
    async attempt(world) {
      const { erins, met } = await world.meeting();
      const { peer, track, offer, connected } = await openSender('mallory');
      try {
        const other = offer.replace(/a=fingerprint:.*/g, `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`);
        await describe(peer, (await join(erins, met, other)).sdp, 'answer');
        // DTLS may have come to its end on this side before the other looks at the certificate, and hangs up.
        await connected();
        await pause(LOOK_MS);
        return track.isOpen() && peer.state() === 'connected' ? 'connected' : 'not connected';
      } finally {
        track.close();
        peer.close();
      }
    },
  },
];
