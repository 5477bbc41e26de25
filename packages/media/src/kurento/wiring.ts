// Carries out a room's plan on the server, one step after the other: the mixer and its ports, and what is connected with
// what. Whatever comes in between changes only what is aimed at; the way there is worked out anew after each round.
import type { EngineLog } from './connection.ts';
import type { MediaType, Objects } from './objects.ts';
import { type Element, isPort, type Link, legOf, MIX_PICTURE, type Plan, type Step, sinkKey, stepsTo } from './plan.ts';

export interface Wiring {
  /** Aims at this plan. Resolves when it, or a later one, is reached. Never throws. */
  aim(plan: Plan): Promise<void>;
  /** The server's name of a leg's endpoint or of the recorder. */
  add(element: Element, object: string): void;
  /** The element is being released, and with it whatever is connected to it. */
  remove(element: Element): void;
  close(): void;
}

export interface WiringEvents {
  /** A leg receives a picture from another source now. */
  linked(leg: string, kind: Link['kind']): void;
  /** The server refused to connect this element; it is no use any more. */
  broken(element: Element): void;
}

/** For coding the mix anew for the recording, in bits per second: by itself the server takes 300,000. */
const RECORDING_BITRATE = 2_000_000;

const mediaTypes: Record<Link['kind'], MediaType> = { audio: 'AUDIO', video: 'VIDEO' };

export function createWiring(objects: Objects, pipeline: string, log: EngineLog, events: WiringEvents): Wiring {
  const elements = new Map<Element, string>();
  const ports = new Map<Element, string>();
  const connected = new Map<string, Link>();
  let mixer: string | null = null;
  let aimed: Plan = { ports: new Set(), links: [] };
  let working: Promise<void> | null = null;
  let closed = false;

  const objectOf = (element: Element) => (isPort(element) ? ports.get(element) : elements.get(element));

  const bothThere = ({ source, sink }: Link) => objectOf(source) !== undefined && objectOf(sink) !== undefined;

  function forgetLinks(element: Element): void {
    for (const [key, link] of connected) {
      if (link.source === element || link.sink === element) connected.delete(key);
    }
  }

  /** Only what exists can be connected; legs that have gone meanwhile are not in the next plan. */
  function possible({ ports: wantedPorts, links }: Plan): Plan {
    const there = (element: Element) => wantedPorts.has(element) || elements.has(element);
    return { ports: wantedPorts, links: links.filter(({ source, sink }) => there(source) && there(sink)) };
  }

  async function work(): Promise<void> {
    for (;;) {
      const [step] = closed ? [] : stepsTo(possible(aimed), connected, new Set(ports.keys()));
      if (!step) break;
      try {
        await take(step);
      } catch (error) {
        if (closed) return;
        if ('link' in step && (step.do === 'disconnect' || !bothThere(step.link))) continue;
        const element = culprit(step);
        log.warn({ element, step: step.do, err: error }, 'Kurento could not connect an element');
        elements.delete(element);
        forgetLinks(element);
        aimed = without(aimed, element);
        events.broken(element);
      }
    }
    if (!closed && ports.size === 0 && mixer !== null) {
      const unused = mixer;
      mixer = null;
      await objects.release(unused);
    }
  }

  async function take(step: Step): Promise<void> {
    if (step.do === 'open') {
      mixer ??= await objects.create('Composite', { mediaPipeline: pipeline, ...MIX_PICTURE });
      ports.set(step.port, await objects.create('HubPort', { hub: mixer }));
      return;
    }
    if (step.do === 'close') {
      const object = ports.get(step.port);
      ports.delete(step.port);
      forgetLinks(step.port);
      if (object) await objects.release(object);
      return;
    }
    const { source, sink, kind } = step.link;
    const [from, to] = [objectOf(source), objectOf(sink)];
    if (!from || !to) return;
    if (step.do === 'disconnect') {
      connected.delete(sinkKey(step.link));
      await objects.invoke(from, 'disconnect', { sink: to, mediaType: mediaTypes[kind] });
      return;
    }
    if (isPort(source) && legOf(sink) === undefined && kind === 'video') {
      await objects.invoke(from, 'setEncoderBitrate', { encoderBitrate: RECORDING_BITRATE });
    }
    await objects.invoke(from, 'connect', { sink: to, mediaType: mediaTypes[kind] });
    // Either may have been removed while the server was asked.
    if (objectOf(source) !== from || objectOf(sink) !== to) return;
    connected.set(sinkKey(step.link), step.link);
    const leg = legOf(sink);
    if (leg !== undefined) events.linked(leg, kind);
  }

  return {
    async aim(plan) {
      aimed = plan;
      while (!closed) {
        if (working) {
          await working;
          continue;
        }
        if (stepsTo(possible(aimed), connected, new Set(ports.keys())).length === 0 && !(ports.size === 0 && mixer))
          return;
        working = work().finally(() => {
          working = null;
        });
      }
    },
    add: (element, object) => void elements.set(element, object),
    remove(element) {
      elements.delete(element);
      forgetLinks(element);
    },
    close() {
      closed = true;
    },
  };
}

/** Which of its elements a failed step is put down to: who would have received, or the port that cannot be had. */
function culprit(step: Step): Element {
  return 'port' in step ? step.port : step.link.sink;
}

function without({ ports, links }: Plan, element: Element): Plan {
  return {
    ports: new Set([...ports].filter((port) => port !== element)),
    links: links.filter(({ source, sink }) => source !== element && sink !== element),
  };
}
