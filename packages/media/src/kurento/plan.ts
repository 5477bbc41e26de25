// Who is connected with whom inside a room's pipeline, as pure functions of who publishes and who receives what; the
// wiring carries out the difference to what is connected now.
import { mixedSource } from '../engine.ts';
import type { Kind } from './descriptions.ts';

/**
 * The most pictures in the mix; of those who come later only the sound. The server's mixer lays them out by itself: n
 * pictures in ceil(sqrt(n)) columns, rows filled from the left; with more than 16 there would be five columns.
 */
export const MAX_PICTURES = 16;
/** All pictures together: 16 of them are 320 by 180 each. */
export const MIX_PICTURE = { width: 1280, height: 720, framerate: 15 } as const;
/** Pictures or sounds of others one device is offered; later ones are offered when others have gone. */
export const MAX_RECEIVED = 32;

/** A publishing leg in use. */
export interface PlannedPublisher {
  readonly device: string;
  readonly leg: string;
  readonly kinds: readonly Kind[];
}

/** A receiving leg that the server has. `from`: a publisher's device or `mixedSource`; null: nobody now. */
export interface PlannedReceiver {
  readonly device: string;
  readonly leg: string;
  readonly from: string | null;
}

export interface PlannedRoom {
  /** In the order they came. */
  readonly publishers: readonly PlannedPublisher[];
  readonly receivers: readonly PlannedReceiver[];
  readonly recording: boolean;
}

/** An element of the pipeline: `leg NAME`, `port NAME ...` or `recorder`. */
export type Element = string;

export interface Link {
  readonly source: Element;
  readonly sink: Element;
  readonly kind: Kind;
}

export interface Plan {
  /** Ports of the mixer; none: no mixer. */
  readonly ports: ReadonlySet<Element>;
  readonly links: readonly Link[];
}

export const recorder: Element = 'recorder';
const recorderPort: Element = 'port';
export const legElement = (leg: string): Element => `leg ${leg}`;
export const isPort = (element: Element): boolean => element.startsWith('port');
/** The leg an element is, if it is one. */
export const legOf = (element: Element): string | undefined =>
  element.startsWith('leg ') ? element.slice('leg '.length) : undefined;

/** A mixer's tile stays until its port ends, so a port that has shown a picture is another than one that only listens. */
const portOf = (device: string, picture: boolean): Element => `port ${picture ? 'seen' : 'heard'} ${device}`;

/** What should be connected. */
export function planRoom({ publishers, receivers, recording }: PlannedRoom): Plan {
  const ports = new Set<Element>();
  const links: Link[] = [];
  const link = (source: Element, sink: Element, kinds: readonly Kind[]) => {
    for (const kind of kinds) links.push({ source, sink, kind });
  };
  const mixing = recording || receivers.some(({ from }) => from === mixedSource);
  const own = new Map<string, Element>();
  if (mixing) {
    let pictures = 0;
    for (const { device, leg, kinds } of publishers) {
      const seen = kinds.includes('video') && pictures < MAX_PICTURES;
      if (seen) pictures += 1;
      const port = portOf(device, seen);
      own.set(device, port);
      ports.add(port);
      link(legElement(leg), port, seen ? kinds : kinds.filter((kind) => kind === 'audio'));
    }
  }
  for (const { device, leg, from } of receivers) {
    if (from === mixedSource) {
      // The mixer leaves out of a port's sound what comes in by that port: one's own.
      const port = own.get(device) ?? portOf(device, false);
      ports.add(port);
      link(port, legElement(leg), ['audio', 'video']);
      continue;
    }
    const publisher = publishers.find((other) => other.device === from);
    if (publisher) link(legElement(publisher.leg), legElement(leg), publisher.kinds);
  }
  if (recording) {
    ports.add(recorderPort);
    link(recorderPort, recorder, ['audio', 'video']);
  }
  return { ports, links };
}

/** Where each sink gets each kind from now: the sink and kind by `sinkKey`, the source. */
export type Connected = ReadonlyMap<string, Link>;
export const sinkKey = ({ sink, kind }: Pick<Link, 'sink' | 'kind'>): string => `${kind} ${sink}`;

export type Step =
  | { readonly do: 'open'; readonly port: Element }
  | { readonly do: 'connect'; readonly link: Link }
  | { readonly do: 'disconnect'; readonly link: Link }
  | { readonly do: 'close'; readonly port: Element };

/**
 * The steps from what there is to what should be. Connecting a sink takes it from where it was connected before, so
 * nothing that goes on is interrupted; what is no longer used goes last.
 */
export function stepsTo(plan: Plan, connected: Connected, open: ReadonlySet<Element>): Step[] {
  const wanted = new Map(plan.links.map((link) => [sinkKey(link), link]));
  const steps: Step[] = [];
  for (const port of plan.ports) if (!open.has(port)) steps.push({ do: 'open', port });
  for (const [key, link] of wanted) {
    if (connected.get(key)?.source !== link.source) steps.push({ do: 'connect', link });
  }
  const closing = new Set([...open].filter((port) => !plan.ports.has(port)));
  for (const [key, link] of connected) {
    if (!wanted.has(key) && !closing.has(link.sink) && !closing.has(link.source))
      steps.push({ do: 'disconnect', link });
  }
  for (const port of closing) steps.push({ do: 'close', port });
  return steps;
}

/**
 * Whom each of a receiver's legs carries: those whose publisher stays keep it, free ones are used again, new ones (at the
 * end) are opened when none is free.
 */
export function assignLegs(
  present: readonly (string | null)[],
  wanted: readonly string[],
  most = MAX_RECEIVED,
): (string | null)[] {
  const left = new Set(wanted);
  const assigned = present.map((from) => (from !== null && left.delete(from) ? from : null));
  for (const from of left) {
    const free = assigned.indexOf(null);
    if (free >= 0) assigned[free] = from;
    else if (assigned.length < most) assigned.push(from);
  }
  return assigned;
}
