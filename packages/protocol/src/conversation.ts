// The one reducer: events in, state out. Node and clients fold the same list with it, so every screen shows the same
// truth (R26, R39). Pure: no clock, no random numbers, no I/O; unknown or impossible events leave the state as it is.
import type { Address, ConversationId } from './address.ts';
import type { ErrorCode } from './errors.ts';
import type { ConversationEvent, FocusRoom, MediaPolicy, Outcome, PathKind } from './events.ts';
import { MAX_MESSAGES_KEPT, MAX_PARTICIPANTS } from './limits.ts';
import type { DeviceId, MediaSwitches, Person } from './people.ts';

/** `invited`: being looked for; `alerting`: a device of theirs rings; `ended`: the invitation had an outcome. */
export type ParticipantState = 'invited' | 'alerting' | 'joined' | 'left' | 'ended';

export interface Participant {
  readonly person: Person;
  readonly state: ParticipantState;
  /** Who added them; null for the one who created the conversation. */
  readonly addedBy: Address | null;
  /** Why the invitation ended, while state is `ended`. */
  readonly outcome: Outcome | null;
  /** The one device that takes part, while joined. */
  readonly device: DeviceId | null;
  readonly media: MediaSwitches;
  /** Number of the event that last changed `state`. */
  readonly since: number;
  /** When that was, milliseconds since 1970 by the host's clock. */
  readonly sinceAt: number;
  /** When the last invitation was made: it rings from here on. */
  readonly invitedAt: number;
  /** Highest epoch on which the focus has seen this person's media (R21). */
  readonly connectedEpoch: number;
  /** Highest epoch to which this person's device has switched. */
  readonly readyEpoch: number;
}

export interface CallPath {
  readonly kind: PathKind;
  readonly epoch: number;
  /** Present exactly when kind is `conference`. */
  readonly focus: FocusRoom | null;
  /** Who makes the offer; present exactly when kind is `direct`. */
  readonly offerer: Address | null;
  /** The people a direct path connects, while they stay; empty when kind is `conference`. */
  readonly between: readonly Address[];
}

export interface Transfer extends CallPath {
  /** Number of the event that started it: whoever joined before it must report ready. */
  readonly startedN: number;
  readonly startedAt: number;
}

export interface TransferFailure {
  readonly to: PathKind;
  readonly outcome: 'not-needed' | 'failed' | 'timed-out';
  readonly code: ErrorCode | null;
  /** Number of the event that ended it. */
  readonly n: number;
}

export interface Call {
  readonly by: Address;
  readonly policy: MediaPolicy;
  readonly startedAt: number;
  /** When the second person joined: the call clock counts from here (R39). */
  readonly answeredAt: number | null;
  /** The path that carries the call now. */
  readonly path: CallPath;
  /** The path that is being set up beside it. */
  readonly transfer: Transfer | null;
  /** Why the last transfer did not happen; cleared by the next one. */
  readonly transferFailure: TransferFailure | null;
  /** A direct path has failed during this call, so the call stays in the conference. */
  readonly directFailed: boolean;
  /** Highest epoch used so far; the next attempt takes the one after it. */
  readonly lastEpoch: number;
  readonly ended: { readonly at: number; readonly reason: 'hung-up' | 'not-answered' | 'media-failed' | 'lost' } | null;
}

export interface ChatMessage {
  readonly n: number;
  readonly at: number;
  readonly by: Address;
  readonly text: string;
}

export interface ConversationState {
  readonly id: ConversationId;
  readonly title: string | null;
  readonly createdAt: number;
  /** Number of the last event folded in; 0 for none. */
  readonly n: number;
  /** In the order in which they were added. */
  readonly participants: ReadonlyMap<Address, Participant>;
  readonly call: Call | null;
  /** The last MAX_MESSAGES_KEPT. */
  readonly messages: readonly ChatMessage[];
}

export function emptyConversation(id: ConversationId): ConversationState {
  return { id, title: null, createdAt: 0, n: 0, participants: new Map(), call: null, messages: [] };
}

const off: MediaSwitches = { microphone: false, camera: false };

