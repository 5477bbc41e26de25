// The public face of the SDK: what an application sees. Everything here is plain data in readable stores plus a few
// verbs, so any framework (or none) can be put on top. The implementation is in the files beside this one.
import type { Check, TrustProblem } from '@parley/identity';
import type {
  Address,
  ChatMessage,
  Company,
  Contact,
  ConversationId,
  Domain,
  GuestLink,
  MediaPolicy,
  Outcome,
  ParleyError,
  ParticipantState,
  PathKind,
  Person,
  Presence,
  Provider,
  RecordingEnd,
} from '@parley/protocol';

/** A value that changes. `subscribe` calls back at once with the present value and then on every change. */
export interface Readable<T> {
  get(): T;
  subscribe(listener: (value: T) => void): () => void;
}

export interface ConnectOptions {
  /** The node, e.g. `https://parley.company.example`; default: where the page came from. */
  readonly node?: string;
}

/** A way to sign in that the node offers. */
export interface SignInChoice {
  readonly id: string;
  readonly name: string;
  /**
   * Send the browser here from one of the app's own pages; it comes back to `returnTo` signed in, or with `?error=<code>`.
   * It names a key that this browser has just made, by which the device can prove who it is. `loginHint`: the name to sign
   * in with, if it is known; `prompt`: asks for the password even of somebody whom the issuer still knows.
   */
  url(returnTo: string, options?: { readonly loginHint?: string; readonly prompt?: 'login' }): string;
}

/** What a node says of itself before anybody signs in. */
export interface NodeInfo {
  readonly provider: Provider;
  readonly signIn: readonly SignInChoice[];
  readonly signedIn: boolean;
  /** Somebody is here as a guest (R3). */
  readonly guest: boolean;
}

/** What a guest link leads to, told to whoever has it. */
export interface Invitation {
  readonly provider: Provider;
  /** Who invites. */
  readonly by: { readonly name: string; readonly company: string };
  readonly title: string | null;
  /** Whoever comes waits until the organiser lets them in. */
  readonly lobby: boolean;
  /** Who is signed in here, and comes as themselves. */
  readonly me: Person | null;
}

/** `reconnecting`: the socket was cut; calls go on, requests wait. `ended`: sign in again. */
export type ConnectionState = 'online' | 'reconnecting' | 'ended';

/** One signed-in device. */
export interface Session {
  readonly me: Person;
  readonly provider: Provider;
  readonly connection: Readable<ConnectionState>;
  /** Own presence as others see it. */
  readonly presence: Readable<Presence>;
  /** Contacts grouped by company, own company first (R11), presence kept up to date. */
  readonly companies: Readable<readonly Company[]>;
  /** Calls that ring this device now, oldest first. */
  readonly incoming: Readable<readonly IncomingCall[]>;
  /** The call this device takes part in. It stays here, ended, until `dismiss` or the next call. */
  readonly call: Readable<Call | null>;
  setPresence(presence: Presence): Promise<void>;
  search(text: string): Promise<readonly Contact[]>;
  addContact(address: string): Promise<Contact>;
  removeContact(address: Address): Promise<void>;
  /** Calls one person or several. Resolves when the call exists and rings or is about to. Errors: R13's, `no-microphone`,
   * `direct-forbidden`, `servers-forbidden`. */
  startCall(to: string | readonly string[], options?: CallOptions): Promise<Call>;
  /**
   * Comes into a call by a link, after `enterByLink`, or back into it after signing in: resolves as soon as this device is in
   * it. Errors: `not-let-in`, `link-ended`, `call-ended`, `timed-out`, `no-microphone`.
   */
  enter(conversation: ConversationId, options?: { microphone?: boolean; camera?: boolean }): Promise<Call>;
  /** While `enter` waits to be let in. */
  readonly waiting: Readable<boolean>;
  /** Forgets an ended call. */
  dismiss(): void;
  /** Unregisters this device at once. Signing the person out is `signOut`. */
  close(): void;
  signOut(): Promise<void>;
  /** Ways to sign in once more, each with a fresh key for this browser: for whoever is asked to prove who they are. */
  signInChoices(): Promise<readonly SignInChoice[]>;
  /** Whether this device can prove to others who it is; if not, signing out and in again helps. */
  readonly provable: boolean;
  /** Where this person is signed in, the latest first. */
  signIns(): Promise<readonly SignedIn[]>;
  /** Finished recordings that this person is in, the newest first (R58). */
  recordings(): Promise<readonly FinishedRecording[]>;
  /** Ends one of them: its devices are cut off at once. */
  endSignIn(id: string): Promise<void>;
  /** Accounts elsewhere with which this person may sign in, and where more may be linked. */
  accounts(): Promise<LinkedAccounts>;
  /**
   * Where to send the browser to link an account there; it comes back to `/?accounts=linked`, or `/?accounts=<code>`.
   * Errors: `sign-in-again` if the person has not given their password in the last minutes: see `signInAgain`.
   */
  linkAccount(issuer: string): Promise<string>;
  /** Whoever is signed in with it is signed out. */
  unlinkAccount(id: string): Promise<void>;
  /** Where to send the browser so that the person gives their password again and comes back to this path. */
  signInAgain(returnTo: string): Promise<string>;
}

