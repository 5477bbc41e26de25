// Bounds of this room beside those of the protocol. All generous for people; tests make them smaller.
import { MAX_FRAME_BYTES } from '@parley/protocol';

export interface SignallingLimits {
  /** Messages of one device: per second in the long run, and at once. */
  readonly messagesPerSecond: number;
  readonly burst: number;
  /** Registered devices of one person. */
  readonly devicesPerPerson: number;
  /** Sockets of one person that have not said hello, and for how long they may be. */
  readonly silentPerPerson: number;
  readonly helloSeconds: number;
  /** How long the answer to a hello may take inside the node. */
  readonly historySeconds: number;
}

export const defaultLimits: SignallingLimits = {
  messagesPerSecond: 100,
  burst: 400,
  devicesPerPerson: 16,
  silentPerPerson: 16,
  helloSeconds: 10,
  historySeconds: 10,
};

/**
 * `maxPayload` for the WebSocket server, in bytes. Twice the protocol's largest frame: up to here a sender is told
 * `message-too-large` and goes on; beyond, `ws` closes with 1009.
 */
export const MAX_PAYLOAD = 2 * MAX_FRAME_BYTES;
