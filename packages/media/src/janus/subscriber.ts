// A receiving leg: a subscriber of Janus' VideoRoom with one connection for all sources. What it is to receive is brought
// about step by step: streams that moved to another feed are switched, then one offer for all that came and went, and
// the next only after its answer.
import { ParleyError } from '@parley/protocol';
import type { Kind } from '../embedded/sdp.ts';
import type { OfferedSource } from '../engine.ts';
import { type PublishedSection, receiverAnswer, sectionsOf } from './descriptions.ts';
import { type JanusId, type JanusMessage, JanusRefusal, NO_SUCH_FEED, streamsSchema } from './messages.ts';
import { VIDEO_ROOM } from './publisher.ts';
import type { Handle, Session } from './session.ts';
import type { Feed, Source } from './source.ts';

/** A browser answers in milliseconds; one that has not by then will not. */
export const ANSWER_MS = 30_000;
/** Of each kind; sources beyond are offered when others have gone. */
const MAX_RECEIVED = 32;

export interface SubscriberEvents {
  offer(offer: { revision: number; sdp: string; sources: OfferedSource[] }): void;
  connected(): void;
  lost(): void;
}

export interface Subscriber {
  readonly direction: 'subscribe';
  readonly leg: string;
  readonly handle: Handle;
  isConnected(): boolean;
  isClosed(): boolean;
  /** Offers these sources, now or after the outstanding answer. */
  want(sources: readonly Source[]): void;
  answer(revision: number, sdp: string): Promise<void>;
  close(): void;
}

interface Taken {
  readonly mid: string;
  readonly source: Source;
  /** What Janus sends there now. */
  feed: Feed;
}

/** Throws what requests to Janus throw. */
export async function openSubscriber(
  leg: string,
  room: JanusId,
  session: Session,
  mark: string,
  events: SubscriberEvents,
): Promise<Subscriber> {
  let wanted: readonly Source[] = [];
  let taken: Taken[] = [];
  let sections: readonly PublishedSection[] = [];
  let joined = false;
  let answered: string | null = null;
  let revision = 0;
  let outstanding: NodeJS.Timeout | null = null;
  /** A turn to settle is waiting. */
  let settling = false;
  let work = Promise.resolve();
  let connected = false;
  let closed = false;

  function release(): void {
    closed = true;
    if (outstanding) clearTimeout(outstanding);
    void handle.detach();
  }
  function lose(): void {
    if (closed) return;
    release();
    events.lost();
  }
  function hear({ janus }: JanusMessage): void {
    if (closed) return;
    if (janus === 'hangup' || janus === 'detached') lose();
    else if (janus === 'webrtcup' && !connected) {
      connected = true;
      events.connected();
    }
  }

  /** One request at a time, so that what Janus says fits what was asked. */
  function inTurn(task: () => Promise<void>): Promise<void> {
    const done = work.then(task);
    work = done.catch(() => undefined);
    return done;
  }

  /** A leg that cannot be brought to what it should be is as good as lost: its device asks for another. */
  function settle(): void {
    if (settling) return;
    settling = true;
    void inTurn(async () => {
      settling = false;
      try {
        while (!closed && (await step()));
      } catch {
        lose();
      }
    });
  }

  /** True if something was done, so that there may be more. */
  async function step(): Promise<boolean> {
    const moved = taken.filter(({ source, feed }) => wanted.includes(source) && source.feed !== feed);
    if (moved.length > 0) {
      const to = moved.map(({ mid, source }) => ({ sub_mid: mid, feed: source.feed.feed, mid: source.feed.mid }));
      for (const entry of moved) entry.feed = entry.source.feed;
      const reply = await handle.message({ request: 'switch', streams: to });
      const held = streamsSchema
        .parse(reply.data)
        .streams.some(({ mid, ready }) => !ready && to.some((stream) => stream.sub_mid === mid));
      // Janus 1.1.2 holds a switched stream back until an answer comes; the last one still describes the connection.
      if (held && answered && !outstanding) {
        await handle.message({ request: 'start' }, { type: 'answer', sdp: answered });
      }
      return true;
    }
    if (outstanding) return false;
    const gone = taken.filter(({ source }) => !wanted.includes(source)).map(({ mid }) => ({ sub_mid: mid }));
    const staying = taken.filter(({ source }) => wanted.includes(source)).map(({ source }) => source);
    const coming = toAdd(wanted, staying);
    if (gone.length === 0 && coming.length === 0) return false;
    return change(gone, coming);
  }

  async function change(gone: readonly { sub_mid: string }[], coming: readonly Source[]): Promise<boolean> {
    const known = [...wanted];
    const feeds = known.map(({ feed }) => feed);
    const streams = coming.map(({ feed }) => ({ feed: feed.feed, mid: feed.mid }));
    let reply: Awaited<ReturnType<Handle['message']>>;
    try {
      reply = await handle.message(
        joined
          ? {
              request: 'update',
              ...(streams.length > 0 ? { subscribe: streams } : {}),
              ...(gone.length > 0 ? { unsubscribe: gone } : {}),
            }
          : { request: 'join', ptype: 'subscriber', room, streams, autoupdate: false },
      );
    } catch (error) {
      // It has just gone; the room hears of it and then wants it no more.
      if (error instanceof JanusRefusal && error.number === NO_SUCH_FEED) return false;
      throw error;
    }
    if (closed) return false;
    joined = true;
    const now = streamsSchema.parse(reply.data).streams;
    taken = now.flatMap(({ mid, feed_id, feed_mid }): Taken[] => {
      const index = feeds.findIndex((feed) => feed.feed === feed_id && feed.mid === feed_mid);
      const source = known[index];
      const feed = feeds[index];
      return source && feed ? [{ mid, source, feed }] : [];
    });
    if (!reply.jsep) return true;
    sections = sectionsOf(reply.jsep.sdp);
    revision += 1;
    outstanding = setTimeout(lose, ANSWER_MS);
    const kinds = new Map(sections.map(({ mid, kind }) => [mid, kind] as const));
    const sources = taken.flatMap(({ mid, source: { publisher } }): OfferedSource[] => {
      const kind = kinds.get(mid);
      return kind ? [{ mid, publisher, kind }] : [];
    });
    events.offer({ revision, sdp: reply.jsep.sdp, sources });
    return true;
  }

  const handle = await session.attach(VIDEO_ROOM, mark, hear);

  return {
    direction: 'subscribe',
    leg,
    handle,
    isConnected: () => connected,
    isClosed: () => closed,
    want(sources) {
      wanted = sources;
      settle();
    },
    async answer(number, sdp) {
      if (closed || !outstanding || number !== revision) return;
      const checked = receiverAnswer(sdp, sections);
      clearTimeout(outstanding);
      outstanding = null;
      await inTurn(async () => {
        try {
          await handle.message({ request: 'start' }, { type: 'answer', sdp: checked });
          answered = checked;
        } catch (error) {
          lose();
          throw error instanceof JanusRefusal ? new ParleyError('invalid-session-description', error.details) : error;
        }
      });
      settle();
    },
    close() {
      if (!closed) release();
    },
  };
}

/** What is wanted and not there yet, as far as it fits. */
function toAdd(wanted: readonly Source[], present: readonly Source[]): Source[] {
  const count: Record<Kind, number> = { audio: 0, video: 0 };
  for (const { kind } of present) count[kind] += 1;
  return wanted.filter((source) => {
    if (present.includes(source) || count[source.kind] >= MAX_RECEIVED) return false;
    count[source.kind] += 1;
    return true;
  });
}
