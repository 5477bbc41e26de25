// One WebSocket of a device: text frames in and out, the heartbeat, and what happens when the other end is slow, silent
// or sends what does not belong here. Knows nothing of devices or requests.
import { failure, MAX_FRAME_BYTES, ParleyError } from '@parley/protocol';
import type { RawData, WebSocket } from 'ws';
import { closeCodes } from './close-codes.ts';

/** Bytes waiting in a socket above which no further notifications are put on it until some have left. */
const BUSY_BYTES = 256 * 1024;
/** Bytes waiting in a socket above which it is cut: its reader asks but does not read. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

export interface Connection {
  /** Sends one frame; a reader that is far behind is cut instead. */
  send(text: string): void;
  /** False while the reader is behind; `drained` tells when to go on. */
  readonly writable: boolean;
  /** Orderly end. Whatever was sent before still goes out. */
  close(code: number, reason: string): void;
  /** Ends without a closing handshake. */
  cut(): void;
}

export interface ConnectionEvents {
  frame(text: string): void;
  /** Some of what waited has left. */
  drained(): void;
  /** With each heartbeat. */
  beat(): void;
  /** Once, however it ended. `code` as in RFC 6455 section 7.1.5: 1006 without a closing handshake. */
  closed(code: number): void;
}

/** Takes a socket over. Two heartbeats without a sign of life end it. */
export function createConnection(socket: WebSocket, heartbeatMs: number, events: ConnectionEvents): Connection {
  let alive = true;
  const heartbeat = setInterval(() => {
    if (!alive) {
      socket.terminate();
      return;
    }
    alive = false;
    if (socket.readyState === socket.OPEN) socket.ping();
    events.beat();
  }, heartbeatMs);
  heartbeat.unref();

  const connection: Connection = {
    send(text) {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > MAX_BUFFERED_BYTES) {
        socket.terminate();
        return;
      }
      socket.send(text, () => {
        if (socket.readyState === socket.OPEN && socket.bufferedAmount <= BUSY_BYTES) events.drained();
      });
    },
    get writable() {
      return socket.readyState === socket.OPEN && socket.bufferedAmount <= BUSY_BYTES;
    },
    close(code, reason) {
      socket.close(code, reason);
    },
    cut() {
      socket.terminate();
    },
  };

  const refuse = (error: ParleyError) => connection.send(JSON.stringify(failure(null, error)));

  socket.on('pong', () => {
    alive = true;
  });
  socket.on('message', (data: RawData, isBinary: boolean) => {
    alive = true;
    // What still arrives after the node has closed is not heard any more.
    if (socket.readyState !== socket.OPEN) return;
    if (isBinary) {
      refuse(new ParleyError('malformed-message', 'a binary frame'));
      socket.close(closeCodes.unsupportedData, 'malformed-message');
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
  return connection;
}
