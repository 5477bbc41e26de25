// A fake of the SDK for the gallery and its tests: it implements the same interfaces with state in memory, and pictures
// that a canvas draws. Nothing here talks to a node.
import type {
  Call,
  CallNotice,
  CallParticipant,
  CallView,
  ConnectionState,
  IncomingCall,
  Invitation,
  LinkedAccounts,
  Mixing,
  NodeInfo,
  Readable,
  RecordingView,
  Session,
  SignedIn,
  TrustView,
} from '@parley/client';
import {
  type Address,
  type Company,
  type Contact,
  type ConversationId,
  type GuestLink,
  type Outcome,
  ParleyError,
  type ParticipantState,
  type Person,
  type Presence,
  parseAddress,
  parseDomain,
} from '@parley/protocol';

export interface Store<T> extends Readable<T> {
  set(value: T): void;
}

export function store<T>(initial: T): Store<T> {
  let current = initial;
  const listeners = new Set<(value: T) => void>();
  return {
    get: () => current,
    set(value) {
      current = value;
      for (const listener of listeners) listener(value);
    },
    subscribe(listener) {
      listeners.add(listener);
      listener(current);
      return () => listeners.delete(listener);
    },
  };
}

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`${text} is not an address`);
  return parsed;
}

function provider(domain: string, name: string) {
  const parsed = parseDomain(domain);
  if (!parsed) throw new Error(`${domain} is not a domain`);
  return { domain: parsed, name };
}

const one = provider('enterprise1.example', 'Enterprise 1');
const two = provider('enterprise2.example', 'Enterprise 2');

function person(name: string, id: string, company = one): Person {
  return { address: address(`${id}@${company.domain}`), name, company: company.name };
}

export const people = {
  bob: person('Bob Bennett', 'bob'),
  carol: person('Carol Castillo', 'carol'),
  erin: person('Erin Ellis', 'erin'),
  farid: person('Farid Rahmani-Featherstonehaugh', 'farid.rahmani-featherstonehaugh'),
  grace: person('Grace Guo', 'grace'),
  hugo: person('Hugo Hartmann', 'hugo'),
  alice: person('Alice Archer', 'alice', two),
  dave: person('Dave Dietrich', 'dave', two),
  ines: person('Inés Ibáñez', 'ines', two),
  // Whatever a name holds must be shown as text.
  mara: { ...person('Mara Meier', 'guest+1'), guest: true },
  markup: person('<img src=x onerror=alert(1)> & <b>Eve</b>', 'eve', two),
} as const;

const { bob, carol, erin, farid, grace, hugo, alice, dave, ines, markup } = people;

export const nodeInfo: NodeInfo = {
  provider: one,
  signedIn: false,
  guest: false,
  signIn: [
    { id: 'own', name: 'Enterprise 1', url: (returnTo) => `?signed-in=${encodeURIComponent(returnTo)}` },
    { id: 'external', name: 'accounts.example', url: (returnTo) => `?signed-in=${encodeURIComponent(returnTo)}` },
  ],
};

const companies: readonly Company[] = [
  {
    provider: one,
    contacts: [
      { person: bob, presence: 'available' },
      { person: carol, presence: 'available' },
      { person: erin, presence: 'in-a-call' },
      { person: farid, presence: 'away' },
      { person: grace, presence: 'do-not-disturb' },
      { person: hugo, presence: 'offline' },
    ],
  },
  {
    provider: two,
    contacts: [
      { person: alice, presence: 'available' },
      { person: dave, presence: 'busy' },
      { person: markup, presence: 'offline' },
    ],
  },
];

const service = 'https://accounts.enterprise2.example';
const everything: TrustView['checks'] = (
  ['device-signature', 'issuer-authorised', 'token-signature', 'certificate'] as const
).map((name) => ({ name, passed: true, by: 'client' }));
const nothingYet = { issuer: null, account: null, relayed: false, focus: null, checks: [] };
/** What may be known of somebody, by the word on the badge. */
export const trusts: Readonly<Record<TrustView['status'], TrustView>> = {
  checking: { ...nothingYet, status: 'checking', code: null, text: 'It is being checked who this is.' },
  verified: {
    ...nothingYet,
    status: 'verified',
    code: null,
    text: 'Who this is has been proven.',
    issuer: service,
    checks: everything,
  },
  unverified: {
    ...nothingYet,
    status: 'unverified',
    code: 'proof-missing',
    text: 'This person’s app sent no proof of who they are. Make sure by other means whom you speak with.',
  },
  failed: {
    ...nothingYet,
    status: 'failed',
    code: 'wrong-certificate',
    text: 'Sound and picture are encrypted for somebody else. End this call.',
    checks: everything.map((check) => (check.name === 'certificate' ? { ...check, passed: false } : check)),
  },
};

