// One signed-in device: its socket, and what hangs on it. The composition of the SDK; the parts do not know each other.
import { verifyFocus } from '@parley/identity';
import {
  asParleyError,
  type ConversationId,
  type DeviceId,
  type FocusRoom,
  type MediaSwitches,
  type NotificationParams,
  ParleyError,
  type Person,
  type Provider,
} from '@parley/protocol';
import type { Call, CallOptions, ConnectOptions, Session } from './api.ts';
import { createCall, type RunningCall, requireAddress } from './call.ts';
import type { EarlyPath, SignalParams } from './call-paths.ts';
import { type CallTrust, createCallTrust } from './call-trust.ts';
import type { ConversationStore } from './conversation-store.ts';
import { createConversations } from './conversations.ts';
import { createDirectPath } from './direct-path.ts';
import { createDirectory } from './directory.ts';
import { endSignIn, isSignedIn, nodeUrl, signInProof, signIns, signOut, socketUrl } from './http.ts';
import { createSources } from './identity-sources.ts';
import { createIncomingCalls, type Early } from './incoming.ts';
import { forgetKeys } from './key-store.ts';
import { beginCapture, type LocalMedia } from './local-media.ts';
import { type OwnIdentity, ownIdentity } from './own-identity.ts';
import { createStore, until } from './readable.ts';
import { createSignalSender } from './signal-sender.ts';
import { type DeviceSocket, type Hello, openSocket, type Told } from './socket.ts';
import { warmUp } from './warm-up.ts';

const START_MS = 20_000;
const ANSWER_MS = 10_000;
/** Signals of a call whose own answer from the node is on its way. */
const MAX_UNROUTED = 64;

/**
 * Connects this browser as a device of the person who is signed in at the node. Errors: `not-signed-in` (show the
 * choices of `nodeInfo`), `timed-out` when the node is out of reach, `unsupported-version`.
 */
export async function connect(options?: ConnectOptions): Promise<Session> {
  const node = nodeUrl(options);
  const identity = await ownIdentity(await signInProof(node));
  return new Promise((resolve, reject) => {
    let started: ReturnType<typeof startSession> | null = null;
    const socket: DeviceSocket = openSocket({
      url: socketUrl(node),
      signedIn: () => isSignedIn(node),
      afresh(hello) {
        if (started) return started.afresh(hello);
        started = startSession(node, () => socket, hello, identity);
        resolve(started.session);
      },
      told: (told) => started?.told(told),
      ended(error) {
        started?.ended();
        reject(error);
      },
    });
  });
}

