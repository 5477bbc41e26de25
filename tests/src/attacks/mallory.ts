// A provider of an attacker's own: truly `mallory.example`, with a published key, that says what it likes on its link.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { OtherServers } from './other-servers.ts';
import type { Line } from './visitor.ts';

export const MALLORY = 'mallory.example';
/** Its person, who calls. */
export const mallorysPerson = { address: `mallory@${MALLORY}`, name: 'Mallory', company: 'Attacker' };

export interface Mallory {
  readonly publicKey: { readonly kid: string };
  /** An issuer that its document names; null for none. */
  issuer: string | null;
  document(): object;
  /** The proven link to Enterprise 1. */
  link(): Promise<Line>;
  /** Tries to prove that it speaks for a domain; resolves to the code of the answer. */
  proveAs(domain: string): Promise<string>;
  /** A conversation that it hosts, in which `invited` are rung: its events so far. */
  conversation(invited: readonly Person[], change?: Change): { readonly id: string; readonly events: readonly Event[] };
}

export interface Person {
  readonly address: string;
  readonly name: string;
  readonly company: string;
}
interface Change {
  readonly title?: string;
  readonly caller?: Person;
  /** Who is said to invite; default: the caller. */
  readonly inviter?: string;
  /** By which those who are invited are said to have come. */
  readonly link?: string;
}
interface Event {
  readonly conversation: string;
  readonly n: number;
  readonly at: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
export const random = (bytes: number) => randomBytes(bytes).toString('base64url');
export const media = { microphone: true, camera: true };

export function createMallory(servers: OtherServers, connect: () => Promise<Line>): Mallory {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'mallorys' } as Mallory['publicKey'];
  const base = servers.hosts[MALLORY] ?? '';
  let proven: Promise<Line> | null = null;

  async function greet(from: string) {
    const line = await connect();
    const mine = random(24);
    const to = 'enterprise1.example';
    const { code, result } = await line.say('link.hello', { version: 1, from, to, nonce: mine });
    if (code !== 'done') return { line, code };
    const now = Math.floor(Date.now() / 1000);
    const nonces = { connectorNonce: mine, acceptorNonce: result.nonce, role: 'connector' };
    const claims = { iss: from, aud: to, iat: now, exp: now + 60, jti: random(16), ...nonces };
    const text = `${part({ alg: 'EdDSA', typ: 'parley-link+jwt', kid: jwk.kid })}.${part(claims)}`;
    const proof = `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`;
    return { line, code: (await line.say('link.prove', { proof })).code };
  }

  const mallory: Mallory = {
    publicKey: jwk,
    issuer: null,
    document: () => ({
      domain: MALLORY,
      name: 'Attacker',
      versions: [1],
      link: `${base.replace('http', 'ws')}/link`,
      keys: [jwk],
      issuers:
        mallory.issuer === null ? [] : [{ issuer: mallory.issuer, clientIds: ['x'], address: { claim: 'email' } }],
      focus: true,
    }),
    link() {
      proven ??= greet(MALLORY).then(({ line, code }) => {
        if (code !== 'done') throw new Error(`Mallory’s true key was not accepted: ${code}`);
        return line;
      });
      return proven;
    },
    async proveAs(domain) {
      const { line, code } = await greet(domain);
      line.close();
      return code;
    },
    conversation(invited, { title, caller = mallorysPerson, inviter = caller.address, link } = {}) {
      const id = `${random(16)}@${MALLORY}`;
      const bodies = [
        { type: 'created', by: caller, ...(title === undefined ? {} : { title }) },
        { type: 'call-started', by: caller.address, policy: 'direct-first' },
        { type: 'joined', address: caller.address, device: `d_${random(16)}`, media },
        ...invited.map((person) => ({ type: 'added', by: inviter, person, ...(link === undefined ? {} : { link }) })),
      ];
      return { id, events: bodies.map((body, i) => ({ conversation: id, n: i + 1, at: Date.now(), body })) };
    },
  };
  servers.answer(MALLORY, (response) => response.end(JSON.stringify(mallory.document())));
  return mallory;
}
