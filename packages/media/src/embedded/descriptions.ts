// Writing session descriptions: the answer to a publisher, the offer to a receiver, and the one-section description with
// which the native library sets up its transport. The library is told of one media section only, whatever the browser
// sends or gets: it then passes every packet, and sections can come and go without asking it.
import {
  type AgreedCodec,
  AUDIO_LEVEL_ID,
  CAPTURE_TIME_ID,
  type Codec,
  vp8 as defaultPicture,
  EXTENSION_AUDIO_LEVEL,
  EXTENSION_CAPTURE_TIME,
  EXTENSION_MID,
  EXTENSION_RID,
  EXTENSION_SEND_TIME,
  opus,
  SEND_TIME_ID,
} from './codecs.ts';
import type { Kind, MediaSection, TransportDescription } from './sdp.ts';

/** A section a publisher offered, and what the engine takes of it. */
export interface AcceptedSection {
  readonly section: MediaSection;
  readonly kind: Kind;
  /** The one it is sent in, and what it may fall back to. */
  readonly agreed: readonly AgreedCodec[];
  /** The qualities it is sent in, the full one first; [] for one without a name. */
  readonly rids: readonly string[];
  readonly midExtension: number | undefined;
  readonly ridExtension: number | undefined;
  readonly audioLevelExtension: number | undefined;
  readonly sendTimeExtension: number | undefined;
  readonly captureTimeExtension: number | undefined;
}

/** A section of an offer to a receiver; `source` null: nothing is sent there now. */
export interface OfferedSection {
  readonly mid: string;
  readonly kind: Kind;
  readonly source: {
    readonly codec: Codec;
    readonly ssrc: number;
    readonly stream: string;
    readonly track: string;
    readonly cname: string;
  } | null;
}

/** Most a publisher may send of one picture, in bits per second: 640x360 needs about 800 kbit/s, a shared screen more. */
export const MAX_PUBLISH_BITRATE = 2_500_000;
/** What Chromium begins with instead of 300 kbit/s, in kbit/s; a picture is then sharp from the start. */
const START_KILOBITS = 800;

function transportLines(transport: TransportDescription, withCandidates: boolean): string[] {
  return [
    `a=ice-ufrag:${transport.ufrag}`,
    `a=ice-pwd:${transport.password}`,
    `a=fingerprint:${transport.fingerprint}`,
    `a=setup:${transport.setup}`,
    ...(withCandidates ? [...transport.candidates.map((line) => `a=${line}`), 'a=end-of-candidates'] : []),
  ];
}

