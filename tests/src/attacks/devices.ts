// Attacks by signed-in people over their own device socket: messages that are none, calls of others, floods.
import type { Attack } from './attack.ts';
import type { Line } from './visitor.ts';
import type { World } from './world.ts';

const media = { microphone: true, camera: true };
const frame = (method: string, params: unknown) => JSON.stringify({ jsonrpc: '2.0', id: 'x', method, params });

/** One request of Erin's. */
function asked(name: string, refusedWith: string, method: string, params: (world: World) => unknown): Attack {
  return {
    name,
    by: 'a colleague',
    refusedWith,
    async attempt(world) {
      const line = await world.erin.device();
      const { code } = await line.say(method, params(world));
      line.close();
      return code;
    },
  };
}

/** A frame that is no request. */
function blurted(name: string, refusedWith: string, frameOf: () => string | Buffer): Attack {
  return {
    name,
    by: 'a colleague',
    refusedWith,
    async attempt({ erin }) {
      const line = await erin.device();
      const code = await line.blurt(frameOf());
      line.close();
      return code;
    },
  };
}

/** Says the same until it is refused as expected, or it has been said too often. */
async function flood(line: Line, times: number, say: (n: number) => Promise<{ code: string }>): Promise<string> {
  const answers = await Promise.all(Array.from({ length: times }, (_, n) => say(n)));
  line.close();
  const codes = answers.map(({ code }) => code);
  return codes.find((code) => code === 'too-many-requests' || code.startsWith('closed')) ?? 'all let through';
}

const others = ({ conversation }: World) => ({ conversation });

