// Who gets which picture of whom, in which quality: brings together what tiles need, what networks carry, who spoke last
// and what publishers really send; aims every forwarding and says which qualities are worth sending.
import type { WantedPicture } from '../engine.ts';
import {
  allocate,
  nearestUsable,
  publishCap,
  type Quality,
  qualityForHeight,
  soonestSeen,
  usualRate,
} from './choice.ts';
import { MAX_PUBLISH_BITRATE } from './descriptions.ts';
import { visiblePictures } from './speakers.ts';
import type { Forwarding, Layer, Source } from './streams.ts';

/** What is known of a device here. */
export interface ArrangedDevice {
  readonly name: string;
  readonly sources: readonly (Source | null)[];
  /** By publisher; what is not named is wanted as large as it comes. */
  readonly heights: ReadonlyMap<string, number>;
}

export interface ArrangedReceiver {
  readonly device: ArrangedDevice;
  readonly forwardings: readonly Forwarding[];
  /** Bits per second; null: no bound is known. */
  readonly limit: number | null;
}

/** A picture of a receiver that it is to see, the most important first. */
interface Wish {
  readonly forwarding: Forwarding;
  readonly qualities: readonly Quality[];
  readonly best: number;
}

/** Where the codec does not show the height: what cameras are asked for. */
const USUAL_HEIGHT = 360;
/** Opus with everything around it, in bits per second. */
const SOUND_RATE = 60_000;
/** A quality that was asked for and has not come by then is not to be had for now. */
const PATIENCE_MS = 4000;
/** A stream from which nothing has come for so long does not run. */
const STALLED_MS = 1500;
/** What nobody needs any more is sent for a while: sizes change back and forth. */
const LINGER_MS = 2000;
/** More wishes than a room has people are no wishes. */
const MAX_WISHES = 256;

/** A receiver's wishes by publisher; the largest counts. */
export function readWishes(pictures: readonly WantedPicture[]): Map<string, number> {
  const heights = new Map<string, number>();
  for (const { publisher, height } of pictures.slice(0, MAX_WISHES)) {
    heights.set(publisher, Math.max(height, heights.get(publisher) ?? 0));
  }
  return heights;
}

export function qualitiesOf({ layers }: Source, cap: number, now: number): Quality[] {
  const full = layers[0]?.height || USUAL_HEIGHT;
  const runs = ({ lastAt }: Layer) => now - lastAt < STALLED_MS;
  const anyRuns = layers.some(runs);
  return layers.map((layer) => {
    const height = layer.height || full / 2 ** layer.index;
    // A camera that is off takes no room from others.
    const usual = anyRuns ? usualRate(height) : 0;
    const rate = runs(layer) && layer.rate > 0 ? layer.rate : usual;
    const asked = layer.wantedSince !== null && now - layer.wantedSince > PATIENCE_MS;
    const bounded = layer.index === 0 ? Math.min(rate, cap) : rate;
    return { height, rate: bounded, usable: runs(layer) || !asked || !anyRuns, runs: runs(layer) };
  });
}

export interface Arrangement {
  /** Bits per second that a receiver would be sent if its network carried everything. */
  wished(receiver: ArrangedReceiver, now: number): number;
  /** Aims everything anew. Call it after any change, and once a second. */
  arrange(receivers: readonly ArrangedReceiver[], sources: readonly Source[], now: number): void;
  /** What a publisher of these sources may send in all, in bits per second. */
  bitrate(sources: readonly (Source | null)[]): number;
}

/**
 * @param lastN how many pictures a receiver gets that it has not asked for by size
 * @param recent who has spoken, the latest first
 * @param wanted the qualities of a source that are worth sending have changed
 */
