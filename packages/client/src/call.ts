// One call this device takes part in: binds the conversation (what the host says) to own media and paths (what really
// happens), and gives the app one view of both. Start reading here for flow 2; then transfer.ts and switcher.ts.
import {
  type Address,
  activeCall,
  asParleyError,
  type ClientSettings,
  type ConversationId,
  type DeviceId,
  type NotificationParams,
  ParleyError,
  parseAddress,
} from '@parley/protocol';
import type { Call, CallNotice, CallView, TrustView } from './api.ts';
import { createCallMedia } from './call-media.ts';
import { createCallPaths, type EarlyPath, type SignalParams } from './call-paths.ts';
import type { CallTrust } from './call-trust.ts';
import { endOf, viewOf } from './call-view.ts';
import type { VerifyFocus } from './conference-path.ts';
import { probeConference } from './conference-probe.ts';
import type { ConversationStore } from './conversation-store.ts';
import { within } from './deadline.ts';
import type { LocalMedia } from './local-media.ts';
import { MAX_NOTICES, type NewNotice, noticeOf } from './notices.ts';
import { createStore } from './readable.ts';
import type { FocusOffer } from './receive-leg.ts';
import type { Request } from './socket.ts';
import type { SourceKey } from './switcher.ts';
import { carriersOf, isRefused, requiredOf, trustView } from './trust-view.ts';

export interface RunningCall extends Call {
  signal(params: SignalParams): void;
  focusOffer(offer: FocusOffer): void;
  focusClosed(params: NotificationParams<'focus.closed'>): void;
  networkChanged(): void;
  /** The node was restarted, and the call goes on. `known`: its answer to hello tells of this call. */
  nodeIsBack(known: boolean): void;
  /** The company's rules have changed. */
  settingsChanged(): void;
  /** The node knows this device no more: nobody else waits for it. */
  lost(): void;
}

export interface CallOptionsInside {
  readonly me: Address;
  readonly device: DeviceId;
  readonly store: ConversationStore;
  readonly request: Request;
  readonly rtc: RTCConfiguration;
  readonly verifyFocus: VerifyFocus;
  readonly trust: CallTrust;
  /** As they are now: they may change during the call. */
  readonly settings: () => ClientSettings;
  /** Being captured. If it fails, whoever made the call ends it. */
  readonly media: Promise<LocalMedia>;
  /** A path that was begun before: by the caller with the invitation, by the callee while it rang. */
  readonly early: EarlyPath | null;
  /** Signals that came before. */
  readonly signals: readonly SignalParams[];
  ended(): void;
}

const COMMAND_MS = 20_000;
/** The call has settled, and people seldom add somebody sooner. */
const PROBE_AFTER_MS = 3000;
const DIAGNOSTICS_MS = 3000;

