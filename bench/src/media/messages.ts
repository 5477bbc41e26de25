// What the measurement and its load generators say to each other, over the channel between parent and child.
import type { DelayCounts } from './counting.ts';
import type { Kind } from './packets.ts';

/** From and until when, on the clock of `monotonicMs`, packets count; by the moment they were sent. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

export interface Sent {
  readonly sender: number;
  readonly packets: Record<Kind, number>;
  /** RTP packets' own bytes, without encryption and lower layers. */
  readonly bytes: number;
}

export interface Received {
  readonly leg: string;
  readonly packets: number;
  readonly bytes: number;
  readonly duplicates: number;
  /** Gaps in the sequence numbers, as a decoder would see them. */
  readonly gaps: number;
  readonly delays: DelayCounts;
}

export interface Counts {
  readonly sent: readonly Sent[];
  readonly received: readonly Received[];
}

/** What can be asked of a generator: parameters and result. */
export interface GeneratorCalls {
  /** A new sender, in packets per second of its picture; gives its offer. */
  send: { args: [sender: number, speaking: boolean, videoPerSecond: number]; result: string };
  /** The engine's answer to that offer. */
  accept: { args: [sender: number, answer: string]; result: null };
  /** From now on every picture has so many packets per second. */
  rate: { args: [videoPerSecond: number]; result: null };
  /** An engine's offer on a receiving leg; gives the answer. */
  receive: { args: [leg: string, offer: string, accepted: readonly string[]]; result: string };
  /** Waits until each leg has had a packet of so many streams. */
  flowing: { args: [streams: Readonly<Record<string, number>>]; result: null };
  /** Counts in the window; answers a moment after its end. */
  count: { args: [window: Window]; result: Counts };
}
export type GeneratorCall = keyof GeneratorCalls;

export type Request = { [C in GeneratorCall]: { id: number; call: C; args: GeneratorCalls[C]['args'] } }[GeneratorCall];
export type Reply = { id: number; result: unknown } | { id: number; error: string };
