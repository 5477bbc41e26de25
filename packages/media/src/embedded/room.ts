// One room: who publishes, who receives, and which sources there are. Legs replace each other here: a new one is
// connected before the one it replaces is closed.
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { ParleyError } from '@parley/protocol';
import type { MediaRoom, RoomEvents, SubscribeOptions } from '../engine.ts';
import { createRoster } from '../roster.ts';
import { createSuccession, type Succession } from '../succession.ts';
import { requireUnmixed, withoutRecording } from '../unavailable.ts';
import { createArrangement, readWishes } from './arrangement.ts';
import { usableInit } from './candidates.ts';
import type { Clock } from './keyframe-requests.ts';
import { openPublisher, type Publisher } from './publisher.ts';
import { createSource } from './source.ts';
import { createSpeakers } from './speakers.ts';
import type { Source } from './streams.ts';
import { openSubscriber, type Subscriber } from './subscriber.ts';
import type { TransportOptions } from './transport.ts';

/** Receiver reports: often enough for the browser's estimate of its uplink to follow. */
const REPORT_MS = 1000;
const MAX_CANDIDATES_ADDED = 64;

interface Device {
  readonly name: string;
  readonly stream: { readonly id: string; readonly cname: string };
  /** In the order of the publishing leg's sections. */
  sources: (Source | null)[];
  readonly publishers: Succession<Publisher>;
  readonly subscribers: Succession<Subscriber>;
  /** A receiving leg is being opened or open; publishing anew asks for a new one. */
  subscribed: boolean;
  /** How large it shows whom. */
  heights: ReadonlyMap<string, number>;
}

interface Leg {
  readonly device: Device;
  readonly leg: Publisher | Subscriber;
  candidates: number;
}

const isSubscriber = (leg: Publisher | Subscriber): leg is Subscriber => 'want' in leg;

export interface EmbeddedRoom extends MediaRoom {
  /** For the engine's end. */
  end(reason: 'closed' | 'engine-lost'): void;
}

