// A WebRtcEndpoint: one connection with one browser. Its candidates come by events; here they are awaited and put into the
// description, because legs are offered and answered with all candidates inside.
import { ParleyError } from '@parley/protocol';
import { usableInit } from '../embedded/candidates.ts';
import type { IceCandidate } from '../engine.ts';
import { type Kind, type PublisherOffer, type ReceiverOffer, readServerOffer } from './descriptions.ts';
import { endpointError } from './failures.ts';
import { readCandidate, readStatistics, readText, type StreamStatistics, textOf } from './messages.ts';
import type { Objects } from './objects.ts';

export interface EndpointEvents {
  /** ICE and DTLS are up. */
  connected(): void;
  /** The first packet of the browser's sound or picture has come. */
  flowing(): void;
  /** No RTCP has come for 5 s, or comes again; every browser that sends media sends reports, too. */
  silent(now: boolean): void;
  /** ICE or DTLS have failed, or the browser has ended them. */
  lost(reason: string): void;
}

export interface Endpoint {
  /** As the server knows it. */
  readonly object: string;
  addCandidate(candidate: IceCandidate): void;
  statistics(): Promise<StreamStatistics>;
  /** For a receiving endpoint: asks whoever it receives for a key frame. */
  requestKeyframe(): void;
  /** Without `releasing` the server's part is left to the end of the pipeline. */
  close(releasing?: boolean): Promise<void>;
}

/** From `gatherCandidates` to the last candidate; addresses of its own a server knows at once, STUN and TURN take longer. */
const GATHER_MS = 5000;
const MAX_CANDIDATES = 32;
/** Most for one picture, in kbit/s, each way: by itself the server sends at most 500. */
const MAX_VIDEO_KILOBITS = 2500;

/** Answers a browser that publishes. Throws `invalid-session-description`, or what a failing server comes to. */
export async function openPublishing(
  objects: Objects,
  pipeline: string,
  offer: PublisherOffer,
  events: EndpointEvents,
): Promise<{ endpoint: Endpoint; answer: string; kinds: readonly Kind[] }> {
  return negotiated(objects, pipeline, {}, events, async (opened) => {
    const { object } = opened;
    await objects.invoke(object, 'setMaxVideoRecvBandwidth', { maxVideoRecvBandwidth: MAX_VIDEO_KILOBITS });
    const fromServer = readText(await objects.invoke(object, 'processOffer', { offer: offer.forServer }));
    const { sdp, kinds } = offer.answer(fromServer, await opened.gather());
    opened.named(firstMid(fromServer));
    for (const candidate of offer.candidates) opened.addCandidate(candidate);
    return { endpoint: opened, answer: sdp, kinds };
  });
}

/** Offers a browser something to receive; `accept` is called with its first answer. Throws as `openPublishing`. */
export async function openReceiving(
  objects: Objects,
  pipeline: string,
  events: EndpointEvents,
): Promise<{ endpoint: Endpoint; offer: ReceiverOffer; accept(answer: string): Promise<void> }> {
  return negotiated(objects, pipeline, { sendonly: true }, events, async (opened) => {
    const { object } = opened;
    await objects.invoke(object, 'setMaxVideoSendBandwidth', { maxVideoSendBandwidth: MAX_VIDEO_KILOBITS });
    const fromServer = readText(await objects.invoke(object, 'generateOffer'));
    const offer = readServerOffer(fromServer, await opened.gather());
    opened.named(firstMid(fromServer));
    return {
      endpoint: opened,
      offer,
      async accept(answer) {
        await objects.invoke(object, 'processAnswer', { answer }).catch((error: unknown) => {
          throw endpointError(error);
        });
      },
    };
  });
}

function firstMid(sdp: string): string {
  return /^a=mid:(\S{1,32})/m.exec(sdp)?.[1] ?? '0';
}

interface Opened extends Endpoint {
  gather(): Promise<readonly IceCandidate[]>;
  /** From now on the server can be told candidates; all sections are bundled with this first one. */
  named(mid: string): void;
}

