// Sending again what a receiver missed: the last packets of a source, and how much of that a receiver may ask for.

/** About two seconds of a 640x360 picture at its highest rate; a power of two. */
export const HISTORY_PACKETS = 512;

/** A packet kept, with the numbers it came with: those inside it are overwritten each time it is sent. */
export interface KeptPacket {
  packet: Buffer;
  timestamp: number;
  pictureId: number;
  pictureBase: number;
}

export interface PacketHistory {
  /** Keeps the packet itself, not a copy. */
  add(sequence: number, packet: Buffer, timestamp: number, pictureId: number, pictureBase: number): void;
  /** By the number it came with. The answer is filled anew by the next call. */
  find(sequence: number): KeptPacket | undefined;
  clear(): void;
}

export function createPacketHistory(capacity = HISTORY_PACKETS): PacketHistory {
  const packets: (Buffer | undefined)[] = new Array<Buffer | undefined>(capacity).fill(undefined);
  const sequences = new Int32Array(capacity).fill(-1);
  const timestamps = new Uint32Array(capacity);
  const pictureIds = new Uint16Array(capacity);
  const pictureBases = new Uint8Array(capacity);
  const found: KeptPacket = { packet: Buffer.alloc(0), timestamp: 0, pictureId: 0, pictureBase: 0 };
  return {
    add(sequence, packet, timestamp, pictureId, pictureBase) {
      const slot = sequence % capacity;
      packets[slot] = packet;
      sequences[slot] = sequence;
      timestamps[slot] = timestamp;
      pictureIds[slot] = pictureId;
      pictureBases[slot] = pictureBase;
    },
    find(sequence) {
      const slot = sequence % capacity;
      const packet = packets[slot];
      if (sequences[slot] !== sequence || !packet) return undefined;
      found.packet = packet;
      found.timestamp = timestamps[slot] ?? 0;
      found.pictureId = pictureIds[slot] ?? 0;
      found.pictureBase = pictureBases[slot] ?? 0;
      return found;
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
