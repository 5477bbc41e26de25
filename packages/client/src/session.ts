// One signed-in device: its socket, and what hangs on it. The composition of the SDK; the parts do not know each other.
import {
  asParleyError,
  type DeviceId,
  type MediaSwitches,
  type NotificationParams,
  ParleyError,
  type Person,
  type Provider,
} from '@parley/protocol';
import type { Call, CallOptions, ConnectOptions, Session } from './api.ts';
import { createCall, type RunningCall, requireAddress } from './call.ts';
import type { EarlyPath } from './call-paths.ts';
import type { ConversationStore } from './conversation-store.ts';
import { createConversations } from './conversations.ts';
import { createDirectPath } from './direct-path.ts';
import { createDirectory } from './directory.ts';
import { nodeInfo, nodeUrl, signOut, socketUrl } from './http.ts';
import { createIncomingCalls, type Early } from './incoming.ts';
import { beginCapture, type LocalMedia } from './local-media.ts';
import { createStore, until } from './readable.ts';
import { createSignalSender } from './signal-sender.ts';
import { type DeviceSocket, type Hello, openSocket, type Told } from './socket.ts';
import { warmUp } from './warm-up.ts';

const START_MS = 20_000;
const ANSWER_MS = 10_000;
/** Signals of a call whose own answer from the node is on its way. */
const MAX_UNROUTED = 64;

type SignalParams = NotificationParams<'call.signal'>;

/**
 * Connects this browser as a device of the person who is signed in at the node. Errors: `not-signed-in` (show the
 * choices of `nodeInfo`), `timed-out` when the node is out of reach, `unsupported-version`.
 */
export function connect(options?: ConnectOptions): Promise<Session> {
  const node = nodeUrl(options);
  return new Promise((resolve, reject) => {
    let started: ReturnType<typeof startSession> | null = null;
    const socket: DeviceSocket = openSocket({
      url: socketUrl(node),
      signedIn: async () => (await nodeInfo(options)).signedIn,
      afresh(hello) {
        if (started) return started.afresh(hello);
        started = startSession(node, () => socket, hello);
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

function startSession(node: string, socketOf: () => DeviceSocket, first: Hello) {
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

  const conversations = createConversations({ me: me.address, request, changed: () => incoming.refresh() });
  const directory = createDirectory(me.address, request);
  const incoming = createIncomingCalls({
    me: me.address,
    conversations,
    request,
    settings: () => settings,
    accept,
  });

  const inCall = () => running !== null && running.view.get().ended === null;
  const iceServers = () => settings.iceServers as RTCIceServer[];

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
      iceServers: iceServers(),
      permitted: settings.paths,
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
        : createDirectPath({ epoch: 1, role: 'offerer', peer: only, iceServers: iceServers(), send: signals.send });
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

  function signalled(params: SignalParams): void {
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
    async signOut() {
      await signOut(node);
      close();
    },
  };
  return { session, told, afresh, ended };
}

function switches(options: { microphone?: boolean; camera?: boolean }): MediaSwitches {
  return { microphone: options.microphone ?? true, camera: options.camera ?? true };
}
