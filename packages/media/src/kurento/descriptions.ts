// Session descriptions between browsers and Kurento, as pure functions. An endpoint carries one sound and one picture and
// is negotiated once. So a browser's offer is cut down to one of each before the server sees it, and the answer is
// stretched to fit again; and a receiver's later offers are made here, out of the one the server made, by changing
// directions only. Everybody speaks Opus and VP8: whatever is published can be passed on without being coded again.
import { allAttributes, invalid, isKind, type Kind, type MediaSection, parseDescription } from '../embedded/sdp.ts';
import type { IceCandidate } from '../engine.ts';

export type { Kind };

const codecNames: Record<Kind, string> = { audio: 'opus/48000/2', video: 'vp8/90000' };

interface Block {
  readonly mLine: string;
  readonly lines: readonly string[];
}

/** The lines before the first media section, and each section; without line ends. */
function splitDescription(sdp: string): { session: string[]; blocks: Block[] } {
  const session: string[] = [];
  const blocks: { mLine: string; lines: string[] }[] = [];
  for (const line of sdp.split(/\r\n|\n|\r/)) {
    if (line === '') continue;
    if (line.startsWith('m=')) blocks.push({ mLine: line, lines: [] });
    else (blocks.at(-1)?.lines ?? session).push(line);
  }
  return { session, blocks };
}

const isAttribute = (line: string) => line.startsWith('a=');
const joined = (lines: readonly string[]) => `${lines.join('\r\n')}\r\n`;

/** The number under which a section has the conference's codec. */
function payloadTypeOf({ attributes, formats }: MediaSection, kind: Kind): string | undefined {
  for (const value of allAttributes(attributes, 'rtpmap')) {
    const [number = '', name = ''] = value.split(' ');
    if (name.toLowerCase() === codecNames[kind] && formats.includes(number)) return number;
  }
  return undefined;
}

/** What an attribute of one codec is about; undefined for an attribute of the whole section. */
function payloadTypeIn(line: string): string | undefined {
  return /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) /.exec(line)?.[1];
}

const passed =
  /^a=(?:mid|ice-ufrag|ice-pwd|ice-options|fingerprint|setup|rtcp-mux|rtcp-rsize|msid|ptime|maxptime)(?::|$)/;
/** No transport-wide congestion control: a browser that is promised it waits for reports Kurento never sends. */
const passedFeedback = /^a=rtcp-fb:\d+ (?:nack|nack pli|ccm fir|goog-remb)$/;
const passedExtension =
  /^a=extmap:\d{1,2} (?:urn:ietf:params:rtp-hdrext:sdes:mid|http:\/\/www\.webrtc\.org\/experiments\/rtp-hdrext\/abs-send-time)$/;
const direction = /^a=(?:sendrecv|sendonly|recvonly|inactive)$/;

/** A section with one codec and nothing the server need not know. */
function reduced(block: Block, section: MediaSection, payloadType: string, way: 'sendonly' | 'recvonly'): string[] {
  const ssrc = primarySsrc(section);
  const kept = block.lines.filter((line) => {
    const about = payloadTypeIn(line);
    if (about !== undefined)
      return about === payloadType && (!line.startsWith('a=rtcp-fb') || passedFeedback.test(line));
    if (line.startsWith('a=ssrc:')) return ssrc !== undefined && line.startsWith(`a=ssrc:${ssrc} `);
    return passed.test(line) || passedExtension.test(line);
  });
  return [`m=${section.media} 9 ${section.protocol} ${payloadType}`, 'c=IN IP4 0.0.0.0', `a=${way}`, ...kept];
}

function primarySsrc({ attributes }: MediaSection): string | undefined {
  const named =
    allAttributes(attributes, 'ssrc-group')[0]?.split(' ')[1] ?? allAttributes(attributes, 'ssrc')[0]?.split(' ')[0];
  return named && /^\d{1,10}$/.test(named) ? named : undefined;
}

function sessionLines(id: string, mids: readonly string[]): string[] {
  return ['v=0', `o=- ${id} 1 IN IP4 127.0.0.1`, 's=-', 't=0 0', `a=group:BUNDLE ${mids.join(' ')}`];
}