function newcomer(person: Person, addedBy: Address | null, n: number, at: number): Participant {
  return {
    person,
    state: addedBy === null ? 'left' : 'invited',
    addedBy,
    outcome: null,
    device: null,
    media: off,
    since: n,
    sinceAt: at,
    invitedAt: at,
    connectedEpoch: 0,
    readyEpoch: 0,
  };
}

/**
 * Folds the next event in. Only the event numbered `state.n + 1` of this conversation is accepted; any other (a
 * repetition, a gap) leaves the state unchanged, so the caller can compare `n` to see whether it must ask for more.
 */
export function reduce(state: ConversationState, event: ConversationEvent): ConversationState {
  if (event.conversation !== state.id || event.n !== state.n + 1) return state;
  return { ...apply(state, event), n: event.n };
}

export function reduceAll(state: ConversationState, events: Iterable<ConversationEvent>): ConversationState {
  let result = state;
  for (const event of events) result = reduce(result, event);
  return result;
}

function withParticipant(
  state: ConversationState,
  address: Address,
  change: (participant: Participant) => Partial<Participant>,
): ConversationState {
  const participant = state.participants.get(address);
  if (!participant) return state;
  const participants = new Map(state.participants);
  participants.set(address, { ...participant, ...change(participant) });
  return { ...state, participants };
}

function withCall(state: ConversationState, change: (call: Call) => Partial<Call>): ConversationState {
  return state.call ? { ...state, call: { ...state.call, ...change(state.call) } } : state;
}

/** Whoever goes is no longer at an end of a direct path, and does not come back to it. */
function withoutOnPath(state: ConversationState, address: Address): ConversationState {
  const without = <P extends CallPath>(path: P): P =>
    path.between.includes(address) ? { ...path, between: path.between.filter((a) => a !== address) } : path;
  return withCall(state, ({ path, transfer }) => ({ path: without(path), transfer: transfer && without(transfer) }));
}

