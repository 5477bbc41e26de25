// Between browsers' session descriptions and Janus: what a browser sends is parsed, checked and written anew from lines of
// known kinds, so that Janus' parser never meets anything else; what Janus writes goes to browsers as it is.
import { agreedCodecs, opus, vp8 } from '../embedded/codecs.ts';
import {
  invalid,
  isKind,
  type Kind,
  type MediaSection,
  parseDescription,
  type SessionDescription,
} from '../embedded/sdp.ts';

/** Camera, microphone, and a shared screen with its sound, twice over. */
const MAX_PUBLISHED = 8;

/**
 * Simulcast is among them although nobody asks Janus for one of several qualities yet: a browser that offers several names no
 * SSRC, and if Janus is not told of them, it may take that of an idle one for the picture's, and ask there for key frames.
 */
const passed = new Set(
  `mid msid sendrecv sendonly recvonly inactive rtcp-mux rtcp-rsize bundle-only rtpmap fmtp rtcp-fb extmap ssrc ssrc-group
  rid simulcast`.split(/\s+/),
);
const printable = /^[\x20-\x7e]*$/;
/** Of qualities, what apps write and no more. */
const strict: Readonly<Record<string, RegExp>> = {
  rid: /^rid:[A-Za-z0-9]{1,16} send$/,
  simulcast: /^simulcast:send [A-Za-z0-9~;]{1,80}$/,
};

export interface PublishedSection {
  readonly mid: string;
  readonly kind: Kind;
}

/** The offer as Janus gets it, and what it sends. Throws `invalid-session-description`. */
export function publisherOffer(sdp: string): { sdp: string; sections: readonly PublishedSection[] } {
  const description = parseDescription(sdp);
  if (description.transport.setup === 'passive') throw invalid('an offer must let the engine begin (setup:actpass)');
  const sections = description.sections.flatMap((section): PublishedSection[] => {
    const { media, mid, direction, rejected } = section;
    const sends = direction === 'sendonly' || direction === 'sendrecv';
    if (!isKind(media) || rejected || !sends || !isOurs(section, media)) return [];
    return [{ mid, kind: media }];
  });
  if (sections.length === 0) throw invalid('nothing is sent in Opus or VP8');
  if (sections.length > MAX_PUBLISHED) throw invalid('too much is sent at once');
  return { sdp: written(description), sections };
}

/** Rooms on Janus are in Opus and VP8. */
function isOurs(section: MediaSection, kind: Kind): boolean {
  return agreedCodecs(section, kind).some(({ codec }) => codec === opus || codec === vp8);
}

/** The answer as Janus gets it. `offered`: media of the sections offered. Throws `invalid-session-description`. */
export function receiverAnswer(sdp: string, offered: readonly PublishedSection[]): string {
  const description = parseDescription(sdp);
  const { sections, transport } = description;
  if (transport.setup === 'actpass') throw invalid('an answer must say who begins');
  if (sections.length !== offered.length) throw invalid('the answer has another number of media sections');
  offered.forEach(({ mid, kind }, index) => {
    const section = sections[index];
    if (section?.mid !== mid || section.media !== kind) throw invalid('the answer has other media sections');
  });
  return written(description);
}

/** The sections of what Janus itself wrote, rejected ones left out. */
export function sectionsOf(sdp: string): readonly PublishedSection[] {
  return parseDescription(sdp).sections.flatMap(({ mid, media, rejected }) =>
    isKind(media) && !rejected ? [{ mid, kind: media }] : [],
  );
}

/** Janus listens to checks only when it has some candidate of the other side, and a browser's may come late, or be names
 * or relays it cannot use, while the browser reaches Janus very well. This one is the discard port of its own machine. */
const nowhere = 'candidate:1 1 udp 1 127.0.0.1 9 typ host';

function written({ sections, transport }: SessionDescription): string {
  const used = sections.filter(({ rejected }) => !rejected);
  const candidates = transport.candidates.length > 0 ? transport.candidates : [nowhere];
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    `a=group:BUNDLE ${used.map(({ mid }) => mid).join(' ')}`,
    ...sections.flatMap((section) => [
      `m=${section.media} ${section.rejected ? 0 : 9} ${section.protocol} ${section.formats.join(' ')}`,
      'c=IN IP4 0.0.0.0',
      ...section.attributes.filter(isPassed).map((attribute) => `a=${attribute}`),
      `a=ice-ufrag:${transport.ufrag}`,
      `a=ice-pwd:${transport.password}`,
      `a=fingerprint:${transport.fingerprint}`,
      `a=setup:${transport.setup}`,
      ...(section === used[0] ? candidates.map((candidate) => `a=${candidate}`) : []),
    ]),
  ];
  return `${lines.join('\r\n')}\r\n`;
}

function isPassed(attribute: string): boolean {
  const [name = ''] = attribute.split(':', 1);
  return passed.has(name) && (strict[name] ?? printable).test(attribute);
}