export interface LinkedAccounts {
  readonly accounts: readonly {
    readonly id: string;
    /** Who vouches for it, as people call them. */
    readonly issuer: string;
    /** What it is called there: `b@mail.example`. */
    readonly account: string;
    /** Milliseconds since 1970; null where the administrator has linked it, and only they can unlink it. */
    readonly linkedAt: number | null;
  }[];
  /** Where accounts may be linked. */
  readonly choices: readonly { readonly id: string; readonly name: string }[];
}

/** One browser in which the person is signed in. Times are milliseconds since 1970. */
export interface SignedIn {
  readonly id: string;
  /** This browser. */
  readonly current: boolean;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  /** What the browser called itself. */
  readonly userAgent: string;
}

export interface CallOptions {
  readonly microphone?: boolean;
  readonly camera?: boolean;
  /**
   * Which way sound and picture go. `direct-first` (default): peer-to-peer, and by a conference service when a third
   * person is added. `conference`: by the service from the start (flow 1), so nobody learns anybody's network address.
   * `direct-only`: never by a server, so nobody can be added. The company's policy may forbid either.
   */
  readonly path?: MediaPolicy;
  readonly title?: string;
}

/**
 * Whether somebody is who they seem to be, as this device itself has verified it. `verified`: everything holds.
 * `unverified`: something could not be found out. `failed`: something is wrong. `checking`: not known yet.
 */
export interface TrustView {
  readonly status: 'checking' | 'verified' | 'unverified' | 'failed';
  /** Why not, by a stable code. */
  readonly code: TrustProblem | null;
  /** The same in a sentence for people. */
  readonly text: string;
  /** Who vouches for them: the URL of their sign-in; null unless that held. */
  readonly issuer: string | null;
  /** What they are called there, where it is not their address: `b@mail.example`. */
  readonly account: string | null;
  /** The own node had to be believed for something that a browser may not ask others for. */
  readonly relayed: boolean;
  /** Whose conference service sound and picture pass through. */
  readonly focus: Domain | null;
  /** What was checked, in order, and on whose word each rests. */
  readonly checks: readonly Check[];
}

/** A call that rings here. It leaves `session.incoming` when it is answered anywhere, withdrawn or over. */
export interface IncomingCall {
  readonly conversation: ConversationId;
  readonly from: Person;
  readonly title: string | null;
  /** Everybody else in it, with their state, as it changes while it rings. */
  readonly others: Readable<readonly { readonly person: Person; readonly state: ParticipantState }[]>;
  /** The caller's sound and picture have already reached the conference (R21). */
  readonly callerConnected: Readable<boolean>;
  /** Who calls, as far as it is proven before anything is sent (R7). Errors of `accept`: `identity-failed`. */
  readonly trust: Readable<TrustView>;
  accept(options?: { microphone?: boolean; camera?: boolean }): Promise<Call>;
  decline(): Promise<void>;
}

/** `calling`: nobody has answered yet. `connecting`: answered, media not yet here. `active`: seen or heard. */
export type CallPhase = 'calling' | 'connecting' | 'active' | 'ended';

export interface CallParticipant {
  readonly person: Person;
  readonly self: boolean;
  readonly state: ParticipantState;
  readonly outcome: Outcome | null;
  readonly microphone: boolean;
  readonly camera: boolean;
  /** The picture is that of their screen. */
  readonly screen: boolean;
  /** Is heard to speak right now; false for oneself. */
  readonly speaking: boolean;
  /** Whether a picture of this person can be shown right now. */
  readonly video: boolean;
  /** True while a live sound or picture of this person arrives (always for oneself). */
  readonly flowing: boolean;
  /** Who this is proven to be; `checking` for oneself and for whoever has not joined. */
  readonly trust: TrustView;
  /** Who switched the microphone off; null once they have switched it on again themselves. */
  readonly mutedBy: Person | null;
  /** Who asks them to switch it on. */
  readonly unmuteAskedBy: Person | null;
  /** When they have to have proven who they are (own clock, milliseconds since 1970); null unless that is asked. */
  readonly identifyBy: number | null;
}

