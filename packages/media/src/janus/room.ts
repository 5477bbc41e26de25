// One conference on Janus: a room of its VideoRoom, and who publishes and receives there. Legs replace each other here: a
// new one is connected before the one it replaces is closed.
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { ParleyError } from '@parley/protocol';
import { usableInit } from '../embedded/candidates.ts';
import type { MediaRoom, RoomEvents, SubscribeOptions } from '../engine.ts';
import { requireUnmixed, withoutLayers, withoutRecording } from '../unavailable.ts';
import { type Counters, type HandleName, unknownCounters } from './counters.ts';
import { type JanusId, participantsSchema } from './messages.ts';
import type { Mix } from './mix.ts';
import { openPublisher, type Publisher } from './publisher.ts';
import type { Handle, Session } from './session.ts';
import { refill, type Source } from './source.ts';
import { createSpeakers } from './speakers.ts';
import { openSubscriber, type Subscriber, type SubscriberEvents } from './subscriber.ts';

/** Twice what a conversation may hold, for devices that come back before their old legs are lost. */
export const MAX_DEVICES = 128;
const MAX_CANDIDATES_ADDED = 64;

interface Device {
  readonly name: string;
  sources: Source[];
  publisher: Publisher | null;
  /** Connecting, to replace `publisher`. */
  nextPublisher: Publisher | null;
  subscriber: Subscriber | null;
  nextSubscriber: Subscriber | null;
  /** The form of the receiving leg that is being opened or open; publishing anew asks for a new one. */
  subscribed: 'each' | 'mixed' | null;
  /** Legs that are being opened. */
  opening: number;
}

interface Leg {
  readonly device: Device;
  readonly leg: Publisher | Subscriber;
  candidates: number;
}

export interface JanusRoom extends MediaRoom {
  /** For the engine's end. */
  end(reason: 'closed' | 'engine-lost'): void;
  /** The session goes on after a cut: finds out what happened to the legs meanwhile. */
  resumed(): void;
}

export interface RoomOptions {
  readonly id: string;
  /** The room's name on the server. */
  readonly room: JanusId;
  readonly session: Session;
  /** A handle on the VideoRoom for requests about the room. */
  readonly control: Handle;
  /** Put on every handle, to be recognized in the server's own tools. */
  readonly mark: string;
  /** null: this engine does not mix. */
  readonly mix: Mix | null;
  /** What the server has counted. */
  readonly counted: (handles: readonly HandleName[]) => Promise<readonly Counters[]>;
  /** Over, for whatever reason; destroys the room on the server if that can be reached. */
  readonly ended: () => Promise<void>;
}

