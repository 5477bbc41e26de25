// The one reducer: events in, state out. Node and clients fold the same list with it, so every screen shows the same
// truth (R26, R39). Pure: no clock, no random numbers, no I/O; unknown or impossible events leave the state as it is.
import type { Address, ConversationId } from './address.ts';
import type { ErrorCode } from './errors.ts';
import type { ConversationEvent, FocusRoom, MediaPolicy, Outcome, PathKind } from './events.ts';
import { MAX_MESSAGES_KEPT, MAX_PARTICIPANTS } from './limits.ts';
import type { DeviceId, MediaSwitches, Person } from './people.ts';
import { foldRecordings, type Recording } from './recording.ts';

/**
 * `knocking`: a guest who waits to be let in; `invited`: being looked for; `alerting`: a device of theirs rings; `ended`: the
 * invitation had an outcome.
 */
export type ParticipantState = 'knocking' | 'invited' | 'alerting' | 'joined' | 'left' | 'ended';

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
  /** By which link a guest came. */
  readonly link: string | null;
  /** A guest who has signed in with an account somewhere (R68). */
  readonly identified: boolean;
  /** Who has switched this person's microphone off; null once they have switched it on again. */
  readonly mutedBy: Address | null;
  /** Who asks this person to switch the microphone on. */
  readonly unmuteAskedBy: Address | null;
  /** The organiser who took this person out of the call: only an organiser brings them back. */
  readonly removedBy: Address | null;
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
  /** Why, unless people came or went. */
  readonly because: TransferCause | null;
}
export type TransferCause = 'path-failed' | 'engine-lost' | 'room-moved';

export interface TransferFailure {
  readonly to: PathKind;
  readonly outcome: 'not-needed' | 'failed' | 'timed-out';
  readonly code: ErrorCode | null;
  /** Why it had been tried. */
  readonly because: TransferCause | null;
  /** Number of the event that ended it. */
  readonly n: number;
}

export interface Call {
  readonly by: Address;
  /** Who admits, mutes and removes: who began the call; once they are gone, the person who has been in it longest (R64). */
  readonly organiser: Address;
  /** Everybody has to be verified since then, or `seconds` after they joined (R68). */
  readonly raised: { readonly by: Address; readonly at: number; readonly seconds: number } | null;
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
  /** The last MAX_RECORDINGS, the newest last. */
  readonly recordings: readonly Recording[];
}

export function emptyConversation(id: ConversationId): ConversationState {
  return { id, title: null, createdAt: 0, n: 0, participants: new Map(), call: null, messages: [], recordings: [] };
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
    link: null,
    identified: false,
    mutedBy: null,
    unmuteAskedBy: null,
    removedBy: null,
  };
}

/**
 * Folds the next event in. Only the event numbered `state.n + 1` of this conversation is accepted; any other (a
 * repetition, a gap) leaves the state unchanged, so the caller can compare `n` to see whether it must ask for more.
 */
