// What an app shows of a call, made from the conversation's state and what the media do. Pure.
import {
  type Address,
  type ConversationState,
  type DeviceId,
  type MediaSwitches,
  type Outcome,
  ParleyError,
  type Participant,
} from '@parley/protocol';
import type { CallNotice, CallParticipant, CallPhase, CallView, TrustView } from './api.ts';
import type { RemoteTrack } from './path.ts';
import { type SourceKey, sourceKey } from './switcher.ts';
import { checking } from './trust-view.ts';

export interface ViewInput {
  readonly state: ConversationState;
  readonly me: Address;
  readonly rendered: ReadonlyMap<SourceKey, RemoteTrack>;
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
  readonly ended: CallView['ended'];
}

export function viewOf(input: ViewInput): CallView {
  const { state, me, notices, ended, clockOffset } = input;
  const { call } = state;
  return {
    phase: phaseOf(input),
    title: state.title,
    path: call?.path.kind ?? 'direct',
    transferring: call?.transfer != null,
    cannotAdd: whyNobodyCanBeAdded(input),
    answeredAt: call?.answeredAt == null ? null : call.answeredAt + clockOffset,
    participants: ownFirst([...state.participants.values()], me).map((p) => participantOf(p, input)),
    messages: state.messages,
    notices,
    ended,
  };
}

function whyNobodyCanBeAdded({ state: { call }, cannotAdd }: ViewInput): ParleyError | null {
  if (call?.policy === 'direct-only') return new ParleyError('servers-forbidden');
  // What was found out before does not count against a conference that works.
  return call?.path.kind === 'conference' ? null : cannotAdd;
}

/**
 * Why the call is over for this device; null while it goes on, or before this device has joined it.
 * @param removed this person was taken out of it by their company's rules
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

function participantOf(p: Participant, { me, rendered, own, trust }: ViewInput): CallParticipant {
  const { address } = p.person;
  const self = address === me;
  const video = rendered.get(sourceKey('video', address))?.flowing ?? false;
  const audio = rendered.get(sourceKey('audio', address))?.flowing ?? false;
  const joined = p.state === 'joined';
  return {
    person: p.person,
    self,
    state: p.state,
    outcome: p.outcome,
    microphone: self ? own.microphone : p.media.microphone,
    camera: self ? own.camera : p.media.camera,
    video: self ? own.camera : joined && p.media.camera && video,
    flowing: self || (joined && (audio || video)),
    trust: trust.get(address) ?? checking,
  };
}
