// One room: a pipeline on the server, who publishes into it, and who receives what by which legs. Legs replace each other
// here: a new one is connected before the one it replaces is closed.
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { ParleyError } from '@parley/protocol';
import { type MediaRoom, mixedSource, type RoomEvents, type SubscribeOptions } from '../engine.ts';
import { createRoster } from '../roster.ts';
import { createSuccession } from '../succession.ts';
import { withoutLayers } from '../unavailable.ts';
import type { EngineLog } from './connection.ts';
import { isGone } from './failures.ts';
import {
  type Device,
  isEmpty,
  isPublisher,
  type Leg,
  legStatistics,
  plannedRoom,
  type Reception,
  receptionsOf,
} from './legs.ts';
import type { Objects } from './objects.ts';
import { assignLegs, type Element, legElement, legOf, planRoom, recorder as recorderElement } from './plan.ts';
import { openPublisher, type Publisher } from './publisher.ts';
import { openReceiver, type Received, type Receiver } from './receiver.ts';
import { createRecording } from './recording.ts';
import { createWiring } from './wiring.ts';

const MAX_CANDIDATES_ADDED = 64;

export interface KurentoRoom extends MediaRoom {
  readonly pipeline: string;
  /** For the engine's end. */
  end(reason: 'closed' | 'engine-lost'): void;
}

export interface RoomOptions {
  readonly id: string;
  readonly pipeline: string;
  readonly objects: Objects;
  /** Where recordings are written, a `file:` URL of a folder; null: nowhere. */
  readonly recordings: string | null;
  readonly mixing: boolean;
  readonly log: EngineLog;
  readonly ended: () => void;
}

