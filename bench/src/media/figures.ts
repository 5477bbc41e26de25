// What a measurement comes to: from what senders sent and receivers counted to figures. Pure.
import { addDelays, type DelayCounts, delayAt } from './counting.ts';
import type { Counts, Received } from './messages.ts';
import type { Kind } from './packets.ts';

export interface Delay {
  readonly p50: number;
  readonly p99: number;
}

export interface Figures {
  /** Packets per second of each picture, and for how long they were counted. */
  readonly videoPerSecond: number;
  readonly seconds: number;
  /** Packets that should have reached a receiver, and those that did. */
  readonly expected: number;
  readonly delivered: number;
  readonly lost: number;
  /** Packets that came twice, and numbers left out, as a decoder would see them. */
  readonly duplicates: number;
  readonly gaps: number;
  readonly deliveredPerSecond: number;
  /** Share of what the generators were to send and did not: above a few percent, the machine is at its end. */
  readonly notSent: number;
  /** Delivered packets for each second of the engine's processor time. */
  readonly packetsPerCore: number;
  /** Processor seconds used in a second: by the engine, by the generators, and by everything else on the machine. */
  readonly processor: number;
  readonly generators: number;
  readonly others: number;
  /** From just before a packet is handed to the sender's library until the probe's program has it. */
  readonly delayMs: Delay;
  /** The same without an engine, between the same two processes at the same time. */
  readonly withoutEngineMs: Delay;
  /** As `delayMs`, of all receivers, whose programs are busier than the probe's. */
  readonly delayOfAllMs: Delay;
  /** Of the RTP packets themselves. */
  readonly megabitsIn: number;
  readonly megabitsOut: number;
  readonly rssMb: number;
  readonly pssMb: number;
}

export interface Stream {
  readonly sender: number;
  readonly kind: Kind;
}

export interface Measured {
  readonly videoPerSecond: number;
  readonly seconds: number;
  /** Packets all senders were to send. */
  readonly planned: number;
  readonly counts: readonly Counts[];
  /** What each receiving leg takes. */
  readonly legs: ReadonlyMap<string, readonly Stream[]>;
  readonly probeLegs: ReadonlySet<string>;
  readonly controlLeg: string;
  readonly engineSeconds: number;
  readonly generatorSeconds: number;
  /** Of all processes together. */
  readonly busySeconds: number;
  readonly memory: { readonly rssMb: number; readonly pssMb: number };
}

export function figuresOf(measured: Measured): Figures {
  const { counts, legs, seconds, engineSeconds, generatorSeconds, planned } = measured;
  const all = counts.flatMap(({ received }) => received);
  const received = all.filter(({ leg }) => legs.has(leg));
  const sent = new Map(counts.flatMap((one) => one.sent.map((sender) => [sender.sender, sender] as const)));
  const taken = [...legs.values()].flat();
  const expected = sum(taken.map(({ sender, kind }) => sent.get(sender)?.packets[kind] ?? 0));
  const delivered = sum(received.map(({ packets }) => packets));
  const senders = [...sent].filter(([sender]) => taken.some((stream) => stream.sender === sender));
  const packetsSent = sum(senders.map(([, { packets }]) => packets.audio + packets.video));
  const megabits = (bytes: number) => rounded((bytes * 8) / 1e6 / seconds, 1);
  return {
    videoPerSecond: measured.videoPerSecond,
    seconds,
    expected,
    delivered,
    lost: expected - delivered,
    duplicates: sum(received.map(({ duplicates }) => duplicates)),
    gaps: sum(received.map(({ gaps }) => gaps)),
    deliveredPerSecond: Math.round(delivered / seconds),
    notSent: rounded(1 - packetsSent / planned, 3),
    packetsPerCore: Math.round(delivered / engineSeconds),
    processor: rounded(engineSeconds / seconds, 3),
    generators: rounded(generatorSeconds / seconds, 3),
    others: rounded(Math.max(0, measured.busySeconds - engineSeconds - generatorSeconds) / seconds, 3),
    delayMs: delay(received.filter(({ leg }) => measured.probeLegs.has(leg))),
    withoutEngineMs: delay(all.filter(({ leg }) => leg === measured.controlLeg)),
    delayOfAllMs: delay(received),
    megabitsIn: megabits(sum(senders.map(([, { bytes }]) => bytes))),
    megabitsOut: megabits(sum(received.map(({ bytes }) => bytes))),
    ...measured.memory,
  };
}

function delay(received: readonly Received[]): Delay {
  const counts: DelayCounts = addDelays(received.map(({ delays }) => delays));
  return { p50: delayAt(counts, 0.5), p99: delayAt(counts, 0.99) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
