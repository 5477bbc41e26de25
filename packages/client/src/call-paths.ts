// Makes the paths of one call as the conversation asks for them, and brings to each the messages that are meant for it:
// signals by epoch and person, a conference's offers by room and leg.
import {
  type Address,
  activeCall,
  type CallPath,
  type ClientSettings,
  type ConversationState,
  type Domain,
  type FocusRoom,
  mayBeHeard,
  type NotificationParams,
  type WantedPictures,
} from '@parley/protocol';
import { type ConferencePath, createConferencePath, type VerifyFocus } from './conference-path.ts';
import { createDirectPath, type DirectPath, type PathSignal } from './direct-path.ts';
import type { Path } from './path.ts';
import type { FocusOffer } from './receive-leg.ts';
import type { Request } from './socket.ts';
import type { Line } from './transfer.ts';

export type SignalParams = Omit<NotificationParams<'call.signal'>, 'signal'> & { readonly signal: PathSignal };

export interface CallPaths {
  /** Begins the path of a line; null if whom it leads to is gone, `forbidden` if the company permits no such path. */
  open(line: Line): Path | null | 'forbidden';
  /** Before a path is closed while `others` stay open. */
  closing(path: Path, others: readonly Path[]): void;
  /** Whether those at the path's other end may hear and see this person: on a direct path, once they have answered. */
  maySend(path: Path): boolean;
  /** The conversation has changed: who has joined is met on the path that leads to them. */
  meet(open: readonly Path[]): void;
  signal(params: SignalParams, open: readonly Path[]): void;
  focusOffer(offer: FocusOffer, open: readonly Path[]): void;
  focusClosed(params: NotificationParams<'focus.closed'>, open: readonly Path[]): void;
  focusWanted(params: NotificationParams<'focus.wanted'>, open: readonly Path[]): void;
  /** How large whom is shown here, for the conferences among these paths. */
  prefer(pictures: WantedPictures, open: readonly Path[]): void;
  /** Whether somebody who speaks there is to be shown as speaking here. */
  isIn(focus: Domain, room: FocusRoom['room'], open: readonly Path[]): boolean;
  close(): void;
}

export interface CallPathsOptions {
  readonly me: Address;
  readonly state: () => ConversationState;
  readonly request: Request;
  /** As it is now: credentials of relays are renewed. */
  readonly rtc: () => RTCConfiguration;
  readonly verifyFocus: VerifyFocus;
  readonly permitted: ClientSettings['paths'];
  /** A path that was made ready before the call was answered. */
  readonly early: EarlyPath | null;
}

export type EarlyPath = DirectPath | ConferencePath;

/** Signals of a path that this side has not begun yet. */
const MAX_EARLY_SIGNALS = 64;