export function createRoom({ id, pipeline, objects, recordings, mixing, log, ended }: RoomOptions): KurentoRoom {
  const events = new EventEmitter<RoomEvents>();
  const roster = createRoster(newDevice, isEmpty);
  const legs = new Map<string, Leg>();

  const wiring = createWiring(objects, pipeline, log, {
    linked(leg, kind) {
      const found = legs.get(leg);
      if (kind === 'video' && found && !isPublisher(found.leg) && found.leg.isConnected()) askForKeyframe(found.leg);
    },
    broken: (element) => broken(element),
  });

  /** The server can feed the recorder; not, once it has failed to. */
  let recordable = true;
  const recording = createRecording(objects, pipeline, mixing ? recordings : null, id, log, {
    async feed(object) {
      wiring.add(recorderElement, object);
      await rewire();
      if (!recordable) throw new ParleyError('not-available', 'the server could not connect the recorder');
    },
    unfeed() {
      recordable = true;
      wiring.remove(recorderElement);
      void rewire();
    },
  });
  const newLegName = () => `l_${randomBytes(12).toString('base64url')}`;
  const requireOpen = () => {
    if (roster.isOver) throw new ParleyError('unknown-room');
  };

  function newDevice(name: string): Device {
    const publishers = createSuccession<Publisher>({
      changed: offerAll,
      // Receivers are taken over from the old leg, not cut off from it.
      drop: (old) => void rewire().then(() => dropLeg(old)),
    });
    return { name, publishers, reception: null, nextReception: null, subscribed: null };
  }

  /** A room whose pipeline has gone is no room any more, whoever took it away: objects belong to nobody on this server. */
  function watch(error: unknown): never {
    if (isGone(error)) end('engine-lost');
    throw error;
  }

  /** Makes the server connect what should be connected now. */
  const rewire = (): Promise<void> =>
    roster.isOver ? Promise.resolve() : wiring.aim(planRoom(plannedRoom(roster.all(), recording.isOn())));

  /** Every receiver is to get what there is now; legs are opened for what none is free for. */
  function offerAll(): void {
    if (roster.isOver) return;
    for (const device of roster.all()) {
      for (const reception of receptionsOf(device)) fill(device, reception);
    }
    void rewire();
  }

  function fill(device: Device, reception: Reception): void {
    const sources = new Map<string, Received>();
    if (reception.mixed) sources.set(mixedSource, { from: mixedSource, kinds: ['audio', 'video'] });
    else {
      for (const { name, publishers } of roster.all()) {
        const { present } = publishers;
        if (present && name !== device.name) sources.set(name, { from: name, kinds: present.kinds });
      }
    }
    const present = reception.legs.map((leg) => leg.wanted()?.from ?? null);
    assignLegs(present, [...sources.keys()]).forEach((from, index) => {
      const leg = reception.legs[index] ?? open(device, reception);
      leg.want(from === null ? null : (sources.get(from) ?? null));
    });
  }

  function open(device: Device, reception: Reception): Receiver {
    const leg = newLegName();
    const made: Receiver = openReceiver(leg, objects, pipeline, {
      opened(object) {
        wiring.add(legElement(leg), object);
        void rewire();
      },
      offer: (offer) => events.emit('offer', { device: device.name, leg, ...offer }),
      connected() {
        askForKeyframe(made);
        completed(device);
      },
      lost(reason) {
        log.info({ room: id, leg, reason }, 'a receiving leg is lost');
        lost(device, made);
      },
    });
    reception.legs.push(made);
    legs.set(leg, { device, leg: made, candidates: 0 });
    return made;
  }

  /** A picture begins with a key frame; the server passes the wish on to whoever the leg receives. */
  function askForKeyframe(leg: Receiver): void {
    const received = leg.wanted();
    if (!received?.kinds.includes('video')) return;
    leg.endpoint()?.requestKeyframe();
    const publisher = roster.get(received.from)?.publishers.present;
    if (publisher) publisher.keyframeRequests += 1;
  }

  /** New legs take over when all that carry somebody are connected. */
  function completed(device: Device): void {
    const next = device.nextReception;
    if (!next?.legs.every((leg) => leg.isConnected() || leg.wanted() === null)) return;
    const old = device.reception;
    device.reception = next;
    device.nextReception = null;
    for (const leg of old?.legs ?? []) dropLeg(leg);
    void rewire();
  }

  function dropLeg(leg: Publisher | Receiver | null): void {
    if (!leg || !legs.delete(leg.leg)) return;
    wiring.remove(legElement(leg.leg));
    void leg.close();
  }

  function lost(device: Device, leg: Publisher | Receiver): void {
    if (roster.isOver || !legs.has(leg.leg)) return;
    dropLeg(leg);
    const told = isPublisher(leg) ? !device.publishers.lost(leg) : withoutReceiver(device, leg);
    offerAll();
    roster.tidy(device);
    if (told) events.emit('legLost', { device: device.name, leg: leg.leg });
  }

  /** True if nothing replaces it. */
  function withoutReceiver(device: Device, leg: Receiver): boolean {
    const { reception, nextReception } = device;
    const of = reception?.legs.includes(leg) ? reception : nextReception;
    of?.legs.splice(of.legs.indexOf(leg), 1);
    if (of === reception && nextReception) {
      if (reception?.legs.length === 0) device.reception = null;
      return false;
    }
    // The device begins anew as a whole: what is left of these legs goes, too.
    for (const rest of of?.legs.splice(0) ?? []) dropLeg(rest);
    if (of === reception) {
      device.reception = null;
      device.subscribed = null;
    } else {
      device.nextReception = null;
      device.subscribed = reception ? { mixed: reception.mixed } : null;
    }
    return true;
  }

  function broken(element: Element): void {
    const found = legs.get(legOf(element) ?? '');
    if (found) lost(found.device, found.leg);
    else if (element === recorderElement) recordable = false;
    else {
      // A port of the mixer: those who listen to the mix hear of it, and may ask for single streams.
      for (const device of roster.all()) {
        for (const { mixed, legs: those } of receptionsOf(device)) {
          if (mixed) for (const leg of [...those]) lost(device, leg);
        }
      }
    }
  }

  async function publish(name: string, offerSdp: string): Promise<{ leg: string; sdp: string }> {
    const device = roster.enter(name);
    const opening = async () => {
      const made: Publisher = await openPublisher(newLegName(), objects, pipeline, offerSdp, {
        connected() {
          if (!legs.has(made.leg)) return;
          device.publishers.connected(made);
          events.emit('connected', { device: name });
        },
        lost(reason, gone) {
          log.info({ room: id, leg: made.leg, reason }, 'a publishing leg is lost');
          lost(device, made);
          if (!gone) return;
          for (const { legs: those } of receptionsOf(device).reverse()) {
            for (const leg of [...those]) lost(device, leg);
          }
        },
      }).catch(watch);
      return made;
    };
    const { leg, answer } = await roster.open(device, opening, (made) => {
      legs.set(made.leg, { device, leg: made, candidates: 0 });
      wiring.add(legElement(made.leg), made.endpoint.object);
      device.subscribed = null;
      device.publishers.put(made);
    });
    return { leg, sdp: answer };
  }

  async function subscribe(name: string, { mixed = false }: SubscribeOptions = {}): Promise<void> {
    requireOpen();
    if (mixed && !mixing) throw new ParleyError('not-available', 'this server does not mix');
    const device = roster.enter(name);
    if (device.subscribed?.mixed === mixed) return;
    device.subscribed = { mixed };
    for (const leg of device.nextReception?.legs.splice(0) ?? []) dropLeg(leg);
    const opened: Reception = { mixed, legs: [] };
    if (device.reception?.legs.some((leg) => leg.isConnected() && leg.wanted())) device.nextReception = opened;
    else {
      for (const leg of device.reception?.legs.splice(0) ?? []) dropLeg(leg);
      device.nextReception = null;
      device.reception = opened;
    }
    offerAll();
    completed(device);
  }

  function drop(device: Device): void {
    roster.remove(device);
    const all = [...device.publishers.all(), ...receptionsOf(device).flatMap((reception) => reception.legs)];
    Object.assign(device, newDevice(device.name));
    for (const leg of all) dropLeg(leg);
    offerAll();
  }

  function end(reason: 'closed' | 'engine-lost'): void {
    if (roster.isOver) return;
    roster.end();
    wiring.close();
    for (const { leg } of legs.values()) void leg.close(false);
    legs.clear();
    ended();
    events.emit('closed', { reason });
  }

  return Object.assign(events, {
    ...withoutLayers,
    id,
    pipeline,
    publish,
    subscribe,
    async startRecording() {
      requireOpen();
      await recording.start();
    },
    async stopRecording() {
      requireOpen();
      return recording.stop();
    },
    async answer(leg: string, revision: number, sdp: string) {
      requireOpen();
      const found = legs.get(leg)?.leg;
      if (found && !isPublisher(found)) await found.answer(revision, sdp);
    },
    async addCandidates(leg: string, candidates: Parameters<MediaRoom['addCandidates']>[1]) {
      const found = legs.get(leg);
      for (const candidate of candidates) {
        if (!found || found.candidates >= MAX_CANDIDATES_ADDED) return;
        found.candidates += 1;
        found.leg.addCandidate(candidate);
      }
    },
    async remove(name: string) {
      const device = roster.get(name);
      if (device) drop(device);
    },
    devices: () =>
      roster
        .all()
        .filter(({ publishers, subscribed }) => publishers.present || subscribed)
        .map(({ name }) => name),
    statistics: () => Promise.all([...legs.values()].map(legStatistics)),
    async close() {
      if (roster.isOver) return;
      end('closed');
      // The file is complete before what writes it goes.
      await recording.close();
      await objects.release(pipeline);
    },
    end,
  });
}
