// What the host makes of a command: pure decisions from the present state to the events to append. All rules of who may
// do what, and when a call needs another path, are in this file and in consequences.ts; nothing here waits or sends.
import {
  type Address,
  activeCall,
  type Call,
  type ClientSettings,
  type ConferenceNeeds,
  type ConversationState,
  type DeviceId,
  type EventBody,
  type FocusRoom,
  isRinging,
  isUnidentified,
  joinedParticipants,
  type leavingSchema,
  MAX_PARTICIPANTS,
  type MediaPolicy,
  type MediaSwitches,
  type Outcome,
  ParleyError,
  type Participant,
  type Person,
  ringingParticipants,
  sameSwitches,
} from '@parley/protocol';
import type { z } from 'zod';
import { comesBy, decideAsOrganiser, isOrganising, type OrganiserCommand } from './organising.ts';
import { decideRecording, isRecordingCommand, type RecordingCommand } from './recording-decisions.ts';

/** What a participant, their provider, or the focus may bring about in a running conversation. */
export type Command =
  | { type: 'alerting' }
  | { type: 'refuse'; outcome: Outcome }
  | { type: 'accept'; device: DeviceId; media: MediaSwitches }
  | { type: 'decline' }
  | { type: 'cancel'; address: Address }
  | { type: 'add'; person: Person }
  | { type: 'leave'; reason: z.infer<typeof leavingSchema> }
  | { type: 'media'; media: MediaSwitches }
  | { type: 'ready'; epoch: number }
  | { type: 'path-failed'; epoch: number }
  | { type: 'send'; text: string }
  | { type: 'connected'; room: string }
  | { type: 'room-lost'; room: string }
  /** The room works, but is to be left for another one. */
  | { type: 'move'; room: string; needs: ConferenceNeeds }
  | RecordingCommand
  /** Only from the host's own guests: a guest at the door, who has come by `link` of `by`. */
  | { type: 'enter'; person: Person; by: Address; link: string; lobby: boolean }
  | { type: 'identify' }
  /** A guest has signed in elsewhere, or as one of the host's own people, who takes the guest's place. */
  | { type: 'identified' }
  | { type: 'become'; person: Person }
  | OrganiserCommand;

/**
 * `needsFocus`: the command can only be carried out with a conference room; reserve one and decide again with it.
 * If none is to be had: append `otherwise`; where that is null the command fails and nothing changes (R37).
 */
export type Decision =
  | { events: EventBody[] }
  | { needsFocus: true; otherwise: EventBody[] | null; needs?: ConferenceNeeds };

const done = (...events: EventBody[]): Decision => ({ events });

/**
 * Decides on a command made by (or for) `by`.
 * @param focus a reserved conference room, once `needsFocus` was answered
 * @throws ParleyError `unknown-conversation`, `not-in-call`, `call-ended`, `answered-elsewhere`, `already-invited`,
 *   `servers-forbidden`, `not-allowed`, `not-for-guests`, `not-admitted`, `out-of-turn`, `conversation-full`,
 *   `too-many-requests` (as many guests wait as may)
 */