export function createArrangement(
  lastN: number,
  recent: () => readonly string[],
  wanted: (source: Source, layers: readonly number[]) => void,
): Arrangement {
  /** How much the full picture of a source may take. */
  const caps = new WeakMap<Source, number>();
  const told = new WeakMap<Source, { layers: readonly Layer[]; wanted: string }>();
  const neededAt = new WeakMap<Layer, number>();

  const capOf = (source: Source) => caps.get(source) ?? MAX_PUBLISH_BITRATE;

  function wishesOf({ device, forwardings }: ArrangedReceiver, now: number): Wish[] {
    const pictures = forwardings.filter(({ source }) => source.kind === 'video');
    const ranks = new Map(recent().map((name, rank) => [name, rank]));
    const order = (name: string) => ranks.get(name) ?? ranks.size;
    const names = [...new Set(pictures.map(({ source }) => source.publisher))].sort((a, b) => order(a) - order(b));
    const visible = visiblePictures(names, device.heights, lastN);
    const height = ({ source }: Forwarding) => device.heights.get(source.publisher) ?? Number.POSITIVE_INFINITY;
    return pictures
      .filter(({ source }) => visible.has(source.publisher))
      .sort((a, b) => height(b) - height(a) || order(a.source.publisher) - order(b.source.publisher) || 0)
      .map((forwarding) => {
        const qualities = qualitiesOf(forwarding.source, capOf(forwarding.source), now);
        return { forwarding, qualities, best: qualityForHeight(qualities, height(forwarding)) };
      });
  }

  const soundRate = (forwardings: readonly Forwarding[]) =>
    forwardings.filter(({ source }) => source.kind === 'audio').length * SOUND_RATE;

  /** What a receiver has room for of each picture, if it gets the least of all others. */
  function noteRooms(limit: number | null, wishes: readonly Wish[], rooms: Map<Source, (number | null)[]>): void {
    const least = wishes.map(({ qualities }) => qualities.at(-1)?.rate ?? 0);
    const all = least.reduce((sum, rate) => sum + rate, 0);
    wishes.forEach(({ forwarding: { source }, best }, index) => {
      // Who wants a smaller one has no say about the full one.
      if (best > 0) return;
      const known = rooms.get(source) ?? [];
      known.push(limit === null ? null : limit - all + (least[index] ?? 0));
      rooms.set(source, known);
    });
  }

  function aim(wishes: readonly Wish[], limit: number | null, needed: Set<Layer>): Set<Forwarding> {
    const chosen = allocate(limit, wishes);
    const aimed = new Set<Forwarding>();
    wishes.forEach(({ forwarding, qualities }, order) => {
      const goal = chosen[order];
      if (goal === undefined || goal === null) return;
      const { layers } = forwarding.source;
      const seen = forwarding.current !== null && layers.includes(forwarding.current);
      const target = layers[seen ? nearestUsable(qualities, goal) : soonestSeen(qualities, goal)];
      const wished = layers[goal];
      if (wished) needed.add(wished);
      if (!target) return;
      forwarding.aim(target);
      aimed.add(forwarding);
      needed.add(target);
      if (forwarding.current) needed.add(forwarding.current);
    });
    return aimed;
  }

  function tell(source: Source, needed: ReadonlySet<Layer>, now: number): void {
    const { layers, forwardings } = source;
    if (layers.length < 2) return;
    const kept = layers.filter((layer) => {
      // Ready for whoever comes.
      if (needed.has(layer) || (forwardings.size === 0 && layer.index === 0)) neededAt.set(layer, now);
      const lingers = now - (neededAt.get(layer) ?? Number.NEGATIVE_INFINITY) < LINGER_MS;
      layer.wantedSince = lingers ? (layer.wantedSince ?? now) : null;
      return lingers;
    });
    const indices = kept.map(({ index }) => index);
    const before = told.get(source);
    const known = before?.layers === layers ? before.wanted : '0';
    if (known === indices.join()) return;
    told.set(source, { layers, wanted: indices.join() });
    wanted(source, indices);
  }

  return {
    wished(receiver, now) {
      const wishes = wishesOf(receiver, now);
      return wishes.reduce((sum, { qualities, best }) => {
        const { rate = 0, height = 0 } = qualities[best] ?? {};
        return rate > 0 ? sum + usualRate(height) : sum;
      }, soundRate(receiver.forwardings));
    },
    arrange(receivers, sources, now) {
      const needed = new Set<Layer>();
      const rooms = new Map<Source, (number | null)[]>();
      const all = receivers.map((receiver) => {
        const { limit, forwardings } = receiver;
        const left = limit === null ? null : Math.max(0, limit - soundRate(forwardings));
        const wishes = wishesOf(receiver, now);
        noteRooms(left, wishes, rooms);
        return { forwardings, left, wishes };
      });
      for (const [source, known] of rooms) {
        caps.set(source, publishCap(known, qualitiesOf(source, MAX_PUBLISH_BITRATE, now), MAX_PUBLISH_BITRATE));
      }
      for (const { forwardings, left, wishes } of all) {
        const aimed = aim(wishes, left, needed);
        for (const one of forwardings) if (one.source.kind === 'video' && !aimed.has(one)) one.aim(null);
      }
      for (const source of sources) if (source.kind === 'video') tell(source, needed, now);
    },
    bitrate(sources) {
      return sources.reduce((sum, source) => {
        if (source?.kind !== 'video') return sum;
        const smaller = source.layers.filter(({ index, wantedSince }) => index > 0 && wantedSince !== null);
        const full = source.layers[0]?.height || USUAL_HEIGHT;
        return smaller.reduce((all, { index }) => all + usualRate(full / 2 ** index), sum + capOf(source));
      }, 0);
    },
  };
}
