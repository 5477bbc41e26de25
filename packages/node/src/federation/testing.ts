// Real providers on loopback for the tests of this room: an HTTP server with the well-known document and the link.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Domain, WellKnown } from '@parley/protocol';
import { pino } from 'pino';
import { WebSocketServer } from 'ws';
import { testConfig } from '../config/testing.ts';
import { createFederation, type Links } from './index.ts';

export const log = pino({ level: 'silent' });

export interface TestProvider extends Links {
  readonly domain: Domain;
  readonly port: number;
  /** What is served at the well-known path instead of the true document; null for the truth. */
  lie: ((request: IncomingMessage, response: ServerResponse) => void) | null;
  /** How many sockets have been opened at the link. */
  readonly sockets: () => number;
  /** Cuts every open link as a broken network would. */
  cut(): void;
  stop(): Promise<void>;
}

/** Starts a provider; `hosts` is shared by all of a test and filled in with where each one is. */
export async function startProvider(
  t: TestContext,
  name: string,
  hosts: Record<string, string>,
  requestSeconds = 2,
): Promise<TestProvider> {
  const domain = name as Domain;
  const directory = await mkdtemp(join(tmpdir(), 'parley-federation-'));
  const state: { lie: TestProvider['lie'] } = { lie: null };
  let links: Links | null = null;
  const server = createServer((request, response) => {
    if (state.lie) return state.lie(request, response);
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify(links?.wellKnownDocument() satisfies WellKnown | undefined));
  });
  const sockets = new WebSocketServer({ server, path: '/link' });
  let opened = 0;
  sockets.on('connection', (socket) => {
    opened += 1;
    links?.acceptLink(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const origin = `http://${name.split('.')[0]}.localhost:${port}`;
  hosts[domain] = origin;
  const config = testConfig({
    provider: { domain, name },
    http: { origins: [origin] },
    federation: { keyFile: join(directory, 'key.json'), hosts, requestSeconds },
  });
  links = await createFederation({ config: { ...config, federation: { ...config.federation, hosts } }, log });
  const opening = links;
  const stop = async () => {
    await opening.federation.close();
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true, force: true });
  };
  t.after(stop);
  return {
    ...links,
    domain,
    port,
    get lie() {
      return state.lie;
    },
    set lie(value: TestProvider['lie']) {
      state.lie = value;
    },
    sockets: () => opened,
    cut: () => {
      for (const socket of sockets.clients) socket.terminate();
    },
    stop,
  };
}