export function decide(state: ConversationState, by: Address, command: Command, focus: FocusRoom | null): Decision {
  const call = activeCall(state);
  if (command.type === 'enter') {
    if (!call) throw new ParleyError('call-ended');
    const comes = comesBy(state, command);
    return comes?.type === 'added' ? bringIn(state, call, comes, focus) : done(...(comes ? [comes] : []));
  }
  const self = state.participants.get(by);
  if (!self) throw new ParleyError('unknown-conversation');
  if (command.type === 'send') {
    // During a call those who are in it write; afterwards those who were. Whoever declined was never part of it.
    if (self.state !== 'joined' && (call || self.state !== 'left')) throw new ParleyError('not-in-call');
    return done({ type: 'message', by, text: command.text });
  }
  if (isRecordingCommand(command)) return decideRecording(state, call, self, command, focus);
  if (!call) throw new ParleyError('call-ended');
  if (isOrganising(command)) {
    const event = decideAsOrganiser(state, call, self, command);
    return event?.type === 'admitted' ? bringIn(state, call, event, focus) : done(...(event ? [event] : []));
  }

  switch (command.type) {
    case 'alerting':
      return self.state === 'invited' ? done({ type: 'alerting', address: by }) : done();
    case 'refuse':
      return isRinging(self) ? done(ended(self, command.outcome)) : done();
    case 'accept':
      return accept(self, command.device, command.media);
    case 'decline':
      if (!isRinging(self)) throw new ParleyError('out-of-turn', 'this person is not being rung');
      return done(ended(self, 'declined'));
    case 'cancel':
      return cancel(state, call, by, command.address);
    case 'add':
      return add(state, call, self, command.person, focus);
    case 'leave':
      if (self.state === 'knocking') return done(ended(self, 'cancelled'));
      if (isRinging(self)) return done(ended(self, 'declined'));
      return self.state === 'joined' ? done({ type: 'left', address: by, reason: command.reason }) : done();
    case 'media':
      requireJoined(self);
      return sameSwitches(self.media, command.media)
        ? done()
        : done({ type: 'media', address: by, media: command.media });
    case 'ready':
      requireJoined(self);
      return call.transfer?.epoch === command.epoch && self.readyEpoch < command.epoch
        ? done({ type: 'path-ready', address: by, epoch: command.epoch })
        : done();
    case 'path-failed':
      requireJoined(self);
      return pathFailed(state, call, self, command.epoch, focus);
    case 'connected': {
      const epoch = epochOfRoom(call, command.room);
      return self.state === 'joined' && epoch > self.connectedEpoch
        ? done({ type: 'connected', address: by, epoch })
        : done();
    }
    case 'room-lost':
      return roomLost(state, call, command.room, focus);
    case 'move':
      return move(state, call, command.room, command.needs, focus);
    case 'identify':
      return identify(state, call, self, focus);
    case 'identified':
      return isUnidentified(self) ? done({ type: 'identified', address: by }) : done();
    case 'become':
      return become(state, self, command.person);
  }
}

/** The events with which a call begins: who called whom, and the caller's own device. */
export function begin(options: {
  by: Person;
  device: DeviceId;
  media: MediaSwitches;
  to: readonly Person[];
  title: string | undefined;
  policy: MediaPolicy;
  focus: FocusRoom | null;
}): EventBody[] {
  const { by, device, media, to, title, policy, focus } = options;
  return [
    title === undefined ? { type: 'created', by } : { type: 'created', by, title },
    focus ? { type: 'call-started', by: by.address, policy, focus } : { type: 'call-started', by: by.address, policy },
    { type: 'joined', address: by.address, device, media },
    ...to.map((person): EventBody => ({ type: 'added', by: by.address, person })),
  ];
}

/**
 * A path between two devices serves two people; more, or the wish of the caller, needs a conference.
 * Throws `servers-forbidden` where it is needed and not permitted.
 */
export function needsConference(policy: MediaPolicy, people: number): boolean {
  if (policy === 'direct-only' && people > 2) throw new ParleyError('servers-forbidden');
  return policy === 'conference' || people > 2;
}

/** What becomes of a caller's wish where the company permits some paths only. Throws `direct-forbidden`, `servers-forbidden`. */
export function permittedPolicy(wished: MediaPolicy, paths: ClientSettings['paths']): MediaPolicy {
  if (paths === 'conference') {
    if (wished === 'direct-only') throw new ParleyError('direct-forbidden');
    return 'conference';
  }
  if (paths === 'direct') {
    if (wished === 'conference') throw new ParleyError('servers-forbidden');
    return 'direct-only';
  }
  return wished;
}

function accept(self: Participant, device: DeviceId, media: MediaSwitches): Decision {
  if (self.state === 'joined') {
    if (self.device === device) return done();
    throw new ParleyError('answered-elsewhere');
  }
  if (self.state === 'knocking') throw new ParleyError('not-admitted');
  if (!isRinging(self)) throw new ParleyError('call-ended', 'the invitation is over');
  return done({ type: 'joined', address: self.person.address, device, media });
}