export function createRoom(
  id: string,
  { lastN, ...options }: TransportOptions & { readonly lastN: number },
  clock: Clock,
  ended: () => void,
): EmbeddedRoom {
  const events = new EventEmitter<RoomEvents>();
  const roster = createRoster(newDevice, ({ publishers, subscribers, subscribed }) => {
    return publishers.all().length + subscribers.all().length === 0 && !subscribed;
  });
  const legs = new Map<string, Leg>();
  let cancelReports: (() => void) | null = null;
  const speakers = createSpeakers((device) => {
    if (roster.isOver) return;
    events.emit('speaker', { device });
    arrange();
  });
  const arrangement = createArrangement(lastN, speakers.recent, (source, layers) => {
    const { publishers, sources } = roster.get(source.publisher) ?? {};
    const publisher = publishers?.present;
    const { mid, rids = [] } = publisher?.sections[sources?.indexOf(source) ?? -1] ?? {};
    if (!publisher || mid === undefined) return;
    const wanted = layers.flatMap((index) => rids[index] ?? []);
    events.emit('wanted', { device: source.publisher, leg: publisher.leg, mid, rids: wanted });
  });

  const newLegName = () => `l_${randomBytes(12).toString('base64url')}`;

  function newDevice(name: string): Device {
    const mark = randomBytes(9).toString('hex');
    const device: Device = {
      name,
      stream: { id: `s${mark}`, cname: `c${mark}` },
      sources: [],
      publishers: createSuccession<Publisher>({ changed: () => fillSources(device), drop: dropLeg }),
      subscribers: createSuccession<Subscriber>({ drop: dropLeg }),
      subscribed: false,
      heights: new Map(),
    };
    return device;
  }

  function addLeg(device: Device, leg: Publisher | Subscriber): void {
    legs.set(leg.leg, { device, leg, candidates: 0 });
  }
  function dropLeg(leg: Publisher | Subscriber): void {
    legs.delete(leg.leg);
    leg.close();
  }

  const allSources = () => roster.all().flatMap(({ sources }) => sources.filter((source) => source !== null));
  const receiverOn = (device: Device, subscriber: Subscriber) => ({
    device,
    forwardings: subscriber.forwardings(),
    limit: subscriber.limit(),
  });

  /** Everybody gets what suits them now. */
  function arrange(): void {
    if (roster.isOver) return;
    const receivers = roster
      .all()
      .flatMap((device) => device.subscribers.all().map((subscriber) => receiverOn(device, subscriber)));
    arrangement.arrange(receivers, allSources(), clock.now());
  }

  /** Every receiver is offered what there is now. */
  function offerAll(): void {
    const all = allSources();
    for (const { name, subscribers } of roster.all()) {
      const others = all.filter(({ publisher }) => publisher !== name);
      for (const subscriber of subscribers.all()) subscriber.want(others);
    }
    arrange();
  }

  /** Makes the sources of `device` those of its publishing leg; sources that stay keep their receivers. */
  function fillSources(device: Device): void {
    const before = device.sources.filter((source) => source !== null);
    const publisher = device.publishers.present;
    const after = (publisher?.sections ?? []).map(({ kind, codec }) => {
      const index = before.findIndex((source) => source.kind === kind && source.codec === codec);
      const [kept] = index < 0 ? [] : before.splice(index, 1);
      return kept ?? createSource(device.name, kind, codec, device.stream, clock);
    });
    device.sources = after;
    publisher?.fill(after);
    offerAll();
    for (const gone of before) gone.close();
  }

  function reportSoon(): void {
    if (cancelReports || roster.isOver) return;
    cancelReports = clock.after(REPORT_MS, () => {
      cancelReports = null;
      const now = clock.now();
      let publishing = false;
      for (const source of allSources()) for (const layer of source.layers) layer.tick(now);
      for (const device of roster.all()) {
        for (const one of device.subscribers.all()) one.follow(now, arrangement.wished(receiverOn(device, one), now));
      }
      speakers.look(now);
      arrange();
      for (const device of roster.all()) {
        const subscriber = device.subscribers.present;
        const quiet = subscriber?.isSilent() ?? false;
        for (const publisher of device.publishers.all().reverse()) {
          publishing = true;
          if (!publisher.report(now, arrangement.bitrate(device.sources))) continue;
          lost(device, publisher);
          if (subscriber && quiet) lost(device, subscriber);
        }
      }
      if (publishing) reportSoon();
    });
  }

  function lost(device: Device, leg: Publisher | Subscriber): void {
    if (!legs.has(leg.leg)) return;
    dropLeg(leg);
    if (isSubscriber(leg)) {
      if (device.subscribers.lost(leg)) return;
      if (!device.subscribers.present) device.subscribed = false;
    } else if (device.publishers.lost(leg)) return;
    roster.tidy(device);
    events.emit('legLost', { device: device.name, leg: leg.leg });
  }

  async function publish(name: string, offerSdp: string): Promise<{ leg: string; sdp: string }> {
    const device = roster.enter(name);
    const opening = async () => {
      const made: Publisher = await openPublisher(newLegName(), offerSdp, options, clock, {
        connected() {
          device.publishers.connected(made);
          events.emit('connected', { device: name });
        },
        loudness: (level, now) => speakers.heard(name, level, now),
        lost: () => lost(device, made),
      });
      return made;
    };
    const { leg, answer } = await roster.open(device, opening, (made) => {
      addLeg(device, made);
      device.subscribed = false;
      device.publishers.put(made);
      reportSoon();
    });
    return { leg, sdp: answer };
  }

  async function subscribe(name: string, wish?: SubscribeOptions): Promise<void> {
    requireUnmixed(wish);
    const device = roster.enter(name);
    if (device.subscribed) return;
    device.subscribed = true;
    const opening = async () => {
      const made: Subscriber = await openSubscriber(newLegName(), options, clock, {
        offer: (offer) => events.emit('offer', { device: name, leg: made.leg, ...offer }),
        given: arrange,
        connected: () => device.subscribers.connected(made),
        lost: () => lost(device, made),
      }).catch((error: unknown) => {
        device.subscribed = false;
        throw error;
      });
      return made;
    };
    await roster.open(device, opening, (made) => {
      addLeg(device, made);
      device.subscribers.put(made);
      offerAll();
    });
  }

  function drop(device: Device): void {
    roster.remove(device);
    speakers.forget(device.name);
    device.subscribed = false;
    device.publishers.clear();
    device.subscribers.clear();
    const gone = device.sources.splice(0);
    offerAll();
    for (const source of gone) source?.close();
  }

  function end(reason: 'closed' | 'engine-lost'): void {
    if (roster.isOver) return;
    cancelReports?.();
    cancelReports = null;
    for (const device of roster.end()) drop(device);
    ended();
    events.emit('closed', { reason });
  }

  return Object.assign(events, {
    ...withoutRecording,
    id,
    publish,
    subscribe,
    async prefer(name: string, pictures: Parameters<MediaRoom['prefer']>[1]) {
      const device = roster.get(name);
      if (!device) return;
      device.heights = readWishes(pictures);
      arrange();
    },
    async answer(leg: string, revision: number, sdp: string) {
      if (roster.isOver) throw new ParleyError('unknown-room');
      const found = legs.get(leg)?.leg;
      if (found && isSubscriber(found)) found.answer(revision, sdp);
    },
    async addCandidates(leg: string, candidates: Parameters<MediaRoom['addCandidates']>[1]) {
      const found = legs.get(leg);
      for (const candidate of candidates) {
        const usable = usableInit(candidate);
        if (!found || !usable || found.candidates >= MAX_CANDIDATES_ADDED) continue;
        found.candidates += 1;
        found.leg.addCandidate(usable);
      }
    },
    async remove(name: string) {
      const device = roster.get(name);
      if (device) drop(device);
    },
    devices: () =>
      roster
        .all()
        .filter(({ publishers, subscribers }) => publishers.present || subscribers.present)
        .map(({ name }) => name),
    async statistics() {
      return [...legs.values()].map(({ device, leg }) => leg.statistics(device.name));
    },
    async close() {
      end('closed');
    },
    end,
  });
}
