// Attacks by a provider that truly is who it says it is and hosts conversations of its own: it lies about what happened
// in them and who takes part, rings too often, and goes against the rules of who may call whom.
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Attack } from './attack.ts';
import { MALLORY, type Mallory, mallorysPerson, media } from './mallory.ts';
import type { World } from './world.ts';

const by = 'another provider' as const;
const erinIn = ({ erin }: World) => ({
  address: erin.person.address,
  name: erin.person.name,
  company: erin.person.company,
});
const alice = { address: 'alice@enterprise2.example', name: 'Alice Archer', company: 'Enterprise 2' };

type Made = ReturnType<Mallory['conversation']>;

async function deliver(world: World, { id, events }: Made): Promise<{ code: string; have: number }> {
  const line = await world.mallory.link();
  const { code, result } = await line.say('conversation.deliver', { conversation: id, events });
  return { code, have: Number(result.have) };
}

/** What the node then says for its own person: that they ring, or why not. */
async function answerTo(world: World, made: Made, who = world.erin.person.address): Promise<string> {
  const { code } = await deliver(world, made);
  if (code !== 'done') return code;
  const line = await world.mallory.link();
  const said = await line.toldOf('conversation.command', (p) => p.conversation === made.id && p.by === who);
  const { type, outcome } = said.command as { type: string; outcome?: string };
  // Nobody is to hear it ring for the rest of the day.
  if (type === 'alerting') await deliver(world, { id: made.id, events: [ended(made)] });
  return outcome ?? type;
}

function ended({ id, events }: Made): Made['events'][number] {
  return {
    conversation: id,
    n: events.length + 1,
    at: Date.now(),
    body: { type: 'call-ended', reason: 'hung-up' },
  };
}

/** As one of Erin's devices has it from her node. */
async function told(world: World, { id }: Made): Promise<string> {
  const line = await world.erin.device();
  const { code, result } = await line.say('conversation.events', { conversation: id, after: 0 });
  line.close();
  return code === 'done' ? JSON.stringify(result.events) : code;
}

/** Has Erin at a device while it lasts, or she would only be offline. */
async function withErin<T>(world: World, act: () => Promise<T>): Promise<T> {
  const line = await world.erin.device();
  try {
    return await act();
  } finally {
    line.close();
  }
}

/** Tries something under rules of Enterprise 1, and takes them back. */
async function underRules(world: World, text: string, act: () => Promise<string>): Promise<string> {
  await writeFile(world.one.policyFile, text);
  try {
    return await act();
  } finally {
    await writeFile(world.one.policyFile, 'default: allow\n');
    await settled(world, 'unknown-address');
  }
}

const denied = `rules:
  - { name: no-mallory, from: ['*@${MALLORY}'], decision: deny }
`;

/**
 * Rules hold within a second of their change; looks until they are there. By a call to nobody from somebody new each time:
 * of others the budgets would soon have enough, and would be taken for the rules.
 */
async function settled(world: World, outcome: 'refused' | 'unknown-address'): Promise<void> {
  const until = Date.now() + 8000;
  const call = () => {
    const [caller, nobody] = ['m', 'n'].map((letter) => `${letter}${randomBytes(8).toString('hex')}`);
    const called = { address: `${nobody}@enterprise1.example`, name: 'Nobody', company: 'Enterprise 1' };
    const made = world.mallory.conversation([called], {
      caller: { ...mallorysPerson, address: `${caller}@${MALLORY}` },
    });
    return answerTo(world, made, called.address);
  };
  while ((await call()) !== outcome) {
    if (Date.now() > until) throw new Error(`the rules did not come to ${outcome}`);
    await pause(100);
  }
}

/** Rings Erin against the rules in some way. */
function barred(name: string, refusedWith: string, attempt: (world: World) => Promise<string>): Attack {
  return {
    name,
    by,
    refusedWith,
    attempt: (world) =>
      underRules(world, denied, async () => {
        await settled(world, 'refused');
        return withErin(world, () => attempt(world));
      }),
  };
}

