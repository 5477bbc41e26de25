// Somebody who receives from an engine on one leg, and counts what comes.
import { monotonicMs } from './clock.ts';
import { createDelayCounter, createSequenceCounter, type SequenceCounter } from './counting.ts';
import { receivingAnswer } from './descriptions.ts';
import type { Received, Window } from './messages.ts';
import { type Mark, readMark, receiverFeedback } from './packets.ts';
import { openPeer } from './peer.ts';

export interface Receiver {
  answer(offer: string, accepted: ReadonlySet<string>): Promise<string>;
  /** Resolves when a packet of so many streams has come. */
  flowing(streams: number): Promise<void>;
  /** Says that it is there, and that it can take more than there is. */
  report(): void;
  count(window: Window): void;
  counts(): Received;
}

/** More than any load here sends to one receiver. */
const ESTIMATE = 200_000_000;

export function createReceiver(leg: string): Receiver {
  const mark: Mark = { sender: 0, kind: 'audio', sentAt: 0 };
  const known = new Set<number>();
  let counters = new Map<number, SequenceCounter>();
  let delays = createDelayCounter();
  let window: Window = { from: 0, to: 0 };
  let bytes = 0;
  let awaited: { streams: number; resolve: () => void } | null = null;
  const peer = openPeer('receives', { packet });

  function packet(packet: Buffer): void {
    if (!readMark(packet, mark)) return;
    const now = monotonicMs();
    const ssrc = packet.readUInt32BE(8);
    if (!known.has(ssrc)) {
      known.add(ssrc);
      if (awaited && known.size >= awaited.streams) awaited.resolve();
    }
    if (mark.sentAt < window.from || mark.sentAt >= window.to) return;
    let counter = counters.get(ssrc);
    if (!counter) {
      counter = createSequenceCounter();
      counters.set(ssrc, counter);
    }
    if (!counter.note(packet.readUInt16BE(2))) return;
    bytes += packet.length;
    delays.note(now - mark.sentAt);
  }

  return {
    async answer(offer, accepted) {
      return receivingAnswer(offer, accepted, await peer.answer(offer));
    },
    flowing(streams) {
      if (known.size >= streams) return Promise.resolve();
      return new Promise((resolve) => {
        awaited = { streams, resolve };
      });
    },
    report() {
      peer.send(receiverFeedback(ESTIMATE, [...known].slice(0, 100)));
    },
    count(next) {
      window = next;
      counters = new Map();
      delays = createDelayCounter();
      bytes = 0;
    },
    counts() {
      const counts = [...counters.values()].map((counter) => counter.counts());
      const sum = (of: (one: (typeof counts)[number]) => number) => counts.reduce((all, one) => all + of(one), 0);
      return {
        leg,
        packets: sum(({ received }) => received),
        bytes,
        duplicates: sum(({ duplicates }) => duplicates),
        gaps: sum(({ missing }) => missing),
        delays: delays.counts(),
      };
    },
  };
}