/** Something a person should be told once (R16, R18, R36, R37). */
export interface CallNotice {
  readonly id: number;
  readonly kind:
    | 'joined'
    | 'left'
    | 'invitation-ended'
    | 'path-changed'
    | 'add-failed'
    | 'trouble'
    | 'muted'
    | 'trust-raised'
    | 'recording-started'
    | 'recording-ended'
    | 'recording-filed';
  readonly person: Person | null;
  readonly outcome: Outcome | null;
  readonly path: PathKind | null;
  readonly error: ParleyError | null;
  /** Why, where the kind is `recording-ended`. */
  readonly recordingEnd?: RecordingEnd;
}

export interface CallView {
  readonly phase: CallPhase;
  readonly title: string | null;
  readonly path: PathKind;
  /** A second path is being set up beside the one in use. */
  readonly transferring: boolean;
  /** Why nobody can be added just now, as far as it is known (the conference service was tried early in the call). */
  readonly cannotAdd: ParleyError | null;
  /** Milliseconds since 1970 (own clock) when the second person joined; the call clock counts from here. */
  readonly answeredAt: number | null;
  /** Oneself first, then in the order of being added; without those who wait to be let in. */
  readonly participants: readonly CallParticipant[];
  /** Whoever else speaks now, or spoke last: worth the most room (R62). Null before anybody has. */
  readonly speaker: Address | null;
  /** Guests who wait to be let in, the longest waiting first. */
  readonly lobby: readonly Person[];
  /** Who admits, mutes and removes (R63). */
  readonly organiser: Address | null;
  /** What this device's person may do here; the node refuses the rest. */
  readonly may: { readonly add: boolean; readonly organise: boolean; readonly write: boolean; readonly share: boolean };
  /** Everybody is asked to prove who they are, and by whom. */
  readonly trustRaisedBy: Person | null;
  /** This person is asked, and has not: until when (own clock, milliseconds since 1970). Sign in again, see `identify`. */
  readonly identify: { readonly by: Person | null; readonly until: number } | null;
  readonly messages: readonly ChatMessage[];
  /**
   * Present while everybody else comes as one sound and one picture (`setMixed`): show it once, with `showMix`, and no
   * single pictures. Who speaks cannot be told from it.
   */
  readonly mix: { readonly flowing: boolean; readonly video: boolean } | null;
  /** A recording that is asked for, begins or runs: show it on every screen (R58). */
  readonly recording: RecordingView | null;
  /** Whether a recording can be asked for, as far as is known. */
  readonly canRecord: boolean;
  /** The latest few, oldest first. */
  readonly notices: readonly CallNotice[];
  /** Why the call is over, once phase is `ended`. */
  readonly ended: {
    /**
     * `untrusted`: this device ended it because of who somebody turned out not to be (`untrusted` says whom), or this person
     * was asked to prove who they are and has not in time. `removed`: the organiser (`by`) has taken this person out, or the
     * company's rules do not permit the call any more.
     */
    readonly reason: 'hung-up' | 'not-answered' | 'media-failed' | 'lost' | 'left' | 'removed' | 'untrusted';
    readonly outcome: Outcome | null;
    /** Who, and why, where the reason is `untrusted`. */
    readonly untrusted?: { readonly person: Person; readonly text: string };
    readonly by?: Person;
  } | null;
}

/** `asked`: everybody in the call is asked. `starting`: all have agreed. */
export interface RecordingView {
  readonly state: 'asked' | 'starting' | 'running';
  readonly by: Person;
  /** This person has agreed. If not: ask; while it runs, nothing is seen or heard before. */
  readonly consented: boolean;
  /** Whose answer is waited for. */
  readonly awaited: readonly Person[];
}

/** A finished recording that this person is in. Times in milliseconds since 1970. */
export interface FinishedRecording {
  readonly conversation: ConversationId;
  readonly recording: number;
  readonly title: string | null;
  /** The names of all who are in it. */
  readonly people: readonly string[];
  readonly startedAt: number;
  readonly bytes: number;
  readonly milliseconds: number;
  /** When it is deleted. */
  readonly expiresAt: number;
  /** Where the browser downloads it, while this person is signed in. */
  readonly url: string;
}