/**
 * Away to sign in, and expected back as long as it rings. A direct path ends with it, so that the others wait in a
 * conference.
 */
function identify(state: ConversationState, call: Call, self: Participant, focus: FocusRoom | null): Decision {
  requireJoined(self);
  const away: EventBody = { type: 'identifying', address: self.person.address };
  const direct = call.path.kind === 'direct' && call.transfer?.kind !== 'conference';
  if (!direct || joinedParticipants(state).length < 2) return done(away);
  if (call.policy === 'direct-only') throw new ParleyError('servers-forbidden');
  if (!focus) return { needsFocus: true, otherwise: null };
  const end = call.transfer ? [abandon(call.transfer.epoch)] : [];
  return done(away, ...end, { type: 'transfer-started', epoch: call.lastEpoch + 1, to: 'conference', focus });
}

/** One of the host's own people takes the place that they had as a guest. */
function become(state: ConversationState, self: Participant, person: Person): Decision {
  const target = state.participants.get(person.address);
  const by = self.addedBy ?? self.person.address;
  const goes: EventBody[] = isRinging(self)
    ? [ended(self, 'cancelled')]
    : self.state === 'joined'
      ? [{ type: 'left', address: self.person.address, reason: 'hung-up' }]
      : [];
  // Whoever was not let in, or was taken out, does not come in by another name.
  if (goes.length === 0) throw new ParleyError('not-admitted');
  if (target?.removedBy) throw new ParleyError('not-allowed');
  if (target && (target.state === 'joined' || isRinging(target))) return done(...goes);
  if (!target && state.participants.size >= MAX_PARTICIPANTS) throw new ParleyError('conversation-full');
  const added = { type: 'added' as const, by, person };
  return done(self.link === null ? added : { ...added, link: self.link }, ...goes);
}

function cancel(state: ConversationState, call: Call, by: Address, address: Address): Decision {
  const target = state.participants.get(address);
  if (!target) throw new ParleyError('unknown-address');
  if (target.addedBy !== by && call.by !== by)
    throw new ParleyError('not-allowed', 'somebody else invited this person');
  return isRinging(target) ? done(ended(target, 'cancelled')) : done();
}

function add(
  state: ConversationState,
  call: Call,
  self: Participant,
  person: Person,
  focus: FocusRoom | null,
): Decision {
  requireJoined(self);
  const target = state.participants.get(person.address);
  if (self.person.guest || person.guest) throw new ParleyError('not-for-guests');
  if (target && (target.state === 'joined' || isRinging(target))) throw new ParleyError('already-invited');
  if (target?.removedBy && call.organiser !== self.person.address) {
    throw new ParleyError('not-allowed', 'the organiser has taken this person out');
  }
  if (!target && state.participants.size >= MAX_PARTICIPANTS) throw new ParleyError('conversation-full');
  return bringIn(state, call, { type: 'added', by: self.person.address, person }, focus);
}

/** One more comes into the call by this event, and with them, if need be, the conference. */
function bringIn(
  state: ConversationState,
  call: Call,
  added: EventBody & { type: 'added' | 'admitted' },
  focus: FocusRoom | null,
): Decision {
  const people = joinedParticipants(state).length + ringingParticipants(state).length + 1;
  // A direct path leads to whom the call was made to, and to nobody else: with them gone, one who waits alone goes on there.
  const alone = call.path.kind === 'direct' && people === 2;
  if (alone && call.policy === 'direct-only') throw new ParleyError('servers-forbidden');
  if (!alone && !needsConference(call.policy, people)) return done(added);
  if (call.path.kind === 'conference') {
    // On its way back to two people, and now a third: stay where we are.
    return call.transfer?.kind === 'direct' ? done(abandon(call.transfer.epoch), added) : done(added);
  }
  if (call.transfer?.kind === 'conference') return done(added);
  if (!focus) return { needsFocus: true, otherwise: null };
  return done(added, { type: 'transfer-started', epoch: call.lastEpoch + 1, to: 'conference', focus });
}

