// Which codecs and header extensions conferences use. Opus and VP8: every browser has both (RFC 7874, RFC 7742) and can
// decode what any other sends, so nothing has to be converted. H.264 and VP9 would need an agreement of the whole room.
import type { Kind, MediaSection } from './sdp.ts';
import { allAttributes, attribute } from './sdp.ts';

export interface Codec {
  /** As in a=rtpmap. */
  readonly rtpmap: string;
  readonly clockRate: number;
  /** What receivers are always offered, whatever number the publisher uses. */
  readonly payloadType: number;
  readonly parameters: string | null;
  readonly feedback: readonly string[];
}

export const codecs: Record<Kind, Codec> = {
  audio: {
    rtpmap: 'opus/48000/2',
    clockRate: 48000,
    payloadType: 111,
    parameters: 'minptime=10;useinbandfec=1',
    feedback: [],
  },
  video: {
    rtpmap: 'VP8/90000',
    clockRate: 90000,
    payloadType: 96,
    parameters: null,
    // No transport-cc: a browser would wait for feedback nobody sends and fall to its lowest bitrate.
    feedback: ['ccm fir', 'nack', 'nack pli'],
  },
};

export const EXTENSION_MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';
export const EXTENSION_AUDIO_LEVEL = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';
/** The id of the audio level in everything sent to receivers. */
export const AUDIO_LEVEL_ID = 1;

/** The payload type under which a section offers the room's codec. */
export function payloadTypeOf(section: MediaSection, kind: Kind): number | undefined {
  const wanted = codecs[kind].rtpmap.toLowerCase();
  for (const value of allAttributes(section.attributes, 'rtpmap')) {
    const [number = '', name = ''] = value.split(' ');
    if (name.toLowerCase() !== wanted || !/^\d{1,3}$/.test(number) || !section.formats.includes(number)) continue;
    const payloadType = Number(number);
    // 64 to 95 would be taken for RTCP (RFC 5761 section 4).
    if (payloadType <= 127 && (payloadType < 64 || payloadType > 95)) return payloadType;
  }
  return undefined;
}

/** The id a section gives to a header extension. */
export function extensionId(section: MediaSection, uri: string): number | undefined {
  for (const value of allAttributes(section.attributes, 'extmap')) {
    const [id = '', named] = value.split(' ');
    const number = Number.parseInt(id, 10);
    if (named === uri && number >= 1 && number <= 255 && number !== 15) return number;
  }
  return undefined;
}

/** The one source of a section: the first of a retransmission group, else the first named; undefined: not said. */
export function ssrcOf(section: MediaSection): number | undefined {
  const named =
    attribute(section.attributes, 'ssrc-group')?.split(' ')[1] ?? attribute(section.attributes, 'ssrc')?.split(' ')[0];
  const ssrc = named && /^\d{1,10}$/.test(named) ? Number(named) : 0;
  return ssrc >= 1 && ssrc <= 0xffffffff ? ssrc : undefined;
}