/** Receiving everybody else as one composed sound and picture: for a weak device or a narrow network. */
export interface Mixing {
  /** What was asked for with `setMixed`. */
  readonly wanted: boolean;
  /** The mix is what is received now. */
  readonly received: boolean;
  /** The conference service can mix; in a direct call there is nothing to mix. */
  readonly available: boolean;
}

/** What people in a call, and its organiser, may ask for. Errors: `not-allowed`, `not-for-guests`. */
export interface Organising {
  /**
   * Makes a link by which guests come. `url` is told only now. Errors: `not-permitted` by the company's rules,
   * `not-hosted-here` if another company hosts the call, `servers-forbidden`.
   */
  invite(options?: { readonly lobby?: boolean; readonly minutes?: number }): Promise<{ link: GuestLink; url: string }>;
  /** Links into this call that are still good. */
  links(): Promise<readonly GuestLink[]>;
  withdraw(link: string): Promise<void>;
  /** Lets a waiting guest in, or not. */
  admit(address: Address): Promise<void>;
  turnAway(address: Address): Promise<void>;
  mute(address: Address): Promise<void>;
  askToUnmute(address: Address): Promise<void>;
  remove(address: Address): Promise<void>;
  /** Asks everybody to prove who they are, within two minutes unless said otherwise; who does not has to leave (R68). */
  raiseTrust(seconds?: number): Promise<void>;
  /** Leaves for a while to sign in, with the place in the call kept: send the browser to a `SignInChoice` next. */
  identify(): Promise<void>;
}

export interface Call extends Organising {
  readonly conversation: ConversationId;
  readonly view: Readable<CallView>;
  /** Own camera, for a mirror; null while the camera is off. */
  readonly localVideo: Readable<MediaStream | null>;
  /**
   * Shows a participant's picture inside `container` and keeps it there over every change of path, swapping only when
   * the new path's first frame is ready. Returns the function that takes it away. Several containers may show one person.
   */
  showVideo(address: Address, container: HTMLElement): () => void;
  /** The same for the picture of everybody else in one, while `view.mix` is there. */
  showMix(container: HTMLElement): () => void;
  readonly mixing: Readable<Mixing>;
  /**
   * Everybody else as one sound and one picture from now on, or as single streams again; it holds over changes of path.
   * Errors: `not-available`, `out-of-turn` (no conference, or it is being moved).
   */
  setMixed(on: boolean): Promise<void>;
  /** Asks everybody in the call for a recording, which begins when all have agreed. Errors: `out-of-turn`, `servers-forbidden`. */
  record(): Promise<void>;
  /** Agrees to the recording that is asked for or runs. */
  consentToRecording(): Promise<void>;
  /** Does not agree, or not any more: there is no recording from now on, for nobody. */
  stopRecording(): Promise<void>;
  add(address: string): Promise<void>;
  /** Withdraws an invitation. */
  cancel(address: Address): Promise<void>;
  setMicrophone(on: boolean): Promise<void>;
  setCamera(on: boolean): Promise<void>;
  /** Whether the screen is sent in place of the camera. */
  readonly sharing: Readable<boolean>;
  /** Sends the screen in place of the camera; the browser asks which. Ends also by the browser's own button.
   * Nothing changes if the person chooses none. Errors: `no-screen`. */
  setScreen(on: boolean): Promise<void>;
  /** Takes another microphone or camera, by its id from `enumerateDevices`. */
  useMicrophone(id: string): Promise<void>;
  useCamera(id: string): Promise<void>;
  send(text: string): Promise<void>;
  leave(): Promise<void>;
  /** What the media really does, for people who want to know and for tests (R32). */
  diagnostics(): Promise<CallDiagnostics>;
}

export interface CallDiagnostics {
  readonly path: PathKind;
  readonly epoch: number;
  /** One for each live RTCPeerConnection. */
  readonly connections: readonly {
    readonly purpose: 'direct' | 'send' | 'receive';
    readonly epoch: number;
    readonly state: RTCPeerConnectionState;
    /** `address:port` of both ends of the selected candidate pair, and the local one's type; null before there is one. */
    readonly selected: { readonly local: string; readonly remote: string; readonly localType: string } | null;
    /** As DTLS has agreed on it: version (`FEFD` is 1.2, `FEFC` 1.3), suite, profile; null before that, or if unknown. */
    readonly encryption: { readonly tls: string; readonly dtls: string; readonly srtp: string } | null;
    readonly bytesSent: number;
    readonly bytesReceived: number;
  }[];
}
