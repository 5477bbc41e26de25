// Reading session descriptions (RFC 8866, RFC 8829): what browsers send is hostile until it has passed through here, and
// the native library never sees a line of it, only descriptions the engine writes itself from checked values.
import { MAX_CANDIDATES, MAX_SDP, ParleyError } from '@parley/protocol';
import { usableCandidate } from './candidates.ts';

export type Kind = 'audio' | 'video';

/** What ICE and DTLS need of the other side. */
export interface TransportDescription {
  readonly ufrag: string;
  readonly password: string;
  /** As in SDP: hash function and hex bytes. */
  readonly fingerprint: string;
  readonly setup: 'active' | 'passive' | 'actpass';
  /** Each begins with `candidate:`. */
  readonly candidates: readonly string[];
}

export interface MediaSection {
  readonly mid: string;
  /** `audio`, `video`, `application` or anything else. */
  readonly media: string;
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly rejected: boolean;
  readonly direction: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
  readonly attributes: readonly string[];
}

export interface SessionDescription {
  readonly sections: readonly MediaSection[];
  readonly transport: TransportDescription;
}

/** More sections than any conference has sources is no browser of ours. */
export const MAX_SECTIONS = 256;
const MAX_LINE = 4096;
const token = /^[!#-'*+\-.0-9A-Z^-~]{1,64}$/;
const iceCharacters = /^[A-Za-z0-9+/]+$/;
const fingerprintShape = /^sha-(256|384|512) ([0-9A-F]{2}(?::[0-9A-F]{2})*)$/i;
const directions = new Set(['sendrecv', 'sendonly', 'recvonly', 'inactive']);

export function invalid(details: string): ParleyError {
  return new ParleyError('invalid-session-description', details);
}

/** Throws `invalid-session-description` for anything a bundled WebRTC session with DTLS-SRTP could not be made of. */
export function parseDescription(sdp: string): SessionDescription {
  if (sdp.length > MAX_SDP) throw invalid('too large');
  const lines = sdp.split(/\r\n|\n|\r/).filter((line) => line !== '');
  if (lines[0] !== 'v=0') throw invalid('does not begin with v=0');
  const session: string[] = [];
  const blocks: { mLine: string; attributes: string[] }[] = [];
  for (const line of lines) {
    if (line.length > MAX_LINE) throw invalid('a line is too long');
    if (line.startsWith('m=')) blocks.push({ mLine: line.slice(2), attributes: [] });
    else if (line.startsWith('a=')) (blocks.at(-1)?.attributes ?? session).push(line.slice(2));
  }
  if (blocks.length === 0 || blocks.length > MAX_SECTIONS) throw invalid('no media section, or too many');
  const sections = blocks.map(({ mLine, attributes }) => parseSection(mLine, attributes));
  const mids = new Set(sections.map(({ mid }) => mid));
  if (mids.size !== sections.length) throw invalid('two media sections share a mid');
  const used = sections.filter(({ rejected }) => !rejected);
  const first = used[0];
  if (!first) throw invalid('every media section is rejected');
  requireBundle(session, used);
  return {
    sections,
    transport: parseTransport(
      session,
      first.attributes,
      blocks.flatMap((block) => block.attributes),
    ),
  };
}

function parseSection(mLine: string, attributes: readonly string[]): MediaSection {
  const [media = '', port = '', protocol = '', ...formats] = mLine.split(' ');
  const mid = attribute(attributes, 'mid') ?? '';
  const named = [media, protocol, mid.slice(0, 64), ...formats].every((word) => token.test(word.replaceAll('/', '-')));
  if (!named || mid.length > 32 || !/^\d{1,5}$/.test(port) || formats.length === 0)
    throw invalid('a bad media section');
  // A section that waits to be bundled has port 0 and is still in use (RFC 9143 section 6).
  const rejected = port === '0' && !attributes.includes('bundle-only');
  const direction = attributes.find((line) => directions.has(line)) as MediaSection['direction'] | undefined;
  return { mid, media, protocol, formats, rejected, direction: direction ?? 'sendrecv', attributes };
}

function requireBundle(session: readonly string[], used: readonly MediaSection[]): void {
  const bundled = new Set(
    allAttributes(session, 'group').flatMap((group) => {
      const [semantics, ...mids] = group.split(' ');
      return semantics === 'BUNDLE' ? mids : [];
    }),
  );
  for (const { mid, media, attributes } of used) {
    if (used.length > 1 && !bundled.has(mid)) throw invalid('all media sections must be bundled');
    if (isKind(media) && !attributes.includes('rtcp-mux')) throw invalid('rtcp-mux is needed');
  }
}

function parseTransport(
  session: readonly string[],
  first: readonly string[],
  all: readonly string[],
): TransportDescription {
  const one = (name: string) => attribute(first, name) ?? attribute(session, name) ?? '';
  const ufrag = one('ice-ufrag');
  const password = one('ice-pwd');
  const fingerprint = one('fingerprint').trim();
  const setup = one('setup');
  if (ufrag.length < 4 || ufrag.length > 256 || !iceCharacters.test(ufrag)) throw invalid('bad ice-ufrag');
  if (password.length < 22 || password.length > 256 || !iceCharacters.test(password)) throw invalid('bad ice-pwd');
  const [, bits, hex] = fingerprintShape.exec(fingerprint) ?? [];
  if (!bits || !hex || hex.split(':').length * 8 !== Number(bits)) throw invalid('bad fingerprint');
  if (setup !== 'active' && setup !== 'passive' && setup !== 'actpass') throw invalid('bad setup');
  const candidates = allAttributes(all, 'candidate')
    .slice(0, MAX_CANDIDATES)
    .flatMap((value) => usableCandidate(`candidate:${value}`) ?? []);
  return { ufrag, password, fingerprint, setup, candidates: [...new Set(candidates)] };
}

export function isKind(media: string): media is Kind {
  return media === 'audio' || media === 'video';
}

/** The first attribute `name:value`. */
export function attribute(attributes: readonly string[], name: string): string | undefined {
  const prefix = `${name}:`;
  return attributes.find((line) => line.startsWith(prefix))?.slice(prefix.length);
}

export function allAttributes(attributes: readonly string[], name: string): string[] {
  const prefix = `${name}:`;
  return attributes.filter((a) => a.startsWith(prefix)).map((a) => a.slice(prefix.length));
}
