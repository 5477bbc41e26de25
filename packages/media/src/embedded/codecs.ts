// Which codecs and header extensions conferences use. Each source is passed on in the codec its publisher prefers among
// these: nothing is converted. Browsers name VP8 first (RFC 7742: all have it and H.264) unless a page asks otherwise.
import type { Kind, MediaSection } from './sdp.ts';
import { allAttributes, attribute } from './sdp.ts';

export type VideoCodec = 'VP8' | 'VP9' | 'H264' | 'AV1';
export type AudioCodec = 'opus' | 'red';

export interface Codec {
  readonly name: VideoCodec | AudioCodec;
  /** As in a=rtpmap. */
  readonly rtpmap: string;
  readonly clockRate: number;
  /** What receivers are always offered, whatever number the publisher uses. */
  readonly payloadType: number;
  readonly parameters: string | null;
  /** Parameters that a publisher's must contain; otherwise it is another format of the same name. */
  readonly needs: readonly string[];
  readonly feedback: readonly string[];
}

// No transport-cc: a browser would wait for feedback nobody sends and fall to its lowest bitrate.
const pictureFeedback = ['ccm fir', 'nack', 'nack pli', 'goog-remb'];
const picture = (
  name: VideoCodec,
  payloadType: number,
  parameters: string | null = null,
  needs: readonly string[] = [],
): Codec => ({
  name,
  rtpmap: `${name}/90000`,
  clockRate: 90000,
  payloadType,
  parameters,
  needs,
  feedback: pictureFeedback,
});

export const opus: Codec = {
  name: 'opus',
  rtpmap: 'opus/48000/2',
  clockRate: 48000,
  payloadType: 111,
  parameters: 'minptime=10;useinbandfec=1',
  needs: [],
  feedback: [],
};
/** Opus with what came before it, against loss (RFC 2198). Its packets name Opus by number, so that must be ours. */
const red: Codec = {
  name: 'red',
  rtpmap: 'red/48000/2',
  clockRate: 48000,
  payloadType: 63,
  parameters: '111/111',
  needs: ['111/111'],
  feedback: [],
};

/** For sections that carry nothing now. */
export const vp8 = picture('VP8', 96);

export const codecs: Record<Kind, readonly Codec[]> = {
  audio: [opus, red],
  video: [
    vp8,
    picture('VP9', 98, 'profile-id=0', ['profile-id=0']),
    picture('H264', 102, 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f', [
      'packetization-mode=1',
      'profile-level-id=42e01f',
    ]),
    picture('AV1', 45, 'level-idx=5;profile=0;tier=0', ['profile=0']),
  ],
};

export const EXTENSION_MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';
export const EXTENSION_RID = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';
export const EXTENSION_AUDIO_LEVEL = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';
export const EXTENSION_SEND_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time';
/** When a sound or picture was taken, by its sender's clock: passed on as it is. */
export const EXTENSION_CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';
/** Their ids in everything sent to receivers. */
export const AUDIO_LEVEL_ID = 1;
export const SEND_TIME_ID = 2;
export const CAPTURE_TIME_ID = 3;

export interface AgreedCodec {
  readonly codec: Codec;
  /** The publisher's number for it. */
  readonly payloadType: number;
}

/** What a section offers of these codecs, as it prefers them: the first, and for RED the Opus it may fall back to. */
export function agreedCodecs(section: MediaSection, kind: Kind): readonly AgreedCodec[] {
  const maps = new Map(allAttributes(section.attributes, 'rtpmap').map((value) => splitOnce(value)));
  const parameters = new Map(allAttributes(section.attributes, 'fmtp').map((value) => splitOnce(value)));
  const found = section.formats.flatMap((number): AgreedCodec[] => {
    const name = maps.get(number)?.toLowerCase();
    const payloadType = Number(number);
    // 64 to 95 would be taken for RTCP (RFC 5761 section 4).
    if (!name || !/^\d{1,3}$/.test(number) || payloadType > 127 || (payloadType >= 64 && payloadType <= 95)) return [];
    const given =
      parameters
        .get(number)
        ?.split(';')
        .map((one) => one.trim().toLowerCase()) ?? [];
    const codec = codecs[kind].find(({ rtpmap, needs }) => {
      // An AV1 or VP9 section without a profile means profile 0.
      const silent = given.every((one) => !one.startsWith('profile'));
      const fits = needs.every((one) => given.includes(one) || (silent && /^profile(-id)?=0$/.test(one)));
      return rtpmap.toLowerCase() === name && fits;
    });
    return codec ? [{ codec, payloadType }] : [];
  });
  const plain = found.find(({ codec }) => codec.name === 'opus');
  const usable = plain?.payloadType === opus.payloadType ? found : found.filter(({ codec }) => codec.name !== 'red');
  const [first] = usable;
  if (!first) return [];
  return first.codec.name === 'red' && plain ? [first, plain] : [first];
}

function splitOnce(value: string): [string, string] {
  const space = value.indexOf(' ');
  return space < 0 ? [value, ''] : [value.slice(0, space), value.slice(space + 1)];
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

/** More qualities of one picture than these are not taken. */
const MAX_RIDS = 3;

/** The names of the qualities in which a section sends its picture (RFC 8853), as listed; [] for just one. */
export function ridsOf(section: MediaSection): readonly string[] {
  const [direction, list = ''] = attribute(section.attributes, 'simulcast')?.split(' ') ?? [];
  if (direction !== 'send' || extensionId(section, EXTENSION_RID) === undefined) return [];
  const known = new Set(allAttributes(section.attributes, 'rid').map((value) => value.split(' ')[0]));
  // Alternatives of one quality are separated by commas; `~`: not sent to begin with.
  const names = list.split(';').map((one) => one.split(',')[0]?.replace(/^~/, '') ?? '');
  const rids = names.filter((name) => /^[A-Za-z0-9]{1,16}$/.test(name) && known.has(name));
  return rids.length > 1 && new Set(rids).size === rids.length ? rids.slice(0, MAX_RIDS) : [];
}
