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
  sameSwitches,
} from '@parley/protocol';
import { watchAdding } from './adding-watch.ts';
import type { Call, CallNotice, CallView, TrustView } from './api.ts';
import { createDuties } from './call-duties.ts';
import { createCallMedia } from './call-media.ts';
import { createCallMix } from './call-mix.ts';
import { createCallPaths, type EarlyPath, type SignalParams } from './call-paths.ts';
import { canRecord, recordingVerbs } from './call-recording.ts';
import type { CallTrust } from './call-trust.ts';
import { endOf, viewOf } from './call-view.ts';
import type { VerifyFocus } from './conference-path.ts';
import type { ConversationStore } from './conversation-store.ts';
import { within } from './deadline.ts';
import { everybodyElse, expectedOf } from './expected.ts';
import type { LocalMedia } from './local-media.ts';
import { MAX_NOTICES, type NewNotice, noticeOf } from './notices.ts';
import { createOrganising } from './organising.ts';
import { mix } from './path.ts';
import { watchSizes } from './qualities.ts';
import { createStore } from './readable.ts';
import type { FocusOffer } from './receive-leg.ts';
import { createReports } from './reports.ts';
import type { Request } from './socket.ts';
import { carriersOf, guestTrust, isRefused, requiredOf, trustView } from './trust-view.ts';
import { requireAddress } from './typed-address.ts';

export interface RunningCall extends Call {
  signal(params: SignalParams): void;
  focusOffer(offer: FocusOffer): void;
  focusClosed(params: NotificationParams<'focus.closed'>): void;
  focusWanted(params: NotificationParams<'focus.wanted'>): void;
  focusSpeaker(params: NotificationParams<'focus.speaker'>): void;
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
  readonly rtc: () => RTCConfiguration;
  readonly verifyFocus: VerifyFocus;
  readonly trust: CallTrust;
  /** As they are now: they may change during the call. */
  readonly settings: () => ClientSettings;
  /** This device can prove who it is. */
  readonly provable: boolean;
  /** Being captured. If it fails, whoever made the call ends it. */
  readonly media: Promise<LocalMedia>;
  /** A path that was begun before: by the caller with the invitation, by the callee while it rang. */
  readonly early: EarlyPath | null;
  /** Signals that came before. */
  readonly signals: readonly SignalParams[];
  ended(): void;
}

const COMMAND_MS = 20_000;
const DIAGNOSTICS_MS = 3000;

