// Servers of attackers, which the attacked nodes are told to find: companies' web servers that lie about their document,
// and `mallory.example`, a provider with a true key of its own.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Answer = (response: ServerResponse, request: { readonly path: string; readonly times: number }) => void;

export interface OtherServers {
  /** As `federation.hosts` has them: base URLs by domain. */
  readonly hosts: Readonly<Record<string, string>>;
  /** What the server of a domain answers from now on; 404 without. */
  answer(domain: string, answer: Answer): void;
  /** Connections that came to where no node may go. */
  readonly trespasses: () => number;
  /** The port at which that is. */
  readonly forbiddenPort: number;
  close(): void;
}

/** Domains whose documents lie, each in its own way, since what was found is kept. */
export const lyingDomain = (number: number) => `lie${number}.example`;
const LIES = 9;
export const lyingDomains = [
  ...Array.from({ length: LIES }, (_, number) => lyingDomain(number)),
  'changing.example',
  'keys.example',
];

const name = (domain: string) => `${domain.replaceAll('.', '-')}.localhost`;

export async function openOtherServers(domains: readonly string[]): Promise<OtherServers> {
  const answers = new Map<string, Answer>();
  const asked = new Map<string, number>();
  const server = createServer((request, response) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    const times = (asked.get(host) ?? 0) + 1;
    asked.set(host, times);
    const answer = answers.get(host);
    if (answer) answer(response, { path: request.url ?? '', times });
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  server.on('upgrade', (_request, socket) => {
    // The link of an attacker leads further inside.
    socket.end(`HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:${forbiddenPort}/link\r\n\r\n`);
  });
  let trespasses = 0;
  const inside = createServer((_request, response) => response.end('secrets')).on('connection', () => {
    trespasses += 1;
  });
  inside.listen(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(inside, 'listening')]);
  const { port } = server.address() as AddressInfo;
  const { port: forbiddenPort } = inside.address() as AddressInfo;
  return {
    hosts: Object.fromEntries(domains.map((domain) => [domain, `http://${name(domain)}:${port}`])),
    answer: (domain, answer) => void answers.set(name(domain), answer),
    trespasses: () => trespasses,
    forbiddenPort,
    close() {
      for (const one of [server, inside]) {
        one.closeAllConnections();
        one.close();
      }
    },
  };
}