export function createCall(options: CallOptionsInside): RunningCall {
  const { me, device, store, request, rtc } = options;
  const conversation: ConversationId = store.get().id;
  const localVideo = createStore<MediaStream | null>(null);
  const sharing = createStore(false);
  let local: LocalMedia | null = null;
  let notices: readonly CallNotice[] = [];
  let noticeCount = 0;
  let everFlowed = false;
  let wasJoined = false;
  let removed = false;
  let clockOffset: number | null = null;
  let ended: CallView['ended'] = null;
  let cannotAdd: CallView['cannotAdd'] = null;
  let probeTimer: ReturnType<typeof setTimeout> | undefined;
  /** The switches last told to the host, so that a refusal is not asked for again and again. */
  let toldSwitches = '';

  /** Reports that could not be made, by method: at most one of each, the newest. */
  const untold = new Map<'call.ready' | 'call.pathFailed', number>();

  const state = () => store.get();
  const own = () => state().participants.get(me);

  const paths = createCallPaths({
    me,
    state,
    request,
    rtc,
    verifyFocus: options.verifyFocus,
    permitted: options.settings().paths,
    early: options.early,
  });
  const media = createCallMedia({
    openPath(line) {
      const path = paths.open(line);
      if (path && path !== 'forbidden') path.carrier.subscribe(() => queueMicrotask(judge));
      return path;
    },
    closing: paths.closing,
    maySend: paths.maySend,
    expected,
    ready: (epoch) => void insist('call.ready', epoch),
    pathFailed: (epoch) => {
      note({ kind: 'trouble', person: null, outcome: null, path: null, error: new ParleyError('media-not-connected') });
      void insist('call.pathFailed', epoch);
    },
  });

  function trustNow(): ReadonlyMap<Address, TrustView> {
    const joined = [...state().participants.values()].filter((p) => p.person.address !== me && p.state === 'joined');
    return new Map(
      joined.map(({ person: { address }, device: theirs }) => {
        const proven = (theirs && options.trust.people.get().get(theirs)) || null;
        return [address, trustView(proven, carriersOf(media.paths(), address))] as const;
      }),
    );
  }

  /** Something more is known of who the others are: whoever must not be here ends the call for this device. */
  function judge(): void {
    if (ended) return;
    refreshView();
    if (!wasJoined) return;
    for (const [address, trust] of trustNow()) {
      if (!isRefused(trust, requiredOf(options.settings(), address))) continue;
      const person = state().participants.get(address)?.person;
      tellHost(request('call.leave', { conversation }, COMMAND_MS));
      finish({ reason: 'untrusted', outcome: null, ...(person ? { untrusted: { person, text: trust.text } } : {}) });
      return;
    }
  }

  const ownSwitches = () => local?.switches.get() ?? own()?.media ?? { microphone: false, camera: false };
  const makeView = (): CallView =>
    viewOf({
      state: state(),
      me,
      rendered: media.rendered.get(),
      own: ownSwitches(),
      notices,
      everFlowed,
      clockOffset: clockOffset ?? 0,
      trust: trustNow(),
      cannotAdd,
      ended,
    });
  const view = createStore<CallView>(makeView());
  let viewWaits = false;
  /** Several causes in one turn make one new view. */
  function refreshView(): void {
    if (viewWaits) return;
    viewWaits = true;
    queueMicrotask(() => {
      viewWaits = false;
      view.set(makeView());
    });
  }

  function someoneElseJoined(): boolean {
    return [...state().participants.values()].some((p) => p.person.address !== me && p.state === 'joined');
  }

  function expected(key: SourceKey): 'yes' | 'while-flowing' | 'no' {
    const [kind, address] = key.split(' ') as ['audio' | 'video', Address];
    const person = state().participants.get(address);
    if (person?.state !== 'joined') return 'no';
    if (kind === 'video') return person.media.camera ? 'yes' : 'no';
    // A muted microphone is still sent, as silence; but there may be none.
    return person.media.microphone ? 'yes' : 'while-flowing';
  }

  /** What the host refuses or nobody answers changes nothing here: its events say how it goes on. */
  function tellHost(told: Promise<unknown>): void {
    told.catch(() => undefined);
  }

  /**
   * The call waits for this report: if nobody could take it, it is made again with the next sign of the host or the node,
   * as long as the path it speaks of is wanted. A transfer whose time is over ends that, and so does the call.
   */
  async function insist(method: 'call.ready' | 'call.pathFailed', epoch: number): Promise<void> {
    untold.delete(method);
    try {
      await request(method, { conversation, epoch }, COMMAND_MS);
    } catch (error) {
      if (asParleyError(error).retry) untold.set(method, epoch);
    }
  }

  function tellAgain(): void {
    const call = activeCall(state());
    for (const [method, epoch] of [...untold]) {
      if (!ended && (call?.transfer?.epoch === epoch || call?.path.epoch === epoch)) void insist(method, epoch);
      else untold.delete(method);
    }
  }

  function note(notice: NewNotice): void {
    noticeCount += 1;
    notices = [...notices, { id: noticeCount, ...notice }].slice(-MAX_NOTICES);
    refreshView();
  }

  function finish(how: CallView['ended']): void {
    if (ended) return;
    ended = how;
    clearTimeout(probeTimer);
    media.close();
    paths.close();
    stopStore();
    stopEvents();
    stopTrust();
    options.media.then(
      (opened) => opened.close(),
      () => undefined,
    );
    localVideo.set(null);
    view.set(makeView());
    options.ended();
  }

  function follow(): void {
    const self = own();
    if (self?.state === 'joined' && self.device === device) wasJoined = true;
    const end = endOf(state(), me, device, wasJoined, removed);
    if (end) {
      finish(end);
      return;
    }
    const call = activeCall(state());
    if (call && wasJoined) {
      media.hostSays(call.path, call.transfer);
      paths.meet(media.paths());
    }
    syncSwitches();
    tellAgain();
    refreshView();
  }

  /** Whether a third person could be added is found out before it is wanted, once sound and picture flow directly. */
  function probeSoon(): void {
    clearTimeout(probeTimer);
    if (options.settings().paths === 'direct' || activeCall(state())?.policy === 'direct-only') return;
    probeTimer = setTimeout(() => void probe(), PROBE_AFTER_MS);
  }

  async function probe(): Promise<void> {
    const before = activeCall(state());
    if (ended || before?.path.kind !== 'direct' || before.transfer) return;
    const reach = await probeConference(rtc, request);
    // A transfer meanwhile has found it out by itself.
    if (ended || reach === 'unknown' || activeCall(state())?.path !== before.path) return;
    const trouble = reach === 'reachable' ? null : reach;
    if (trouble && !cannotAdd) {
      note({ kind: 'trouble', person: null, outcome: null, path: 'conference', error: trouble });
    }
    cannotAdd = trouble;
    refreshView();
  }

  function syncSwitches(): void {
    const self = own();
    if (!local || self?.state !== 'joined') return;
    const { microphone, camera } = local.switches.get();
    const text = `${microphone} ${camera}`;
    if (self.media.microphone === microphone && self.media.camera === camera) toldSwitches = '';
    else if (toldSwitches !== text) {
      toldSwitches = text;
      tellHost(request('call.media', { conversation, media: { microphone, camera } }, COMMAND_MS));
    }
  }

  function attach(opened: LocalMedia): void {
    if (ended) {
      opened.close();
      return;
    }
    local = opened;
    opened.tracks.subscribe((tracks) => {
      media.publish(tracks);
      const shown = localVideo.get()?.getVideoTracks()[0] ?? null;
      if (shown !== tracks.video) localVideo.set(tracks.video ? new MediaStream([tracks.video]) : null);
    });
    opened.sharing.subscribe(sharing.set);
    opened.switches.subscribe(() => {
      syncSwitches();
      refreshView();
    });
  }

  const stopEvents = store.onEvent((change) => {
    const { body } = change.event;
    if (body.type === 'left' && body.address === me && body.reason === 'removed') removed = true;
    if (change.live) clockOffset ??= Date.now() - change.event.at;
    const notice = wasJoined ? noticeOf(change, me) : null;
    if (notice) note(notice);
  });
  const stopStore = store.subscribe(() => queueMicrotask(() => ended || follow()));
  const stopTrust = options.trust.people.subscribe(() => queueMicrotask(judge));
  media.rendered.subscribe((rendered) => {
    if (!everFlowed && someoneElseJoined() && [...rendered.values()].some(({ flowing }) => flowing)) {
      everFlowed = true;
      probeSoon();
    }
    refreshView();
  });
  options.media.then(attach, () => undefined);
  const call: RunningCall = {
    conversation,
    view,
    localVideo,
    showVideo: (address, container) => {
      if (address !== me) return media.show(address, container);
      throw new ParleyError('invalid-parameters', 'show oneself with localVideo');
    },
    async add(address) {
      try {
        await request('call.add', { conversation, address: requireAddress(address) }, COMMAND_MS);
      } catch (thrown) {
        const error = asParleyError(thrown);
        note({ kind: 'add-failed', person: null, outcome: null, path: null, error });
        throw error;
      }
    },
    async cancel(address) {
      await request('call.cancel', { conversation, address }, COMMAND_MS);
    },
    async setMicrophone(on) {
      await (await options.media).setMicrophone(on);
    },
    async setCamera(on) {
      await (await options.media).setCamera(on);
    },
    sharing,
    async setScreen(on) {
      await (await options.media).setScreen(on);
    },
    async useMicrophone(id) {
      await (await options.media).useMicrophone(id);
    },
    async useCamera(id) {
      await (await options.media).useCamera(id);
    },
    async send(text) {
      await request('conversation.send', { conversation, text }, COMMAND_MS);
    },
    async leave() {
      if (ended) return;
      const told = request('call.leave', { conversation }, COMMAND_MS);
      finish({ reason: 'left', outcome: null });
      await told.catch((error: unknown) => {
        // Whoever leaves a call that ended in the same moment has what they wanted.
        if (!(error instanceof ParleyError) || error.code !== 'call-ended') throw error;
      });
    },
    async diagnostics() {
      const path = state().call?.path;
      const connections = await within(DIAGNOSTICS_MS, media.diagnostics());
      return { path: path?.kind ?? 'direct', epoch: path?.epoch ?? 0, connections };
    },
    signal(params) {
      if (!ended && params.conversation === conversation) paths.signal(params, media.paths());
    },
    focusOffer: (offer) => paths.focusOffer(offer, media.paths()),
    focusClosed: (params) => paths.focusClosed(params, media.paths()),
    networkChanged() {
      for (const path of media.paths()) path.networkChanged();
      if (everFlowed) probeSoon();
    },
    nodeIsBack(known) {
      // What is not told of any more is over, and how it ended is still to be asked for.
      if (!known) store.take([], false, true);
      // What was told to the node that stopped may have been lost with it.
      toldSwitches = '';
      syncSwitches();
      tellAgain();
    },
    settingsChanged: judge,
    lost: () => finish({ reason: 'lost', outcome: null }),
  };

  for (const signal of options.signals) call.signal(signal);
  return call;
}

/** What a person typed. Throws `invalid-address`. */
export function requireAddress(text: string): Address {
  const address = parseAddress(text);
  if (!address) throw new ParleyError('invalid-address', text.slice(0, 100));
  return address;
}