/** Attributes that hold for all sections where a browser wrote them once. */
const shared = /^a=(?:ice-ufrag|ice-pwd|ice-options|fingerprint|setup):/;

function withShared(lines: readonly string[], session: readonly string[]): string[] {
  const name = (line: string) => line.split(':')[0];
  const missing = session.filter((line) => shared.test(line) && !lines.some((own) => name(own) === name(line)));
  return [...lines, ...missing];
}

/** Candidates in a description, as a browser would trickle them. */
function candidatesIn(blocks: readonly Block[], sections: readonly MediaSection[]): IceCandidate[] {
  return blocks.flatMap(({ lines }, sdpMLineIndex) =>
    lines
      .filter((line) => line.startsWith('a=candidate:'))
      .map((line) => ({ candidate: line.slice(2), sdpMid: sections[sdpMLineIndex]?.mid ?? null, sdpMLineIndex })),
  );
}

export interface PublisherOffer {
  /** For `processOffer`: at most one sound and one picture. */
  readonly forServer: string;
  /** Named by their sections in `forServer`. */
  readonly candidates: readonly IceCandidate[];
  /** The server's answer as an answer to the whole offer, with the server's candidates in it, and what it takes. */
  answer(
    fromServer: string,
    candidates: readonly IceCandidate[],
  ): { readonly sdp: string; readonly kinds: readonly Kind[] };
}

/** Reads a browser's offer to publish. Throws `invalid-session-description`. */
export function readPublisherOffer(sdp: string): PublisherOffer {
  const { sections, transport } = parseDescription(sdp);
  if (transport.setup === 'passive') throw invalid('an offer must let the server begin (setup:actpass)');
  const { session, blocks } = splitDescription(sdp);
  const taken = new Map<Kind, { section: MediaSection; lines: readonly string[] }>();
  sections.forEach((section, index) => {
    const { media, rejected } = section;
    const block = blocks[index];
    const sends = section.direction === 'sendonly' || section.direction === 'sendrecv';
    if (!block || !isKind(media) || rejected || !sends || taken.has(media)) return;
    const payloadType = payloadTypeOf(section, media);
    if (payloadType === undefined) return;
    taken.set(media, { section, lines: withShared(reduced(block, section, payloadType, 'sendonly'), session) });
  });
  // In the order of the offer.
  const accepted = sections.flatMap((section) => {
    const found = isKind(section.media) ? taken.get(section.media) : undefined;
    return found?.section === section ? [found] : [];
  });
  if (accepted.length === 0) throw invalid('nothing is sent in Opus or VP8');
  const mids = accepted.map(({ section }) => section.mid);
  return {
    forServer: joined([...sessionLines('1', mids), ...accepted.flatMap(({ lines }) => lines)]),
    candidates: candidatesIn(blocks, sections).map(({ candidate }) => ({
      candidate,
      sdpMid: mids[0] ?? null,
      sdpMLineIndex: 0,
    })),
    answer: (fromServer, candidates) => stretchedAnswer(sections, mids, fromServer, candidates),
  };
}

function stretchedAnswer(
  offered: readonly MediaSection[],
  mids: readonly string[],
  fromServer: string,
  candidates: readonly IceCandidate[],
): { sdp: string; kinds: Kind[] } {
  const answer = parseDescription(fromServer);
  const { session, blocks } = splitDescription(fromServer);
  const answered = new Map(answer.sections.map((section, index) => [section.mid, { section, block: blocks[index] }]));
  const kinds: Kind[] = [];
  const bundled: string[] = [];
  const body = offered.flatMap((section) => {
    const found = mids.includes(section.mid) ? answered.get(section.mid) : undefined;
    if (!found?.block || found.section.rejected || found.section.direction === 'inactive' || !isKind(section.media)) {
      return rejectedSection(section);
    }
    kinds.push(section.media);
    bundled.push(section.mid);
    const lines = withShared(found.block.lines, session);
    return [found.block.mLine, ...withCandidates(lines, bundled.length === 1 ? candidates : [])];
  });
  if (kinds.length === 0) throw invalid('the server takes no section');
  return { sdp: joined([...sessionLines('1', bundled), ...body]), kinds };
}

