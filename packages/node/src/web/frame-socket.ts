// One WebSocket, of a device or to another node: text frames in and out, the heartbeat, and what happens when the other end
// is slow, silent or sends what does not belong here. Knows nothing of who is at the other end, or of requests.
import { failure, MAX_FRAME_BYTES, ParleyError } from '@parley/protocol';
import type { RawData, WebSocket } from 'ws';

/** RFC 6455 section 7.4.1: only text is spoken here. */
const UNSUPPORTED_DATA = 1003;

export interface FrameSocket {
  readonly open: boolean;
  /** False while the reader is behind; `drained` tells when to go on. */
  readonly writable: boolean;
  /** Sends one frame; a reader that is far behind is cut instead. */
  send(text: string): void;
  /** Orderly end: what was sent before still goes out, nothing that comes is heard any more. */
  close(code: number, reason: string): void;
  /** Ends at once, without a closing handshake. */
  cut(): void;
}

export interface FrameEvents {
  frame(text: string): void;
  /** Some of what waited has left. */
  drained(): void;
  /** With each heartbeat. */
  beat?(): void;
  /** Once, however it ended. `code` as in RFC 6455 section 7.1.5: 1006 without a closing handshake. */
  closed(code: number): void;
}

export interface FrameBounds {
  /** Two heartbeats without a sign of life end it. */
  readonly heartbeatMs: number;
  /** Bytes waiting in the socket above which it is not writable until some have left. */
  readonly busyBytes: number;
  /** Bytes waiting in the socket above which it is cut: its reader asks but does not read. */
  readonly maxBufferedBytes: number;
  /** How long the other end may take over a closing handshake, in milliseconds. Default: as long as `ws` lets it. */
  readonly closingMs?: number;
}

/** Takes an open socket over. */
export function createFrameSocket(socket: WebSocket, bounds: FrameBounds, events: FrameEvents): FrameSocket {
  const { heartbeatMs, busyBytes, maxBufferedBytes, closingMs } = bounds;
  let alive = true;
  const heartbeat = setInterval(() => {
    if (!alive) {
      socket.terminate();
      return;
    }
    alive = false;
    if (socket.readyState === socket.OPEN) socket.ping();
    events.beat?.();
  }, heartbeatMs).unref();

  const frames: FrameSocket = {
    get open() {
      return socket.readyState === socket.OPEN;
    },
    get writable() {
      return socket.readyState === socket.OPEN && socket.bufferedAmount <= busyBytes;
    },
    send(text) {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > maxBufferedBytes) {
        socket.terminate();
        return;
      }
      socket.send(text, () => {
        if (frames.writable) events.drained();
      });
    },
    close(code, reason) {
      socket.close(code, reason);
      if (closingMs === undefined) return;
      const timer = setTimeout(() => socket.terminate(), closingMs).unref();
      socket.once('close', () => clearTimeout(timer));
    },
    cut: () => socket.terminate(),
  };

  const refuse = (error: ParleyError) => frames.send(JSON.stringify(failure(null, error)));
  socket.on('pong', () => {
    alive = true;
  });
  socket.on('message', (data: RawData, isBinary: boolean) => {
    alive = true;
    // What still arrives after the node has closed is not heard any more.
    if (socket.readyState !== socket.OPEN) return;
    if (isBinary) {
      refuse(new ParleyError('malformed-message', 'a binary frame'));
      frames.close(UNSUPPORTED_DATA, 'malformed-message');
      return;
    }
    const bytes = Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
    if (bytes.length > MAX_FRAME_BYTES) refuse(new ParleyError('message-too-large'));
    else events.frame(bytes.toString('utf8'));
  });
  // `close` follows every error with the code that says what was wrong; there is nothing to add to it.
  socket.on('error', () => {});
  socket.on('close', (code: number) => {
    clearInterval(heartbeat);
    events.closed(code);
  });
  return frames;
}
