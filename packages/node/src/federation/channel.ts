// One WebSocket between two nodes: text frames in and out, the heartbeat, and what happens when the other end is slow,
// silent or sends what does not belong here. Knows nothing of domains or requests.
import { failure, MAX_FRAME_BYTES, ParleyError } from '@parley/protocol';
import type { RawData, WebSocket } from 'ws';

/** Close codes (RFC 6455 section 7.4; from 4000 on they are our own). */
export const closeCodes = {
  goingAway: 1001,
  unsupportedData: 1003,
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

export interface Channel {
  /** Whose the channel is from now on: at first the handshake's, then the link's. */
  events: ChannelEvents;
  /** Names its TLS connection; null where there is none here. */
  readonly binding: string | null;
  readonly open: boolean;
  /** False while the reader is behind; `drained` tells when to go on. */
  readonly writable: boolean;
  /** Sends one frame; a reader that is far behind is cut instead. */
  send(text: string): void;
  /** Whether the other end answers a ping within `ms`; if not, the channel is cut. */
  probe(ms: number): Promise<boolean>;
  /** Orderly end: what was sent before still goes out, nothing that comes is heard any more. */
  close(code: number, reason: string): void;
  /** Ends at once. */
  cut(): void;
}

/** Takes an open socket over. */
export function createChannel(
  socket: WebSocket,
  heartbeatMs: number,
  events: ChannelEvents,
  binding: string | null = null,
): Channel {
  let alive = true;
  const heartbeat = setInterval(() => {
    if (!alive) return socket.terminate();
    alive = false;
    if (socket.readyState === socket.OPEN) socket.ping();
  }, heartbeatMs).unref();

  const channel: Channel = {
    events,
    binding,
    get open() {
      return socket.readyState === socket.OPEN;
    },
    get writable() {
      return socket.readyState === socket.OPEN && socket.bufferedAmount <= BUSY_BYTES;
    },
    send(text) {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > MAX_BUFFERED_BYTES) return socket.terminate();
      socket.send(text, () => {
        if (channel.writable) channel.events.drained?.();
      });
    },
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
    close(code, reason) {
      socket.close(code, reason);
      const timer = setTimeout(() => socket.terminate(), CLOSING_MS).unref();
      socket.once('close', () => clearTimeout(timer));
    },
    cut: () => socket.terminate(),
  };

  const refuse = (error: ParleyError) => channel.send(JSON.stringify(failure(null, error)));
  socket.on('pong', () => {
    alive = true;
  });
  socket.on('message', (data: RawData, isBinary: boolean) => {
    alive = true;
    if (socket.readyState !== socket.OPEN) return;
    if (isBinary) {
      refuse(new ParleyError('malformed-message', 'a binary frame'));
      channel.close(closeCodes.unsupportedData, 'malformed-message');
      return;
    }
    const bytes = Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
    if (bytes.length > MAX_FRAME_BYTES) refuse(new ParleyError('message-too-large'));
    else channel.events.frame(bytes.toString('utf8'));
  });
  // `close` follows every error; there is nothing to add to it.
  socket.on('error', () => {});
  socket.on('close', () => {
    clearInterval(heartbeat);
    channel.events.closed();
  });
  return channel;
}
