// Sending again what a receiver missed: the last packets of a source, and how much of that a receiver may ask for.

/** About two seconds of a 640x360 picture at its highest rate; a power of two. */
export const HISTORY_PACKETS = 512;

export interface PacketHistory {
  /** Keeps the packet itself, not a copy; nobody may change it from now on. */
  add(sequence: number, packet: Buffer): void;
  find(sequence: number): Buffer | undefined;
  clear(): void;
}

export function createPacketHistory(capacity = HISTORY_PACKETS): PacketHistory {
  const packets: (Buffer | undefined)[] = new Array<Buffer | undefined>(capacity).fill(undefined);
  const sequences = new Int32Array(capacity).fill(-1);
  return {
    add(sequence, packet) {
      const slot = sequence % capacity;
      packets[slot] = packet;
      sequences[slot] = sequence;
    },
    find(sequence) {
      const slot = sequence % capacity;
      return sequences[slot] === sequence ? packets[slot] : undefined;
    },
    clear() {
      packets.fill(undefined);
      sequences.fill(-1);
    },
  };
}

export interface Budget {
  /** Takes one if there is one. */
  take(now: number): boolean;
}

/** A token bucket. A request of 1,200 bytes can name 4,800 packets: without a bound, receivers could ask for a flood. */
export function createBudget(perSecond: number, burst: number): Budget {
  let tokens = burst;
  let last = Number.NEGATIVE_INFINITY;
  return {
    take(now) {
      if (last !== Number.NEGATIVE_INFINITY && now > last) {
        tokens = Math.min(burst, tokens + ((now - last) / 1000) * perSecond);
      }
      last = Math.max(last, now);
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
