// What follows by itself from a conversation's state: at once (`consequences`) or when time has passed (`nextDeadline`).
// Pure. The host appends these after every event, so no rule needs a timer of its own and a restart forgets nothing.
import {
  activeCall,
  awaitedForTransfer,
  type Call,
  type ConversationState,
  directPathIntact,
  type EventBody,
  identifyBy,
  isUnidentified,
  joinedParticipants,
  knockingParticipants,
  LOBBY_SECONDS,
  ringingParticipants,
  type Transfer,
} from '@parley/protocol';
import type { Deadline, Patience } from './deadlines.ts';
import { keepsConference, recordingConsequences, recordingDeadline } from './recording-decisions.ts';

export type { Deadline, Patience } from './deadlines.ts';

/** The events that must follow now; empty when the state is at rest. Append them, fold, and ask again. */
export function consequences(state: ConversationState): EventBody[] {
  const call = activeCall(state);
  if (!call) return [];
  const joined = joinedParticipants(state);
  const ringing = ringingParticipants(state);
  // Guests among themselves have nothing to do here.
  const hosts = [...joined, ...ringing].filter(({ person }) => !person.guest);
  if (joined.length === 0 || hosts.length === 0) return [{ type: 'call-ended', reason: 'hung-up' }];
  if (joined.length === 1 && ringing.length === 0 && knockingParticipants(state).length === 0) {
    return [{ type: 'call-ended', reason: call.answeredAt === null ? 'not-answered' : 'hung-up' }];
  }
  const recording = recordingConsequences(state, call);
  if (recording.length > 0) return recording;
  const { transfer } = call;
  if (!transfer) return afterFailedTransfer(state, call);
  if (notNeeded(state, call, transfer)) {
    return [{ type: 'transfer-ended', epoch: transfer.epoch, outcome: 'not-needed' }];
  }
  return awaitedForTransfer(state).length === 0 ? [{ type: 'path-changed', epoch: transfer.epoch }] : [];
}

/** A third person who did not come after all; or a way back for two who are not the same two, or not two, any more. */
function notNeeded(state: ConversationState, call: Call, transfer: Transfer): boolean {
  const people = joinedParticipants(state).length + ringingParticipants(state).length;
  if (transfer.kind === 'direct') return transfer.between.length !== 2 || people !== 2;
  if (keepsConference(state)) return false;
  return !call.directFailed && directPathIntact(state) && people === 2;
}

/** A conference that did not come about: the two who talk go on, whoever was to be added is let go (R37). */
function afterFailedTransfer(state: ConversationState, call: Call): EventBody[] {
  const failure = call.transferFailure;
  if (!failure || failure.outcome === 'not-needed' || failure.to !== 'conference') return [];
  // The room that was to be left works still.
  if (failure.because === 'room-moved') return [];
  if (call.directFailed || !directPathIntact(state)) return [{ type: 'call-ended', reason: 'media-failed' }];
  const stranded = joinedParticipants(state).filter((p) => !call.path.between.includes(p.person.address));
  const unwanted = ringingParticipants(state).filter((p) => !call.path.between.includes(p.person.address));
  return [
    ...stranded.map((p): EventBody => ({ type: 'left', address: p.person.address, reason: 'lost' })),
    ...unwanted.map((p): EventBody => ({ type: 'invitation-ended', address: p.person.address, outcome: 'cancelled' })),
  ];
}

/** The next thing that happens if nothing else does; null when nothing will. */
export function nextDeadline(state: ConversationState, patience: Patience): Deadline | null {
  const call = activeCall(state);
  if (!call) return null;
  const deadlines: Deadline[] = ringingParticipants(state).map((p) => ({
    at: p.invitedAt + patience.ring,
    events: [{ type: 'invitation-ended', address: p.person.address, outcome: 'no-answer' }],
  }));
  for (const p of knockingParticipants(state)) {
    const events: EventBody[] = [{ type: 'invitation-ended', address: p.person.address, outcome: 'no-answer' }];
    deadlines.push({ at: p.sinceAt + LOBBY_SECONDS * 1000, events });
  }
  for (const p of joinedParticipants(state).filter(isUnidentified)) {
    const at = identifyBy(state, p);
    if (at !== null) deadlines.push({ at, events: [{ type: 'left', address: p.person.address, reason: 'untrusted' }] });
  }
  if (call.transfer) {
    const { epoch, startedAt } = call.transfer;
    deadlines.push({
      at: startedAt + patience.transfer,
      events: [{ type: 'transfer-ended', epoch, outcome: 'timed-out', code: 'media-not-connected' }],
    });
  }
  deadlines.push(...recordingDeadline(state, patience));
  const back = returnToDirect(state, call);
  if (back) deadlines.push({ at: back.since + patience.returnToDirect, events: [back.event] });
  return deadlines.reduce<Deadline | null>((first, d) => (first === null || d.at < first.at ? d : first), null);
}

/** Two people left in a conference that was not asked for: they go back to a direct path (R41). */
function returnToDirect(state: ConversationState, call: Call): { since: number; event: EventBody } | null {
  const joined = joinedParticipants(state);
  const [first, second] = joined;
  if (call.path.kind !== 'conference' || call.policy !== 'direct-first' || call.directFailed || call.transfer)
    return null;
  if (keepsConference(state)) return null;
  if (joined.length !== 2 || !first || !second || ringingParticipants(state).length > 0) return null;
  const everybody = [...state.participants.values()];
  const failure = call.transferFailure;
  // Having failed once with these two people it would fail again: wait until somebody comes or goes.
  if (failure?.to === 'direct' && !everybody.some((p) => p.since > failure.n)) return null;
  return {
    since: Math.max(...everybody.map((p) => p.sinceAt)),
    event: { type: 'transfer-started', epoch: call.lastEpoch + 1, to: 'direct', offerer: first.person.address },
  };
}
