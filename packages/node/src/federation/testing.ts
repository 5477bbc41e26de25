// Real providers on loopback for the tests of this room: an HTTP server with the well-known document and the link.
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import { type Domain, parseFrame, type RpcMessage } from '@parley/protocol';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { testConfig } from '../config/testing.ts';
import { createFederation, type Links } from './index.ts';
import type { LinkLimits } from './limits.ts';
import { makeProof } from './proof.ts';

export interface TestProvider extends Links {
  readonly domain: Domain;
  readonly port: number;
  /** What is served at the well-known path instead of the true document; null for the truth. */
  lie: ((request: IncomingMessage, response: ServerResponse) => void) | null;
  /** What an upgrade at the link waits for. */
  gate: (() => Promise<void>) | null;
  /** How many sockets have been opened at the link so far, and how many are open. */
  readonly sockets: () => { made: number; open: number };
  /** Emits `change` when a socket has been opened or closed. */
  readonly changes: EventEmitter<{ change: [] }>;
  /** Cuts every open link as a broken network would. */
  cut(): void;
  stop(): Promise<void>;
}

export interface TestProviderOptions {
  readonly requestSeconds?: number;
  readonly limits?: Partial<LinkLimits>;
  /** A folder with a key from an earlier start. */
  readonly folder?: string;
  readonly port?: number;
  /** PEM: serve HTTPS and a `wss:` link. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Starts a provider; `hosts` is shared by all of a test and filled in with where each one is. */
export async function startProvider(
  t: TestContext,
  name: string,
  hosts: Record<string, string>,
  { requestSeconds = 20, limits = {}, folder, port: wanted = 0, tls }: TestProviderOptions = {},
): Promise<TestProvider> {
  const domain = name as Domain;
  const made = folder ?? (await mkdtemp(join(tmpdir(), 'parley-federation-')));
  const sockets = new Set<Duplex>();
  const changes = new EventEmitter<{ change: [] }>();
  let opened = 0;
  const provider: { lie: TestProvider['lie']; gate: TestProvider['gate'] } = { lie: null, gate: null };
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    if (provider.lie) return provider.lie(request, response);
    response.setHeader('content-type', 'application/json').end(JSON.stringify(links.wellKnownDocument()));
  };
  const server = tls ? createSecureServer(tls, serve) : createServer(serve);
  server.on('upgrade', async (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    await provider.gate?.();
    opened += 1;
    sockets.add(socket);
    changes.emit('change');
    socket.once('close', () => {
      sockets.delete(socket);
      changes.emit('change');
    });
    links.upgradeLink(request, socket, head);
  });
  await once(server.listen(wanted, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const origin = `${tls ? 'https' : 'http'}://${name.split('.')[0]}.localhost:${port}`;
  hosts[domain] = origin;
  const config = testConfig({
    provider: { domain, name },
    http: { origins: [origin] },
    federation: { keyFile: join(made, 'key.json'), requestSeconds },
  });
  const links = await createFederation({
    config: { ...config, federation: { ...config.federation, hosts } },
    log: pino({ level: 'silent' }),
    limits,
  });
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await links.federation.close();
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    if (folder === undefined) await rm(made, { recursive: true, force: true });
  };
  t.after(stop);
  return Object.assign(provider, {
    ...links,
    domain,
    port,
    changes,
    sockets: () => ({ made: opened, open: sockets.size }),
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    stop,
  });
}

export interface RawLink {
  readonly socket: WebSocket;
  /** Sends a request and gives its answer; `code` of an error. */
  say(method: string, params: unknown): Promise<{ result?: Record<string, string>; code?: string }>;
  send(text: string): void;
  /** The answer with that id; null if the socket is closed first. */
  answer(id: string | number | null): Promise<RpcMessage | null>;
  readonly closed: Promise<number>;
}

/** A socket to a provider's link that says whatever the test wants. */
export async function rawLink(provider: { port: number }, heard?: (text: string) => void): Promise<RawLink> {
  const socket = new WebSocket(`ws://127.0.0.1:${provider.port}/link`);
  const waiting = new Map<string | number | null, (message: RpcMessage | null) => void>();
  const closed = new Promise<number>((resolve) => {
    socket.on('close', (code: number) => {
      for (const settle of waiting.values()) settle(null);
      waiting.clear();
      resolve(code);
    });
  });
  socket.on('message', (data) => {
    const text = String(data);
    heard?.(text);
    const message = parseFrame(text);
    if (message.kind !== 'success' && message.kind !== 'failure') return;
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  });
  socket.on('error', () => {});
  await once(socket, 'open');
  let last = 0;
  const link: RawLink = {
    socket,
    closed,
    send: (text) => socket.send(text),
    answer(id) {
      if (socket.readyState !== WebSocket.OPEN) return Promise.resolve(null);
      return new Promise((resolve) => waiting.set(id, resolve));
    },
    async say(method, params) {
      last += 1;
      const id = `say ${last}`;
      const answer = link.answer(id);
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      const message = await answer;
      if (message?.kind === 'success') return { result: message.result as Record<string, string> };
      return { code: message?.kind === 'failure' ? message.error.data.code : 'closed' };
    },
  };
  return link;
}

export const testNonce = 'n'.repeat(32);

/** Plays the connecting side of the handshake by hand, in the name of `as`, up to and with the proof. */
export async function proveRaw(link: RawLink, as: TestProvider, to: TestProvider): Promise<{ code?: string }> {
  const hello = { version: 1, from: as.domain, to: to.domain, nonce: testNonce };
  const { result } = await link.say('link.hello', hello);
  const nonces = { connector: testNonce, acceptor: result?.nonce ?? '' };
  return link.say('link.prove', { proof: await makeProof(as.signer, 'connector', to.domain, nonces) });
}
