// WebSocket upgrades: finds the handler of a path, refuses what does not belong, and closes what is left at the end.
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ErrorCode, ParleyError } from '@parley/protocol';
import { errorBody, statusOf } from './http-errors.ts';

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface Upgrades {
  on(path: string, handler: UpgradeHandler): void;
  close(): void;
}

/** How long a refused socket may take to read its answer, in milliseconds. */
const REFUSAL_MS = 2000;

export function createUpgrades(server: Server, permits: (request: IncomingMessage) => boolean): Upgrades {
  const handlers = new Map<string, UpgradeHandler>();
  const open = new Set<Duplex>();

  server.on('upgrade', (request, socket, head) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    // Without a listener, a peer that resets the connection would end the process.
    socket.on('error', () => socket.destroy());
    const path = (request.url ?? '').split('?')[0] ?? '';
    const handler = handlers.get(path);
    if (!handler) refuseUpgrade(socket, 'unknown-method');
    else if (!permits(request)) refuseUpgrade(socket, 'origin-not-allowed');
    else handler(request, socket, head);
  });

  return {
    on(path, handler) {
      if (handlers.has(path)) throw new Error(`two handlers for upgrades at ${path}`);
      handlers.set(path, handler);
    },
    close() {
      for (const socket of open) socket.destroy();
    },
  };
}

/** Answers an upgrade with an error of the catalogue instead of a socket. */
export function refuseUpgrade(socket: Duplex, code: ErrorCode): void {
  const body = JSON.stringify(errorBody(new ParleyError(code)));
  const head = [
    `HTTP/1.1 ${statusOf(code)} Refused`,
    'connection: close',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), REFUSAL_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}