export const hostAttacks: readonly Attack[] = [
  {
    name: 'a host sends events out of order',
    by,
    refusedWith: 'none is believed',
    async attempt(world) {
      const made = world.mallory.conversation([erinIn(world)]);
      const { have } = await deliver(world, { ...made, events: made.events.slice(2) });
      return have === 0 && (await told(world, made)) === 'unknown-conversation' ? 'none is believed' : `has ${have}`;
    },
  },
  {
    name: 'a host leaves an event out',
    by,
    refusedWith: 'none after the gap is believed',
    async attempt(world) {
      const made = world.mallory.conversation([erinIn(world)]);
      await deliver(world, made);
      const { have } = await deliver(world, { ...made, events: [{ ...ended(made), n: 9 }] });
      await deliver(world, { ...made, events: [ended(made)] });
      return have === made.events.length ? 'none after the gap is believed' : `has ${have}`;
    },
  },
  {
    name: 'a host rewrites the history of its own conversation',
    by,
    refusedWith: 'the first version stays',
    async attempt(world) {
      const made = world.mallory.conversation([erinIn(world)], { title: 'Lunch' });
      await deliver(world, made);
      const before = await told(world, made);
      const other = made.events.map((event) => ({ ...event, body: { ...event.body, title: 'You owe me 1000' } }));
      await deliver(world, { ...made, events: other.slice(0, 1) });
      const after = await told(world, made);
      await deliver(world, { ...made, events: [ended(made)] });
      return before.includes('Lunch') && before === after ? 'the first version stays' : after;
    },
  },
  {
    name: 'a host puts events of one conversation into another',
    by,
    refusedWith: 'none is believed',
    async attempt(world) {
      const [made, other] = [1, 2].map(() => world.mallory.conversation([erinIn(world)])) as [Made, Made];
      const { code, have } = await deliver(world, { id: made.id, events: other.events });
      return code !== 'done' || have === 0 ? 'none is believed' : `has ${have}`;
    },
  },
  {
    name: 'a host lies about the participants: says that Erin has joined its call, so that she can take no other',
    by,
    refusedWith: 'she can call',
    async attempt(world) {
      const line = await world.erin.device();
      const made = world.mallory.conversation([erinIn(world)]);
      const joined = { type: 'joined', address: world.erin.person.address, device: line.id, media };
      const events = [...made.events, { conversation: made.id, n: 5, at: Date.now(), body: joined }];
      await deliver(world, { ...made, events });
      const call = { to: ['nobody@enterprise1.example'], policy: 'direct-first', media };
      // The one thing that is wrong with this call of hers.
      const { code } = await line.say('call.start', call);
      line.close();
      await deliver(world, { ...made, events: [ended({ ...made, events })] });
      return code === 'unknown-address' ? 'she can call' : code;
    },
  },
  {
    name: 'a host lies about the participants: says that Erin’s colleague invites her into its call',
    by,
    refusedWith: 'refused',
    attempt: (world) =>
      withErin(world, () => {
        const { address, name, company } = world.bob.person;
        const made = world.mallory.conversation([{ address, name, company }, erinIn(world)]);
        const events = made.events.map((event) =>
          event.n === 5 ? { ...event, body: { ...event.body, by: address } } : event,
        );
        return answerTo(world, { ...made, events });
      }),
  },
  {
    name: 'a host hands in a person whose address belongs to nobody here',
    by,
    refusedWith: 'unknown-address',
    attempt(world) {
      const nobody = { address: 'nobody@enterprise1.example', name: 'Nobody', company: 'Enterprise 1' };
      return answerTo(world, world.mallory.conversation([nobody]), nobody.address);
    },
  },
  {
    name: 'a host sends a conversation in which nobody of this company takes part',
    by,
    refusedWith: 'not-allowed',
    attempt: async (world) => (await deliver(world, world.mallory.conversation([alice]))).code,
  },
  {
    name: 'a host asks for conference rooms for a call that nobody here has taken',
    by,
    refusedWith: 'not-allowed',
    async attempt(world) {
      const made = world.mallory.conversation([erinIn(world)]);
      await deliver(world, made);
      const line = await world.mallory.link();
      const { code } = await line.say('focus.create', { conversation: made.id, epoch: 2 });
      await deliver(world, { ...made, events: [ended(made)] });
      return code;
    },
  },
  {
    name: 'a host asks for ever more conference rooms for one call',
    by,
    refusedWith: 'no room after the first few',
    attempt: (world) => withErin(world, () => floodOfRooms(world)),
  },
  barred('a caller whom the rules deny rings all the same', 'refused', (world) =>
    answerTo(world, world.mallory.conversation([erinIn(world)])),
  ),
  barred('a denied company says that somebody of another invites into its call', 'refused', (world) =>
    answerTo(world, world.mallory.conversation([erinIn(world)], { inviter: alice.address })),
  ),
  barred('a denied company says that somebody of another has begun its call', 'refused', (world) =>
    answerTo(world, world.mallory.conversation([erinIn(world)], { caller: alice })),
  ),
  barred('a denied company says that Erin has come by a link of its own', 'refused', (world) =>
    answerTo(world, world.mallory.conversation([erinIn(world)], { link: `g_${'a'.repeat(22)}` })),
  ),
  barred('a denied company goes on to ring as if nobody had refused', 'nobody here learns of it', async (world) => {
    const made = world.mallory.conversation([erinIn(world)]);
    const answer = await answerTo(world, made);
    const rings = { type: 'alerting', address: world.erin.person.address };
    const events = [...made.events, { conversation: made.id, n: made.events.length + 1, at: Date.now(), body: rings }];
    await deliver(world, { ...made, events });
    const seen = await told(world, made);
    await deliver(world, { id: made.id, events: [ended({ ...made, events })] });
    return answer === 'refused' && seen === 'unknown-conversation' ? 'nobody here learns of it' : `${answer}, ${seen}`;
  }),
  barred(
    'a denied company says that Erin has begun its call, and is away for a moment',
    'nobody here learns of it',
    (world) => begunByErin(world),
  ),
  barred('the rule file is made invalid: the rules before it go on', 'refused', async (world) => {
    await writeFile(world.one.policyFile, 'rules: [ { name: broken');
    // Longer than a change takes.
    await pause(2500);
    return answerTo(world, world.mallory.conversation([erinIn(world)]));
  }),
  ...[
    ['capitals', 'mallory@MALLORY.example'],
    ['a dot at the end', 'mallory@mallory.example.'],
    ['a full-width dot', 'mallory@mallory\uff0eexample'],
    ['a letter of another alphabet', 'mallory@m\u0430llory.example'],
  ].map(([how, address = '']) =>
    barred(`a denied caller under another spelling of their address: ${how}`, 'invalid-parameters', (world) =>
      answerTo(world, world.mallory.conversation([erinIn(world)], { caller: { ...mallorysPerson, address } })),
    ),
  ),
  {
    name: 'a link under another spelling of a denied domain',
    by,
    refusedWith: 'invalid-parameters',
    attempt: (world) => world.mallory.proveAs('Mallory.example'),
  },
  {
    name: 'a flood of rings by one provider, each in another name',
    by,
    refusedWith: 'refused',
    async attempt(world) {
      for (let batch = 0; batch < 10; batch += 1) {
        // A device that acknowledges nothing, as this one, is let go after a while.
        const answer = await withErin(world, () => ringFifty(world, batch));
        if (answer !== 'alerting') return answer;
      }
      return 'all rang';
    },
  },
];

