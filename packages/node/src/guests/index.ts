// Guests (R3, R30, R31): links into a call, what a browser without an account may ask by HTTP, and how a guest comes to the
// door. What happens at the door is decided with everything else of a call (conversations/organising.ts).
import { randomBytes } from 'node:crypto';
import {
  type Address,
  activeCall,
  asParleyError,
  type ConversationId,
  type ConversationState,
  displayNameSchema,
  domainOf,
  guestAddress,
  hostOf,
  isGuestAddress,
  ParleyError,
  type Person,
  type Provider,
  parseWith,
} from '@parley/protocol';
import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Conversations } from '../conversations/api.ts';
import { createBudgets } from '../limits/index.ts';
import type { Policy } from '../policy/api.ts';
import type { SignIn } from '../sign-in/api.ts';
import type { Caller, Devices } from '../signalling/api.ts';
import type { Storage } from '../storage/index.ts';
import type { Web } from '../web/index.ts';
import type { Guests } from './api.ts';
import { createLinks, type OpenLink } from './links.ts';

/** Of one network address: looking at links and entering by them. A whole meeting may sit behind one. */
const KNOCKS_PER_SECOND = 1;
const KNOCK_BURST = 60;
/** Guests who come by one link. */
const ENTRIES_PER_SECOND = 0.2;
const ENTRY_BURST = 20;
/** Guests with a session for one conversation at a time. */
const MAX_GUESTS = 48;

const secret = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const lookBody = z.strictObject({ link: z.string().max(200) });
/** Without a name: somebody who is signed in here comes as who they are. */
const enterBody = z.strictObject({
  link: z.string().max(200),
  name: z.string().trim().pipe(displayNameSchema).optional(),
});

interface Presence {
  readonly conversation: ConversationId;
  readonly link: string;
  /** Who made the link. */
  readonly by: Address;
}