async function negotiated<T>(
  objects: Objects,
  mediaPipeline: string,
  wishes: Readonly<Record<string, unknown>>,
  events: EndpointEvents,
  negotiate: (opened: Opened) => Promise<T>,
): Promise<T> {
  const object = await objects.create('WebRtcEndpoint', { mediaPipeline, ...wishes }).catch((error: unknown) => {
    throw endpointError(error);
  });
  const opened = wrap(objects, object);
  try {
    await opened.subscribeAll(events);
    return await negotiate(opened);
  } catch (error) {
    await opened.close();
    throw endpointError(error);
  }
}

function wrap(objects: Objects, object: string): Opened & { subscribeAll(events: EndpointEvents): Promise<void> } {
  const found: IceCandidate[] = [];
  let gathered: () => void = () => undefined;
  const allGathered = new Promise<void>((resolve) => {
    gathered = resolve;
  });
  let early: IceCandidate[] = [];
  let mid: string | null = null;
  let connected = false;
  let closed = false;

  /** What is asked of an endpoint in passing: if it fails the endpoint is gone, and its end is reported elsewhere. */
  const inPassing = (asked: Promise<unknown>) => void asked.catch(() => undefined);

  function tell(candidate: IceCandidate, sdpMid: string): void {
    const usable = usableInit(candidate);
    if (!usable) return;
    inPassing(
      objects.invoke(object, 'addIceCandidate', { candidate: { candidate: usable, sdpMid, sdpMLineIndex: 0 } }),
    );
  }

  return {
    object,
    async subscribeAll(to) {
      const lost = (reason: string) => {
        if (!closed) to.lost(reason);
      };
      // All before anything is negotiated: what happens earlier is never told again.
      await Promise.all([
        objects.subscribe(object, 'IceCandidateFound', (data) => {
          const candidate = readCandidate(data);
          if (candidate && found.length < MAX_CANDIDATES) found.push(candidate);
        }),
        objects.subscribe(object, 'IceGatheringDone', () => gathered()),
        objects.subscribe(object, 'IceComponentStateChanged', (data) => {
          // Before it was connected this is not final: candidates that come later are still tried.
          if (connected && textOf(data, 'state') === 'FAILED') lost('ICE has failed');
        }),
        objects.subscribe(object, 'DtlsConnectionStateChange', (data) => {
          const state = textOf(data, 'state');
          if (state === 'FAILED' || state === 'CLOSED') lost(`DTLS: ${state}`);
        }),
        objects.subscribe(object, 'ConnectionStateChanged', (data) => {
          if (textOf(data, 'newState') !== 'CONNECTED') return;
          connected = true;
          to.connected();
        }),
        objects.subscribe(object, 'MediaStateChanged', (data) =>
          to.silent(textOf(data, 'newState') === 'DISCONNECTED'),
        ),
        // "Out" of the endpoint, into the pipeline: from the browser.
        objects.subscribe(object, 'MediaFlowOutStateChanged', (data) => {
          if (textOf(data, 'state') === 'FLOWING') to.flowing();
        }),
      ]);
    },
    async gather() {
      let deadline: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        deadline = setTimeout(resolve, GATHER_MS);
      });
      await objects.invoke(object, 'gatherCandidates');
      await Promise.race([allGathered, late]);
      clearTimeout(deadline);
      if (found.length === 0)
        throw new ParleyError('no-conference-available', 'Kurento has found no address of its own');
      return found;
    },
    named(first) {
      mid = first;
      for (const candidate of early) tell(candidate, first);
      early = [];
    },
    addCandidate(candidate) {
      if (closed) return;
      if (mid !== null) tell(candidate, mid);
      else if (early.length < MAX_CANDIDATES) early.push(candidate);
    },
    statistics: async () => readStatistics(await objects.invoke(object, 'getStats')),
    requestKeyframe() {
      if (!closed) inPassing(objects.invoke(object, 'requestKeyframe'));
    },
    async close(releasing = true) {
      closed = true;
      if (releasing) await objects.release(object);
      else objects.forget(object);
    },
  };
}