/** Whoever is away to prove who they are is rung until they come back. */
async function begunByErin(world: World): Promise<string> {
  const { address } = world.erin.person;
  const { id } = world.mallory.conversation([]);
  const bodies = [
    { type: 'created', by: erinIn(world) },
    { type: 'call-started', by: address, policy: 'direct-first' },
    { type: 'joined', address, device: `d_${'a'.repeat(22)}`, media },
    { type: 'identifying', address },
  ];
  const events = bodies.map((body, i) => ({ conversation: id, n: i + 1, at: Date.now(), body }));
  const made = { id, events };
  await deliver(world, made);
  const seen = await told(world, made);
  await deliver(world, { id, events: [ended(made)] });
  return seen === 'unknown-conversation' ? 'nobody here learns of it' : seen;
}

/** Resolves to the first answer but that they ring, if there is one. */
async function ringFifty(world: World, batch: number): Promise<string> {
  for (let n = 0; n < 50; n += 1) {
    const caller = { ...mallorysPerson, address: `m${50 * batch + n}@${MALLORY}` };
    const answer = await answerTo(world, world.mallory.conversation([erinIn(world)], { caller }));
    if (answer !== 'alerting') return answer;
  }
  return 'alerting';
}

/** Erin takes a call of Mallory's, who then wants rooms. */
async function floodOfRooms(world: World): Promise<string> {
  const device = await world.erin.device();
  const made = world.mallory.conversation([erinIn(world)]);
  await answerless(world, made);
  await device.say('call.accept', { conversation: made.id, media });
  const joined = { type: 'joined', address: world.erin.person.address, device: device.id, media };
  const at = Date.now();
  const events = [...made.events, { conversation: made.id, n: 5, at, body: joined }];
  await deliver(world, { ...made, events });
  const line = await world.mallory.link();
  const rooms = new Set<string>();
  let refused = 0;
  for (let epoch = 2; epoch < 60; epoch += 1) {
    const { code, result } = await line.say('focus.create', { conversation: made.id, epoch });
    if (code === 'done') rooms.add(String(result.room));
    else refused += 1;
  }
  await deliver(world, { ...made, events: [ended({ ...made, events })] });
  device.close();
  return refused > 0 && rooms.size <= 8 ? 'no room after the first few' : `${rooms.size} rooms`;
}

async function answerless(world: World, made: Made): Promise<void> {
  await deliver(world, made);
  const line = await world.mallory.link();
  await line.toldOf('conversation.command', (p) => p.conversation === made.id);
}