export const deviceAttacks: readonly Attack[] = [
  {
    name: 'a request before the greeting',
    by: 'a colleague',
    refusedWith: 'out-of-turn',
    async attempt({ erin }) {
      const line = await erin.socket();
      return (await line.say('directory.contacts', {})).code;
    },
  },
  {
    name: 'a greeting in another version',
    by: 'a colleague',
    refusedWith: 'unsupported-version',
    attempt: async ({ erin }) => (await (await erin.socket()).say('session.hello', { version: 99 })).code,
  },
  asked('a second greeting', 'out-of-turn', 'session.hello', () => ({ version: 1 })),
  {
    name: 'a stolen resume token on another person’s session',
    by: 'a colleague',
    refusedWith: 'not resumed',
    async attempt({ erin, bobsResumeToken }) {
      const line = await erin.socket();
      const resume = { token: bobsResumeToken, received: 0 };
      const { result } = await line.say('session.hello', { version: 1, resume });
      line.close();
      const { address } = result.me as { address: string };
      return result.resumed === false && address === erin.person.address ? 'not resumed' : `resumed as ${address}`;
    },
  },
  blurted('text that is no JSON', 'malformed-message', () => '<script>'),
  blurted('JSON that is nested 50,000 deep', 'malformed-message', () => '['.repeat(50_000) + ']'.repeat(50_000)),
  blurted('a batch of requests', 'malformed-message', () => `[${frame('directory.contacts', {})}]`),
  blurted('a message of 4 MB', 'closed 1009', () => `"${'x'.repeat(4_000_000)}"`),
  asked('a method of the language, not of the protocol', 'malformed-message', 'constructor', () => ({})),
  asked('the method __proto__', 'malformed-message', '__proto__', () => ({})),
  asked('a request between providers on a device socket', 'unknown-method', 'conversation.deliver', () => ({})),
  asked('properties that nobody asked for', 'invalid-parameters', 'session.received', () => ({ seq: 0, admin: true })),
  asked('a number that is none', 'invalid-parameters', 'session.received', () => ({ seq: 1e300 })),

  asked('reading others’ conversation', 'unknown-conversation', 'conversation.events', (world) => ({
    ...others(world),
    after: 0,
  })),
  asked('writing into others’ conversation', 'unknown-conversation', 'conversation.send', (world) => ({
    ...others(world),
    text: 'hello',
  })),
  asked('adding oneself to others’ call', 'unknown-conversation', 'call.add', (world) => ({
    ...others(world),
    address: world.erin.person.address,
  })),
  asked('accepting for somebody else', 'unknown-conversation', 'call.accept', (world) => ({ ...others(world), media })),
  asked('declining for somebody else', 'unknown-conversation', 'call.decline', others),
  asked('cancelling somebody else’s invitation', 'unknown-conversation', 'call.cancel', (world) => ({
    ...others(world),
    address: world.bob.person.address,
  })),
  asked('hanging others up', 'unknown-conversation', 'call.leave', others),
  asked('muting others', 'unknown-conversation', 'call.media', (world) => ({ ...others(world), media })),
  asked('claiming that others’ path is ready', 'unknown-conversation', 'call.ready', (world) => ({
    ...others(world),
    epoch: 2,
  })),
  asked('claiming that others’ path has failed', 'unknown-conversation', 'call.pathFailed', (world) => ({
    ...others(world),
    epoch: 1,
  })),
  asked('a signal of one’s own in others’ call', 'not-in-call', 'call.signal', (world) => ({
    ...others(world),
    to: { address: world.bob.person.address, device: `d_${'x'.repeat(22)}` },
    signal: { type: 'restart', path: `p_${'x'.repeat(22)}`, epoch: 1, kind: 'ice' },
  })),
  asked('entering others’ conference', 'unknown-conversation', 'focus.join', (world) => ({
    ...others(world),
    epoch: 2,
    sdp: 'v=0\r\n',
  })),
  {
    name: 'the other company’s employee reads a conversation by its number',
    by: 'somebody of another company',
    refusedWith: 'unknown-conversation',
    async attempt({ dave, conversation }) {
      const line = await dave.device();
      return (await line.say('conversation.events', { conversation, after: 0 })).code;
    },
  },
  asked('candidates for a room that one is not in', 'unknown-room', 'focus.candidates', () => ({
    focus: 'enterprise1.example',
    room: `r_${'x'.repeat(22)}`,
    leg: `l_${'x'.repeat(22)}`,
    candidates: [{ candidate: 'candidate:1 1 udp 1 127.0.0.1 1 typ host', sdpMid: '0', sdpMLineIndex: 0 }],
  })),
  asked('thousands of candidates', 'invalid-parameters', 'focus.candidates', () => ({
    focus: 'enterprise1.example',
    room: `r_${'x'.repeat(22)}`,
    leg: `l_${'x'.repeat(22)}`,
    candidates: Array.from({ length: 1000 }, () => ({ candidate: 'c', sdpMid: '0', sdpMLineIndex: 0 })),
  })),
  asked('a huge session description', 'invalid-parameters', 'focus.probe', () => ({ sdp: 'a=x\r\n'.repeat(20_000) })),
  asked('a session description that is none', 'invalid-session-description', 'focus.probe', () => ({ sdp: 'hello' })),

  asked('a call to nobody’s address', 'unknown-address', 'call.start', () => ({
    to: ['nobody@enterprise1.example'],
    policy: 'direct-first',
    media,
  })),
  asked('a call to more people than there may be', 'invalid-parameters', 'call.start', () => ({
    to: Array.from({ length: 200 }, (_, n) => `p${n}@enterprise1.example`),
    policy: 'direct-first',
    media,
  })),
  ...['bob@__proto__', 'bob@[::1]', '<b>@enterprise1.example', 'bob@enterprise1.example@evil.example'].map((address) =>
    asked(`a contact at ${address}`, 'invalid-parameters', 'directory.addContact', () => ({ address })),
  ),
  ...['bob@localhost', 'bob@127.0.0.1', 'bob@169.254.169.254'].map((address) =>
    asked(`a look inside by way of ${address}`, 'provider-unknown', 'directory.addContact', () => ({ address })),
  ),
  asked('script as a call’s title, with control characters', 'invalid-parameters', 'call.start', ({ bob }) => ({
    to: [bob.person.address],
    policy: 'direct-first',
    media,
    title: 'a\u0000<script>\u202e',
  })),
  {
    name: 'a flood of requests',
    by: 'a colleague',
    refusedWith: 'too-many-requests',
    async attempt({ erin }) {
      const line = await erin.device();
      return flood(line, 2000, (n) => line.say('session.received', { seq: n % 2 }));
    },
  },
  {
    name: 'a flood of calls, each to another person',
    by: 'somebody of another company',
    refusedWith: 'too-many-requests',
    async attempt({ dave }) {
      const line = await dave.device();
      const media = { microphone: true, camera: true };
      const call = (n: number) => ({ to: [`nobody${n}@enterprise2.example`], policy: 'conference', media });
      return flood(line, 100, (n) => line.say('call.start', call(n)));
    },
  },
  {
    name: 'a flood of searches',
    by: 'a colleague',
    refusedWith: 'too-many-requests',
    async attempt({ erin }) {
      const line = await erin.device();
      return flood(line, 500, () => line.say('directory.search', { text: 'b' }));
    },
  },
];
