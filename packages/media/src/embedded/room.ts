// One room: who publishes, who receives, and which sources there are. Legs replace each other here: a new one is
// connected before the one it replaces is closed.
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { ParleyError } from '@parley/protocol';
import type { MediaRoom, RoomEvents, SubscribeOptions } from '../engine.ts';
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

/** Twice what a conversation may hold, for devices that come back before their old legs are lost. */
const MAX_DEVICES = 128;
/** Receiver reports: often enough for the browser's estimate of its uplink to follow. */
const REPORT_MS = 1000;
const MAX_CANDIDATES_ADDED = 64;

interface Device {
  readonly name: string;
  readonly stream: { readonly id: string; readonly cname: string };
  /** In the order of the publishing leg's sections. */
  sources: (Source | null)[];
  publisher: Publisher | null;
  /** Connecting, to replace `publisher`. */
  nextPublisher: Publisher | null;
  subscriber: Subscriber | null;
  nextSubscriber: Subscriber | null;
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
  const devices = new Map<string, Device>();
  const legs = new Map<string, Leg>();
  let over = false;
  let cancelReports: (() => void) | null = null;
  const speakers = createSpeakers((device) => {
    if (over) return;
    events.emit('speaker', { device });
    arrange();
  });
  const arrangement = createArrangement(lastN, speakers.recent, (source, layers) => {
    const { publisher, sources } = devices.get(source.publisher) ?? {};
    const { mid, rids = [] } = publisher?.sections[sources?.indexOf(source) ?? -1] ?? {};
    if (!publisher || mid === undefined || over) return;
    const wanted = layers.flatMap((index) => rids[index] ?? []);
    events.emit('wanted', { device: source.publisher, leg: publisher.leg, mid, rids: wanted });
  });

  const newLegName = () => `l_${randomBytes(12).toString('base64url')}`;
  const isOn = (device: Device) => !over && devices.get(device.name) === device;

  function enter(name: string): Device {
    if (over) throw new ParleyError('unknown-room');
    const present = devices.get(name);
    if (present) return present;
    if (devices.size >= MAX_DEVICES) throw new ParleyError('conversation-full');
    const mark = randomBytes(9).toString('hex');
    const device: Device = {
      name,
      stream: { id: `s${mark}`, cname: `c${mark}` },
      sources: [],
      publisher: null,
      nextPublisher: null,
      subscriber: null,
      nextSubscriber: null,
      subscribed: false,
      heights: new Map(),
    };
    devices.set(name, device);
    return device;
  }

