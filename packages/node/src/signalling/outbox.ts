// What a node has told one device and not yet seen acknowledged. Pure state: it numbers the messages, hands each out once
// per socket, and after a cut hands out again, in order, exactly those that the device has not received.
import { MAX_UNSENT } from '@parley/protocol';

export interface OutboxBounds {
  /** Most messages kept. */
  readonly messages: number;
  /** Most characters kept, of all messages together. */
  readonly characters: number;
}

export interface Outbox {
  /** Numbers a message (1, 2, 3 ...) and keeps it. False: it does not fit, and the device must start afresh. */
  push(write: (seq: number) => string): boolean;
  /** The next message to put on the present socket; null when it has been given them all. */
  next(): string | null;
  /** Frees everything up to `seq`. False if so much was never handed out; nothing is freed then. */
  acknowledge(seq: number): boolean;
  /**
   * A new socket takes over: `next` goes on after `received`. False if that cannot be done without a gap, because
   * messages after `received` were freed or `received` was never handed out; nothing changes then.
   */
  resume(received: number): boolean;
  /** How many messages are kept. */
  readonly size: number;
}

const defaultBounds: OutboxBounds = { messages: MAX_UNSENT, characters: 4 * 1024 * 1024 };

export function createOutbox(bounds: OutboxBounds = defaultBounds): Outbox {
  /** Messages `freed + 1` to `last`. */
  let kept: string[] = [];
  let characters = 0;
  let freed = 0;
  let last = 0;
  /** Highest number given to the present socket, or known to be received. */
  let handed = 0;
  /** Highest number given to any socket. */
  let handedEver = 0;

  const free = (seq: number) => {
    if (seq <= freed) return;
    for (const text of kept.slice(0, seq - freed)) characters -= text.length;
    kept = kept.slice(seq - freed);
    freed = seq;
    handed = Math.max(handed, seq);
  };

  return {
    push(write) {
      const text = write(last + 1);
      if (kept.length >= bounds.messages || characters + text.length > bounds.characters) return false;
      last += 1;
      kept.push(text);
      characters += text.length;
      return true;
    },
    next() {
      const text = kept[handed - freed];
      if (text === undefined) return null;
      handed += 1;
      handedEver = Math.max(handedEver, handed);
      return text;
    },
    acknowledge(seq) {
      if (seq > handedEver) return false;
      free(seq);
      return true;
    },
    resume(received) {
      if (received < freed || received > handedEver) return false;
      free(received);
      handed = received;
      return true;
    },
    get size() {
      return kept.length;
    },
  };
}
