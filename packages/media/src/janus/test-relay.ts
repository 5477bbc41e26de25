// A TCP relay in front of a server, for tests: cuts every connection through it, and may refuse new ones.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpRelay {
  readonly port: number;
  /** Ends every connection at once, without a word of farewell to either side. */
  cut(): void;
  /** From now on: lets nobody through, or everybody again. */
  block(blocked: boolean): void;
  close(): void;
}

export async function openTcpRelay(to: number): Promise<TcpRelay> {
  const sockets = new Set<Socket>();
  let blocked = false;
  const server = createServer((front) => {
    if (blocked) {
      front.resetAndDestroy();
      return;
    }
    const back = connect(to, '127.0.0.1');
    for (const [from, into] of [
      [front, back],
      [back, front],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        into.destroy();
      });
      from.pipe(into);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of [...sockets]) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    block(now) {
      blocked = now;
    },
    close() {
      server.close();
      cut();
    },
  };
}