export function createCall(options: CallOptionsInside): RunningCall {
  const { me, device, store, request, rtc } = options;
  const conversation: ConversationId = store.get().id;
  const localVideo = createStore<MediaStream | null>(null);
  const sharing = createStore(false);
  /** Who speaks, as the conference service hears it; on a direct path, and with engines that cannot tell, nobody says. */
  let focusHears: Address | null = null;
  const sizes = watchSizes((pictures) => paths.prefer(pictures, media.paths()));
  let local: LocalMedia | null = null;
  let notices: readonly CallNotice[] = [];
  let noticeCount = 0;
  let everFlowed = false;
  let wasJoined = false;
  let removed: Pick<NonNullable<CallView['ended']>, 'reason' | 'by'> | null = null;
  let clockOffset: number | null = null;
  let ended: CallView['ended'] = null;
  /** The switches last told to the host, so that a refusal is not asked for again and again. */
  let toldSwitches = '';

  const state = () => store.get();
  const own = () => state().participants.get(me);
  const reports = createReports({
    conversation,
    request,
    wanted(epoch) {
      const call = activeCall(state());
      return !ended && (call?.transfer?.epoch === epoch || call?.path.epoch === epoch);
    },
  });
  const duties = createDuties({
    me,
    state,
    trust: () => trustNow(),
    clockOffset: () => clockOffset ?? 0,
    muteSelf: () => tellHost(options.media.then((opened) => opened.setMicrophone(false))),
    remove: (address) => tellHost(request('call.remove', { conversation, address, because: 'untrusted' }, COMMAND_MS)),
  });

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
      if (path && path !== 'forbidden') {
        paths.prefer(sizes.wanted(), [path]);
        path.carrier.subscribe(() => queueMicrotask(judge));
        path.state.subscribe(() => queueMicrotask(mixture.follow));
      }
      return path;
    },
    closing: paths.closing,
    maySend: paths.maySend,
    expected: (key) => expectedOf(state(), me, key),
    hushed: (address) => (state().participants.get(address)?.mutedBy ?? null) !== null,
    everybody: () => everybodyElse(state(), me),
    ready: (epoch) => reports.make('call.ready', epoch),
    pathFailed: (epoch) => {
      trouble(new ParleyError('media-not-connected'));
      reports.make('call.pathFailed', epoch);
    },
  });

  const adding = watchAdding({
    state,
    settings: options.settings,
    rtc,
    request,
    found(error, fresh) {
      if (error && fresh) note({ kind: 'trouble', person: null, outcome: null, path: 'conference', error });
      refreshView();
    },
  });
  const trouble = (error: ParleyError) => note({ kind: 'trouble', person: null, outcome: null, path: null, error });
  const mixture = createCallMix({ call: () => activeCall(state()), paths: media.paths, failed: trouble });

  function trustNow(): ReadonlyMap<Address, TrustView> {
    const joined = [...state().participants.values()].filter((p) => p.person.address !== me && p.state === 'joined');
    return new Map(
      joined.map(({ person: { address, guest }, device: theirs, identified }) => {
        const proven = (theirs && options.trust.people.get().get(theirs)) || null;
        const view = trustView(proven, carriersOf(media.paths(), address));
        return [address, guest ? guestTrust(view, identified) : view] as const;
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
    duties.look();
  }

  const ownSwitches = () => local?.switches.get() ?? own()?.media ?? { microphone: false, camera: false };
  const makeView = (): CallView =>
    viewOf({
      state: state(),
      me,
      rendered: media.rendered.get(),
      // Oneself is not shown large: then it is whoever else is heard here.
      speaker: focusHears === null || focusHears === me ? media.speaker() : focusHears,
      own: ownSwitches(),
      notices,
      everFlowed,
      clockOffset: clockOffset ?? 0,
      trust: trustNow(),
      cannotAdd: adding.obstacle(),
      canRecord: canRecord(media.paths(), options.settings().conference),
      provable: options.provable,
      guest: options.settings().guest,
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

  /** What the host refuses or nobody answers changes nothing here: its events say how it goes on. */
  function tellHost(told: Promise<unknown>): void {
    told.catch(() => undefined);
  }

  function note(notice: NewNotice): void {
    noticeCount += 1;
    notices = [...notices, { id: noticeCount, ...notice }].slice(-MAX_NOTICES);
    refreshView();
  }

  function finish(how: CallView['ended']): void {
    if (ended) return;
    ended = how;
    adding.close();
    duties.close();
    media.close();
    sizes.close();
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
    const end = endOf(state(), me, device, wasJoined, removed !== null);
    if (end) {
      finish(removed ? { ...end, ...removed } : end);
      return;
    }
    const call = activeCall(state());
    if (call && wasJoined) {
      media.hostSays(call.path, call.transfer);
      if (call.path.kind === 'direct') focusHears = null;
      paths.meet(media.paths());
    }
    syncSwitches();
    reports.again();
    mixture.follow();
    duties.look();
    refreshView();
  }

  function syncSwitches(): void {
    const self = own();
    if (!local || self?.state !== 'joined') return;
    const switches = local.switches.get();
    const text = JSON.stringify(switches);
    if (sameSwitches(self.media, switches)) toldSwitches = '';
    else if (toldSwitches !== text) {
      toldSwitches = text;
      tellHost(request('call.media', { conversation, media: switches }, COMMAND_MS));
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
    if (body.type === 'left' && body.address === me && (body.reason === 'removed' || body.reason === 'untrusted')) {
      const by = body.by && change.after.participants.get(body.by)?.person;
      removed = by ? { reason: body.reason, by } : { reason: body.reason };
    }
    if (change.live) clockOffset ??= Date.now() - change.event.at;
    const notice = wasJoined ? noticeOf(change, me) : null;
    if (notice) note(notice);
  });
  const stopStore = store.subscribe(() => queueMicrotask(() => ended || follow()));
  const stopTrust = options.trust.people.subscribe(() => queueMicrotask(judge));
  media.rendered.subscribe((rendered) => {
    if (!everFlowed && someoneElseJoined() && [...rendered.values()].some(({ flowing }) => flowing)) {
      everFlowed = true;
      adding.soon();
    }
    mixture.follow();
    refreshView();
  });
  options.media.then(attach, () => undefined);
  const call: RunningCall = {
    ...createOrganising(conversation, request),
    conversation,
    view,
    localVideo,
    showVideo: (address, container) => {
      if (address !== me) {
        const stops = [media.show(address, container), sizes.watch(address, container)];
        return () => stops.forEach((stop) => void stop());
      }
      throw new ParleyError('invalid-parameters', 'show oneself with localVideo');
    },
    showMix: (container) => media.show(mix, container),
    mixing: mixture.mixing,
    setMixed: mixture.set,
    ...recordingVerbs(state, request),
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
    setMicrophone: async (on) => (await options.media).setMicrophone(on),
    setCamera: async (on) => (await options.media).setCamera(on),
    sharing,
    async setScreen(on) {
      if (on && options.settings().guest?.share === false) throw new ParleyError('not-permitted');
      await (await options.media).setScreen(on);
    },
    useMicrophone: async (id) => (await options.media).useMicrophone(id),
    useCamera: async (id) => (await options.media).useCamera(id),
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
    focusWanted: (params) => paths.focusWanted(params, media.paths()),
    focusSpeaker({ focus, room, speaker: who }) {
      if (!paths.isIn(focus, room, media.paths())) return;
      focusHears = who ?? focusHears;
      refreshView();
    },
    networkChanged() {
      for (const path of media.paths()) path.networkChanged();
      if (everFlowed) adding.soon();
    },
    nodeIsBack(known) {
      // What is not told of any more is over, and how it ended is still to be asked for.
      if (!known) store.take([], false, true);
      // What was told to the node that stopped may have been lost with it.
      toldSwitches = '';
      syncSwitches();
      reports.again();
    },
    settingsChanged: judge,
    lost: () => finish({ reason: 'lost', outcome: null }),
  };

  for (const signal of options.signals) call.signal(signal);
  return call;
}
