// What a browser would say, for tests of the Kurento engine that need no media; and an engine on a double to say it to.
import { once } from 'node:events';
import type { EngineOffer, MediaEngine, MediaRoom, RoomEvents } from '../../engine.ts';
import { createKurentoEngine, type KurentoEngineOptions } from '../index.ts';
import type { KurentoObject } from './objects.ts';
import type { KurentoDouble } from './server.ts';

const transport = (setup: string) => [
  'a=ice-ufrag:brow',
  'a=ice-pwd:browserpasswordof24chars',
  `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'CD').join(':')}`,
  `a=setup:${setup}`,
];

export interface OfferedSection {
  readonly media: 'audio' | 'video' | 'application';
  readonly codec: string;
  readonly direction: string;
}

const sound: OfferedSection = { media: 'audio', codec: 'opus/48000/2', direction: 'sendonly' };
const picture: OfferedSection = { media: 'video', codec: 'VP8/90000', direction: 'sendonly' };

/** An offer with these sections, `mid` counted from 0. */
export function browserOffer(sections: readonly OfferedSection[] = [sound, picture]): string {
  const body = sections.flatMap(({ media, codec, direction }, index) => [
    media === 'application'
      ? 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel'
      : `m=${media} 9 UDP/TLS/RTP/SAVPF 45 ${96 + index}`,
    'c=IN IP4 0.0.0.0',
    `a=mid:${index}`,
    ...transport('actpass'),
    ...(media === 'application'
      ? ['a=sctp-port:5000']
      : [
          `a=${direction}`,
          'a=rtcp-mux',
          'a=rtpmap:45 AV1/90000',
          `a=rtpmap:${96 + index} ${codec}`,
          `a=rtcp-fb:${96 + index} transport-cc`,
          `a=rtcp-fb:${96 + index} nack`,
          `a=ssrc:${2000 + index} cname:someone`,
          'a=candidate:1 1 udp 2113937151 127.0.0.1 50000 typ host generation 0',
        ]),
  ]);
  const mids = sections.map((_, index) => index).join(' ');
  return `${['v=0', 'o=- 7 2 IN IP4 127.0.0.1', 's=-', 't=0 0', `a=group:BUNDLE ${mids}`, ...body].join('\r\n')}\r\n`;
}

export const soundOnly = (): string => browserOffer([sound]);

/** A browser's answer to an offer of the engine. */
export function browserAnswer(offer: string): string {
  return offer
    .replaceAll('a=sendonly', 'a=recvonly')
    .replaceAll('a=setup:actpass', 'a=setup:active')
    .replace(/a=(candidate|end-of).*\r\n/g, '');
}

/** Answers every offer of the room to `device`, as a browser does; returns what was offered. */
export function answering(room: MediaRoom, device: string): EngineOffer[] {
  const offers: EngineOffer[] = [];
  room.on('offer', (offer) => {
    if (offer.device !== device) return;
    offers.push(offer);
    room.answer(offer.leg, offer.revision, browserAnswer(offer.sdp)).catch(() => undefined);
  });
  return offers;
}

/** What the log was told. */
export interface Logged {
  readonly text: string;
  readonly fields: object;
}

export function engineOn(
  double: Pick<KurentoDouble, 'url'>,
  more: Partial<KurentoEngineOptions> = {},
): { engine: MediaEngine; logged: Logged[] } {
  const logged: Logged[] = [];
  const note = (fields: object, text: string) => void logged.push({ text, fields });
  const engine = createKurentoEngine({
    url: double.url,
    owner: 'tests',
    recordings: 'file:///recordings',
    log: { info: note, warn: note },
    times: { lostMs: 1500, pingMs: 200, answerMs: 2000 },
    ...more,
  });
  return { engine, logged };
}

/** Resolves when `test` holds, looking again whenever the double is asked something or a little time has passed. */
export async function until(what: string, test: () => boolean): Promise<void> {
  const end = Date.now() + 5000;
  while (!test()) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The next event of a room; rejects when it does not come. */
export async function nextEvent<E extends keyof RoomEvents>(room: MediaRoom, event: E): Promise<RoomEvents[E]> {
  return (await once(room, event, { signal: AbortSignal.timeout(5000) })) as RoomEvents[E];
}

/** The endpoints made so far, in order. */
export const endpoints = (double: KurentoDouble): KurentoObject[] => double.objects('WebRtcEndpoint');

/** The browser of an endpoint has connected, and, if it publishes, its packets come. */
export function arrive(double: KurentoDouble, endpoint: KurentoObject | undefined, publishing: boolean): void {
  if (!endpoint) throw new Error('no such endpoint');
  double.tell(endpoint.id, 'ConnectionStateChanged', { oldState: 'DISCONNECTED', newState: 'CONNECTED' });
  if (!publishing) return;
  double.tell(endpoint.id, 'MediaStateChanged', { oldState: 'DISCONNECTED', newState: 'CONNECTED' });
  double.tell(endpoint.id, 'MediaFlowOutStateChanged', { state: 'FLOWING', padName: 'default', mediaType: 'AUDIO' });
}
