// One signed-in device: its socket, and what hangs on it. The composition of the SDK; the parts do not know each other.
import { verifyFocus } from '@parley/identity';
import type { ConversationId, DeviceId, FocusRoom, NotificationParams, Person, Provider } from '@parley/protocol';
import { linkAccount, linkedAccounts, signInAgain, unlinkAccount } from './accounts.ts';
import type { ConnectOptions, Session } from './api.ts';
import type { SignalParams } from './call-paths.ts';
import { type CallTrust, createCallTrust } from './call-trust.ts';
import type { ConversationStore } from './conversation-store.ts';
import { createConversations } from './conversations.ts';
import { createDirectory } from './directory.ts';
import { createEntering } from './entering.ts';
import { endSignIn, isSignedIn, nodeInfo, nodeUrl, signInProof, signIns, signOut, socketUrl } from './http.ts';
import { createSources } from './identity-sources.ts';
import { createIncomingCalls } from './incoming.ts';
import { forgetKeys } from './key-store.ts';
import { createOwnCall } from './own-call.ts';
import { type OwnIdentity, ownIdentity } from './own-identity.ts';
import { recordings } from './recordings.ts';
import { type DeviceSocket, type Hello, openSocket, type Told } from './socket.ts';
import { warmUp } from './warm-up.ts';

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
  const sources = createSources(node, () => settings.hosts);
  const trusts = new Map<ConversationId, CallTrust>();
  const own = createOwnCall({
    me: me.address,
    device: () => device,
    conversations: () => conversations,
    request,
    settings: () => settings,
    rtc,
    verifyFocus: checkFocus,
    trustOf,
    provable: identity.provable,
    // People of other companies met in it are contacts from now on.
    ended: () => directory.refresh(),
  });
  const conversations = createConversations({
    me: me.address,
    request,
    beginning: own.beginning,
    changed() {
      incoming.refresh();
      for (const [id, trust] of trusts) {
        if (conversations.get(id)) continue;
        trust.close();
        trusts.delete(id);
      }
    },
  });
  const directory = createDirectory(me.address, me.guest === true, request);
  const incoming = createIncomingCalls({
    me: me.address,
    conversations,
    request,
    settings: () => settings,
    rtc,
    verifyFocus: checkFocus,
    trustOf,
    accept: own.accept,
  });

  const entering = createEntering({ guest: me.guest === true, incoming: incoming.calls, request });
  /** Every connection of this device shows the certificate that its proofs name. */
  function rtc(): RTCConfiguration {
    const { certificates } = identity;
    const iceServers = settings.iceServers as RTCIceServer[];
    return certificates.length > 0 ? { iceServers, certificates } : { iceServers };
  }

  function checkFocus(focus: FocusRoom, fingerprints: readonly string[], statement: string, now: number) {
    const expected = { focus: focus.domain, room: focus.room, me: me.address, device, fingerprints, now };
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

  function signalled({ signal, ...about }: NotificationParams<'call.signal'>): void {
    if (signal.type === 'proof' || signal.type === 'proof-wanted') {
      const store = conversations.get(about.conversation);
      if (store) trustOf(store).heard(about.from, signal);
      return;
    }
    const params: SignalParams = { ...about, signal };
    if (!own.signal(params) && !incoming.signal(params)) own.unclaimed(params);
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
        own.running()?.focusOffer(message.params);
        return;
      case 'session.settings':
        settings = message.params.settings;
        own.running()?.settingsChanged();
        return;
      case 'focus.wanted':
        own.running()?.focusWanted(message.params);
        return;
      case 'focus.speaker':
        own.running()?.focusSpeaker(message.params);
        return;
      case 'call.withdrawn':
        conversations.withdraw(message.params.conversation);
        return;
      case 'call.lobby':
        entering.lobby(message.params);
        return;
      case 'focus.closed':
        own.running()?.focusClosed(message.params);
        return;
      default:
        return;
    }
  }

  function ended(): void {
    own.running()?.lost();
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
    own.running()?.networkChanged();
  }
  globalThis.addEventListener?.('pagehide', close);
  globalThis.addEventListener?.('online', networkChanged);

  function afresh(hello: Hello): void {
    settings = hello.settings;
    const sameDevice = hello.device === device;
    device = hello.device;
    conversations.reset(hello.conversations);
    directory.refresh();
    own.afresh(
      sameDevice,
      hello.conversations.map(({ conversation }) => conversation),
    );
    for (const trust of trusts.values()) trust.again();
    entering.again();
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
    call: own.call,
    setPresence: directory.setPresence,
    search: directory.search,
    addContact: directory.addContact,
    removeContact: directory.removeContact,
    startCall: own.start,
    enter: entering.enter,
    waiting: entering.waiting,
    dismiss: own.dismiss,
    close,
    provable: identity.provable,
    signInChoices: async () => (await nodeInfo({ node, again: true })).signIn,
    signIns: () => signIns(node),
    recordings: () => recordings(node),
    endSignIn: (id) => endSignIn(node, id),
    accounts: () => linkedAccounts(node),
    linkAccount: (issuer) => linkAccount(node, issuer),
    unlinkAccount: (id) => unlinkAccount(node, id),
    signInAgain: (returnTo) => signInAgain(node, returnTo),
    async signOut() {
      await signOut(node);
      await forgetKeys().catch(() => undefined);
      close();
    },
  };
  return { session, told, afresh, ended };
}
