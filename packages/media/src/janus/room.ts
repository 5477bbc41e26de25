// One conference on Janus: a room of its VideoRoom, and who publishes and receives there. Legs replace each other here: a
// new one is connected before the one it replaces is closed.
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { ParleyError } from '@parley/protocol';
import { usableInit } from '../embedded/candidates.ts';
import type { MediaRoom, RoomEvents, SubscribeOptions } from '../engine.ts';
import { createRoster } from '../roster.ts';
import { createSuccession, type Succession } from '../succession.ts';
import { requireUnmixed, withoutLayers, withoutRecording } from '../unavailable.ts';
import { type Counters, type HandleName, unknownCounters } from './counters.ts';
import { type JanusId, participantsSchema } from './messages.ts';
import type { Mix } from './mix.ts';
import { openPublisher, type Publisher } from './publisher.ts';
import type { Handle, Session } from './session.ts';
import { refill, type Source } from './source.ts';
import { createSpeakers } from './speakers.ts';
import { openSubscriber, type Subscriber, type SubscriberEvents } from './subscriber.ts';

const MAX_CANDIDATES_ADDED = 64;

interface Device {
  readonly name: string;
  sources: Source[];
  readonly publishers: Succession<Publisher>;
  readonly subscribers: Succession<Subscriber>;
  /** The form of the receiving leg that is being opened or open; publishing anew asks for a new one. */
  subscribed: 'each' | 'mixed' | null;
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
  const roster = createRoster(newDevice, ({ publishers, subscribers, subscribed }) => {
    return publishers.all().length + subscribers.all().length === 0 && !subscribed;
  });
  const legs = new Map<string, Leg>();
  const speakers = createSpeakers((feed) => {
    const found = roster.all().find(({ publishers }) => publishers.present?.feed === feed);
    events.emit('speaker', { device: found?.name ?? null });
  });

  const newLegName = () => `l_${randomBytes(12).toString('base64url')}`;

  function newDevice(name: string): Device {
    const device: Device = {
      name,
      sources: [],
      publishers: createSuccession<Publisher>({
        changed(_, before) {
          fillSources(device);
          if (before) speakers.gone(before.feed);
        },
        drop: dropLeg,
      }),
      subscribers: createSuccession<Subscriber>({ drop: dropLeg }),
      subscribed: null,
    };
    return device;
  }

  /** Opens a leg and puts it in its place. */
  function open<L extends Publisher | Subscriber>(
    device: Device,
    work: () => Promise<L>,
    put: (made: L) => void,
  ): Promise<L> {
    return roster.open(device, work, (made) => {
      if (made.isClosed()) throw new ParleyError('media-not-connected', 'lost while it was opened');
      legs.set(made.leg, { device, leg: made, candidates: 0 });
      put(made);
    });
  }

  function dropLeg(leg: Publisher | Subscriber): void {
    legs.delete(leg.leg);
    leg.close();
  }

  /** Every receiver is offered what there is now. */
  function offerAll(): void {
    const all = roster.all().flatMap(({ sources }) => sources);
    for (const { name, subscribers } of roster.all()) {
      const others = all.filter(({ publisher }) => publisher !== name);
      for (const subscriber of subscribers.all()) subscriber.want(others);
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
    const publisher = device.publishers.present;
    device.sources = refill(device.name, device.sources, publisher?.isUp() ? publisher.streams : []);
    offerAll();
  }

  /** One that fails before it has its place is nobody's. */
  function lost(device: Device, leg: Publisher | Subscriber | undefined): void {
    if (!leg || !legs.delete(leg.leg)) return;
    if (leg.direction === 'subscribe') {
      if (device.subscribers.lost(leg)) return;
      if (!device.subscribers.present) device.subscribed = null;
    } else if (device.publishers.lost(leg)) return;
    roster.tidy(device);
    events.emit('legLost', { device: device.name, leg: leg.leg });
  }

  /** A device that sends nothing any more is gone; that it still receives, nobody could tell. */
  function vanished(device: Device, publisher: Publisher | Subscriber | undefined): void {
    if (!publisher) return;
    const { present, next } = device.publishers;
    const whole = present === publisher && !next;
    for (const leg of whole ? [publisher, ...device.subscribers.all().reverse()] : [publisher]) {
      leg.close();
      lost(device, leg);
    }
  }

  async function publish(name: string, offerSdp: string): Promise<{ leg: string; sdp: string }> {
    const device = roster.enter(name);
    const leg = newLegName();
    const itself = () => legs.get(leg)?.leg;
    const opening = () =>
      openPublisher(leg, offerSdp, room, session, mark, {
        up() {
          if (device.publishers.present?.leg === leg) fillSources(device);
        },
        connected() {
          const { next } = device.publishers;
          if (next?.leg === leg) device.publishers.connected(next);
          events.emit('connected', { device: name });
        },
        lost: () => lost(device, itself()),
        silent: () => vanished(device, itself()),
        told: (data) => speakers.told(data),
      });
    const { answer } = await open(device, opening, (made) => {
      device.subscribed = null;
      device.publishers.put(made);
    });
    return { leg, sdp: answer };
  }

  async function subscribe(name: string, wish?: SubscribeOptions): Promise<void> {
    const mixer = wish?.mixed ? mix : null;
    if (!mixer) requireUnmixed(wish);
    const form = mixer ? 'mixed' : 'each';
    const device = roster.enter(name);
    if (device.subscribed === form) return;
    device.subscribed = form;
    const leg = newLegName();
    const legEvents: SubscriberEvents = {
      offer: (offer) => events.emit('offer', { device: name, leg, ...offer }),
      connected() {
        const { next } = device.subscribers;
        if (next?.leg === leg) device.subscribers.connected(next);
      },
      lost: () => lost(device, legs.get(leg)?.leg),
    };
    const opening = () =>
      mixer ? mixer.listen(leg, name, legEvents) : openSubscriber(leg, room, session, mark, legEvents);
    try {
      await open<Subscriber>(device, opening, (made) => {
        device.subscribers.put(made);
        offerAll();
      });
    } catch (error) {
      if (device.subscribed === form) device.subscribed = null;
      roster.tidy(device);
      throw error;
    }
  }

  function drop(device: Device): void {
    roster.remove(device);
    device.subscribed = null;
    const { present } = device.publishers;
    if (present) speakers.gone(present.feed);
    device.publishers.clear();
    device.subscribers.clear();
    device.sources = [];
    offerAll();
  }

  function finish(reason: 'closed' | 'engine-lost'): Promise<void> {
    if (roster.isOver) return Promise.resolve();
    for (const device of roster.end()) drop(device);
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
      if (roster.isOver) throw new ParleyError('unknown-room');
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
      const device = roster.get(name);
      if (device) drop(device);
    },
    devices: () =>
      roster
        .all()
        .filter(({ publishers, subscribers }) => publishers.present || subscribers.present)
        .map(({ name }) => name),
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