/** Adds the routes /api/guest/look and /api/guest/enter, and the requests `guest.*` and `call.enter` of devices. */
export function createGuests(deps: {
  provider: Provider;
  linkMinutes: number;
  sessionHours: number;
  storage: Storage;
  web: Web;
  signIn: SignIn;
  devices: Devices;
  conversations: () => Conversations;
  policy: Policy;
  log: Logger;
  now?: () => number;
}): Guests {
  const { provider, storage, web, signIn, devices, conversations, policy, now = Date.now } = deps;
  const { domain } = provider;
  const log = deps.log.child({ room: 'guests' });
  const links = createLinks(storage, now);
  const mayKnock = createBudgets(KNOCKS_PER_SECOND, KNOCK_BURST, now);
  const mayEnter = createBudgets(ENTRIES_PER_SECOND, ENTRY_BURST, now);
  /** Everybody who has a guest's session; emptied as those end. */
  const present = new Map<Address, Presence>();
  const failed = (err: unknown) => log.warn({ err, code: asParleyError(err).code }, 'a step for a guest failed');

  /** The link and its call, as long as both go on. */
  async function open(request: FastifyRequest, text: string): Promise<{ link: OpenLink; state: ConversationState }> {
    if (!mayKnock(request.ip)) throw new ParleyError('too-many-requests');
    const parsed = secret.safeParse(text);
    if (!parsed.success) throw new ParleyError('link-invalid');
    const link = await links.bySecret(parsed.data);
    const state = await conversations().state(link.conversation);
    if (!state || !activeCall(state) || !policy.guestsOf(link.by).allowed) throw new ParleyError('link-ended');
    return { link, state };
  }

  const waits = (link: OpenLink) => link.lobby || policy.guestsOf(link.by).lobby === 'required';

  web.app.post('/api/guest/look', async (request) => {
    const { link, state } = await open(request, parseWith(lookBody, request.body).link);
    const by = state.participants.get(link.by)?.person;
    const session = await signIn.authenticate(request.raw);
    return {
      provider,
      by: { name: by?.name ?? provider.name, company: by?.company ?? provider.name },
      title: state.title,
      lobby: waits(link),
      me: session && !session.guest ? session.person : null,
    };
  });

  web.app.post('/api/guest/enter', async (request, reply) => {
    const body = parseWith(enterBody, request.body);
    const { link } = await open(request, body.link);
    const { conversation } = link;
    if (!mayEnter(link.id)) throw new ParleyError('too-many-requests', 'many come by this link just now');
    if (body.name === undefined)
      return { conversation, ...(await enterAs(link, await signIn.authenticate(request.raw))) };
    if ((await signIn.countGuests(conversation)) >= MAX_GUESTS) throw new ParleyError('conversation-full');
    const address = guestAddress(randomBytes(16).toString('hex'), domain);
    const person: Person = { address, name: body.name, company: provider.name, guest: true };
    const expiresAt = now() + deps.sessionHours * 3_600_000;
    const cookie = await signIn.admitGuest(request.raw, { person, conversation, link: link.id, expiresAt });
    present.set(address, { conversation, link: link.id, by: link.by });
    reply.header('set-cookie', cookie);
    return { conversation, waiting: waits(link) };
  });

  /** Whoever is signed in here needs no name: their devices ring. */
  async function enterAs(link: OpenLink, session: Awaited<ReturnType<SignIn['authenticate']>>) {
    if (!session || session.guest) throw new ParleyError('invalid-parameters', 'name: a guest needs one');
    const { by, id, conversation } = link;
    return conversations().enter(conversation, { person: session.person, by, link: id, lobby: waits(link) });
  }

  devices.handle('call.enter', async (caller, { conversation }) => {
    const known = present.get(caller.address);
    if (!known || known.conversation !== conversation) throw new ParleyError('not-allowed', 'this is for guests');
    const link = await links.byId(known.link);
    const state = await conversations().state(conversation);
    const there = state?.participants.get(caller.address);
    const isIn = there !== undefined && there.state !== 'left' && there.state !== 'ended';
    if (!isIn && (!link || !policy.guestsOf(known.by).allowed)) throw new ParleyError('link-ended');
    const lobby = link ? waits(link) : true;
    return conversations().enter(conversation, { person: caller.person, by: known.by, link: known.link, lobby });
  });

  /** The conversation, for somebody who is in its call with this very device and whose company hosts it. */
  async function hosted(caller: Caller, id: ConversationId): Promise<ConversationState> {
    const state = await conversations().state(id);
    const self = state?.participants.get(caller.address);
    if (!state || !self) throw new ParleyError('unknown-conversation');
    if (!activeCall(state)) throw new ParleyError('call-ended');
    if (self.state !== 'joined' || self.device !== caller.device) throw new ParleyError('not-in-call');
    if (hostOf(id) !== domain) throw new ParleyError('not-hosted-here');
    return state;
  }

  devices.handle('guest.invite', async (caller, { conversation, lobby, minutes = deps.linkMinutes }) => {
    const state = await hosted(caller, conversation);
    if (activeCall(state)?.policy === 'direct-only') throw new ParleyError('servers-forbidden');
    const terms = policy.guestsOf(caller.address);
    if (!terms.allowed) throw new ParleyError('not-permitted', terms.rule ? `rule ${terms.rule.name}` : 'the default');
    const expiresAt = now() + Math.min(minutes, deps.linkMinutes) * 60_000;
    const made = await links.make(conversation, caller.address, lobby || terms.lobby === 'required', expiresAt);
    log.info({ conversation, by: caller.address, link: made.link.id }, 'a link for guests was made');
    return { link: shown(made.link), url: `${web.origin}/join#${made.secret}` };
  });

  devices.handle('guest.links', async (caller, { conversation }) => {
    await hosted(caller, conversation);
    return { links: (await links.of(conversation)).map(shown) };
  });

  devices.handle('guest.withdraw', async (caller, { conversation, link: id }) => {
    const state = await hosted(caller, conversation);
    const link = await links.byId(id);
    if (link?.conversation !== conversation) return {};
    const may = link.by === caller.address || activeCall(state)?.organiser === caller.address;
    if (!may) throw new ParleyError('not-allowed', 'somebody else made this link');
    await links.remove(id);
    return {};
  });

  devices.on('gone', ({ address }) => {
    const known = present.get(address);
    if (known && devices.of(address).length === 0) {
      conversations().guestGone(known.conversation, address).catch(failed);
    }
  });
  signIn.on('ended', ({ address }) => {
    if (isGuestAddress(address)) present.delete(address);
  });
  policy.on('changed', () => void dropForbidden().catch(failed));
  async function dropForbidden(): Promise<void> {
    for (const { id, by } of await links.all()) if (!policy.guestsOf(by).allowed) await links.remove(id);
  }

  return {
    settingsFor(address) {
      if (!isGuestAddress(address)) return undefined;
      const by = present.get(address)?.by;
      const terms = by === undefined ? null : policy.guestsOf(by);
      return { share: terms?.share ?? false, write: terms?.write ?? false };
    },
    released(conversation, guest) {
      const over = async () => {
        if (hostOf(conversation) !== domain) return;
        await links.removeAll(conversation);
        await signIn.endGuests({ conversation });
      };
      if (guest === null) over().catch(failed);
      else if (isGuestAddress(guest) && domainOf(guest) === domain) signIn.endGuests({ address: guest }).catch(failed);
    },
    async identified({ person, guest }) {
      if (guest) await conversations().identified(guest.conversation, person.address);
    },
    async became({ person: { address }, guest }, person) {
      if (guest) await conversations().become(guest.conversation, address, person);
    },
    async restore() {
      const makers = new Map((await links.all()).map(({ id, by }) => [id, by] as const));
      const rows = await storage
        .selectFrom('web_sessions')
        .select(['address', 'conversation', 'link'])
        .where('conversation', 'is not', null)
        .execute();
      for (const { address, conversation, link } of rows) {
        const by = makers.get(link ?? '');
        if (conversation !== null && link !== null && by) present.set(address, { conversation, link, by });
      }
    },
  };
}

function shown({ id, by, lobby, expiresAt }: OpenLink) {
  return { id, by, lobby, expiresAt };
}
