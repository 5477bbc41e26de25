// One WebSocket between two nodes, which changes hands: at first it is the handshake's, then the link's. Knows nothing of
// domains or requests.
import type { WebSocket } from 'ws';
import { createFrameSocket, type FrameSocket } from '../web/frame-socket.ts';

/** Close codes (RFC 6455 section 7.4; from 4000 on they are our own). */
export const closeCodes = {
  goingAway: 1001,
  /** Frames without end after `too-many-requests`, or too many before the proof. */
  policy: 1008,
  tryLater: 1013,
  /** The other end has not proven that it is whom it says. */
  untrusted: 4003,
  /** Another link between the two is used in this one's place. */
  replaced: 4004,
} as const;

/** Bytes waiting in a socket above which no further requests are put on it until some have left. */
const BUSY_BYTES = 512 * 1024;
/** Bytes waiting in a socket above which it is cut: its reader asks but does not read. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;
/** How long the other end may take over a closing handshake, in milliseconds. */
const CLOSING_MS = 1000;

export interface ChannelEvents {
  frame(text: string): void;
  /** Some of what waited has left. */
  drained?(): void;
  /** Once, however it ended. */
  closed(): void;
}

export interface Channel extends FrameSocket {
  /** Whose the channel is from now on. */
  events: ChannelEvents;
  /** Names its TLS connection; null where there is none here. */
  readonly binding: string | null;
  /** Whether the other end answers a ping within `ms`; if not, the channel is cut. */
  probe(ms: number): Promise<boolean>;
}

/** Takes an open socket over. */
export function createChannel(
  socket: WebSocket,
  heartbeatMs: number,
  events: ChannelEvents,
  binding: string | null = null,
): Channel {
  const bounds = { heartbeatMs, busyBytes: BUSY_BYTES, maxBufferedBytes: MAX_BUFFERED_BYTES, closingMs: CLOSING_MS };
  const frames = createFrameSocket(socket, bounds, {
    frame: (text) => channel.events.frame(text),
    drained: () => channel.events.drained?.(),
    closed: () => channel.events.closed(),
  });
  const channel: Channel = {
    events,
    binding,
    get open() {
      return frames.open;
    },
    get writable() {
      return frames.writable;
    },
    send: frames.send,
    close: frames.close,
    cut: frames.cut,
    probe(ms) {
      return new Promise((resolve) => {
        const settle = (answered: boolean) => {
          clearTimeout(timer);
          socket.off('pong', pong).off('close', close);
          resolve(answered);
        };
        const pong = () => settle(true);
        // Only then does everybody else know that it is gone.
        const close = () => settle(false);
        const timer = setTimeout(() => socket.terminate(), ms);
        socket.on('pong', pong).on('close', close);
        if (socket.readyState === socket.OPEN) socket.ping();
        else if (socket.readyState === socket.CLOSED) settle(false);
      });
    },
  };
  return channel;
}
