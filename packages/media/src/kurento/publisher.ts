// A publishing leg: one browser's sound and picture on their way into the room.
import type { IceCandidate } from '../engine.ts';
import { type Kind, readPublisherOffer } from './descriptions.ts';
import { type Endpoint, openPublishing } from './endpoint.ts';
import type { Objects } from './objects.ts';

/** From the answer to the first packet. ICE gives up after 30 s by itself. */
const CONNECT_MS = 40_000;
/** The server says that nothing has come for 5 s; a browser on a bad network gets so long to be heard of again. */
const SILENCE_MS = 2000;

export interface PublisherEvents {
  /** The first packet has come. */
  connected(): void;
  /** `gone`: nothing is heard of the browser at all, so that its other legs are dead, too. */
  lost(reason: string, gone: boolean): void;
}

export interface Publisher {
  readonly leg: string;
  readonly endpoint: Endpoint;
  readonly answer: string;
  readonly kinds: readonly Kind[];
  /** Whether a packet has come. */
  isConnected(): boolean;
  /** Key frames that were asked of it on somebody's behalf. */
  keyframeRequests: number;
  addCandidate(candidate: IceCandidate): void;
  /** Without `releasing` the server's part is left to the end of the pipeline. */
  close(releasing?: boolean): Promise<void>;
}

/** Throws `invalid-session-description`, or what a failing server comes to. */
export async function openPublisher(
  leg: string,
  objects: Objects,
  pipeline: string,
  offerSdp: string,
  events: PublisherEvents,
): Promise<Publisher> {
  const offer = readPublisherOffer(offerSdp);
  let connected = false;
  let closed = false;
  let handedOver = false;
  let failure: string | null = null;
  let silence: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;

  function lost(reason: string, gone: boolean): void {
    if (closed) return;
    if (handedOver) events.lost(reason, gone);
    else failure ??= reason;
  }

  const { endpoint, answer, kinds } = await openPublishing(objects, pipeline, offer, {
    connected: () => undefined,
    flowing() {
      if (connected || closed) return;
      connected = true;
      clearTimeout(deadline);
      if (handedOver) events.connected();
    },
    silent(now) {
      clearTimeout(silence);
      if (now && connected && !closed) silence = setTimeout(() => lost('nothing has come', true), SILENCE_MS).unref();
    },
    lost: (reason) => lost(reason, false),
  });
  deadline = setTimeout(() => lost('no media in time', false), CONNECT_MS).unref();
  // What happens before the caller knows the leg, it is told when it does: events overtake answers.
  setImmediate(() => {
    handedOver = true;
    if (failure !== null) lost(failure, false);
    else if (connected && !closed) events.connected();
  });

  return {
    leg,
    endpoint,
    answer,
    kinds,
    isConnected: () => connected,
    keyframeRequests: 0,
    addCandidate: (candidate) => endpoint.addCandidate(candidate),
    async close(releasing) {
      closed = true;
      clearTimeout(deadline);
      clearTimeout(silence);
      await endpoint.close(releasing);
    },
  };
}