  /** Forgets a device that has nothing here any more. */
  function tidy(device: Device): void {
    const { publisher, nextPublisher, subscriber, nextSubscriber, subscribed } = device;
    if (publisher || nextPublisher || subscriber || nextSubscriber || subscribed) return;
    if (isOn(device) && opening.get(device) === undefined) devices.delete(device.name);
  }
  /** Legs of a device that are being opened. */
  const opening = new Map<Device, number>();
  async function whileOpening<T>(device: Device, work: () => Promise<T>): Promise<T> {
    opening.set(device, (opening.get(device) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (opening.get(device) ?? 1) - 1;
      if (left > 0) opening.set(device, left);
      else opening.delete(device);
      tidy(device);
    }
  }

  function addLeg(device: Device, leg: Publisher | Subscriber): void {
    legs.set(leg.leg, { device, leg, candidates: 0 });
  }
  function dropLeg(leg: Publisher | Subscriber | null): void {
    if (!leg) return;
    legs.delete(leg.leg);
    leg.close();
  }

  const allSources = () => [...devices.values()].flatMap(({ sources }) => sources.filter((source) => source !== null));
  const subscribersOf = ({ subscriber, nextSubscriber }: Device) =>
    [subscriber, nextSubscriber].filter((one) => one !== null);
  const receiverOn = (device: Device, subscriber: Subscriber) => ({
    device,
    forwardings: subscriber.forwardings(),
    limit: subscriber.limit(),
  });

  /** Everybody gets what suits them now. */
  function arrange(): void {
    if (over) return;
    const receivers = [...devices.values()].flatMap((device) =>
      subscribersOf(device).map((subscriber) => receiverOn(device, subscriber)),
    );
    arrangement.arrange(receivers, allSources(), clock.now());
  }

  /** Every receiver is offered what there is now. */
  function offerAll(): void {
    const all = allSources();
    for (const device of devices.values()) {
      const others = all.filter(({ publisher }) => publisher !== device.name);
      device.subscriber?.want(others);
      device.nextSubscriber?.want(others);
    }
    arrange();
  }

  /** Makes the sources of `device` those of its publishing leg; sources that stay keep their receivers. */
  function fillSources(device: Device): void {
    const before = device.sources.filter((source) => source !== null);
    const { publisher } = device;
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
    if (cancelReports || over) return;
    cancelReports = clock.after(REPORT_MS, () => {
      cancelReports = null;
      const now = clock.now();
      let publishing = false;
      for (const source of allSources()) for (const layer of source.layers) layer.tick(now);
      for (const device of devices.values()) {
        for (const one of subscribersOf(device)) one.follow(now, arrangement.wished(receiverOn(device, one)));
      }
      speakers.look(now);
      arrange();
      for (const device of [...devices.values()]) {
        const { subscriber } = device;
        const quiet = subscriber?.isSilent() ?? false;
        for (const publisher of [device.nextPublisher, device.publisher]) {
          if (!publisher) continue;
          publishing = true;
          if (!publisher.report(now, arrangement.bitrate(device.sources))) continue;
          lost(device, publisher);
          if (subscriber && quiet) lost(device, subscriber);
        }
      }
      if (publishing) reportSoon();
    });
  }

  function promotePublisher(device: Device, next: Publisher): void {
    const old = device.publisher;
    if (device.nextPublisher !== next) dropLeg(device.nextPublisher);
    device.nextPublisher = null;
    device.publisher = next;
    fillSources(device);
    dropLeg(old);
  }

  function lost(device: Device, leg: Publisher | Subscriber): void {
    if (!legs.has(leg.leg)) return;
    dropLeg(leg);
    if (device.nextPublisher === leg) device.nextPublisher = null;
    else if (device.publisher === leg) {
      device.publisher = null;
      // One to replace it is on its way: the sources stay, and nobody needs to know.
      if (device.nextPublisher) {
        promotePublisher(device, device.nextPublisher);
        return;
      }
      fillSources(device);
    } else if (device.nextSubscriber === leg) device.nextSubscriber = null;
    else if (device.subscriber === leg) {
      device.subscriber = device.nextSubscriber;
      device.nextSubscriber = null;
      if (device.subscriber) return;
      device.subscribed = false;
    }
    tidy(device);
    events.emit('legLost', { device: device.name, leg: leg.leg });
  }

  async function publish(name: string, offerSdp: string): Promise<{ leg: string; sdp: string }> {
    const device = enter(name);
    return whileOpening(device, async () => {
      const made: Publisher = await openPublisher(newLegName(), offerSdp, options, clock, {
        connected() {
          if (device.nextPublisher === made) promotePublisher(device, made);
          events.emit('connected', { device: name });
        },
        loudness: (level, now) => speakers.heard(name, level, now),
        lost: () => lost(device, made),
      });
      if (!isOn(device)) {
        made.close();
        throw new ParleyError(over ? 'unknown-room' : 'not-in-call', 'left while joining');
      }
      addLeg(device, made);
      device.subscribed = false;
      if (device.publisher?.isConnected()) {
        dropLeg(device.nextPublisher);
        device.nextPublisher = made;
      } else {
        promotePublisher(device, made);
      }
      reportSoon();
      return { leg: made.leg, sdp: made.answer };
    });
  }

  async function subscribe(name: string, wish?: SubscribeOptions): Promise<void> {
    requireUnmixed(wish);
    const device = enter(name);
    if (device.subscribed) return;
    device.subscribed = true;
    await whileOpening(device, async () => {
      const made: Subscriber = await openSubscriber(newLegName(), options, clock, {
        offer: (offer) => events.emit('offer', { device: name, leg: made.leg, ...offer }),
        given: arrange,
        connected() {
          if (device.nextSubscriber !== made) return;
          dropLeg(device.subscriber);
          device.subscriber = made;
          device.nextSubscriber = null;
        },
        lost: () => lost(device, made),
      }).catch((error: unknown) => {
        device.subscribed = false;
        throw error;
      });
      if (!isOn(device)) {
        made.close();
        throw new ParleyError(over ? 'unknown-room' : 'not-in-call', 'left while joining');
      }
      addLeg(device, made);
      if (device.subscriber?.isConnected()) {
        dropLeg(device.nextSubscriber);
        device.nextSubscriber = made;
      } else {
        dropLeg(device.subscriber);
        device.subscriber = made;
      }
      offerAll();
    });
  }

  function drop(device: Device): void {
    devices.delete(device.name);
    speakers.forget(device.name);
    device.subscribed = false;
    for (const leg of [device.publisher, device.nextPublisher, device.subscriber, device.nextSubscriber]) dropLeg(leg);
    device.publisher = null;
    device.nextPublisher = null;
    device.subscriber = null;
    device.nextSubscriber = null;
    const gone = device.sources.splice(0);
    offerAll();
    for (const source of gone) source?.close();
  }

  function end(reason: 'closed' | 'engine-lost'): void {
    if (over) return;
    over = true;
    cancelReports?.();
    cancelReports = null;
    const all = [...devices.values()];
    devices.clear();
    for (const device of all) drop(device);
    ended();
    events.emit('closed', { reason });
  }

  return Object.assign(events, {
    ...withoutRecording,
    id,
    publish,
    subscribe,
    async prefer(name: string, pictures: Parameters<MediaRoom['prefer']>[1]) {
      const device = devices.get(name);
      if (!device) return;
      device.heights = readWishes(pictures);
      arrange();
    },
    async answer(leg: string, revision: number, sdp: string) {
      if (over) throw new ParleyError('unknown-room');
      const found = legs.get(leg)?.leg;
      if (found && 'want' in found) found.answer(revision, sdp);
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
      const device = devices.get(name);
      if (device) drop(device);
    },
    devices: () => [...devices.values()].filter((d) => d.publisher || d.subscriber).map(({ name }) => name),
    async statistics() {
      return [...legs.values()].map(({ device, leg }) => leg.statistics(device.name));
    },
    async close() {
      end('closed');
    },
    end,
  });
}
