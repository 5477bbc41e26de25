// A receiving leg: offers a browser one other person, or the mix. The server negotiates an endpoint once, so only the first
// answer goes to it; when somebody else is to be received by this leg, or nobody, the browser is offered the same
// connection with other directions.
import { ParleyError } from '@parley/protocol';
import { invalid } from '../embedded/sdp.ts';
import type { IceCandidate, OfferedSource } from '../engine.ts';
import type { Kind, ReceiverOffer } from './descriptions.ts';
import { type Endpoint, openReceiving } from './endpoint.ts';
import type { Objects } from './objects.ts';

/** A browser answers in milliseconds; one that has not by then will not. */
const ANSWER_MS = 30_000;
/** From the answer to a connection. ICE gives up after 30 s by itself. */
const CONNECT_MS = 40_000;
const MAX_EARLY_CANDIDATES = 32;

export interface Received {
  /** A publisher's device, or `mixedSource`. */
  readonly from: string;
  readonly kinds: readonly Kind[];
}

export interface ReceiverEvents {
  /** The server has the endpoint: it can be connected from now on. */
  opened(object: string): void;
  offer(offer: { revision: number; sdp: string; sources: OfferedSource[] }): void;
  connected(): void;
  lost(reason: string): void;
}

export interface Receiver {
  readonly leg: string;
  /** Null before the server has it. */
  endpoint(): Endpoint | null;
  isConnected(): boolean;
  /** Whom this leg is to carry; offered now, or after the outstanding answer. */
  want(received: Received | null): void;
  /** Who is to be received now. */
  wanted(): Received | null;
  answer(revision: number, sdp: string): Promise<void>;
  addCandidate(candidate: IceCandidate): void;
  /** Without `releasing` the server's part is left to the end of the pipeline. */
  close(releasing?: boolean): Promise<void>;
}

/** Opens a leg; failing is reported as `lost`. */
export function openReceiver(leg: string, objects: Objects, pipeline: string, events: ReceiverEvents): Receiver {
  let wanted: Received | null = null;
  let opened: { endpoint: Endpoint; offer: ReceiverOffer; accept(answer: string): Promise<void> } | null = null;
  let revision = 0;
  /** What the browser was offered last, and whether it has answered. */
  let offered = '';
  let outstanding = false;
  let answering = false;
  let fingerprint: string | null = null;
  let connected = false;
  let closed = false;
  let deadline: NodeJS.Timeout | undefined;
  const early: IceCandidate[] = [];

  function lost(reason: string): void {
    if (!closed) events.lost(reason);
  }
  function within(ms: number, what: string): void {
    clearTimeout(deadline);
    deadline = setTimeout(() => lost(`no ${what} in time`), ms).unref();
  }

  function offer(): void {
    if (closed || !opened || outstanding) return;
    const mark = wanted ? `${wanted.kinds.join()} ${wanted.from}` : '';
    // Nothing to say, or nothing to say yet.
    if (mark === offered) return;
    const kinds = new Set(wanted?.kinds);
    revision += 1;
    offered = mark;
    outstanding = true;
    within(ANSWER_MS, 'answer');
    const from = wanted?.from ?? '';
    const sources = [...opened.offer.mids].flatMap(([kind, mid]): OfferedSource[] =>
      kinds.has(kind) ? [{ mid, kind, publisher: from }] : [],
    );
    events.offer({ revision, sdp: opened.offer.write(revision, kinds), sources });
  }

  async function open(): Promise<void> {
    const made = await openReceiving(objects, pipeline, {
      connected() {
        if (connected || closed) return;
        connected = true;
        if (!outstanding) clearTimeout(deadline);
        events.connected();
      },
      flowing: () => undefined,
      silent: () => undefined,
      lost,
    });
    if (closed) {
      await made.endpoint.close();
      return;
    }
    opened = made;
    events.opened(made.endpoint.object);
    offer();
  }
  open().catch((error: unknown) => lost(String(error)));

  return {
    leg,
    endpoint: () => opened?.endpoint ?? null,
    isConnected: () => connected,
    want(received) {
      wanted = received;
      offer();
    },
    wanted: () => wanted,
    async answer(to, sdp) {
      if (closed || !opened || !outstanding || answering || to !== revision) return;
      const answered = opened.offer.readAnswer(sdp);
      if (fingerprint !== null && answered.fingerprint !== fingerprint) throw invalid('the fingerprint has changed');
      if (fingerprint === null) {
        answering = true;
        try {
          await opened.accept(answered.forServer);
        } catch (error) {
          // The endpoint cannot be negotiated again, whatever was wrong.
          lost(String(error));
          throw error;
        } finally {
          answering = false;
        }
        if (closed) throw new ParleyError('not-in-call', 'left while joining');
        fingerprint = answered.fingerprint;
        for (const candidate of [...answered.candidates, ...early.splice(0)]) opened.endpoint.addCandidate(candidate);
      }
      outstanding = false;
      if (connected) clearTimeout(deadline);
      else within(CONNECT_MS, 'connection');
      offer();
    },
    addCandidate(candidate) {
      if (closed) return;
      if (opened && fingerprint !== null) opened.endpoint.addCandidate(candidate);
      else if (early.length < MAX_EARLY_CANDIDATES) early.push(candidate);
    },
    async close(releasing) {
      closed = true;
      clearTimeout(deadline);
      await opened?.endpoint.close(releasing);
    },
  };
}