export function createRoom({ id, room, session, control, mark, mix, counted, ended }: RoomOptions): JanusRoom {
  const events = new EventEmitter<RoomEvents>();
  const devices = new Map<string, Device>();
  const legs = new Map<string, Leg>();
  let over = false;
  const speakers = createSpeakers((feed) => {
    const found = [...devices.values()].find(({ publisher }) => publisher?.feed === feed);
    events.emit('speaker', { device: found?.name ?? null });
  });

  const newLegName = () => `l_${randomBytes(12).toString('base64url')}`;
  const isOn = (device: Device) => !over && devices.get(device.name) === device;

  function enter(name: string): Device {
    if (over) throw new ParleyError('unknown-room');
    const present = devices.get(name);
    if (present) return present;
    if (devices.size >= MAX_DEVICES) throw new ParleyError('conversation-full');
    const device: Device = {
      name,
      sources: [],
      publisher: null,
      nextPublisher: null,
      subscriber: null,
      nextSubscriber: null,
      subscribed: null,
      opening: 0,
    };
    devices.set(name, device);
    return device;
  }

  /** Forgets a device that has nothing here any more. */
  function tidy(device: Device): void {
    const { publisher, nextPublisher, subscriber, nextSubscriber, subscribed, opening } = device;
    if (publisher || nextPublisher || subscriber || nextSubscriber || subscribed || opening > 0) return;
    if (isOn(device)) devices.delete(device.name);
  }

  /** Opens a leg and puts it in its place, unless the device has left meanwhile. */
  async function open<L extends Publisher | Subscriber>(
    device: Device,
    work: () => Promise<L>,
    put: (made: L) => void,
  ): Promise<L> {
    device.opening += 1;
    try {
      const made = await work();
      if (!isOn(device)) {
        made.close();
        throw new ParleyError(over ? 'unknown-room' : 'not-in-call', 'left while joining');
      }
      if (made.isClosed()) throw new ParleyError('media-not-connected', 'lost while it was opened');
      legs.set(made.leg, { device, leg: made, candidates: 0 });
      put(made);
      return made;
    } finally {
      device.opening -= 1;
      tidy(device);
    }
  }

  function dropLeg(leg: Publisher | Subscriber | null): void {
    if (!leg) return;
    legs.delete(leg.leg);
    leg.close();
  }

  /** Every receiver is offered what there is now. */
  function offerAll(): void {
    const all = [...devices.values()].flatMap(({ sources }) => sources);
    for (const device of devices.values()) {
      const others = all.filter(({ publisher }) => publisher !== device.name);
      device.subscriber?.want(others);
      device.nextSubscriber?.want(others);
    }
    // Of a device with several sounds the first, its microphone: it must not hear itself, and can be one participant only.
    mix?.hear(
      new Map(
        all.flatMap(({ publisher, kind, feed }) => (kind === 'audio' ? [[publisher, feed] as const] : [])).reverse(),
      ),
    );
  }

  /** Makes the sources of a device those of its publishing leg. Until that is up, Janus gives them to nobody. */
  function fillSources(device: Device): void {
    const { publisher } = device;
    device.sources = refill(device.name, device.sources, publisher?.isUp() ? publisher.streams : []);
    offerAll();
  }

  function promotePublisher(device: Device, next: Publisher): void {
    const old = device.publisher;
    if (device.nextPublisher !== next) dropLeg(device.nextPublisher);
    device.nextPublisher = null;
    device.publisher = next;
    fillSources(device);
    dropLeg(old);
    if (old) speakers.gone(old.feed);
  }

  /** One that fails before it has its place is nobody's. */
  function lost(device: Device, leg: Publisher | Subscriber | undefined): void {
    if (!leg || !legs.delete(leg.leg)) return;
    if (device.nextPublisher === leg) device.nextPublisher = null;
    else if (device.publisher === leg) {
      device.publisher = null;
      speakers.gone(leg.feed);
      // One to replace it is on its way: nobody needs to know.
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
      device.subscribed = null;
    }
    tidy(device);
    events.emit('legLost', { device: device.name, leg: leg.leg });
  }

  /** A device that sends nothing any more is gone; that it still receives, nobody could tell. */
  function vanished(device: Device, publisher: Publisher | Subscriber | undefined): void {
    const whole = device.publisher === publisher && !device.nextPublisher;
    const gone = whole ? [publisher, device.nextSubscriber, device.subscriber] : [publisher];
    for (const leg of gone) {
      leg?.close();
      lost(device, leg ?? undefined);
    }
  }

  function putPublisher(device: Device, made: Publisher): void {
    device.subscribed = null;
    if (device.publisher?.isConnected()) {
      dropLeg(device.nextPublisher);
      device.nextPublisher = made;
    } else {
      promotePublisher(device, made);
    }
  }

  async function publish(name: string, offerSdp: string): Promise<{ leg: string; sdp: string }> {
    const device = enter(name);
    const leg = newLegName();
    const itself = () => legs.get(leg)?.leg;
    const opening = () =>
      openPublisher(leg, offerSdp, room, session, mark, {
        up() {
          if (device.publisher?.leg === leg) fillSources(device);
        },
        connected() {
          if (device.nextPublisher?.leg === leg) promotePublisher(device, device.nextPublisher);
          events.emit('connected', { device: name });
        },
        lost: () => lost(device, itself()),
        silent: () => vanished(device, itself()),
        told: (data) => speakers.told(data),
      });
    const made = await open(device, opening, (opened) => putPublisher(device, opened));
    return { leg, sdp: made.answer };
  }

  function putSubscriber(device: Device, made: Subscriber): void {
    if (device.subscriber?.isConnected()) {
      dropLeg(device.nextSubscriber);
      device.nextSubscriber = made;
    } else {
      dropLeg(device.subscriber);
      device.subscriber = made;
    }
    offerAll();
  }

  async function subscribe(name: string, wish?: SubscribeOptions): Promise<void> {
    const mixer = wish?.mixed ? mix : null;
    if (!mixer) requireUnmixed(wish);
    const form = mixer ? 'mixed' : 'each';
    const device = enter(name);
    if (device.subscribed === form) return;
    device.subscribed = form;
    const leg = newLegName();
    const legEvents: SubscriberEvents = {
      offer: (offer) => events.emit('offer', { device: name, leg, ...offer }),
      connected() {
        if (device.nextSubscriber?.leg !== leg) return;
        dropLeg(device.subscriber);
        device.subscriber = device.nextSubscriber;
        device.nextSubscriber = null;
      },
      lost: () => lost(device, legs.get(leg)?.leg),
    };
    const opening = () =>
      mixer ? mixer.listen(leg, name, legEvents) : openSubscriber(leg, room, session, mark, legEvents);
    try {
      await open<Subscriber>(device, opening, (opened) => putSubscriber(device, opened));
    } catch (error) {
      if (device.subscribed === form) device.subscribed = null;
      tidy(device);
      throw error;
    }
  }

  function drop(device: Device): void {
    devices.delete(device.name);
    device.subscribed = null;
    if (device.publisher) speakers.gone(device.publisher.feed);
    for (const leg of [device.publisher, device.nextPublisher, device.subscriber, device.nextSubscriber]) dropLeg(leg);
    device.publisher = null;
    device.nextPublisher = null;
    device.subscriber = null;
    device.nextSubscriber = null;
    device.sources = [];
    offerAll();
  }

  function finish(reason: 'closed' | 'engine-lost'): Promise<void> {
    if (over) return Promise.resolve();
    over = true;
    const all = [...devices.values()];
    devices.clear();
    for (const device of all) drop(device);
    const done = Promise.all([mix?.close(), ended()]).then(() => undefined);
    events.emit('closed', { reason });
    return done;
  }

  /** Publishers the server does not list have failed meanwhile. Of receivers it says nothing: their devices notice. */
  async function reconcile(): Promise<void> {
    const reply = await control.message({ request: 'listparticipants', room });
    const { participants } = participantsSchema.parse(reply.data);
    const publishing = new Set(participants.filter(({ publisher }) => publisher).map(({ id: feed }) => feed));
    for (const { leg } of [...legs.values()]) {
      if (leg.direction !== 'publish') continue;
      if (publishing.has(leg.feed)) leg.presume('connected');
      else if (leg.isUp()) leg.presume('lost');
    }
  }

  return Object.assign(events, {
    ...withoutLayers,
    ...withoutRecording,
    id,
    publish,
    subscribe,
    async answer(leg: string, revision: number, sdp: string) {
      if (over) throw new ParleyError('unknown-room');
      const found = legs.get(leg)?.leg;
      if (found?.direction === 'subscribe') await found.answer(revision, sdp);
    },
    async addCandidates(leg: string, candidates: Parameters<MediaRoom['addCandidates']>[1]) {
      const found = legs.get(leg);
      if (!found) return;
      const usable = candidates
        .flatMap((candidate) => usableInit(candidate) ?? [])
        .slice(0, MAX_CANDIDATES_ADDED - found.candidates);
      if (usable.length === 0) return;
      found.candidates += usable.length;
      const trickled = usable.map((candidate) => ({ candidate, sdpMLineIndex: 0 }));
      // A leg that has gone meanwhile needs none.
      await found.leg.handle.trickle(trickled).catch(() => undefined);
    },
    async remove(name: string) {
      const device = devices.get(name);
      if (device) drop(device);
    },
    devices: () => [...devices.values()].filter((d) => d.publisher || d.subscriber).map(({ name }) => name),
    async statistics() {
      const open = [...legs.values()];
      const counters = await counted(open.map(({ leg }) => leg.handle.name));
      return open.map(({ device, leg }, index) => ({
        device: device.name,
        leg: leg.leg,
        direction: leg.direction,
        state: leg.isConnected() ? ('connected' as const) : ('connecting' as const),
        ...(counters[index] ?? unknownCounters),
      }));
    },
    close: () => finish('closed'),
    end: (reason: 'closed' | 'engine-lost') => void finish(reason),
    resumed: () => void reconcile().catch(() => undefined),
  });
}