const guestTrust: TrustView = {
  ...nothingYet,
  status: 'unverified',
  code: 'guest',
  text: 'This is a guest who came by a link and has typed this name. Nobody vouches for it.',
};

/** What a guest link leads to. */
export const fakeInvitation: Invitation = {
  provider: one,
  by: { name: bob.name, company: one.name },
  title: null,
  lobby: true,
  me: null,
};

export interface FakeSession extends Session {
  readonly connection: Store<ConnectionState>;
  readonly companies: Store<readonly Company[]>;
  readonly incoming: Store<readonly IncomingCall[]>;
  readonly call: Store<Call | null>;
  /** What was asked of it, in order: `accept`, `decline`, `leave`, `add bob@…`. */
  readonly asked: string[];
}

export function createFakeSession(): FakeSession {
  const presence = store<Presence>('available');
  const call = store<Call | null>(null);
  const asked: string[] = [];
  const since = { createdAt: Date.UTC(2026, 10, 20, 8), lastSeenAt: Date.UTC(2026, 10, 23, 9) };
  let linked: LinkedAccounts['accounts'] = [
    { id: 'a1', issuer: 'accounts.example', account: 'alice.archer@mail.example', linkedAt: Date.UTC(2026, 10, 3) },
    { id: 'a2', issuer: 'accounts.example', account: 'a-very-long-name-of-an-account@mail.example', linkedAt: null },
  ];
  let signedIn: readonly SignedIn[] = [
    { ...since, id: 'here', current: true, userAgent: 'X11; Linux x86_64 Firefox/153.0' },
    { ...since, id: 'phone', current: false, userAgent: 'Linux; Android 16 Chrome/156.0' },
  ];
  const session: FakeSession = {
    me: bob,
    provider: one,
    connection: store<ConnectionState>('online'),
    presence,
    companies: store(companies),
    incoming: store<readonly IncomingCall[]>([]),
    call,
    asked,
    async setPresence(chosen) {
      asked.push(`presence ${chosen}`);
      presence.set(chosen);
    },
    async search(text) {
      asked.push(`search ${text}`);
      return search(text);
    },
    async addContact(text) {
      const contact: Contact = { person: ines, presence: 'available' };
      asked.push(`save ${text}`);
      session.companies.set(
        companies.map((c) => (c.provider === two ? { ...c, contacts: [...c.contacts, contact] } : c)),
      );
      return contact;
    },
    async removeContact(gone) {
      asked.push(`remove ${gone}`);
      session.companies.set(
        session.companies
          .get()
          .map((c) => ({ ...c, contacts: c.contacts.filter(({ person: p }) => p.address !== gone) })),
      );
    },
    async startCall(to, options) {
      const first = typeof to === 'string' ? to : (to[0] ?? '');
      asked.push(`call ${first}${options?.path === 'conference' ? ' conference' : ''}`);
      const callee = Object.values(people).find((p) => p.address === first);
      if (!callee) throw new ParleyError('unknown-address');
      if (callee === grace) throw new ParleyError('no-microphone');
      const made = createFakeCall(asked, { others: [{ person: callee, state: 'alerting' }], phase: 'calling' });
      call.set(made);
      return made;
    },
    async enter() {
      throw new ParleyError('link-ended');
    },
    waiting: store(false),
    async signInChoices() {
      return nodeInfo.signIn;
    },
    dismiss() {
      asked.push('dismiss');
      call.set(null);
    },
    close() {},
    async signOut() {
      asked.push('sign-out');
    },
    provable: true,
    async signIns() {
      return signedIn;
    },
    async recordings() {
      const [startedAt, expiresAt] = [Date.UTC(2026, 10, 20, 8), Date.UTC(2026, 11, 20, 8)];
      const common = { conversation, startedAt, expiresAt, url: '#download' };
      return [
        {
          ...common,
          recording: 9,
          title: null,
          people: [bob.name, alice.name, farid.name],
          bytes: 84_200_000,
          milliseconds: 1_902_000,
        },
        {
          ...common,
          recording: 4,
          title: 'Contract with the new supplier',
          people: [bob.name],
          bytes: 640_000,
          milliseconds: 14_000,
        },
      ];
    },
    async endSignIn(id) {
      asked.push(`end ${id}`);
      signedIn = signedIn.filter((one) => one.id !== id);
    },
    async accounts() {
      return { accounts: linked, choices: [{ id: 'accounts', name: 'accounts.example' }] };
    },
    async linkAccount(issuer) {
      asked.push(`link ${issuer}`);
      throw new ParleyError('sign-in-again');
    },
    async unlinkAccount(id) {
      asked.push(`unlink ${id}`);
      linked = linked.filter((one) => one.id !== id);
    },
    async signInAgain() {
      return '#sign-in-again';
    },
  };
  return session;
}

