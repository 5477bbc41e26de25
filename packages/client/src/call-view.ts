// What an app shows of a call, made from the conversation's state and what the media do. Pure.
import {
  type Address,
  activeCall,
  type ClientSettings,
  type ConversationState,
  type DeviceId,
  identifyBy,
  isUnidentified,
  knockingParticipants,
  type MediaSwitches,
  type Outcome,
  ParleyError,
  type Participant,
  type Person,
} from '@parley/protocol';
import type { CallNotice, CallParticipant, CallPhase, CallView, TrustView } from './api.ts';
import { mix, type RemoteTrack } from './path.ts';
import { recordingView } from './recording-view.ts';
import { isAudible } from './speaker.ts';
import { type SourceKey, sourceKey } from './switcher.ts';
import { checking } from './trust-view.ts';

export interface ViewInput {
  readonly state: ConversationState;
  readonly me: Address;
  readonly rendered: ReadonlyMap<SourceKey, RemoteTrack>;
  readonly speaker: Address | null;
  /** Own switches as they are, not as the host knows them. */
  readonly own: MediaSwitches;
  readonly notices: readonly CallNotice[];
  /** Somebody has been seen or heard in this call. */
  readonly everFlowed: boolean;
  /** Milliseconds by which the own clock is ahead of the host's. */
  readonly clockOffset: number;
  /** Of those who have joined. */
  readonly trust: ReadonlyMap<Address, TrustView>;
  readonly cannotAdd: CallView['cannotAdd'];
  /** The conference service in use, or that would be, makes recordings. */
  readonly canRecord: boolean;
  /** This device can prove who it is. */
  readonly provable: boolean;
  /** What the rules let this person do as a guest. */
  readonly guest: ClientSettings['guest'];
  readonly ended: CallView['ended'];
}

export function viewOf(input: ViewInput): CallView {
  const { state, me, notices, ended, clockOffset } = input;
  const { call } = state;
  const may = mayOf(input);
  return {
    phase: phaseOf(input),
    title: state.title,
    path: call?.path.kind ?? 'direct',
    transferring: call?.transfer != null,
    cannotAdd: whyNobodyCanBeAdded(input),
    answeredAt: call?.answeredAt == null ? null : call.answeredAt + clockOffset,
    participants: ownFirst([...state.participants.values()], me)
      .filter((p) => p.state !== 'knocking')
      .map((p) => participantOf(p, input)),
    speaker: input.speaker,
    lobby: knockingParticipants(state).map(({ person }) => person),
    organiser: activeCall(state)?.organiser ?? null,
    may,
    trustRaisedBy: personOf(state, activeCall(state)?.raised?.by ?? null),
    identify: identifyOf(input),
    messages: state.messages,
    mix: mixOf(input),
    recording: recordingView(state, me),
    canRecord: call !== null && call.policy !== 'direct-only' && input.canRecord && may.add,
    notices,
    ended,
  };
}

/** Everybody else as one, where that is what is received. */
function mixOf({ rendered }: Pick<ViewInput, 'rendered'>): CallView['mix'] {
  const [sound, picture] = [rendered.get(sourceKey('audio', mix)), rendered.get(sourceKey('video', mix))];
  if (!sound && !picture) return null;
  return { flowing: sound?.flowing === true || picture?.flowing === true, video: picture?.flowing ?? false };
}

function personOf(state: ConversationState, address: Address | null): Person | null {
  return (address && state.participants.get(address)?.person) || null;
}

function mayOf({ state, me, guest }: ViewInput): CallView['may'] {
  const self = state.participants.get(me)?.person;
  return {
    add: !self?.guest,
    organise: activeCall(state)?.organiser === me,
    write: !self?.guest || guest?.write === true,
    share: !self?.guest || guest?.share === true,
  };
}

/** Whether this person is among those who are asked to prove who they are. */
function identifyOf({ state, me, provable, clockOffset }: ViewInput): CallView['identify'] {
  const self = state.participants.get(me);
  const at = self ? identifyBy(state, self) : null;
  if (!self || at === null || (provable && !isUnidentified(self))) return null;
  return { by: personOf(state, activeCall(state)?.raised?.by ?? null), until: at + clockOffset };
}

function whyNobodyCanBeAdded({ state: { call }, cannotAdd }: ViewInput): ParleyError | null {
  if (call?.policy === 'direct-only') return new ParleyError('servers-forbidden');
  // What was found out before does not count against a conference that works.
  return call?.path.kind === 'conference' ? null : cannotAdd;
}

/**
 * Why the call is over for this device; null while it goes on, or before this device has joined it.
 * @param removed this person was taken out of it by the organiser or by their company's rules
 */
export function endOf(
  state: ConversationState,
  me: Address,
  device: DeviceId,
  wasJoined: boolean,
  removed: boolean,
): CallView['ended'] {
  const { call } = state;
  if (removed) return { reason: 'removed', outcome: null };
  if (call?.ended) return { reason: call.ended.reason, outcome: soleOutcome(state, me) };
  const self = state.participants.get(me);
  if (!wasJoined || (self?.state === 'joined' && self.device === device)) return null;
  return { reason: self?.state === 'joined' ? 'lost' : 'left', outcome: null };
}

/** What became of the invitation, if exactly one person was called: the reason in one word. */
function soleOutcome(state: ConversationState, me: Address): Outcome | null {
  const [other, ...more] = [...state.participants.values()].filter((p) => p.person.address !== me);
  return other && more.length === 0 ? other.outcome : null;
}

function phaseOf({ state, me, everFlowed, ended }: ViewInput): CallPhase {
  if (ended) return 'ended';
  const others = [...state.participants.values()].some((p) => p.person.address !== me && p.state === 'joined');
  if (!others) return 'calling';
  return everFlowed ? 'active' : 'connecting';
}

function ownFirst(participants: Participant[], me: Address): Participant[] {
  const self = participants.filter((p) => p.person.address === me);
  return [...self, ...participants.filter((p) => p.person.address !== me)];
}

function participantOf(p: Participant, input: ViewInput): CallParticipant {
  const { me, rendered, own, trust, state, clockOffset } = input;
  const { address } = p.person;
  const due = identifyBy(state, p);
  const self = address === me;
  const video = rendered.get(sourceKey('video', address))?.flowing ?? false;
  const voice = rendered.get(sourceKey('audio', address));
  const audio = voice?.flowing ?? false;
  const joined = p.state === 'joined';
  const inMix = mixOf({ rendered })?.flowing ?? false;
  return {
    person: p.person,
    self,
    state: p.state,
    outcome: p.outcome,
    microphone: self ? own.microphone : p.media.microphone,
    camera: self ? own.camera : p.media.camera,
    screen: (self ? own.screen : p.media.screen) ?? false,
    speaking: joined && audio && isAudible(voice?.level ?? 0),
    video: self ? own.camera : joined && p.media.camera && video,
    flowing: self || (joined && (audio || video || inMix)),
    trust: trust.get(address) ?? checking,
    mutedBy: personOf(state, p.mutedBy),
    unmuteAskedBy: personOf(state, p.unmuteAskedBy),
    identifyBy: due === null ? null : due + clockOffset,
  };
}
