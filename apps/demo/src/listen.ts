// Opening ports, with errors that name them.
import { createServer as createTcpServer, type Server } from 'node:net';

/** Listens. Rejects with a sentence that names the port and who wanted it if that is impossible. */
export function listen(server: Server, port: number, host: string, who: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(portError(error, port, who)));
    server.listen(port, host, () => resolve());
  });
}

function portError(error: NodeJS.ErrnoException, port: number, who: string): Error {
  if (error.code === 'EADDRINUSE') {
    return new Error(
      `Port ${port} is taken, and ${who} needs it. End the other program (perhaps another demo) and start again.`,
    );
  }
  if (error.code === 'EACCES') return new Error(`Port ${port} may not be opened by this user; ${who} needs it.`);
  return new Error(`Port ${port} for ${who}: ${error.message}`);
}

/** Rejects like `listen` if the port cannot be opened now. For ports that another process will open. */
export async function requireFree(port: number, host: string, who: string): Promise<void> {
  const server = createTcpServer();
  await listen(server, port, host, who);
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/**
 * Ports that nobody listens on now, for tests. From below the range that the system hands out by itself (RFC 6335
 * section 6 calls that one dynamic), so nobody gets one by chance before it is used.
 */
export async function freePorts(count: number, host: string): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count && tries < 500; tries += 1) {
    const port = 12_000 + Math.floor(Math.random() * 19_000);
    if (ports.includes(port)) continue;
    const free = await requireFree(port, host, 'a test').then(
      () => true,
      () => false,
    );
    if (free) ports.push(port);
  }
  if (ports.length < count) throw new Error(`there are not ${count} free ports`);
  return ports;
}
