// Attacks by companies' own web servers and by whoever answers for their names: a node that looks for a company must get
// nothing but a document of that company, in bounded time and size, and must not be led inside.
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Attack } from './attack.ts';
import { lyingDomain } from './other-servers.ts';
import type { World } from './world.ts';

type Lie = (response: ServerResponse, about: { world: World; truth: object; times: number }) => void;

/** A document that would be good, of a domain whose web server is the attacker's. */
function truthOf({ servers, mallory }: World, domain: string): object {
  const link = `${(servers.hosts[domain] ?? '').replace('http', 'ws')}/link`;
  return { domain, name: 'Attacker', versions: [1], link, keys: [mallory.publicKey], issuers: [], focus: false };
}

/** Domains of attackers' web servers, one for each lie, since what was found is kept. */
const lies: readonly { readonly name: string; readonly refusedWith: string; readonly lie: Lie }[] = [
  {
    name: 'redirects inside',
    refusedWith: 'provider-unknown',
    lie: (r, { world }) =>
      r.writeHead(302, { location: `http://127.0.0.1:${world.servers.forbiddenPort}/.well-known/parley` }).end(),
  },
  { name: 'is huge', refusedWith: 'provider-unknown', lie: (r) => r.end(' '.repeat(5_000_000)) },
  {
    name: 'is huge once it is unpacked',
    refusedWith: 'provider-unknown',
    lie: (r, { truth }) =>
      r
        .writeHead(200, { 'content-encoding': 'gzip' })
        .end(gzipSync(`${JSON.stringify(truth)}${' '.repeat(5_000_000)}`)),
  },
  { name: 'never ends', refusedWith: 'provider-unreachable', lie: (r) => void r.write('{') },
  {
    name: 'comes a byte at a time',
    refusedWith: 'provider-unreachable',
    lie(r) {
      const dripping = setInterval(() => r.write(' '), 100);
      r.on('close', () => clearInterval(dripping));
    },
  },
  {
    name: 'is another domain’s',
    refusedWith: 'provider-untrusted',
    lie: (r, { truth }) => r.end(JSON.stringify({ ...truth, domain: 'enterprise2.example' })),
  },
  {
    name: 'names a link inside',
    refusedWith: 'provider-untrusted',
    lie: (r, { truth, world }) =>
      r.end(JSON.stringify({ ...truth, link: `ws://127.0.0.1:${world.servers.forbiddenPort}/link` })),
  },
  {
    name: 'is nested deeply',
    refusedWith: 'provider-unknown',
    lie: (r) => r.end('['.repeat(20_000) + ']'.repeat(20_000)),
  },
  {
    name: 'holds far too many keys',
    refusedWith: 'provider-unknown',
    lie: (r, { truth, world }) => r.end(JSON.stringify({ ...truth, keys: Array(100).fill(world.mallory.publicKey) })),
  },
];

/** Erin looks for somebody there; said as it was refused, or that the node went where it may not. */
async function look(world: World, domain: string): Promise<string> {
  const line = await world.erin.device();
  const { code } = await line.say('directory.addContact', { address: `somebody@${domain}` });
  line.close();
  return world.servers.trespasses() > 0 ? 'led inside' : code;
}

export const documentAttacks: readonly Attack[] = [
  ...lies.map(
    ({ name, refusedWith, lie }, number): Attack => ({
      name: `a well-known document that ${name}`,
      by: 'another provider',
      refusedWith,
      attempt(world) {
        const domain = lyingDomain(number);
        const truth = truthOf(world, domain);
        world.servers.answer(domain, (response, { times }) => lie(response, { world, truth, times }));
        return look(world, domain);
      },
    }),
  ),
  {
    name: 'a well-known document that is good when it is read, while its link leads inside when it is used',
    by: 'another provider',
    refusedWith: 'provider-refused',
    attempt(world) {
      const truth = truthOf(world, 'changing.example');
      world.servers.answer('changing.example', (response) => response.end(JSON.stringify(truth)));
      // The server behind the link answers with a redirect inside.
      return look(world, 'changing.example');
    },
  },
  {
    name: 'a well-known document that changes between check and use: its keys are others when the proof is read',
    by: 'another provider',
    refusedWith: 'provider-untrusted',
    async attempt(world) {
      const truth = truthOf(world, 'keys.example');
      const other = { ...world.mallory.publicKey, kid: 'another' };
      world.servers.answer('keys.example', (response, { times }) =>
        response.end(JSON.stringify(times === 1 ? { ...truth, keys: [other] } : truth)),
      );
      // Read once by looking for somebody there; then the attacker proves itself with the key that came later.
      await look(world, 'keys.example');
      return world.mallory.proveAs('keys.example');
    },
  },
  ...(
    [
      ['loopback', 'this machine'],
      ['mapped', 'this machine, written as IPv6'],
      ['metadata', 'the cloud’s metadata service'],
      ['both', 'an address outside and one inside at the same time (DNS rebinding)'],
    ] as const
  ).map(
    ([label, what]): Attack => ({
      name: `a company whose name leads to ${what}`,
      by: 'another provider',
      refusedWith: 'provider-untrusted',
      attempt: (world) => look(world, `${label}.attacker.example`),
    }),
  ),
  {
    name: 'an issuer’s keys that are to be fetched inside',
    by: 'another provider',
    refusedWith: 'provider-untrusted',
    async attempt(world) {
      const { servers, mallory } = world;
      const base = servers.hosts['mallory.example'] ?? '';
      mallory.issuer = base;
      servers.answer('mallory.example', (response, { path }) => {
        const inside = `http://127.0.0.1:${servers.forbiddenPort}/keys`;
        const discovery = { issuer: base, jwks_uri: inside };
        response.end(JSON.stringify(path === '/.well-known/parley' ? mallory.document() : discovery));
      });
      const about = new URLSearchParams({ domain: 'mallory.example', issuer: base });
      const code = await world.erin.get(`/api/identity/keys?${about}`);
      return servers.trespasses() > 0 ? 'led inside' : code;
    },
  },
];
