// Every state a person can see, by name, for the gallery and its tests.
import type { CallView, Invitation } from '@parley/client';
import { type Outcome, ParleyError } from '@parley/protocol';
import { html, type TemplateResult } from 'lit';
import {
  address,
  createFakeCall,
  createFakeIncoming,
  createFakeSession,
  type FakeCallOptions,
  type FakeSession,
  fakeInvitation,
  nodeInfo,
  people,
} from './fake-session.ts';

const { alice, bob, carol, dave, erin, farid, grace, hugo, ines, mara, markup } = people;

export interface State {
  readonly session: FakeSession;
  readonly view: TemplateResult;
}

function workspace(prepare: (session: FakeSession) => void = () => {}): () => State {
  return () => {
    const session = createFakeSession();
    prepare(session);
    return { session, view: html`<parley-workspace silent .session=${session}></parley-workspace>` };
  };
}

function call(options: FakeCallOptions): () => State {
  return workspace((session) => session.call.set(createFakeCall(session.asked, options)));
}

/** The own screen is shown. */
function sharing(): () => State {
  return workspace((session) => {
    const made = createFakeCall(session.asked, { others: [{ person: alice }] });
    session.call.set(made);
    void made.setScreen(true);
  });
}

function ended(reason: NonNullable<CallView['ended']>['reason'], outcome: Outcome | null = null): () => State {
  return call({
    others: [{ person: alice, state: outcome ? 'ended' : 'left', ...(outcome ? { outcome } : {}) }],
    phase: 'ended',
    ended: { reason, outcome },
    answered: reason !== 'not-answered',
  });
}

function signIn(error: string): () => State {
  return () => ({
    session: createFakeSession(),
    view: html`<div class="sign-in"><parley-sign-in .info=${nodeInfo} .error=${error}></parley-sign-in></div>`,
  });
}

function join(stage: 'asking' | 'entering' | 'waiting', problem = '', found: Partial<Invitation> = {}): () => State {
  const invitation = { ...fakeInvitation, ...found };
  return () => ({
    session: createFakeSession(),
    view: html`<div class="sign-in"><parley-join .invitation=${invitation} .stage=${stage} .problem=${problem}></parley-join></div>`,
  });
}

const outcomes: readonly Outcome[] = [
  'declined',
  'no-answer',
  'cancelled',
  'busy',
  'do-not-disturb',
  'offline',
  'unknown-address',
  'unreachable',
  'refused',
];

