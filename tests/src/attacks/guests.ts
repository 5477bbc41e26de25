// Attacks by and on guests: links that are none, what guests may not do, who lets whom in and out, floods. All in a conference
// of Erin, who organises it, and Dave of the other company; Bob and Carol must not notice anything.
import type { Attack } from './attack.ts';
import { type Answer, ask, type Line, openLine, type Said } from './visitor.ts';
import type { World } from './world.ts';

const media = { microphone: true, camera: false };
const by = 'a guest';
/** The cookie that a node with TLS sets for guests. */
const GUEST_COOKIE = /__Host-parley-guest=([\w-]+)/;

interface Link {
  readonly secret: string;
  readonly id: string;
}

/** Erin makes a link into her conference with Dave. */
async function link(world: World, lobby = false): Promise<Link> {
  const { erins, met } = await world.meeting();
  const { code, result } = await erins.say('guest.invite', { conversation: met, lobby });
  if (code !== 'done') throw new Error(`Erin could not make a link: ${code}`);
  const { id } = result.link as { id: string };
  const secret = String(result.url).split('#')[1] ?? '';
  world.secrets.set(secret, 'a link’s secret');
  return { id, secret };
}

/** What a browser at the company's own page asks with a link. */
function post(
  world: World,
  verb: 'look' | 'enter',
  json: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const { origin } = world.one;
  return ask(`${origin}/api/guest/${verb}`, { json, headers: { origin, ...headers } });
}

interface Guest extends Line {
  readonly token: string;
  readonly address: string;
  /** In the call, or waiting to be let in. */
  readonly entered: Said;
}

/** Somebody comes by a link, as far as to the door. */
async function guest(world: World, secret: string): Promise<Guest> {
  const { origin } = world.one;
  const { met } = await world.meeting();
  const answer = await post(world, 'enter', { link: secret, name: 'Gina' });
  const token = GUEST_COOKIE.exec(String(answer.headers['set-cookie']))?.[1];
  if (!token) throw new Error(`no guest's session: ${answer.code}`);
  world.secrets.set(token, 'a guest’s session');
  const cookie = `__Host-parley-guest=${token}`;
  const line = await openLine(`${origin.replace('http', 'ws')}/socket`, { cookie, origin });
  const hello = await line.say('session.hello', { version: 1 });
  const { address } = hello.result.me as { address: string };
  return { ...line, token, address, entered: await line.say('call.enter', { conversation: met }) };
}

/** The same, and in the call. */
async function inside(world: World): Promise<Guest> {
  const { met } = await world.meeting();
  const someone = await guest(world, (await link(world)).secret);
  const { code } = await someone.say('call.accept', { conversation: met, media });
  if (code !== 'done') throw new Error(`the guest could not come in: ${code}`);
  return someone;
}

async function goes(someone: Line): Promise<void> {
  await someone.say('session.bye', {});
  someone.close();
}

/** A request that a guest in the call makes. */
function asked(
  name: string,
  refusedWith: string,
  method: string,
  params: (world: World) => object | Promise<object>,
): Attack {
  return {
    name,
    by,
    refusedWith,
    async attempt(world) {
      const someone = await inside(world);
      const { code } = await someone.say(method, await params(world));
      await goes(someone);
      return code;
    },
  };
}

/** What somebody who waits to be let in tries. */
function waiting(name: string, refusedWith: string, attempt: (someone: Guest, met: string) => Promise<Said>): Attack {
  return {
    name,
    by,
    refusedWith,
    async attempt(world) {
      const { met } = await world.meeting();
      const someone = await guest(world, (await link(world, true)).secret);
      if (someone.entered.result.waiting !== true) return 'does not wait';
      const { code } = await attempt(someone, met);
      await goes(someone);
      return code;
    },
  };
}

/** Dave, who takes part but does not organise, does what only Erin may. */
function usurped(name: string, method: string, about: (world: World) => Promise<object>): Attack {
  return {
    name,
    by: 'somebody of another company',
    refusedWith: 'not-allowed',
    async attempt(world) {
      const { daves, met } = await world.meeting();
      return (await daves.say(method, { conversation: met, ...(await about(world)) })).code;
    },
  };
}

const erinsAddress = async ({ erin }: World) => ({ address: erin.person.address });

