// What a room remembers of a device and of its legs.
import type { LegStatistics } from '../engine.ts';
import type { Succession } from '../succession.ts';
import type { PlannedRoom } from './plan.ts';
import type { Publisher } from './publisher.ts';
import type { Receiver } from './receiver.ts';

/** All legs by which a device receives, opened for one `subscribe`. */
export interface Reception {
  readonly mixed: boolean;
  readonly legs: Receiver[];
}

export interface Device {
  readonly name: string;
  readonly publishers: Succession<Publisher>;
  reception: Reception | null;
  nextReception: Reception | null;
  /** As asked for; publishing anew asks for new legs. */
  subscribed: { readonly mixed: boolean } | null;
}

export interface Leg {
  readonly device: Device;
  readonly leg: Publisher | Receiver;
  candidates: number;
}

/** Nothing of it is left. */
export function isEmpty({ publishers, reception, nextReception, subscribed }: Device): boolean {
  return !(publishers.all().length > 0 || reception || nextReception || subscribed);
}

export const isPublisher = (leg: Publisher | Receiver): leg is Publisher => 'kinds' in leg;

/** Its receptions, the one in use first. */
export function receptionsOf({ reception, nextReception }: Device): Reception[] {
  return [reception, nextReception].filter((one) => one !== null);
}

/** What the plan is made of. */
export function plannedRoom(devices: Iterable<Device>, recording: boolean): PlannedRoom {
  const all = [...devices];
  return {
    publishers: all.flatMap(({ name, publishers: { present } }) =>
      present ? [{ device: name, leg: present.leg, kinds: present.kinds }] : [],
    ),
    receivers: all.flatMap((device) =>
      receptionsOf(device).flatMap(({ legs }) =>
        legs.map((leg) => ({ device: device.name, leg: leg.leg, from: leg.wanted()?.from ?? null })),
      ),
    ),
    recording,
  };
}

/** As far as the server says anything: an endpoint that is just being made or released says nothing. */
export async function legStatistics({ device, leg }: Leg): Promise<LegStatistics> {
  const endpoint = isPublisher(leg) ? leg.endpoint : leg.endpoint();
  const found = await endpoint?.statistics().catch(() => undefined);
  const asked = (found?.pliCount ?? 0) + (found?.firCount ?? 0);
  return {
    device: device.name,
    leg: leg.leg,
    direction: isPublisher(leg) ? 'publish' : 'subscribe',
    state: leg.isConnected() ? 'connected' : 'connecting',
    packetsReceived: found?.packetsReceived ?? 0,
    packetsSent: found?.packetsSent ?? 0,
    keyframeRequests: isPublisher(leg) ? Math.max(asked, leg.keyframeRequests) : asked,
    retransmissions: found?.nackCount ?? 0,
  };
}