function search(text: string): readonly Contact[] {
  const asked = parseAddress(text);
  if (asked?.endsWith('.invalid')) throw new ParleyError('provider-unreachable');
  if (asked?.startsWith('nobody@')) throw new ParleyError('unknown-address');
  if (asked === ines.address) return [{ person: ines, presence: 'available' }];
  return companies
    .flatMap(({ contacts }) => contacts)
    .filter((c) => `${c.person.name} ${c.person.address}`.toLowerCase().includes(text.toLowerCase()));
}

export interface FakeCallOptions {
  readonly others: readonly {
    readonly person: Person;
    readonly state?: ParticipantState;
    readonly outcome?: Outcome;
    readonly camera?: boolean;
    readonly microphone?: boolean;
    readonly flowing?: boolean;
    readonly trust?: TrustView['status'];
    readonly screen?: boolean;
    readonly speaking?: boolean;
    readonly mutedBy?: Person;
  }[];
  readonly phase?: CallView['phase'];
  readonly path?: CallView['path'];
  readonly transferring?: boolean;
  readonly ownCamera?: boolean;
  readonly ownMicrophone?: boolean;
  readonly answered?: boolean;
  readonly notices?: readonly Partial<CallNotice>[];
  readonly messages?: CallView['messages'];
  readonly ended?: CallView['ended'];
  readonly title?: string;
  readonly mix?: CallView['mix'];
  readonly canMix?: boolean;
  readonly recording?: Partial<RecordingView>;
  readonly lobby?: readonly Person[];
  /** Who organises; oneself unless said otherwise. */
  readonly organiser?: Person;
  readonly trustRaisedBy?: Person;
  /** This person is asked to prove who they are. */
  readonly identify?: boolean;
  readonly unmuteAskedBy?: Person;
  /** What a guest may do by the strictest rules. */
  readonly asGuest?: boolean;
}

export interface FakeCall extends Call {
  readonly view: Store<CallView>;
}

const conversation = 'AAAAAAAAAAAAAAAAAAAAAA@enterprise1.example' as ConversationId;