export function createCallPaths(options: CallPathsOptions): CallPaths {
  const { me, state, request, rtc, permitted, verifyFocus } = options;
  const { id: conversation } = state();
  let preset = options.early;
  let earlySignals: SignalParams[] = [];

  const wantedFor = (epoch: number): CallPath | undefined => {
    const call = activeCall(state());
    return [call?.transfer, call?.path].find((path) => path?.epoch === epoch) ?? undefined;
  };
  const deviceOf = (address: Address) => {
    const person = state().participants.get(address);
    return person?.state === 'joined' ? person.device : null;
  };

  /** What was made ready, if it is what is wanted now. */
  function takePreset(fits: (path: EarlyPath) => boolean): EarlyPath | null {
    const path = preset;
    preset = null;
    if (!path || fits(path)) return path;
    path.close();
    return null;
  }

  function openConference(epoch: number, focus: FocusRoom): ConferencePath {
    const begun = takePreset((path) => leadsInto(path, epoch, focus));
    const path =
      begun?.kind === 'conference'
        ? begun
        : createConferencePath({ conversation, epoch, focus, rtc: rtc(), request, verifyFocus });
    enterIfAgreed(path);
    return path;
  }

  /** Where the call is recorded, a device goes in only once its person has agreed to that (R58). */
  function enterIfAgreed(path: ConferencePath): void {
    if (mayBeHeard(state(), me)) path.enter();
  }

  function openDirect({ epoch, offerer, between }: CallPath): DirectPath | null {
    const ready = takePreset((path) => path.kind === 'direct' && path.epoch === epoch);
    const begun = ready?.kind === 'direct' ? ready : null;
    const peer = begun?.peer ?? between.find((address) => address !== me);
    if (!peer) return null;
    const role = offerer === me ? 'offerer' : 'answerer';
    const path = begun ?? createDirectPath({ epoch, role, peer, rtc, send });
    meetOn(path);
    // What fails here shows as a path that does not connect in time.
    if (!begun && role === 'offerer') path.offer(true).catch(() => undefined);
    const waiting = earlySignals;
    earlySignals = [];
    for (const params of waiting) if (params.signal.epoch === epoch) deliver(path, params);
    return path;
  }

  const send: Parameters<typeof createDirectPath>[0]['send'] = (to, signal) => {
    // A lost signal shows as a path that does not connect, and that has its own remedies.
    request('call.signal', { conversation, to, signal }).catch(() => undefined);
  };

  function meetOn(path: DirectPath): void {
    const device = deviceOf(path.peer);
    if (device) path.meet(device);
  }

  function deliver(path: DirectPath, { from, signal }: SignalParams): void {
    if (from.address === path.peer) path.signal(from.device, signal);
  }

  return {
    open(line) {
      const wanted = wantedFor(line.epoch);
      if (!wanted) return null;
      const { epoch, focus, kind } = wanted;
      // Another company's host knows nothing of our policy: our own devices keep to it, and the call finds another way.
      if (permitted !== 'any' && permitted !== kind) return 'forbidden';
      return focus ? openConference(epoch, focus) : openDirect(wanted);
    },
    closing(path, others) {
      const [conference] = conferences([path]);
      // `focus.leave` takes every leg out of the room, those of a successor there too.
      if (conference && conferences(others, conference.focus).length === 0) conference.leave();
    },
    maySend(path) {
      const [direct] = directs([path]);
      return direct === undefined || deviceOf(direct.peer) !== null;
    },
    meet(open) {
      for (const path of directs(open)) meetOn(path);
      for (const path of conferences(open)) enterIfAgreed(path);
    },
    signal(params, open) {
      const ofEpoch = directs(open).filter((path) => path.epoch === params.signal.epoch);
      const waiting = directs(preset ? [preset] : []).find((path) => path.epoch === params.signal.epoch);
      const path = ofEpoch.at(-1) ?? waiting;
      if (path) deliver(path, params);
      else earlySignals = [...earlySignals, params].slice(-MAX_EARLY_SIGNALS);
    },
    focusOffer(offer, open) {
      const inRoom = conferences(open, { domain: offer.focus, room: offer.room });
      (inRoom.find((path) => path.hasLeg(offer.leg)) ?? inRoom.at(-1))?.offered(offer);
    },
    focusClosed({ focus: domain, room, reason }, open) {
      const inRoom = conferences(open, { domain, room });
      // A lost leg is the older path's if there are two: the newer one was begun because of it.
      for (const path of reason === 'leg-lost' ? inRoom.slice(0, 1) : inRoom) path.focusClosed(reason);
    },
    focusWanted({ focus: domain, room, leg, rids }, open) {
      const inRoom = conferences(open, { domain, room });
      (inRoom.find((path) => path.hasLeg(leg)) ?? inRoom.at(-1))?.wanted(rids);
    },
    prefer(pictures, open) {
      for (const path of conferences(open)) path.prefer(pictures);
    },
    isIn: (domain, room, open) => conferences(open, { domain, room }).length > 0,
    close() {
      preset?.close();
      preset = null;
      earlySignals = [];
    },
  };
}

/** Whether this is the path into that room. */
export function leadsInto(path: EarlyPath, epoch: number, focus: FocusRoom): boolean {
  if (path.kind !== 'conference' || path.epoch !== epoch) return false;
  return path.focus.domain === focus.domain && path.focus.room === focus.room;
}

function directs(paths: readonly Path[]): DirectPath[] {
  return paths.filter((path): path is DirectPath => path.kind === 'direct');
}

function conferences(paths: readonly Path[], focus?: { domain: Domain; room: FocusRoom['room'] }): ConferencePath[] {
  const all = paths.filter((path): path is ConferencePath => path.kind === 'conference');
  return focus ? all.filter((p) => p.focus.domain === focus.domain && p.focus.room === focus.room) : all;
}