export function reduce(state: ConversationState, event: ConversationEvent): ConversationState {
  if (event.conversation !== state.id || event.n !== state.n + 1) return state;
  const joined = (address: Address) => state.participants.get(address)?.state === 'joined';
  const recordings = foldRecordings(state.recordings, event, joined);
  return withOrganiser({ ...apply(state, event), n: event.n, recordings });
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

/**
 * Who organises the call: whoever did while they are there; else the one of those in it who joined first, never a guest
 * (R64). With nobody to hand it to it stays where it was.
 */
function organiserAfter(state: ConversationState, before: Address): Address {
  const p = state.participants.get(before);
  if (p?.state === 'joined' || (p && isRinging(p))) return before;
  const candidates = [...state.participants.values()].filter((p) => p.state === 'joined' && !p.person.guest);
  const [first] = candidates.sort((a, b) => a.since - b.since);
  return first?.person.address ?? before;
}

function withOrganiser(state: ConversationState): ConversationState {
  const call = activeCall(state);
  const organiser = call && organiserAfter(state, call.organiser);
  return organiser === call?.organiser ? state : withCall(state, () => (organiser ? { organiser } : {}));
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
          organiser: body.by,
          raised: null,
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
      if (before && !isGone(before)) return state;
      if (!before && participants.size >= MAX_PARTICIPANTS) return state;
      participants.set(body.person.address, { ...newcomer(body.person, body.by, n, at), link: body.link ?? null });
      // The one whom a direct call was made to; everybody after that comes by a conference.
      return withCall({ ...state, participants }, ({ path, transfer }) =>
        path.kind === 'direct' && state.participants.size === 1 && path.between.length === 1 && !transfer
          ? { path: { ...path, between: [...path.between, body.person.address] } }
          : {},
      );
    }
    case 'knocked': {
      const participants = new Map(state.participants);
      const before = participants.get(body.person.address);
      if (before && !isGone(before)) return state;
      if (!before && participants.size >= MAX_PARTICIPANTS) return state;
      const guest = newcomer(body.person, body.by, n, at);
      participants.set(body.person.address, { ...guest, state: 'knocking', link: body.link });
      return { ...state, participants };
    }
    case 'admitted':
      return withParticipant(state, body.address, (p) =>
        p.state === 'knocking' ? { state: 'invited', since: n, sinceAt: at, invitedAt: at } : {},
      );
    case 'identifying':
      return withParticipant(withoutOnPath(state, body.address), body.address, (p) =>
        p.state === 'joined'
          ? { state: 'invited', device: null, media: off, since: n, sinceAt: at, invitedAt: at, mutedBy: null }
          : {},
      );
    case 'identified':
      return withParticipant(state, body.address, (p) => (p.person.guest ? { identified: true } : {}));
    case 'muted':
      return withParticipant(state, body.address, (p) =>
        p.state === 'joined' ? { mutedBy: body.by, unmuteAskedBy: null } : {},
      );
    case 'unmute-asked':
      return withParticipant(state, body.address, (p) => (p.state === 'joined' ? { unmuteAskedBy: body.by } : {}));
    case 'trust-raised':
      return withCall(state, () => ({ raised: { by: body.by, at, seconds: body.seconds } }));
    case 'alerting':
      return withParticipant(state, body.address, (p) =>
        p.state === 'invited' ? { state: 'alerting', since: n, sinceAt: at } : {},
      );
    case 'invitation-ended':
      if (state.participants.get(body.address)?.state === 'knocking') return without(state, body.address);
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
        mutedBy: null,
        unmuteAskedBy: null,
      }));
      const answered = joinedParticipants(joined).length >= 2;
      return withCall(joined, (call) => (answered && call.answeredAt === null ? { answeredAt: at } : {}));
    }
    case 'media':
      return withParticipant(state, body.address, (p) => {
        if (p.state !== 'joined') return {};
        // Only off and on again is a person's own doing: what was said before the request arrived is not.
        const unmuted = body.media.microphone && !p.media.microphone;
        return { media: body.media, ...(unmuted ? { mutedBy: null, unmuteAskedBy: null } : {}) };
      });
    case 'connected':
      return withParticipant(state, body.address, (p) => ({ connectedEpoch: Math.max(p.connectedEpoch, body.epoch) }));
    case 'left':
      return withParticipant(withoutOnPath(state, body.address), body.address, (p) =>
        p.state === 'joined' || (body.by && isRinging(p))
          ? { state: 'left', device: null, media: off, since: n, sinceAt: at, removedBy: body.by ?? null }
          : {},
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
          because: body.because ?? null,
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
              transferFailure: {
                to: transfer.kind,
                outcome: body.outcome,
                code: body.code ?? null,
                because: transfer.because,
                n,
              },
            }
          : {},
      );
    case 'call-ended': {
      const participants = new Map(state.participants);
      for (const [address, p] of participants) {
        if (p.state === 'joined')
          participants.set(address, { ...p, state: 'left', device: null, media: off, since: n, sinceAt: at });
        // Whoever was never let in was never part of it.
        else if (p.state === 'knocking') participants.delete(address);
        else if (isRinging(p))
          participants.set(address, { ...p, state: 'ended', outcome: 'cancelled', since: n, sinceAt: at });
      }
      return withCall({ ...state, participants }, () => ({ ended: { at, reason: body.reason }, transfer: null }));
    }
    case 'message': {
      const messages = [...state.messages, { n, at, by: body.by, text: body.text }].slice(-MAX_MESSAGES_KEPT);
      return { ...state, messages };
    }
    // Folded into `recordings` by foldRecordings.
    case 'recording-asked':
    case 'recording-consented':
    case 'recording-agreed':
    case 'recording-started':
    case 'recording-ended':
    case 'recording-filed':
      return state;
  }
}

function isGone({ state }: Participant): boolean {
  return state === 'left' || state === 'ended';
}

/** Forgets a guest who was not let in: they leave no trace, and fill nobody's place. */
function without(state: ConversationState, address: Address): ConversationState {
  const participants = new Map(state.participants);
  participants.delete(address);
  return { ...state, participants };
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
