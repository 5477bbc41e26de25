// A publishing leg: a publisher of Janus' VideoRoom, with one connection on which a browser only sends.
import { ParleyError } from '@parley/protocol';
import type { Kind } from '../embedded/sdp.ts';
import { invalid } from '../embedded/sdp.ts';
import { publisherOffer, sectionsOf } from './descriptions.ts';
import { type JanusId, type JanusMessage, joinedSchema } from './messages.ts';
import type { Handle, Session } from './session.ts';
import type { Feed } from './source.ts';

export const VIDEO_ROOM = 'janus.plugin.videoroom';

/**
 * How long a leg may be silent, after the second or two in which Janus notices. A browser that crashes says nothing, and
 * Janus needs a minute to find out; but one that lives sends packets of sound all the time, with the microphone off too.
 */
const SILENT_MS = 5000;

export interface PublisherEvents {
  /** ICE and DTLS are through: from now on receivers can be given its streams. */
  up(): void;
  /** The first media packet has come. */
  connected(): void;
  lost(): void;
  /** Nothing comes any more: not the leg has failed, as far as Janus knows, but whoever sent is not there. */
  silent(): void;
  /** What the VideoRoom tells everybody in it. */
  told(data: Record<string, unknown>): void;
}

export interface Publisher {
  readonly direction: 'publish';
  readonly leg: string;
  readonly answer: string;
  readonly feed: JanusId;
  readonly streams: readonly (Feed & { readonly kind: Kind })[];
  readonly handle: Handle;
  isUp(): boolean;
  isConnected(): boolean;
  isClosed(): boolean;
  /** For what Janus could not tell while it was not in touch. */
  presume(state: 'connected' | 'lost'): void;
  close(): void;
}

/** Throws `invalid-session-description` and what requests to Janus throw; nothing is left behind then. */
export async function openPublisher(
  leg: string,
  offer: string,
  room: JanusId,
  session: Session,
  mark: string,
  events: PublisherEvents,
): Promise<Publisher> {
  const { sdp, sections } = publisherOffer(offer);
  let state: 'new' | 'up' | 'connected' | 'closed' = 'new';

  const sending = new Set<string>();
  /** Sound has come. */
  let heard = false;
  let silence: NodeJS.Timeout | null = null;

  function listen(mid: string, receiving: boolean): void {
    if (silence) clearTimeout(silence);
    silence = null;
    if (receiving) {
      sending.add(mid);
      heard ||= sections.some((section) => section.mid === mid && section.kind === 'audio');
      arrive();
      return;
    }
    sending.delete(mid);
    if (!heard || sending.size > 0) return;
    silence = setTimeout(() => {
      if (state !== 'closed') events.silent();
    }, SILENT_MS);
  }

  function progress(): void {
    if (state !== 'new') return;
    state = 'up';
    events.up();
  }
  function arrive(): void {
    progress();
    if (state !== 'up') return;
    state = 'connected';
    events.connected();
  }
  function close(): void {
    state = 'closed';
    if (silence) clearTimeout(silence);
    void handle.detach();
  }
  function lose(): void {
    if (state === 'closed') return;
    close();
    events.lost();
  }

  function hear({ janus, mid, receiving, plugindata }: JanusMessage): void {
    if (state === 'closed') return;
    if (janus === 'webrtcup') progress();
    else if (janus === 'media' && mid !== undefined && receiving !== undefined) listen(mid, receiving);
    else if (janus === 'hangup' || janus === 'detached') lose();
    else if (janus === 'event' && plugindata) events.told(plugindata.data);
  }

  const handle = await session.attach(VIDEO_ROOM, mark, hear);
  try {
    const reply = await handle.message(
      { request: 'joinandconfigure', ptype: 'publisher', room },
      { type: 'offer', sdp },
    );
    const { id: feed } = joinedSchema.parse(reply.data);
    if (reply.jsep?.type !== 'answer') throw new ParleyError('internal-error', 'Janus has not answered the offer');
    const taken = new Set(sectionsOf(reply.jsep.sdp).map(({ mid }) => mid));
    const streams = sections.filter(({ mid }) => taken.has(mid)).map(({ kind, mid }) => ({ kind, mid, feed }));
    if (streams.length === 0) throw invalid('Janus takes nothing of it');
    return {
      direction: 'publish',
      leg,
      answer: reply.jsep.sdp,
      feed,
      streams,
      handle,
      isUp: () => state === 'up' || state === 'connected',
      isConnected: () => state === 'connected',
      isClosed: () => state === 'closed',
      presume(now) {
        if (state === 'closed') return;
        if (now === 'lost') lose();
        else arrive();
      },
      close() {
        if (state !== 'closed') close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}
