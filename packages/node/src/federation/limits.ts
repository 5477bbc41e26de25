// Bounds of this room beside those of the protocol. Tests make some of them smaller.

export interface LinkLimits {
  /** Frames of one link: per second in the long run, and at once. */
  readonly framesPerSecond: number;
  readonly burst: number;
  /** Frames heard on a socket that has not proven whose it is. */
  readonly unprovenFrames: number;
  /** Sockets that have not proven whose they are; one more and the oldest is cut. */
  readonly unproven: number;
  readonly handshakeMs: number;
  /** Two heartbeats without a sign of life end a link. */
  readonly heartbeatMs: number;
  /** How long a link may take to show that it is alive when its other end seems to have lost it. */
  readonly probeMs: number;
  /** Requests that wait for a link to one provider to come up, or for earlier ones to be answered. */
  readonly queued: number;
  /** Other providers that this node deals with at a time. */
  readonly peers: number;
}

export const defaultLimits: LinkLimits = {
  framesPerSecond: 1000,
  burst: 4000,
  unprovenFrames: 64,
  unproven: 64,
  handshakeMs: 10_000,
  heartbeatMs: 10_000,
  probeMs: 2000,
  queued: 512,
  peers: 1000,
};