function apply(state: ConversationState, event: ConversationEvent): ConversationState {
  const { body, n, at } = event;
  switch (body.type) {
    case 'created': {
      if (state.n > 0) return state;
      const participants = new Map(state.participants).set(body.by.address, newcomer(body.by, null, n, at));
      return { ...state, title: body.title ?? null, createdAt: at, participants };
    }
    case 'call-started': {
      if (activeCall(state)) return state;
      const conference = body.focus !== undefined;
      const path: CallPath = {
        kind: conference ? 'conference' : 'direct',
        epoch: 1,
        focus: body.focus ?? null,
        offerer: conference ? null : body.by,
        between: conference ? [] : [body.by],
      };
      return {
        ...state,
        call: {
          by: body.by,
          policy: body.policy,
          startedAt: at,
          answeredAt: null,
          path,
          transfer: null,
          transferFailure: null,
          directFailed: false,
          lastEpoch: 1,
          ended: null,
        },
      };
    }
    case 'added': {
      const participants = new Map(state.participants);
      const before = participants.get(body.person.address);
      if (before && (before.state === 'joined' || before.state === 'invited' || before.state === 'alerting'))
        return state;
      if (!before && participants.size >= MAX_PARTICIPANTS) return state;
      participants.set(body.person.address, newcomer(body.person, body.by, n, at));
      // The one whom a direct call was made to; everybody after that comes by a conference.
      return withCall({ ...state, participants }, ({ path, transfer }) =>
        path.kind === 'direct' && path.between.length === 1 && !transfer
          ? { path: { ...path, between: [...path.between, body.person.address] } }
          : {},
      );
    }
    case 'alerting':
      return withParticipant(state, body.address, (p) =>
        p.state === 'invited' ? { state: 'alerting', since: n, sinceAt: at } : {},
      );
    case 'invitation-ended':
      return withParticipant(withoutOnPath(state, body.address), body.address, (p) =>
        isRinging(p) ? { state: 'ended', outcome: body.outcome, since: n, sinceAt: at } : {},
      );
    case 'joined': {
      const joined = withParticipant(state, body.address, () => ({
        state: 'joined',
        device: body.device,
        media: body.media,
        outcome: null,
        since: n,
        sinceAt: at,
        connectedEpoch: 0,
        readyEpoch: 0,
      }));
      const answered = joinedParticipants(joined).length >= 2;
      return withCall(joined, (call) => (answered && call.answeredAt === null ? { answeredAt: at } : {}));
    }
    case 'media':
      return withParticipant(state, body.address, (p) => (p.state === 'joined' ? { media: body.media } : {}));
    case 'connected':
      return withParticipant(state, body.address, (p) => ({ connectedEpoch: Math.max(p.connectedEpoch, body.epoch) }));
    case 'left':
      return withParticipant(withoutOnPath(state, body.address), body.address, (p) =>
        p.state === 'joined' ? { state: 'left', device: null, media: off, since: n, sinceAt: at } : {},
      );
    case 'transfer-started': {
      const conference = body.to === 'conference';
      const complete = conference ? body.focus !== undefined : body.offerer !== undefined;
      if (!complete || body.epoch <= (activeCall(state)?.lastEpoch ?? Number.POSITIVE_INFINITY)) return state;
      return withCall(state, (call) => ({
        transfer: {
          kind: body.to,
          epoch: body.epoch,
          focus: (conference && body.focus) || null,
          offerer: (!conference && body.offerer) || null,
          between: conference ? [] : joinedParticipants(state).map((p) => p.person.address),
          startedN: n,
          startedAt: at,
        },
        transferFailure: null,
        directFailed: call.directFailed || (body.because === 'path-failed' && call.path.kind === 'direct'),
        lastEpoch: body.epoch,
      }));
    }
    case 'path-ready':
      return withParticipant(state, body.address, (p) => ({ readyEpoch: Math.max(p.readyEpoch, body.epoch) }));
    case 'path-changed':
      return withCall(state, ({ transfer }) => {
        if (transfer?.epoch !== body.epoch) return {};
        const { kind, epoch, focus, offerer, between } = transfer;
        return { path: { kind, epoch, focus, offerer, between }, transfer: null };
      });
    case 'transfer-ended':
      return withCall(state, ({ transfer }) =>
        transfer?.epoch === body.epoch
          ? {
              transfer: null,
              transferFailure: { to: transfer.kind, outcome: body.outcome, code: body.code ?? null, n },
            }
          : {},
      );
    case 'call-ended': {
      const participants = new Map(state.participants);
      for (const [address, p] of participants) {
        if (p.state === 'joined')
          participants.set(address, { ...p, state: 'left', device: null, media: off, since: n, sinceAt: at });
        else if (isRinging(p))
          participants.set(address, { ...p, state: 'ended', outcome: 'cancelled', since: n, sinceAt: at });
      }
      return withCall({ ...state, participants }, () => ({ ended: { at, reason: body.reason }, transfer: null }));
    }
    case 'message': {
      const messages = [...state.messages, { n, at, by: body.by, text: body.text }].slice(-MAX_MESSAGES_KEPT);
      return { ...state, messages };
    }
  }
}

/** True while the person is being looked for or rung. */
export function isRinging(participant: Participant): boolean {
  return participant.state === 'invited' || participant.state === 'alerting';
}

export function joinedParticipants(state: ConversationState): Participant[] {
  return [...state.participants.values()].filter((p) => p.state === 'joined');
}

export function ringingParticipants(state: ConversationState): Participant[] {
  return [...state.participants.values()].filter(isRinging);
}

/** The call while it goes on; null before, after and without one. */
export function activeCall(state: ConversationState): Call | null {
  return state.call && state.call.ended === null ? state.call : null;
}

/** Both ends of the direct path in use are still there, in the call or being rung to it. */
export function directPathIntact(state: ConversationState): boolean {
  const path = state.call?.path;
  return path?.kind === 'direct' && path.between.length === 2;
}

/**
 * Who must still switch to the path being set up: everybody who was in the call when the transfer started, is still in
 * it, and has not reported ready. Later joiners have no old path to leave, so nobody waits for them.
 */
export function awaitedForTransfer(state: ConversationState): Participant[] {
  const transfer = state.call?.transfer;
  if (!transfer) return [];
  return joinedParticipants(state).filter((p) => p.since < transfer.startedN && p.readyEpoch < transfer.epoch);
}