function rejectedSection({ media, protocol, formats, mid }: MediaSection): string[] {
  return [`m=${media} 0 ${protocol} ${formats.join(' ')}`, 'c=IN IP4 0.0.0.0', `a=mid:${mid}`, 'a=inactive'];
}

/** All of them in one section: the others are bundled with it. */
function withCandidates(lines: readonly string[], candidates: readonly IceCandidate[]): string[] {
  const kept = lines.filter((line) => !line.startsWith('a=candidate:') && line !== 'a=end-of-candidates');
  if (candidates.length === 0) return kept;
  return [...kept, ...candidates.map(({ candidate }) => `a=${candidate}`), 'a=end-of-candidates'];
}

export interface ReceiverOffer {
  /** The media section of each kind the endpoint has. */
  readonly mids: ReadonlyMap<Kind, string>;
  /** The offer to the browser: what is not among `kinds` is inactive. `revision` counts from 1. */
  write(revision: number, kinds: ReadonlySet<Kind>): string;
  /** Reads the answer to any revision. `forServer`: for `processAnswer`, with the first one. Throws `invalid-session-description`. */
  readAnswer(sdp: string): {
    readonly forServer: string;
    readonly candidates: readonly IceCandidate[];
    readonly fingerprint: string;
  };
}

/** Takes the server's offer for a receiver. Throws `invalid-session-description` if it has not the conference's codecs. */
export function readServerOffer(fromServer: string, candidates: readonly IceCandidate[]): ReceiverOffer {
  const { sections } = parseDescription(fromServer);
  const { session, blocks } = splitDescription(fromServer);
  const mids = new Map<Kind, string>();
  const made = sections.flatMap((section, index) => {
    const { media, mid } = section;
    const block = blocks[index];
    if (!isKind(media) || !block || section.rejected || mids.has(media))
      throw invalid('an unexpected offer of the server');
    const payloadType = payloadTypeOf(section, media);
    if (payloadType === undefined) throw invalid('the server does not offer Opus and VP8');
    mids.set(media, mid);
    const lines = block.lines.filter((line) => {
      const about = payloadTypeIn(line);
      return (about === undefined || about === payloadType) && !direction.test(line);
    });
    const mLine = `m=${media} 9 ${section.protocol} ${payloadType}`;
    return [{ kind: media, mLine, lines: withCandidates(lines, index === 0 ? candidates : []) }];
  });
  const [, id = '1'] = /^o=\S+ (\d{1,19}) /.exec(session.find((line) => line.startsWith('o=')) ?? '') ?? [];
  const attributes = session.filter(isAttribute);
  return {
    mids,
    write(revision, kinds) {
      const head = ['v=0', `o=- ${id} ${revision} IN IP4 127.0.0.1`, 's=-', 't=0 0', ...attributes];
      const body = made.flatMap(({ kind, mLine, lines }) => [
        mLine,
        // Before all attributes (RFC 8866 section 5).
        ...lines.filter((line) => !isAttribute(line)),
        `a=${kinds.has(kind) ? 'sendonly' : 'inactive'}`,
        ...lines.filter(isAttribute),
      ]);
      return joined([...head, ...body]);
    },
    readAnswer: (sdp) => receiverAnswer(sections, sdp),
  };
}

function receiverAnswer(offered: readonly MediaSection[], sdp: string) {
  const { sections, transport } = parseDescription(sdp);
  if (transport.setup === 'actpass') throw invalid('an answer must choose a role (setup)');
  if (sections.length !== offered.length) throw invalid('the answer has another number of media sections');
  const { session, blocks } = splitDescription(sdp);
  const body = sections.flatMap((section, index) => {
    const { mid, media } = section;
    const block = blocks[index];
    if (!block || mid !== offered[index]?.mid || media !== offered[index]?.media || !isKind(media)) {
      throw invalid('the answer has other media sections');
    }
    const payloadType = payloadTypeOf(section, media);
    if (section.rejected || payloadType === undefined) return rejectedSection(section);
    return withShared(reduced(block, section, payloadType, 'recvonly'), session);
  });
  const mids = sections.filter(({ rejected }) => !rejected).map(({ mid }) => mid);
  return {
    forServer: joined([...sessionLines('2', mids), ...body]),
    candidates: candidatesIn(blocks, sections),
    fingerprint: transport.fingerprint,
  };
}