function startSession(node: string, socketOf: () => DeviceSocket, first: Hello, identity: OwnIdentity) {
  const me: Person = first.me;
  const provider: Provider = first.provider;
  const socket = socketOf();
  const { request } = socket;
  let { settings } = first;
  let device: DeviceId = first.device;
  const call = createStore<Call | null>(null);
  let running: RunningCall | null = null;
  let releaseRunning: (() => void) | null = null;
  let beginning = false;
  let unrouted: SignalParams[] = [];

  const sources = createSources(node, () => settings.hosts);
  const trusts = new Map<ConversationId, CallTrust>();
  const conversations = createConversations({
    me: me.address,
    request,
    changed() {
      incoming.refresh();
      for (const [id, trust] of trusts) {
        if (conversations.get(id)) continue;
        trust.close();
        trusts.delete(id);
      }
    },
  });
  const directory = createDirectory(me.address, request);
  const incoming = createIncomingCalls({
    me: me.address,
    conversations,
    request,
    settings: () => settings,
    rtc,
    verifyFocus: checkFocus,
    trustOf,
    accept,
  });

  const inCall = () => running !== null && running.view.get().ended === null;
  /** Every connection of this device shows the certificate that its proofs name. */
  function rtc(): RTCConfiguration {
    const { certificates } = identity;
    const iceServers = settings.iceServers as RTCIceServer[];
    return certificates.length > 0 ? { iceServers, certificates } : { iceServers };
  }

  function checkFocus(focus: FocusRoom, fingerprints: readonly string[], statement: string) {
    const expected = { focus: focus.domain, room: focus.room, me: me.address, device, fingerprints, now: Date.now() };
    return verifyFocus(statement, expected, sources);
  }

  function trustOf(store: ConversationStore): CallTrust {
    const { id } = store.get();
    const known = trusts.get(id);
    if (known) return known;
    const made = createCallTrust({ me: me.address, device: () => device, store, request, identity, sources });
    trusts.set(id, made);
    return made;
  }

  function run(
    store: ConversationStore,
    media: Promise<LocalMedia>,
    early: EarlyPath | null,
    signals: readonly SignalParams[],
  ): RunningCall {
    releaseRunning?.();
    releaseRunning = conversations.hold(store.get().id);
    const made = createCall({
      me: me.address,
      device,
      store,
      request,
      rtc: rtc(),
      verifyFocus: checkFocus,
      trust: trustOf(store),
      settings: () => settings,
      media,
      early,
      signals,
      // People of other companies met in it are contacts from now on.
      ended: () => directory.refresh(),
    });
    running = made;
    return made;
  }

  async function once<T>(begin: () => Promise<T>): Promise<T> {
    if (beginning || inCall()) throw new ParleyError('already-in-call');
    beginning = true;
    try {
      return await begin();
    } finally {
      beginning = false;
      unrouted = [];
    }
  }

  async function startCall(to: string | readonly string[], options: CallOptions = {}): Promise<Call> {
    const addresses = [...new Set((typeof to === 'string' ? [to] : to).map(requireAddress))];
    const [only, ...more] = addresses;
    if (!only) throw new ParleyError('invalid-parameters', 'to: nobody');
    const policy = options.path ?? 'direct-first';
    const conference = policy === 'conference' || more.length > 0 || settings.paths === 'conference';
    return once(async () => {
      const wanted = switches(options);
      // Nobody hears or sees this person before somebody answers, and starting devices takes long: ring first.
      const ringing = Promise.withResolvers<void>();
      const { media } = await beginCapture(wanted, ringing.promise);
      const signals = createSignalSender(request);
      const path = conference
        ? null
        : createDirectPath({ epoch: 1, role: 'offerer', peer: only, rtc: rtc(), send: signals.send });
      try {
        const offer = await path?.offer(false);
        const history = await request(
          'call.start',
          {
            to: addresses,
            policy,
            media: wanted,
            ...(options.title ? { title: options.title } : {}),
            ...(offer ? { offer } : {}),
          },
          START_MS,
        );
        ringing.resolve();
        signals.bind(history.conversation);
        const store = conversations.learn(history);
        const made = run(
          store,
          media,
          path,
          unrouted.filter((s) => s.conversation === history.conversation),
        );
        call.set(made);
        await heard(media, made);
        return made;
      } catch (error) {
        path?.close();
        ringing.resolve();
        media.then(
          (opened) => opened.close(),
          () => undefined,
        );
        throw asParleyError(error);
      }
    });
  }

  async function accept(
    store: ConversationStore,
    take: () => Early,
    options: { microphone?: boolean; camera?: boolean } = {},
  ): Promise<Call> {
    return once(async () => {
      const wanted = switches(options);
      const { media } = await beginCapture(wanted);
      const { path, signals } = take();
      const conversation = store.get().id;
      const made = run(store, media, path, signals);
      try {
        await request('call.accept', { conversation, media: wanted });
        const state = await until(
          store,
          ({ participants, call: active }) => {
            const self = participants.get(me.address);
            return (self?.state === 'joined' && self.device === device) || active?.ended != null;
          },
          ANSWER_MS,
          () => new ParleyError('timed-out'),
        );
        if (state.call?.ended) throw new ParleyError('call-ended');
        call.set(made);
        await heard(media, made);
        return made;
      } catch (error) {
        made.lost();
        if (running === made) running = null;
        throw asParleyError(error);
      }
    });
  }

  /** Without a microphone that was allowed before, the call has begun for nothing. */
  async function heard(media: Promise<LocalMedia>, made: RunningCall): Promise<void> {
    try {
      await media;
    } catch (error) {
      await made.leave().catch(() => undefined);
      throw error;
    }
  }

  function signalled({ signal, ...about }: NotificationParams<'call.signal'>): void {
    if (signal.type === 'proof' || signal.type === 'proof-wanted') {
      const store = conversations.get(about.conversation);
      if (store) trustOf(store).heard(about.from, signal);
      return;
    }
    const params: SignalParams = { ...about, signal };
    if (running?.conversation === params.conversation && inCall()) running.signal(params);
    else if (!incoming.signal(params) && beginning) unrouted = [...unrouted, params].slice(-MAX_UNROUTED);
  }

  function told(message: Told): void {
    switch (message.method) {
      case 'conversation.events':
        conversations.told(message.params);
        return;
      case 'call.signal':
        signalled(message.params);
        return;
      case 'presence.changed':
        directory.changed(message.params);
        return;
      case 'focus.offer':
        running?.focusOffer(message.params);
        return;
      case 'session.settings':
        settings = message.params.settings;
        running?.settingsChanged();
        return;
      case 'focus.closed':
        running?.focusClosed(message.params);
        return;
      default:
        return;
    }
  }

  function ended(): void {
    running?.lost();
    incoming.close();
    for (const trust of trusts.values()) trust.close();
    trusts.clear();
    globalThis.removeEventListener?.('pagehide', close);
    globalThis.removeEventListener?.('online', networkChanged);
  }
  function close(): void {
    socket.close();
    ended();
  }
  function networkChanged(): void {
    socket.check();
    running?.networkChanged();
  }
  globalThis.addEventListener?.('pagehide', close);
  globalThis.addEventListener?.('online', networkChanged);

  function afresh(hello: Hello): void {
    settings = hello.settings;
    // The call was this device's as the node knew it; that device is gone, and with it its place in the call.
    if (hello.device !== device && inCall()) running?.lost();
    device = hello.device;
    conversations.reset(hello.conversations);
    directory.refresh();
    if (inCall()) running?.nodeIsBack(hello.conversations.some((h) => h.conversation === running?.conversation));
    for (const trust of trusts.values()) trust.again();
    leaveUnknown();
  }

  /** Calls that the node began for this device, but whose answer was lost with the node: nobody here takes part in them. */
  function leaveUnknown(): void {
    for (const store of conversations.all()) {
      const { id: conversation, participants } = store.get();
      const self = participants.get(me.address);
      if (self?.state !== 'joined' || self.device !== device || conversation === running?.conversation) continue;
      request('call.leave', { conversation }).catch(() => undefined);
    }
  }
  conversations.reset(first.conversations);
  directory.refresh();
  void warmUp();

  const session: Session = {
    me,
    provider,
    connection: socket.state,
    presence: directory.presence,
    companies: directory.companies,
    incoming: incoming.calls,
    call,
    setPresence: directory.setPresence,
    search: directory.search,
    addContact: directory.addContact,
    removeContact: directory.removeContact,
    startCall,
    dismiss() {
      if (inCall() || !running) return;
      running = null;
      releaseRunning?.();
      releaseRunning = null;
      call.set(null);
    },
    close,
    provable: identity.provable,
    signIns: () => signIns(node),
    endSignIn: (id) => endSignIn(node, id),
    async signOut() {
      await signOut(node);
      await forgetKeys().catch(() => undefined);
      close();
    },
  };
  return { session, told, afresh, ended };
}

function switches(options: { microphone?: boolean; camera?: boolean }): MediaSwitches {
  return { microphone: options.microphone ?? true, camera: options.camera ?? true };
}
