// One sound or picture of a device, whichever publishing leg it comes by: receivers are switched to another feed when the
// device publishes anew, and notice nothing.
import type { Kind } from '../embedded/sdp.ts';
import type { JanusId } from './messages.ts';

/** A stream in Janus: a section of a publisher's connection. */
export interface Feed {
  readonly feed: JanusId;
  readonly mid: string;
}

export interface Source {
  readonly publisher: string;
  readonly kind: Kind;
  /** The same object as long as it is the same stream. */
  feed: Feed;
}

/** Brings the sources of a device to what its publishing leg sends: the first of a kind goes on as the first, and so on. */
export function refill(
  publisher: string,
  before: readonly Source[],
  streams: readonly (Feed & { kind: Kind })[],
): Source[] {
  const left = [...before];
  return streams.map((stream) => {
    const index = left.findIndex(({ kind }) => kind === stream.kind);
    const [kept] = index < 0 ? [] : left.splice(index, 1);
    if (!kept) return { publisher, kind: stream.kind, feed: stream };
    kept.feed = stream;
    return kept;
  });
}
