// Session descriptions of the load's peers: what a browser would say to an engine, and the one-section description under
// which the native library carries all of it (as the embedded engine does, see packages/media/src/embedded/transport.ts).
import { AUDIO_LEVEL_ID, type Kind, payloadTypes } from './packets.ts';

const AUDIO_LEVEL = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';
const codecNames: Record<Kind, string> = { audio: 'opus/48000/2', video: 'VP8/90000' };

const joined = (lines: readonly string[]) => `${lines.join('\r\n')}\r\n`;
const session = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0'];

/** The lines about ICE and DTLS of a description: those before its first media section, and those of the first one used. */
export function transportLines(sdp: string): string[] {
  const [head = '', ...sections] = sdp.split(/^(?=m=)/m);
  const used = sections.find((section) => !/^m=\S+ 0 /.test(section)) ?? sections[0] ?? '';
  const wanted = /^a=(ice-ufrag|ice-pwd|fingerprint|setup|candidate):/;
  return [...head.split(/\r?\n/), ...used.split(/\r?\n/)].filter((line) => wanted.test(line));
}

/** A description and, apart from it, its candidates. */
export function withCandidatesApart(sdp: string): { sdp: string; candidates: string[] } {
  const lines = sdp.split('\r\n');
  const isCandidate = (line: string) => line.startsWith('a=candidate:');
  const candidates = new Set(lines.filter(isCandidate).map((line) => line.slice(2)));
  return { sdp: lines.filter((line) => !isCandidate(line)).join('\r\n'), candidates: [...candidates] };
}

/** The other side, as the library is told of it. */
export function carrier(transport: readonly string[], direction: 'sendonly' | 'recvonly'): string {
  return joined([
    ...session,
    'a=group:BUNDLE 0',
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'c=IN IP4 0.0.0.0',
    'a=mid:0',
    `a=${direction}`,
    'a=rtcp-mux',
    'a=rtpmap:96 VP8/90000',
    ...transport,
  ]);
}

function codecLines(kind: Kind): string[] {
  const type = payloadTypes[kind];
  return [
    `a=rtpmap:${type} ${codecNames[kind]}`,
    ...(kind === 'audio'
      ? [`a=fmtp:${type} minptime=10;useinbandfec=1`, `a=extmap:${AUDIO_LEVEL_ID} ${AUDIO_LEVEL}`]
      : ['nack', 'nack pli', 'ccm fir', 'goog-remb'].map((feedback) => `a=rtcp-fb:${type} ${feedback}`)),
  ];
}

/** What somebody offers who sends a microphone and a camera. */
export function sendingOffer(name: string, ssrcs: Record<Kind, number>, transport: readonly string[]): string {
  return joined([
    ...session,
    'a=group:BUNDLE 0 1',
    `a=msid-semantic: WMS ${name}`,
    ...(['audio', 'video'] as const).flatMap((kind, index) => [
      `m=${kind} 9 UDP/TLS/RTP/SAVPF ${payloadTypes[kind]}`,
      'c=IN IP4 0.0.0.0',
      'a=rtcp:9 IN IP4 0.0.0.0',
      `a=mid:${index}`,
      'a=sendonly',
      'a=rtcp-mux',
      'a=rtcp-rsize',
      ...transport,
      ...codecLines(kind),
      `a=msid:${name} ${name}-${kind}`,
      `a=ssrc:${ssrcs[kind]} cname:${name}`,
    ]),
  ]);
}

interface OfferedSection {
  readonly mid: string;
  readonly kind: string;
  readonly rejected: boolean;
  readonly inactive: boolean;
  readonly protocol: string;
}

function sectionsOf(offer: string): OfferedSection[] {
  return offer
    .split(/^(?=m=)/m)
    .slice(1)
    .map((section) => {
      const [, kind = '', port, protocol = ''] = /^m=(\S+) (\d+) (\S+)/.exec(section) ?? [];
      const [, mid = ''] = /^a=mid:(\S+)/m.exec(section) ?? [];
      return { mid, kind, protocol, rejected: port === '0', inactive: /^a=inactive/m.test(section) };
    });
}

/** The answer to an engine's offer: only the sections in `accepted` are received. */
export function receivingAnswer(offer: string, accepted: ReadonlySet<string>, transport: readonly string[]): string {
  const sections = sectionsOf(offer);
  const mids = sections.filter(({ rejected }) => !rejected).map(({ mid }) => mid);
  return joined([
    ...session,
    `a=group:BUNDLE ${mids.join(' ')}`,
    ...sections.flatMap(({ mid, kind, protocol, rejected, inactive }) => {
      const known = kind === 'audio' || kind === 'video' ? kind : null;
      return [
        `m=${kind} ${rejected ? 0 : 9} ${protocol} ${known ? payloadTypes[known] : 0}`,
        'c=IN IP4 0.0.0.0',
        `a=mid:${mid}`,
        `a=${accepted.has(mid) && !inactive && !rejected ? 'recvonly' : 'inactive'}`,
        'a=rtcp-mux',
        'a=rtcp-rsize',
        ...transport,
        ...(known ? codecLines(known) : []),
      ];
    }),
  ]);
}