export function createFakeCall(asked: string[], options: FakeCallOptions): FakeCall {
  const phase = options.phase ?? 'active';
  const others = options.others.map((other): CallParticipant => {
    const state = other.state ?? 'joined';
    const camera = state === 'joined' && (other.camera ?? true);
    return {
      person: other.person,
      self: false,
      state,
      outcome: other.outcome ?? null,
      microphone: state === 'joined' && (other.microphone ?? true),
      camera,
      screen: other.screen ?? false,
      speaking: other.speaking ?? false,
      video: camera && (other.flowing ?? true),
      flowing: state === 'joined' && (other.flowing ?? true),
      trust: other.person.guest ? guestTrust : trusts[other.trust ?? (state === 'joined' ? 'verified' : 'checking')],
      mutedBy: other.mutedBy ?? null,
      unmuteAskedBy: null,
      identifyBy: options.trustRaisedBy ? Date.now() + 95_000 : null,
    };
  });
  const self: CallParticipant = {
    person: bob,
    self: true,
    state: 'joined',
    outcome: null,
    microphone: options.ownMicrophone ?? true,
    camera: options.ownCamera ?? true,
    screen: false,
    speaking: false,
    video: options.ownCamera ?? true,
    flowing: true,
    trust: trusts.checking,
    mutedBy: null,
    unmuteAskedBy: options.unmuteAskedBy ?? null,
    identifyBy: null,
  };
  const view = store<CallView>({
    phase,
    title: options.title ?? null,
    path: options.path ?? 'direct',
    transferring: options.transferring ?? false,
    cannotAdd: null,
    answeredAt: (options.answered ?? phase === 'active') ? Date.now() - 754_000 : null,
    participants: [self, ...others],
    speaker: options.others.find(({ speaking }) => speaking)?.person.address ?? null,
    lobby: options.lobby ?? [],
    organiser: (options.organiser ?? bob).address,
    may: options.asGuest
      ? { add: false, organise: false, write: false, share: false }
      : { add: true, organise: !options.organiser, write: true, share: true },
    trustRaisedBy: options.trustRaisedBy ?? null,
    identify: options.identify ? { by: options.trustRaisedBy ?? null, until: Date.now() + 95_000 } : null,
    messages: options.messages ?? [],
    mix: options.mix ?? null,
    recording: options.recording
      ? { state: 'asked', by: alice, consented: true, awaited: [], ...options.recording }
      : null,
    canRecord: options.canMix ?? false,
    notices: (options.notices ?? []).map((notice, index) => ({
      id: index + 1,
      kind: 'joined',
      person: null,
      outcome: null,
      path: null,
      error: null,
      ...notice,
    })),
    ended: options.ended ?? null,
  });
  const mixing = store<Mixing>({
    wanted: options.mix != null,
    received: options.mix != null,
    available: options.canMix ?? false,
  });
  let links: readonly GuestLink[] = [];
  const localVideo = store<MediaStream | null>(self.camera ? fakePicture(bob.address) : null);
  const sharing = store(false);
  const change = (part: Partial<CallView>) => view.set({ ...view.get(), ...part });
  const changeSelf = (part: Partial<CallParticipant>) =>
    change({ participants: view.get().participants.map((p) => (p.self ? { ...p, ...part } : p)) });
  const call: FakeCall = {
    conversation,
    view,
    localVideo,
    mixing,
    showMix: (container) => call.showVideo(farid.address, container),
    async setMixed(on) {
      asked.push(`mixed ${on}`);
      mixing.set({ ...mixing.get(), wanted: on, received: on });
      change({ mix: on ? { flowing: true, video: true } : null });
    },
    async record() {
      asked.push('record');
      const awaited = others.map(({ person }) => person);
      change({ recording: { state: 'asked', by: bob, consented: true, awaited } });
    },
    async consentToRecording() {
      asked.push('consent');
      const { recording } = view.get();
      if (recording) change({ recording: { ...recording, consented: true } });
    },
    async stopRecording() {
      asked.push('stop-recording');
      change({ recording: null });
    },
    showVideo(of, container) {
      const video = document.createElement('video');
      video.muted = true;
      video.playsInline = true;
      video.srcObject = fakePicture(of);
      container.append(video);
      video.play().catch(() => {});
      return () => video.remove();
    },
    async add(text) {
      asked.push(`add ${text}`);
      const added = Object.values(people).find((p) => p.address === text);
      if (!added || added === hugo) throw new ParleyError('no-conference-available');
      const ringing = createFakeCall(asked, { others: [{ person: added, state: 'alerting' }] }).view.get();
      change({ participants: [...view.get().participants, ...ringing.participants.slice(1)] });
    },
    async cancel(who) {
      asked.push(`cancel ${who}`);
      change({
        participants: view
          .get()
          .participants.map((p) => (p.person.address === who ? { ...p, state: 'ended', outcome: 'cancelled' } : p)),
      });
    },
    async invite({ lobby } = {}) {
      asked.push(`invite ${lobby ? 'lobby' : ''}`);
      const link = { id: `g_${'l'.repeat(22)}`, by: bob.address, lobby: lobby ?? false, expiresAt: Date.now() + 4e6 };
      links = [link];
      return { link, url: `https://calls.enterprise1.example/join#${'s'.repeat(43)}` };
    },
    links: async () => links,
    async withdraw(link) {
      asked.push(`withdraw ${link}`);
      links = [];
    },
    async admit(who) {
      asked.push(`admit ${who}`);
      change({ lobby: view.get().lobby.filter((p) => p.address !== who) });
    },
    async turnAway(who) {
      asked.push(`turn-away ${who}`);
      change({ lobby: view.get().lobby.filter((p) => p.address !== who) });
    },
    async mute(who) {
      asked.push(`mute ${who}`);
    },
    async askToUnmute(who) {
      asked.push(`ask-unmute ${who}`);
    },
    async remove(who) {
      asked.push(`remove ${who}`);
    },
    async raiseTrust() {
      asked.push('raise-trust');
      change({ trustRaisedBy: bob });
    },
    async identify() {
      asked.push('identify');
    },
    async setMicrophone(on) {
      asked.push(`microphone ${on}`);
      changeSelf({ microphone: on });
    },
    sharing,
    async setScreen(on) {
      asked.push(`screen ${on}`);
      sharing.set(on);
      changeSelf({ screen: on });
    },
    async useMicrophone() {},
    async useCamera() {},
    async setCamera(on) {
      asked.push(`camera ${on}`);
      localVideo.set(on ? fakePicture(bob.address) : null);
      changeSelf({ camera: on, video: on });
    },
    async send(text) {
      asked.push(`send ${text}`);
      const n = (view.get().messages.at(-1)?.n ?? 0) + 1;
      change({ messages: [...view.get().messages, { n, at: Date.now(), by: bob.address, text }] });
    },
    async leave() {
      asked.push('leave');
      const unanswered = view.get().phase === 'calling';
      change({
        phase: 'ended',
        ended: unanswered ? { reason: 'not-answered', outcome: 'cancelled' } : { reason: 'left', outcome: null },
      });
    },
    async diagnostics() {
      return { path: view.get().path, epoch: 1, connections: [] };
    },
  };
  return call;
}

