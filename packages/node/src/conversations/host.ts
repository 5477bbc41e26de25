// The host's side of a conversation: commands in, events out. Serialises everything that happens to one conversation,
// stores before it tells, and wakes up when the next deadline of a call is due.
import { randomBytes } from 'node:crypto';
import {
  type Address,
  activeCall,
  asParleyError,
  type ConferenceNeeds,
  type ConversationEvent,
  type ConversationId,
  type ConversationState,
  type Domain,
  domainOf,
  type ErrorCode,
  type EventBody,
  emptyConversation,
  type FocusRoom,
  ParleyError,
  reduce,
} from '@parley/protocol';
import type { Logger } from 'pino';
import type { ConferenceRooms } from './api.ts';
import { abandonedRooms, audience, departures, domainsOf, usesRoom } from './audience.ts';
import { consequences, nextDeadline, type Patience } from './consequences.ts';
import { type Command, decide } from './decide.ts';
import type { Histories } from './histories.ts';
import type { createSerialQueues } from './queue.ts';
import { createRecordingConductor } from './recording-conductor.ts';

/** Called after events are stored, still in the conversation's turn: must not wait for that conversation. */
export type Publish = (
  before: ConversationState,
  after: ConversationState,
  events: readonly ConversationEvent[],
) => void;

export interface Host {
  /** Creates a conversation with the events that `first` makes of its new id and the room reserved if asked for. */
  create(by: Address, wantsFocus: boolean, first: (focus: FocusRoom | null) => EventBody[]): Promise<ConversationState>;
  /** Carries out a command. Errors: those of `decide`, `no-conference-available`, `unknown-conversation`. */
  execute(id: ConversationId, by: Address, command: Command): Promise<void>;
  /** After a restart of the node: what was due meanwhile happens now, and what is due later in its time. */
  rearm(state: ConversationState): void;
  close(): void;
}

export function createHost(deps: {
  domain: Domain;
  histories: Histories;
  queues: ReturnType<typeof createSerialQueues>;
  rooms: ConferenceRooms;
  patience: Patience;
  publish: Publish;
  log: Logger;
  now?: () => number;
}): Host {
  const { domain, histories, queues, rooms, patience, publish, log } = deps;
  const now = deps.now ?? Date.now;
  const alarms = new Map<ConversationId, NodeJS.Timeout>();
  let closed = false;
  const recordings = createRecordingConductor({
    rooms,
    execute,
    failed: (id, error) =>
      log.warn({ conversation: id, code: asParleyError(error).code, err: error }, 'a step of a recording failed'),
  });

  /** Numbers the bodies and everything that follows from them. */
  function unfold(
    before: ConversationState,
    bodies: readonly EventBody[],
  ): { after: ConversationState; events: ConversationEvent[] } {
    const events: ConversationEvent[] = [];
    let after = before;
    let next = bodies;
    while (next.length > 0) {
      for (const body of next) {
        const event = { conversation: before.id, n: after.n + 1, at: now(), body };
        events.push(event);
        after = reduce(after, event);
      }
      next = consequences(after);
    }
    return { after, events };
  }

  async function commit(before: ConversationState, bodies: readonly EventBody[]): Promise<ConversationState> {
    if (bodies.length === 0) return before;
    const { after, events } = unfold(before, bodies);
    await histories.append(before.id, events, after, 'host', domainsOf(audience(before, after), domain));
    publish(before, after, events);
    recordings.changed(before, after);
    for (const { domain: focus, room } of abandonedRooms(before, after)) rooms.release(focus, room);
    for (const { focus, address, device } of departures(before, after)) rooms.evict(focus, address, device);
    setAlarm(after);
    return after;
  }

  function setAlarm(state: ConversationState): void {
    clearTimeout(alarms.get(state.id));
    alarms.delete(state.id);
    const deadline = nextDeadline(state, patience);
    if (!deadline || closed) return;
    alarms.set(state.id, setTimeout(() => void ring(state.id), Math.max(0, deadline.at - now())).unref());
  }

  async function ring(id: ConversationId): Promise<void> {
    try {
      await queues.run(id, async () => {
        const state = await histories.get(id);
        const deadline = state && nextDeadline(state, patience);
        if (!state || !deadline) return;
        if (deadline.at <= now()) await commit(state, deadline.events);
        else setAlarm(state);
      });
    } catch (error) {
      log.error({ conversation: id, code: asParleyError(error).code, err: error }, 'a deadline could not be kept');
    }
  }

  /** The adder's provider first, then the host's own (design.md, flow 2, step 2). */
  async function reserve(id: ConversationId, by: Address, epoch: number, needs?: ConferenceNeeds): Promise<FocusRoom> {
    let why: ErrorCode = 'no-conference-available';
    for (const focus of new Set([domainOf(by), domain])) {
      try {
        return { domain: focus, room: await rooms.reserve(focus, id, epoch, needs) };
      } catch (error) {
        const { code } = asParleyError(error);
        if (code === 'not-available' || code === 'conference-full') why = code;
        log.warn({ conversation: id, focus, code }, 'no conference room at this provider');
      }
    }
    throw new ParleyError(why);
  }

  async function attempt(id: ConversationId, by: Address, command: Command, focus: FocusRoom | null) {
    return queues.run(id, async () => {
      const state = await histories.get(id);
      if (!state) throw new ParleyError('unknown-conversation');
      const decision = decide(state, by, command, focus);
      if ('needsFocus' in decision) {
        const { otherwise, needs } = decision;
        return { otherwise, needs, epoch: (activeCall(state)?.lastEpoch ?? 0) + 1 };
      }
      const after = await commit(state, decision.events);
      if (focus && !usesRoom(after, focus.room)) rooms.release(focus.domain, focus.room);
      return null;
    });
  }

  async function execute(id: ConversationId, by: Address, command: Command): Promise<void> {
    const wanted = await attempt(id, by, command, null);
    if (!wanted) return;
    // Not in the conversation's turn: a slow focus must not hold up a hang-up.
    let focus: FocusRoom;
    try {
      focus = await reserve(id, by, wanted.epoch, wanted.needs);
    } catch (error) {
      const { otherwise } = wanted;
      if (!otherwise) throw error;
      await queues.run(id, async () => {
        const state = await histories.get(id);
        if (state && activeCall(state)) await commit(state, otherwise);
      });
      return;
    }
    try {
      await attempt(id, by, command, focus);
    } catch (error) {
      // Two commands at once get the same room for the same attempt: the other one may be using it.
      const state = await histories.get(id);
      if (!state || !usesRoom(state, focus.room)) rooms.release(focus.domain, focus.room);
      throw error;
    }
  }

  return {
    async create(by, wantsFocus, first) {
      const id = `${randomBytes(16).toString('base64url')}@${domain}` as ConversationId;
      const focus = wantsFocus ? await reserve(id, by, 1) : null;
      return queues.run(id, () => commit(emptyConversation(id), first(focus)));
    },
    execute,
    rearm(state) {
      setAlarm(state);
      // What was asked of a focus before the node stopped may not have been done.
      recordings.changed(emptyConversation(state.id), state);
    },
    close() {
      closed = true;
      for (const alarm of alarms.values()) clearTimeout(alarm);
      alarms.clear();
    },
  };
}
