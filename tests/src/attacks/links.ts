// Attacks on the link between providers: somebody who wants to speak for a domain that is not theirs.
import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Attack } from './attack.ts';
import { ask, type Line } from './visitor.ts';
import type { World } from './world.ts';

const one = 'enterprise1.example';
const two = 'enterprise2.example';
const newNonce = () => randomBytes(24).toString('base64url');
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

interface Greeted {
  readonly line: Line;
  readonly mine: string;
  readonly theirs: string;
  /** What the node itself proved with. */
  readonly proof: string;
}

/** Greets Enterprise 1 in the name of `from`. */
async function greet(world: World, from = two): Promise<Greeted> {
  const line = await world.link(world.one);
  const mine = newNonce();
  const { code, result } = await line.say('link.hello', { version: 1, from, to: one, nonce: mine });
  if (code !== 'done') throw new Error(`not greeted: ${code}`);
  return { line, mine, theirs: String(result.nonce), proof: String(result.proof) };
}

const claimsOf = ({ mine, theirs }: Greeted, more: object = {}) => {
  const now = Math.floor(Date.now() / 1000);
  const nonces = { connectorNonce: mine, acceptorNonce: theirs };
  return { iss: two, aud: one, iat: now, exp: now + 60, role: 'connector', ...nonces, ...more };
};

/** The id of a domain's true key, which everybody can read. */
async function keyOf(world: World): Promise<{ kid: string; x: string }> {
  const { body } = await ask(`${world.two.origin}/.well-known/parley`);
  const { keys } = JSON.parse(body) as { keys: { kid: string; x: string }[] | { keys: { kid: string; x: string }[] } };
  const [key] = Array.isArray(keys) ? keys : keys.keys;
  if (!key) throw new Error('a provider publishes its key');
  return key;
}

/** Erases the difference between an error and the closing that follows it. */
const prove = async ({ line }: Greeted, proof: string) => (await line.say('link.prove', { proof })).code;