function pathFailed(
  state: ConversationState,
  call: Call,
  self: Participant,
  epoch: number,
  focus: FocusRoom | null,
): Decision {
  const lost: EventBody = { type: 'left', address: self.person.address, reason: 'lost' };
  if (call.transfer?.epoch === epoch) {
    // Somebody who came later has only this path; the others' transfer does not depend on them.
    if (self.since > call.transfer.startedN) return done(lost);
    return done({ type: 'transfer-ended', epoch, outcome: 'failed', code: 'media-not-connected' });
  }
  // A transfer that is under way already leads away from the broken path.
  if (call.path.epoch !== epoch || call.transfer) return done();
  if (call.path.kind === 'conference') {
    return joinedParticipants(state).length > 2 ? done(lost) : done({ type: 'call-ended', reason: 'media-failed' });
  }
  if (joinedParticipants(state).length < 2) return done();
  if (call.policy === 'direct-only') return done({ type: 'call-ended', reason: 'media-failed' });
  if (!focus) return { needsFocus: true, otherwise: [{ type: 'call-ended', reason: 'media-failed' }] };
  return done({ type: 'transfer-started', epoch: call.lastEpoch + 1, to: 'conference', focus, because: 'path-failed' });
}

function roomLost(state: ConversationState, call: Call, room: string, focus: FocusRoom | null): Decision {
  if (call.transfer?.focus?.room === room) {
    return done({ type: 'transfer-ended', epoch: call.transfer.epoch, outcome: 'failed', code: 'engine-lost' });
  }
  if (call.path.focus?.room !== room || call.transfer) return done();
  const epoch = call.lastEpoch + 1;
  const direct = asDirectAgain(state, call);
  if (direct) return done({ ...direct, because: 'engine-lost' });
  if (!focus) return { needsFocus: true, otherwise: [{ type: 'call-ended', reason: 'media-failed' }] };
  return done({ type: 'transfer-started', epoch, to: 'conference', focus, because: 'engine-lost' });
}

/** Away from a room that works: nobody loses anything if there is no other. */
function move(
  state: ConversationState,
  call: Call,
  room: string,
  needs: ConferenceNeeds,
  focus: FocusRoom | null,
): Decision {
  if (call.transfer?.focus?.room === room) throw new ParleyError('out-of-turn', 'the call is being moved there');
  if (call.path.focus?.room !== room || call.transfer) return done();
  const direct = needs.mixing || needs.recording ? null : asDirectAgain(state, call);
  if (direct) return done({ ...direct, because: 'room-moved' });
  if (!focus) return { needsFocus: true, otherwise: null, needs };
  const epoch = call.lastEpoch + 1;
  return done({ type: 'transfer-started', epoch, to: 'conference', focus, because: 'room-moved' });
}

/** The way back to a direct path, where two are left who may take it. */
function asDirectAgain(state: ConversationState, call: Call): (EventBody & { type: 'transfer-started' }) | null {
  const [first, second, ...more] = joinedParticipants(state);
  const onlyTwo = first && second && more.length === 0 && ringingParticipants(state).length === 0;
  if (!onlyTwo || call.policy !== 'direct-first' || call.directFailed) return null;
  return { type: 'transfer-started', epoch: call.lastEpoch + 1, to: 'direct', offerer: first.person.address };
}

function epochOfRoom(call: Call, room: string): number {
  if (call.transfer?.focus?.room === room) return call.transfer.epoch;
  return call.path.focus?.room === room ? call.path.epoch : 0;
}

function ended(participant: Participant, outcome: Outcome): EventBody {
  return { type: 'invitation-ended', address: participant.person.address, outcome };
}

function abandon(epoch: number): EventBody {
  return { type: 'transfer-ended', epoch, outcome: 'not-needed' };
}

function requireJoined(self: Participant): void {
  if (self.state !== 'joined') throw new ParleyError('not-in-call');
}