export const guestAttacks: readonly Attack[] = [
  {
    name: 'a guessed guest link',
    by: 'anybody',
    refusedWith: 'link-invalid',
    attempt: async (world) => (await post(world, 'look', { link: 'A'.repeat(43) })).code,
  },
  {
    name: 'half of a guest link',
    by: 'anybody',
    refusedWith: 'link-invalid',
    attempt: async (world) =>
      (await post(world, 'enter', { link: (await link(world)).secret.slice(0, 21), name: 'Gina' })).code,
  },
  {
    name: 'the name of a guest link in place of its secret',
    by: 'anybody',
    refusedWith: 'link-invalid',
    attempt: async (world) => (await post(world, 'enter', { link: (await link(world)).id, name: 'Gina' })).code,
  },
  {
    name: 'a guest link that was withdrawn',
    by: 'anybody',
    refusedWith: 'link-ended',
    async attempt(world) {
      const { erins, met } = await world.meeting();
      const { id, secret } = await link(world);
      await erins.say('guest.withdraw', { conversation: met, link: id });
      return (await post(world, 'enter', { link: secret, name: 'Gina' })).code;
    },
  },
  {
    name: 'another web site enters by a link in a visitor’s browser',
    by: 'another web site',
    refusedWith: 'origin-not-allowed',
    async attempt(world) {
      const { secret } = await link(world);
      return (await post(world, 'enter', { link: secret, name: 'Gina' }, { origin: 'https://evil.example' })).code;
    },
  },
  {
    name: 'a guest with a person’s address',
    by,
    refusedWith: 'invalid-parameters',
    async attempt(world) {
      const { secret } = await link(world);
      return (await post(world, 'enter', { link: secret, name: 'Bob', address: world.bob.person.address })).code;
    },
  },
  {
    name: 'control characters and a turned writing direction in a guest’s name',
    by,
    refusedWith: 'invalid-parameters',
    async attempt(world) {
      const { secret } = await link(world);
      return (await post(world, 'enter', { link: secret, name: 'a\u0000<script>\u202e' })).code;
    },
  },
  {
    name: 'a guest’s session as a sign-in',
    by,
    refusedWith: 'session-expired',
    async attempt(world) {
      const someone = await inside(world);
      const cookie = `__Host-parley-session=${someone.token}`;
      const { code } = await ask(`${world.one.origin}/api/session`, { headers: { cookie } });
      await goes(someone);
      return code;
    },
  },
  {
    name: 'a guest’s session at another address of the company',
    by,
    refusedWith: 'not-signed-in',
    async attempt(world) {
      const someone = await inside(world);
      const cookie = `__Host-parley-guest=${someone.token}`;
      const { code } = await ask(`${world.erin.person.origin}/api/session`, { headers: { cookie } });
      await goes(someone);
      return code;
    },
  },
  {
    name: 'a guest looks where people are signed in',
    by,
    refusedWith: 'not-for-guests',
    async attempt(world) {
      const someone = await inside(world);
      const cookie = `__Host-parley-guest=${someone.token}`;
      const { code } = await ask(`${world.one.origin}/api/sessions`, { headers: { cookie } });
      await goes(someone);
      return code;
    },
  },
  asked('a guest searches the directory', 'not-for-guests', 'directory.search', () => ({ text: 'b' })),
  asked('a guest lists contacts and their presence', 'not-for-guests', 'directory.contacts', () => ({})),
  asked('a guest sets a presence', 'not-for-guests', 'presence.set', () => ({ presence: 'away' })),
  asked('a guest calls', 'not-for-guests', 'call.start', ({ bob }) => ({
    to: [bob.person.address],
    policy: 'direct-first',
    media,
  })),
  asked('a guest adds somebody', 'not-for-guests', 'call.add', async (world) => ({
    conversation: (await world.meeting()).met,
    address: world.bob.person.address,
  })),
  asked('a guest makes a link', 'not-for-guests', 'guest.invite', async (world) => ({
    conversation: (await world.meeting()).met,
    lobby: false,
  })),
  asked('a guest mutes the organiser', 'not-for-guests', 'call.mute', async (world) => ({
    conversation: (await world.meeting()).met,
    ...(await erinsAddress(world)),
  })),
  asked('a guest reads another conversation', 'unknown-conversation', 'conversation.events', ({ conversation }) => ({
    conversation,
    after: 0,
  })),
  asked('a guest enters another call', 'unknown-conversation', 'call.enter', ({ conversation }) => ({ conversation })),
  waiting('a waiting guest lets themself in', 'not-admitted', (someone, met) =>
    someone.say('call.accept', { conversation: met, media }),
  ),
  waiting('a waiting guest reads along', 'not-admitted', (someone, met) =>
    someone.say('conversation.events', { conversation: met, after: 0 }),
  ),
  waiting('a waiting guest writes', 'not-in-call', (someone, met) =>
    someone.say('conversation.send', { conversation: met, text: 'hello' }),
  ),
  waiting('a waiting guest enters the conference', 'not-in-call', (someone, met) =>
    someone.say('focus.join', { conversation: met, epoch: 1, sdp: 'v=0\r\n' }),
  ),
  {
    name: 'a guest who was taken out comes back by the same link',
    by,
    refusedWith: 'not-admitted',
    async attempt(world) {
      const { erins, met } = await world.meeting();
      const { secret } = await link(world);
      const someone = await guest(world, secret);
      await someone.say('call.accept', { conversation: met, media });
      await erins.say('call.remove', { conversation: met, address: someone.address, because: 'wish' });
      await someone.told('session.ended');
      const again = await guest(world, secret);
      const { code } = await again.say('call.accept', { conversation: met, media });
      await goes(again);
      return code;
    },
  },
  usurped('somebody who does not organise mutes', 'call.mute', erinsAddress),
  usurped('somebody who does not organise takes somebody out', 'call.remove', async (world) => ({
    ...(await erinsAddress(world)),
    because: 'wish',
  })),
  usurped('somebody who does not organise raises the required trust', 'call.raiseTrust', async () => ({ seconds: 60 })),
  {
    name: 'somebody who does not organise admits a guest',
    by: 'somebody of another company',
    refusedWith: 'not-allowed',
    async attempt(world) {
      const { daves, met } = await world.meeting();
      const someone = await guest(world, (await link(world, true)).secret);
      const { code } = await daves.say('call.admit', { conversation: met, address: someone.address });
      await goes(someone);
      return code;
    },
  },
  {
    name: 'a link into a call that another company hosts',
    by: 'somebody of another company',
    refusedWith: 'not-hosted-here',
    async attempt(world) {
      const { daves, met } = await world.meeting();
      return (await daves.say('guest.invite', { conversation: met, lobby: false })).code;
    },
  },
  {
    name: 'a flood of guests by one link',
    by: 'anybody',
    refusedWith: 'too-many-requests',
    async attempt(world) {
      const { secret } = await link(world);
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, n) => post(world, 'enter', { link: secret, name: `Guest ${n}` })),
      );
      return answers.find(({ code }) => code === 'too-many-requests')?.code ?? 'all let through';
    },
  },
];