function sessionLines(id: string, version: number, mids: readonly string[]): string[] {
  return [
    'v=0',
    `o=- ${id} ${version} IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    ...(mids.length > 0 ? [`a=group:BUNDLE ${mids.join(' ')}`] : []),
  ];
}

const joined = (lines: readonly string[]) => `${lines.join('\r\n')}\r\n`;

function codecLines({ rtpmap, parameters, feedback }: Codec, payloadType: number, extra: readonly string[]): string[] {
  const separator = parameters?.includes('/') ? ' ' : ';';
  const all = [...(parameters ? [parameters] : []), ...extra].join(separator);
  return [
    `a=rtpmap:${payloadType} ${rtpmap}`,
    ...(all ? [`a=fmtp:${payloadType} ${all}`] : []),
    ...feedback.map((type) => `a=rtcp-fb:${payloadType} ${type}`),
  ];
}

/** With RED goes Opus, in which a browser may send what needs no repetition. */
function offeredCodecs(kind: Kind, codec: Codec | undefined): readonly Codec[] {
  if (kind === 'audio') return codec?.name === 'red' ? [codec, opus] : [opus];
  return [codec ?? defaultPicture];
}

/** The other side as the library is told it: one section with the given type of packets, all of them. */
export function carrierDescription(transport: TransportDescription, direction: 'sendonly' | 'recvonly'): string {
  return joined([
    ...sessionLines('1', 1, ['0']),
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'c=IN IP4 0.0.0.0',
    'a=mid:0',
    `a=${direction}`,
    'a=rtcp-mux',
    'a=rtpmap:96 VP8/90000',
    ...transportLines(transport, false),
  ]);
}

/** The answer to a publisher: what is accepted is received, everything else rejected. Without rtx, a browser sends a lost
 * packet again as it was, which is what receivers get too. */
export function publisherAnswer(
  sections: readonly MediaSection[],
  accepted: ReadonlyMap<string, AcceptedSection>,
  transport: TransportDescription,
): string {
  const mids = sections.filter(({ mid }) => accepted.has(mid)).map(({ mid }) => mid);
  const body = sections.flatMap((section) => {
    const taken = accepted.get(section.mid);
    if (!taken) return rejectedSection(section);
    const {
      kind,
      agreed,
      rids,
      midExtension,
      ridExtension,
      audioLevelExtension,
      sendTimeExtension,
      captureTimeExtension,
    } = taken;
    const start = kind === 'video' ? [`x-google-start-bitrate=${START_KILOBITS}`] : [];
    return [
      `m=${kind} 9 ${section.protocol} ${agreed.map(({ payloadType }) => payloadType).join(' ')}`,
      'c=IN IP4 0.0.0.0',
      `a=mid:${section.mid}`,
      'a=recvonly',
      'a=rtcp-mux',
      'a=rtcp-rsize',
      ...transportLines(transport, section.mid === mids[0]),
      ...(midExtension ? [`a=extmap:${midExtension} ${EXTENSION_MID}`] : []),
      ...(audioLevelExtension ? [`a=extmap:${audioLevelExtension} ${EXTENSION_AUDIO_LEVEL}`] : []),
      ...(sendTimeExtension ? [`a=extmap:${sendTimeExtension} ${EXTENSION_SEND_TIME}`] : []),
      ...(captureTimeExtension ? [`a=extmap:${captureTimeExtension} ${EXTENSION_CAPTURE_TIME}`] : []),
      ...(rids.length > 0 && ridExtension ? [`a=extmap:${ridExtension} ${EXTENSION_RID}`] : []),
      ...agreed.flatMap(({ codec, payloadType }) => codecLines(codec, payloadType, start)),
      ...rids.map((rid) => `a=rid:${rid} recv`),
      // All but the first are paused until they are wanted: Chromium would send whatever is not.
      ...(rids.length > 0 ? [`a=simulcast:recv ${rids.join(';~')}`] : []),
    ];
  });
  return joined([...sessionLines('1', 1, mids), ...body]);
}

function rejectedSection(section: MediaSection): string[] {
  return [
    `m=${section.media} 0 ${section.protocol} ${section.formats.join(' ')}`,
    'c=IN IP4 0.0.0.0',
    `a=mid:${section.mid}`,
    'a=inactive',
  ];
}

/** An offer to a receiver. */
export function receiverOffer(
  session: string,
  revision: number,
  sections: readonly OfferedSection[],
  transport: TransportDescription,
): string {
  const body = sections.flatMap(({ mid, kind, source }, index) => [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF ${offeredCodecs(kind, source?.codec)
      .map(({ payloadType }) => payloadType)
      .join(' ')}`,
    'c=IN IP4 0.0.0.0',
    `a=mid:${mid}`,
    `a=${source ? 'sendonly' : 'inactive'}`,
    'a=rtcp-mux',
    'a=rtcp-rsize',
    // A later offer must leave the roles open, too (RFC 8842 section 5.2).
    ...transportLines({ ...transport, setup: 'actpass' }, index === 0),
    ...(kind === 'audio' ? [`a=extmap:${AUDIO_LEVEL_ID} ${EXTENSION_AUDIO_LEVEL}`] : []),
    `a=extmap:${SEND_TIME_ID} ${EXTENSION_SEND_TIME}`,
    `a=extmap:${CAPTURE_TIME_ID} ${EXTENSION_CAPTURE_TIME}`,
    ...offeredCodecs(kind, source?.codec).flatMap((codec) => codecLines(codec, codec.payloadType, [])),
    ...(source ? [`a=msid:${source.stream} ${source.track}`, `a=ssrc:${source.ssrc} cname:${source.cname}`] : []),
  ]);
  return joined([
    ...sessionLines(
      session,
      revision,
      sections.map(({ mid }) => mid),
    ),
    ...body,
  ]);
}