export const states: Readonly<Record<string, () => State>> = {
  'sign-in': signIn(''),
  'sign-in-error': signIn('sign-in-refused'),
  join: join('asking'),
  'join-open': join('asking', '', { lobby: false, title: 'Contract with the new supplier' }),
  'join-member': join('asking', '', { me: carol }),
  'join-refused': join('asking', 'The organiser has not let you in.'),
  'join-waiting': join('waiting'),
  'call-guest': call({
    others: [{ person: alice }, { person: mara }, { person: carol, microphone: false, mutedBy: bob }],
    path: 'conference',
  }),
  'call-as-guest': call({
    others: [{ person: alice }, { person: carol }],
    path: 'conference',
    organiser: carol,
    asGuest: true,
  }),
  'call-lobby': call({
    others: [{ person: alice }],
    lobby: [mara, { ...mara, address: address('guest+2@enterprise1.example'), name: markup.name }],
  }),
  'call-trust-raised': call({
    others: [{ person: alice }, { person: mara }],
    path: 'conference',
    trustRaisedBy: bob,
  }),
  'call-identify': call({
    others: [{ person: alice }, { person: carol }],
    path: 'conference',
    organiser: carol,
    trustRaisedBy: carol,
    identify: true,
  }),
  'call-unmute-asked': call({
    others: [{ person: alice }, { person: carol }],
    ownMicrophone: false,
    organiser: carol,
    unmuteAskedBy: carol,
  }),
  'ended-removed': call({
    others: [{ person: carol, state: 'left' }],
    phase: 'ended',
    ended: { reason: 'removed', outcome: null, by: carol },
  }),
  contacts: workspace(),
  'sign-ins': workspace(),
  'in-a-call-presence': workspace((session) => void session.setPresence('in-a-call')),
  incoming: workspace((session) => session.incoming.set([createFakeIncoming(session, alice)])),
  'incoming-conference': workspace((session) =>
    session.incoming.set([
      createFakeIncoming(session, carol, {
        title: 'Contract with the new supplier',
        others: [erin, dave],
        callerConnected: true,
      }),
      createFakeIncoming(session, dave),
    ]),
  ),
  'incoming-failing': workspace((session) =>
    session.incoming.set([createFakeIncoming(session, alice, { fails: true })]),
  ),
  'incoming-untrusted': workspace((session) =>
    session.incoming.set([createFakeIncoming(session, alice, { trust: 'failed' })]),
  ),
  'incoming-markup': workspace((session) =>
    session.incoming.set([createFakeIncoming(session, markup, { title: '<script>alert(1)</script>' })]),
  ),
  'incoming-in-call': workspace((session) => {
    session.call.set(createFakeCall(session.asked, { others: [{ person: carol }] }));
    session.incoming.set([createFakeIncoming(session, alice)]);
  }),
  calling: call({ others: [{ person: alice, state: 'alerting' }], phase: 'calling' }),
  connecting: call({ others: [{ person: alice, flowing: false }], phase: 'connecting' }),
  'call-2': call({ others: [{ person: alice }] }),
  'call-2-without-pictures': call({
    others: [{ person: alice, camera: false, microphone: false }],
    ownCamera: false,
    ownMicrophone: false,
  }),
  'call-moving': call({
    others: [{ person: alice }, { person: carol, state: 'alerting' }],
    transferring: true,
  }),
  'call-3': call({ others: [{ person: alice }, { person: carol, microphone: false }], path: 'conference' }),
  'call-3-speaker': call({
    others: [{ person: alice }, { person: carol, speaking: true }],
    path: 'conference',
  }),
  'call-screen': call({
    others: [
      { person: alice, speaking: true },
      { person: carol, screen: true },
      { person: dave, camera: false },
    ],
    path: 'conference',
  }),
  'call-sharing': sharing(),
  'call-trust': call({
    others: [
      { person: alice, trust: 'verified' },
      { person: dave, trust: 'unverified' },
      { person: carol, trust: 'failed' },
      { person: erin, trust: 'checking' },
    ],
    path: 'conference',
  }),
  'call-outcomes': call({
    others: [
      { person: alice },
      { person: carol, state: 'ended', outcome: 'declined' },
      { person: dave, state: 'invited' },
    ],
  }),
  'call-6': call({
    others: [alice, carol, dave, erin, farid].map((person, index) => ({ person, camera: index !== 2 })),
    path: 'conference',
    title: 'Contract with the new supplier',
  }),
  'call-9': call({
    others: [alice, carol, dave, erin, farid, grace, hugo, ines].map((person, index) => ({
      person,
      camera: index % 3 !== 1,
      microphone: index % 2 === 0,
    })),
    path: 'conference',
  }),
  'call-markup': call({ others: [{ person: markup, camera: false }, { person: alice }], path: 'conference' }),
  'call-notices': call({
    others: [{ person: alice }, { person: carol }],
    path: 'conference',
    notices: [
      { kind: 'joined', person: carol },
      { kind: 'invitation-ended', person: dave, outcome: 'declined' },
      { kind: 'add-failed', person: dave, error: new ParleyError('provider-unreachable') },
    ],
  }),
  'call-chat': call({
    others: [{ person: alice }, { person: carol }],
    path: 'conference',
    messages: [
      { n: 1, at: Date.UTC(2026, 10, 23, 9, 12), by: alice.address, text: 'Good morning! Can you both see the draft?' },
      {
        n: 2,
        at: Date.UTC(2026, 10, 23, 9, 13),
        by: bob.address,
        text: 'Yes. Page 4 is new to me, I am reading it now.',
      },
      {
        n: 3,
        at: Date.UTC(2026, 10, 23, 9, 14),
        by: carol.address,
        text: 'Here is the earlier one:\nhttps://files.enterprise1.example/contracts/2026/supplier/draft-of-the-third-of-november.pdf',
      },
    ],
  }),
  'call-menu': call({ others: [{ person: alice }, { person: carol }], path: 'conference', canMix: true }),
  'call-mix': call({
    others: [{ person: alice }, { person: carol }, { person: dave, state: 'alerting' }],
    path: 'conference',
    canMix: true,
    mix: { flowing: true, video: true },
  }),
  'call-mix-sound': call({
    others: [alice, carol, erin].map((person) => ({ person, camera: false })),
    path: 'conference',
    canMix: true,
    mix: { flowing: true, video: false },
  }),
  'recording-asked': call({
    others: [{ person: alice }, { person: farid }],
    path: 'conference',
    recording: { by: bob, awaited: [alice, farid] },
  }),
  'recording-question': call({
    others: [{ person: alice }, { person: carol }],
    path: 'conference',
    recording: { by: alice, consented: false, awaited: [bob] },
  }),
  'recording-late': call({
    others: [
      { person: alice, flowing: false },
      { person: carol, flowing: false },
    ],
    phase: 'connecting',
    path: 'conference',
    recording: { state: 'running', by: alice, consented: false, awaited: [bob] },
  }),
  'recording-running': call({
    others: [{ person: alice }, { person: carol }],
    path: 'conference',
    recording: { state: 'running', by: alice },
    canMix: true,
  }),
  recordings: workspace(),
  reconnecting: workspace((session) => {
    session.call.set(createFakeCall(session.asked, { others: [{ person: alice }] }));
    session.connection.set('reconnecting');
  }),
  'ended-hung-up': ended('hung-up'),
  'ended-left': ended('left'),
  'ended-media-failed': ended('media-failed'),
  'ended-lost': ended('lost'),
  'ended-nobody': call({
    others: [
      { person: alice, state: 'ended', outcome: 'declined' },
      { person: carol, state: 'ended', outcome: 'no-answer' },
    ],
    phase: 'ended',
    ended: { reason: 'not-answered', outcome: 'no-answer' },
    answered: false,
  }),
  ...Object.fromEntries(outcomes.map((outcome) => [`ended-${outcome}`, ended('not-answered', outcome)])),
};