const own = generateKeyPairSync('ed25519');
const signed = (header: object, claims: object, key: KeyObject = own.privateKey) => {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`;
};
const typ = 'parley-link+jwt';

function proof(
  name: string,
  refusedWith: string,
  make: (greeted: Greeted, world: World) => Promise<string> | string,
): Attack {
  return {
    name,
    by: 'another provider',
    refusedWith,
    async attempt(world) {
      const greeted = await greet(world);
      return prove(greeted, await make(greeted, world));
    },
  };
}

function hello(name: string, refusedWith: string, params: object): Attack {
  return {
    name,
    by: 'another provider',
    refusedWith,
    async attempt(world) {
      const line = await world.link(world.one);
      return (await line.say('link.hello', { version: 1, from: two, to: one, nonce: newNonce(), ...params })).code;
    },
  };
}

export const linkAttacks: readonly Attack[] = [
  {
    name: 'events delivered before anything is proven',
    by: 'another provider',
    refusedWith: 'out-of-turn',
    async attempt(world) {
      const line = await world.link(world.one);
      return (await line.say('conversation.deliver', { conversation: world.conversation, events: [] })).code;
    },
  },
  {
    name: 'a command in somebody’s name before anything is proven',
    by: 'another provider',
    refusedWith: 'out-of-turn',
    async attempt(world) {
      const { line } = await greet(world);
      const command = { type: 'leave', reason: 'hung-up' };
      const params = { conversation: world.conversation, by: world.bob.person.address, command };
      return (await line.say('conversation.command', params)).code;
    },
  },
  {
    name: 'a proof without a greeting',
    by: 'another provider',
    refusedWith: 'out-of-turn',
    attempt: async (world) => (await (await world.link(world.one)).say('link.prove', { proof: 'a.b.c' })).code,
  },
  {
    name: 'a second greeting for another nonce',
    by: 'another provider',
    refusedWith: 'out-of-turn',
    async attempt(world) {
      const { line } = await greet(world);
      return (await line.say('link.hello', { version: 1, from: two, to: one, nonce: newNonce() })).code;
    },
  },
  hello('a greeting in another version', 'unsupported-version', { version: 2 }),
  hello('a greeting meant for another domain', 'provider-refused', { to: 'other.example' }),
  hello('speaking for the domain that is served here', 'provider-untrusted', { from: one }),
  ...['127.0.0.1', '169.254.169.254', 'localhost'].map(
    (from): Attack => ({
      name: `speaking for ${from}, so that the node looks there for a key`,
      by: 'another provider',
      refusedWith: 'provider-unknown',
      async attempt(world) {
        const greeted = await greet(world, from);
        return prove(greeted, signed({ alg: 'EdDSA', typ, kid: 'k' }, { ...claimsOf(greeted), iss: from }));
      },
    }),
  ),
  hello('a nonce of a megabyte’s part', 'invalid-parameters', { nonce: 'n'.repeat(5000) }),
  hello('a nonce that can be guessed', 'invalid-parameters', { nonce: 'n' }),
  proof('a proof that is junk', 'provider-untrusted', () => 'a.b.c'),
  proof('a proof larger than any', 'invalid-parameters', () => 'a'.repeat(5000)),
  proof('a proof signed by nobody (alg none)', 'provider-untrusted', async (greeted, world) => {
    const { kid } = await keyOf(world);
    return `${part({ alg: 'none', typ, kid })}.${part(claimsOf(greeted))}.`;
  }),
  proof('a proof by HMAC with the public key', 'provider-untrusted', async (greeted, world) => {
    const { kid, x } = await keyOf(world);
    const text = `${part({ alg: 'HS256', typ, kid })}.${part(claimsOf(greeted))}`;
    return `${text}.${createHmac('sha256', Buffer.from(x, 'base64url')).update(text).digest('base64url')}`;
  }),
  proof('a proof by a key of one’s own under the true key’s name', 'provider-untrusted', async (greeted, world) =>
    signed({ alg: 'EdDSA', typ, kid: (await keyOf(world)).kid }, claimsOf(greeted)),
  ),
  proof('a proof by a key that the domain does not publish', 'provider-untrusted', (greeted) =>
    signed({ alg: 'EdDSA', typ, kid: 'another' }, claimsOf(greeted)),
  ),
  proof('a proof that brings its own key (jwk)', 'provider-untrusted', (greeted) =>
    signed({ alg: 'EdDSA', typ, jwk: own.publicKey.export({ format: 'jwk' }) }, claimsOf(greeted)),
  ),
  proof('the node’s own proof sent back to it (reflection)', 'provider-untrusted', ({ proof: theirs }) => theirs),
  proof('a true proof of that domain, from another link (relay)', 'provider-untrusted', async ({ theirs }, world) => {
    const line = await world.link(world.two);
    const { result } = await line.say('link.hello', { version: 1, from: one, to: two, nonce: theirs });
    return String(result.proof);
  }),
  {
    name: 'a second attempt after a proof that failed',
    by: 'another provider',
    refusedWith: 'closed',
    async attempt(world) {
      const greeted = await greet(world);
      await prove(greeted, 'a.b.c');
      const again = await prove(greeted, 'a.b.c');
      return again.startsWith('closed') || again === 'out-of-turn' ? 'closed' : again;
    },
  },
  {
    name: 'speaking for a domain that nobody serves',
    by: 'another provider',
    refusedWith: 'provider-unknown',
    async attempt(world) {
      const greeted = await greet(world, 'nobody.invalid');
      return prove(greeted, signed({ alg: 'EdDSA', typ, kid: 'k' }, { ...claimsOf(greeted), iss: 'nobody.invalid' }));
    },
  },
  {
    name: 'a flood of greetings on one link',
    by: 'another provider',
    refusedWith: 'closed',
    async attempt(world) {
      const line = await world.link(world.one);
      for (let n = 0; n < 500; n += 1) line.send('{}');
      const { code } = await line.say('link.hello', { version: 1, from: two, to: one, nonce: newNonce() });
      return code.startsWith('closed') ? 'closed' : code;
    },
  },
];

const rogues = new WeakMap<World, Promise<Line>>();

/** The other company's operator: has its true key, ends its node, and says what they like on a link that is proven. */
function rogue(world: World): Promise<Line> {
  const begun = rogues.get(world) ?? becomeTwo(world);
  rogues.set(world, begun);
  return begun;
}

async function becomeTwo(world: World): Promise<Line> {
  // Dave is in it for as long as nobody says otherwise: only this provider could.
  await world.meeting();
  const { keys } = JSON.parse(await readFile(world.keyOfTwo, 'utf8'));
  const { kid } = await keyOf(world);
  await world.two.process().stop();
  const greeted = await greet(world);
  const key = createPrivateKey({ key: keys.at(-1), format: 'jwk' });
  const code = await prove(greeted, signed({ alg: 'EdDSA', typ, kid }, { ...claimsOf(greeted), jti: newNonce() }, key));
  if (code !== 'done') throw new Error(`the true key was not accepted: ${code}`);
  return greeted.line;
}

function lied(name: string, refusedWith: string, method: string, params: (world: World) => unknown): Attack {
  return {
    name,
    by: 'another provider',
    refusedWith,
    attempt: async (world) => (await (await rogue(world)).say(method, params(world))).code,
  };
}

/** What was asked for: a pass for the device with which Dave is in a conference at Enterprise 1. */
async function passOf(world: World): Promise<{ line: Line; ticket: string; address: string; device: string }> {
  const line = await rogue(world);
  const { daves, met } = await world.meeting();
  const { address } = world.dave.person;
  const wanted = { conversation: met, epoch: 1, address, device: daves.id };
  const { code, result } = await line.say('focus.ticket', wanted);
  if (code !== 'done') throw new Error(`no pass for Dave: ${code}`);
  return { line, ticket: String(result.ticket), address, device: daves.id };
}

/** Uses a true pass for what it was not made for, or not as it was made. */
function passed(
  name: string,
  refusedWith: string,
  change: (pass: { ticket: string; address: string; device: string }, world: World) => object,
): Attack {
  return {
    name,
    by: 'another provider',
    refusedWith,
    async attempt(world) {
      const { line, ...pass } = await passOf(world);
      return (await line.say('focus.join', { ...pass, sdp: 'v=0\r\n', ...change(pass, world) })).code;
    },
  };
}

function changed(ticket: string, change: object): string {
  const [header = '', claims = '', signature = ''] = ticket.split('.');
  const now = JSON.parse(Buffer.from(claims, 'base64url').toString());
  return [header, part({ ...now, ...change }), signature].join('.');
}

const device = `d_${'x'.repeat(22)}`;
const signal = { type: 'restart', path: `p_${'x'.repeat(22)}`, epoch: 1, kind: 'ice' };
const room = `r_${'x'.repeat(22)}`;
const hungUp = { type: 'leave', reason: 'hung-up' };

/** By a provider that is truly what it says, and lies about everything else. It must come last: the true one is ended. */
export const rogueAttacks: readonly Attack[] = [
  lied('a provider speaks for a person of another', 'not-allowed', 'conversation.command', (world) => ({
    conversation: world.conversation,
    by: world.bob.person.address,
    command: hungUp,
  })),
  lied(
    'its own person acts in a conversation they are not in',
    'unknown-conversation',
    'conversation.command',
    (w) => ({
      conversation: w.conversation,
      by: w.dave.person.address,
      command: hungUp,
    }),
  ),
  lied('a provider rewrites a history that it does not host', 'not-allowed', 'conversation.deliver', (w) => ({
    conversation: w.conversation,
    events: [{ conversation: w.conversation, n: 1, at: 1, body: { type: 'call-ended', reason: 'hung-up' } }],
  })),
  lied('a provider signals as a person of another', 'not-allowed', 'call.signal', (world) => ({
    conversation: world.conversation,
    from: { address: world.erin.person.address, device },
    to: { address: world.bob.person.address },
    signal,
  })),
  lied('a provider uses the node as a relay to a third', 'not-allowed', 'call.signal', (world) => ({
    conversation: world.conversation,
    from: { address: world.dave.person.address, device },
    to: { address: 'somebody@third.example' },
    signal,
  })),
  lied('a provider signals into a call without its people', 'not-in-call', 'call.signal', (world) => ({
    conversation: world.conversation,
    from: { address: world.dave.person.address, device },
    to: { address: world.bob.person.address },
    signal,
  })),
  lied('a provider asks for a pass for a person of another', 'not-allowed', 'focus.ticket', (world) => ({
    conversation: world.conversation,
    epoch: 1,
    address: world.bob.person.address,
    device,
  })),
  passed('a pass is used for another device of the same person', 'ticket-invalid', () => ({ device })),
  passed('a pass is used for a colleague of whom it was made for', 'ticket-invalid', () => ({
    address: 'mallory@enterprise2.example',
  })),
  passed('a pass is used for a person of another provider', 'not-allowed', (_, { bob }) => ({
    address: bob.person.address,
  })),
  passed('a pass whose claims were changed', 'ticket-invalid', ({ ticket }) => ({
    device,
    ticket: changed(ticket, { device }),
  })),
  passed('a pass without its signature (alg none)', 'ticket-invalid', ({ ticket }) => ({
    ticket: `${part({ alg: 'none' })}.${ticket.split('.')[1]}.`,
  })),
  passed('a pass signed by the provider that it was made for', 'ticket-invalid', ({ ticket }) => {
    const claims = JSON.parse(Buffer.from(ticket.split('.')[1] ?? '', 'base64url').toString());
    return { ticket: signed({ alg: 'EdDSA', typ: 'parley-ticket+jwt', kid: 'k' }, { ...claims, device }), device };
  }),
  passed('a pass that is none', 'ticket-invalid', () => ({ ticket: 'a.b.c' })),
  passed('a pass for a room that does not exist', 'unknown-room', ({ ticket }) => ({
    ticket: changed(ticket, { room }),
  })),
  lied('a provider asks for a room for a conversation it does not host', 'not-allowed', 'focus.create', (world) => ({
    conversation: world.conversation,
    epoch: 2,
  })),
  lied(
    'a provider offers media to a device as if it were in its conference',
    'not-in-call',
    'focus.offer',
    (world) => ({
      address: world.bob.person.address,
      device,
      room,
      leg: `l_${'x'.repeat(22)}`,
      revision: 1,
      sdp: 'v=0\r\n',
      sources: [],
      statement: 'a.b.c',
    }),
  ),
  {
    name: 'a provider reports the loss of a room that is not its own',
    by: 'another provider',
    refusedWith: 'nothing comes of it',
    async attempt(world) {
      const report = { conversation: world.conversation, room, report: { type: 'room-lost' } };
      const { code } = await (await rogue(world)).say('focus.report', report);
      return code === 'done' ? 'nothing comes of it' : code;
    },
  },
  lied('a provider looks people up in the name of another’s', 'not-allowed', 'directory.lookup', (world) => ({
    address: world.bob.person.address,
    by: world.erin.person.address,
  })),
  lied('a provider tells of the presence of another’s people', 'not-allowed', 'presence.changed', (world) => ({
    address: world.bob.person.address,
    presence: 'offline',
  })),
  lied('a provider looks for people who do not exist', 'unknown-address', 'directory.lookup', (world) => ({
    address: 'admin@enterprise1.example',
    by: world.dave.person.address,
  })),
  lied('a method for devices on a link', 'unknown-method', 'call.start', () => ({})),
  {
    name: 'a provider floods with requests',
    by: 'another provider',
    refusedWith: 'too-many-requests',
    async attempt(world) {
      const line = await rogue(world);
      const params = { address: world.bob.person.address, by: world.dave.person.address };
      const answers = await Promise.all(Array.from({ length: 3000 }, () => line.say('directory.lookup', params)));
      return answers.find(({ code }) => code !== 'done')?.code ?? 'all let through';
    },
  },
];