export function createFakeIncoming(
  session: FakeSession,
  from: Person,
  options: {
    title?: string;
    others?: readonly Person[];
    callerConnected?: boolean;
    fails?: boolean;
    trust?: TrustView['status'];
  } = {},
): IncomingCall {
  const gone = () => session.incoming.set(session.incoming.get().filter((c) => c !== incoming));
  const incoming: IncomingCall = {
    conversation: `${from.address.slice(0, 1).repeat(22)}@enterprise1.example` as ConversationId,
    from,
    title: options.title ?? null,
    others: store((options.others ?? []).map((p) => ({ person: p, state: 'joined' as const }))),
    callerConnected: store(options.callerConnected ?? false),
    trust: store(trusts[options.trust ?? 'verified']),
    async accept(media) {
      session.asked.push(media?.camera ? 'accept' : 'accept-audio');
      if (options.fails) throw new ParleyError('no-microphone');
      gone();
      const call = createFakeCall(session.asked, { others: [{ person: from }], ownCamera: media?.camera ?? false });
      session.call.set(call);
      return call;
    },
    async decline() {
      session.asked.push('decline');
      gone();
    },
  };
  return incoming;
}

const pictures = new Map<string, MediaStream>();

/** A person before a wall, drawn: head and shoulders in colours of their own. */
function fakePicture(of: string): MediaStream {
  const known = pictures.get(of);
  if (known) return known;
  const canvas = document.createElement('canvas');
  canvas.width = 960;
  canvas.height = 540;
  const context = canvas.getContext('2d');
  let hue = 0;
  for (const character of of) hue = (hue * 31 + character.charCodeAt(0)) % 360;
  const draw = () => {
    if (!context) return;
    const wall = context.createLinearGradient(0, 0, 960, 540);
    wall.addColorStop(0, `hsl(${hue} 26% 72%)`);
    wall.addColorStop(1, `hsl(${(hue + 40) % 360} 30% 46%)`);
    context.fillStyle = wall;
    context.fillRect(0, 0, 960, 540);
    context.fillStyle = `hsl(${hue} 20% 82% / 60%)`;
    context.fillRect(90, 60, 210, 260);
    context.fillStyle = `hsl(${(hue + 180) % 360} 32% 34%)`;
    context.beginPath();
    context.ellipse(480, 590, 250, 230, 0, 0, 7);
    context.fill();
    context.fillStyle = 'hsl(26 42% 62%)';
    context.beginPath();
    context.ellipse(480, 240, 96, 122, 0, 0, 7);
    context.fill();
    context.fillStyle = `hsl(${(hue + 20) % 360} 24% 20%)`;
    context.beginPath();
    context.ellipse(480, 178, 104, 78, 0, Math.PI, 2 * Math.PI);
    context.fill();
  };
  draw();
  // A stream of a canvas has frames only while something is drawn.
  setInterval(draw, 500);
  const stream = canvas.captureStream(2);
  pictures.set(of, stream);
  return stream;
}
