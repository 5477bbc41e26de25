// Conversations of this node's people: hosted here (host.ts) or elsewhere (copies.ts). This file connects the requests
// of devices and of other providers with both.
import {
  type Address,
  activeCall,
  asParleyError,
  type ClientSettings,
  type ConversationId,
  type DeviceId,
  type Domain,
  domainOf,
  type History,
  hostOf,
  joinedParticipants,
  MAX_EVENTS_PER_MESSAGE,
  mayBeHeard,
  ParleyError,
  type Person,
  type RelayedCommand,
  relayedCommandSchema,
} from '@parley/protocol';
import type { Logger } from 'pino';
import type { Directory } from '../directory/api.ts';
import type { DomainSigner, Federation } from '../federation/api.ts';
import { createBudgets } from '../limits/index.ts';
import type { Policy } from '../policy/api.ts';
import type { Caller, Devices } from '../signalling/api.ts';
import type { Storage } from '../storage/index.ts';
import type { ConferenceRooms, Conversations, Entering, RoomReport } from './api.ts';
import { createAttendance } from './attendance.ts';
import { audience, domainsOf, takesPart } from './audience.ts';
import type { Patience } from './consequences.ts';
import { receiveEvents } from './copies.ts';
import { begin, type Command, needsConference, permittedPolicy } from './decide.ts';
import { createDeliveries } from './delivery.ts';
import { createEventStore } from './event-store.ts';
import { createHistories } from './histories.ts';
import { createHost, type Publish } from './host.ts';
import { tellLobby } from './lobby.ts';
import { createLostRooms } from './lost-rooms.ts';
import { firstPage } from './pages.ts';
import { createSerialQueues } from './queue.ts';
import { createRecordingsKept } from './recordings-kept.ts';
import { routeSignal } from './signals.ts';

/** How long a pass for a conference is good for, in seconds: a device uses it at once. */
const TICKET_SECONDS = 60;
/** Of one person: far more than anybody dials. */
const INVITATIONS_PER_SECOND = 0.5;
const INVITATION_BURST = 40;
export const TICKET_TYPE = 'parley-ticket+jwt';

interface PassRequest {
  readonly conversation: ConversationId;
  readonly epoch: number;
  readonly address: Address;
  readonly device: DeviceId;
}

export async function createConversations(deps: {
  domain: Domain;
  storage: Storage;
  devices: Devices;
  directory: Directory;
  federation: Federation;
  signer: DomainSigner;
  rooms: ConferenceRooms;
  policy: Policy;
  /** Which paths calls of people here may take. */
  paths: ClientSettings['paths'];
  patience: Patience;
  /** A guest of ours has no more business in a conversation; null: nobody has, its call is over. */
  released?: (id: ConversationId, guest: Address | null) => void;
  log: Logger;
}): Promise<Conversations> {
  const { domain, storage, devices, directory, federation, signer, rooms, policy, paths, patience, log } = deps;
  const store = createEventStore(storage);
  const histories = createHistories(store);
  const queues = createSerialQueues();
  const recordingsKept = createRecordingsKept(storage, domain);
  const failed = (id: ConversationId, error: unknown) =>
    log.warn({ conversation: id, code: asParleyError(error).code, err: error }, 'a step of a conversation failed');

  const deliveries = createDeliveries({
    store,
    federation,
    log,
    failed: (id, to, code) => void cannotReach(id, to, code),
  });
  const attendance = createAttendance({
    domain,
    devices,
    directory,
    policy,
    store,
    failed,
    submit: (id, by, command) => submit(id, by, command).catch((error: unknown) => failed(id, error)),
  });
  const publish: Publish = (before, after, events) => {
    attendance.changed(before, after, events);
    recordingsKept.changed(after, events).catch((error: unknown) => failed(after.id, error));
    tellLobby({ domain, devices, released: deps.released ?? (() => undefined) }, before, after, events);
    if (hostOf(after.id) !== domain) return;
    for (const other of domainsOf(audience(before, after), domain)) deliveries.push(after.id, other, after.n, events);
  };
  const host = createHost({ domain, histories, queues, rooms, patience, publish, log });

  /** Carries a command of one of our own people to wherever the conversation is hosted. */
  async function submit(id: ConversationId, by: Address, command: Command | RelayedCommand): Promise<void> {
    if (hostOf(id) === domain) return host.execute(id, by, await complete(id, command));
    const relayed =
      command.type === 'add' && 'person' in command ? { type: 'add', address: command.person.address } : command;
    const parsed = relayedCommandSchema.safeParse(relayed);
    // Only the host itself says those that remain.
    if (!parsed.success) throw new ParleyError('internal-error');
    await federation.request(hostOf(id), 'conversation.command', { conversation: id, by, command: parsed.data });
  }

  /** The host finds out whom an address means. */
  async function complete(id: ConversationId, command: Command | RelayedCommand): Promise<Command> {
    if (command.type !== 'add' || 'person' in command) return command;
    const state = await histories.get(id);
    const ours = [...(state?.participants.keys() ?? [])].find((address) => domainOf(address) === domain);
    if (!ours) throw new ParleyError('unknown-conversation');
    return { type: 'add', person: await personAt(command.address, ours) };
  }

  /** Whom an address means, for one of our own who wants to call them. */
  async function personAt(address: Address, by: Address): Promise<Person> {
    const own = await directory.find(address);
    if (own) return own;
    if (domainOf(address) === domain) throw new ParleyError('unknown-address');
    return (await directory.known(by, address)) ?? (await directory.lookup(address, by)).person;
  }

  /** A provider that does not answer: nobody there will ring. Who is in the call already stays; media may still flow. */
  async function cannotReach(id: ConversationId, other: Domain, code: string): Promise<void> {
    const state = await histories.get(id);
    if (!state) return;
    const outcome =
      code === 'provider-untrusted' || code === 'provider-refused' || code === 'not-allowed'
        ? 'refused'
        : 'unreachable';
    for (const p of state.participants.values()) {
      if (p.state !== 'invited' || domainOf(p.person.address) !== other) continue;
      await host
        .execute(id, p.person.address, { type: 'refuse', outcome })
        .catch((error: unknown) => failed(id, error));
    }
  }

  const mayInvite = createBudgets(INVITATIONS_PER_SECOND, INVITATION_BURST, Date.now);
  /** Whoever calls ever new people is slowed down: each invitation rings somebody, and may need a conference room. */
  function spend(by: Address, invitations: number): void {
    for (let n = 0; n < invitations; n += 1) if (!mayInvite(by)) throw new ParleyError('too-many-requests');
  }

  async function participantState(id: ConversationId, address: Address) {
    const state = await histories.get(id);
    const participant = state?.participants.get(address);
    if (!state || !participant || attendance.isWithheld(id, address)) throw new ParleyError('unknown-conversation');
    return { state, participant };
  }

  async function history(id: ConversationId, after: number, until: number): Promise<History> {
    const limit = Math.max(0, Math.min(MAX_EVENTS_PER_MESSAGE, until - after));
    const events = limit === 0 ? [] : firstPage(await store.read(id, after, limit));
    return { conversation: id, events, complete: (events.at(-1)?.n ?? after) >= until };
  }

  /** Only a device that takes part acts for a person in a call; a person's other devices may only answer or decline. */
  async function asParticipant(
    caller: Caller,
    id: ConversationId,
    command: RelayedCommand,
  ): Promise<Record<string, never>> {
    const { participant } = await participantState(id, caller.address);
    if (participant.state === 'joined' && participant.device !== caller.device) throw new ParleyError('not-in-call');
    await submit(id, caller.address, command);
    return {};
  }

  devices.handle('call.start', async (caller, { to, policy: wished, title, media, offer }) => {
    const mediaPolicy = permittedPolicy(wished, paths);
    if (attendance.callOf(caller.address)) throw new ParleyError('already-in-call');
    spend(caller.address, to.length);
    for (const address of to) policy.require(caller.address, address, 'call');
    if (to.includes(caller.address)) throw new ParleyError('invalid-parameters', 'to: one cannot call oneself');
    const people = await Promise.all([...new Set(to)].map((address) => personAt(address, caller.address)));
    const conference = needsConference(mediaPolicy, people.length + 1);
    const state = await host.create(caller.address, conference, (focus) =>
      begin({ by: caller.person, device: caller.device, media, to: people, title, policy: mediaPolicy, focus }),
    );
    const [only] = people;
    if (offer && !conference && only) {
      const from = { address: caller.address, device: caller.device };
      const signal = { type: 'offer' as const, path: offer.path, epoch: 1, sdp: offer.sdp };
      routeSignal({ domain, devices, federation }, state, from, { address: only.address }, signal).catch(
        (error: unknown) => failed(state.id, error),
      );
    }
    return history(state.id, 0, state.n);
  });
  devices.handle('call.accept', async (caller, { conversation, media }) => {
    const current = attendance.callOf(caller.address);
    if (current && current !== conversation) throw new ParleyError('already-in-call');
    return acceptOn(caller, conversation, media);
  });
  async function acceptOn(caller: Caller, id: ConversationId, media: { microphone: boolean; camera: boolean }) {
    await participantState(id, caller.address);
    attendance.accepts(id, caller.device);
    await submit(id, caller.address, { type: 'accept', device: caller.device, media });
    return {};
  }
  devices.handle('call.decline', (c, p) => asParticipant(c, p.conversation, { type: 'decline' }));
  devices.handle('call.cancel', (c, p) => asParticipant(c, p.conversation, { type: 'cancel', address: p.address }));
  devices.handle('call.add', (c, p) => {
    spend(c.address, 1);
    policy.require(c.address, p.address, 'call');
    return asParticipant(c, p.conversation, { type: 'add', address: p.address });
  });
  devices.handle('call.leave', (c, p) => asParticipant(c, p.conversation, { type: 'leave', reason: 'hung-up' }));
  devices.handle('call.media', (c, p) => asParticipant(c, p.conversation, { type: 'media', media: p.media }));
  devices.handle('call.ready', (c, p) => asParticipant(c, p.conversation, { type: 'ready', epoch: p.epoch }));
  devices.handle('call.pathFailed', (c, p) =>
    asParticipant(c, p.conversation, { type: 'path-failed', epoch: p.epoch }),
  );
  devices.handle('call.record', (c, p) => asParticipant(c, p.conversation, { type: 'record' }));
  devices.handle('call.consent', (c, { conversation, recording }) =>
    asParticipant(c, conversation, { type: 'consent', recording }),
  );
  devices.handle('call.stopRecording', (c, { conversation, recording }) =>
    asParticipant(c, conversation, { type: 'stop-recording', recording }),
  );
  devices.handle('conversation.send', async (c, p) => {
    if (c.only) await requireTerm(c, p.conversation, 'write');
    return asParticipant(c, p.conversation, { type: 'send', text: p.text });
  });
  /** What guests may do is as the rules say now, of those who come by links of whoever invited this one. */
  async function requireTerm(caller: Caller, id: ConversationId, term: 'write'): Promise<void> {
    const { participant } = await participantState(id, caller.address);
    if (participant.addedBy && !policy.guestsOf(participant.addedBy)[term]) throw new ParleyError('not-permitted');
  }
  devices.handle('call.admit', (c, p) => asParticipant(c, p.conversation, { type: 'admit', address: p.address }));
  devices.handle('call.turnAway', (c, p) =>
    asParticipant(c, p.conversation, { type: 'turn-away', address: p.address }),
  );
  devices.handle('call.mute', (c, p) => asParticipant(c, p.conversation, { type: 'mute', address: p.address }));
  devices.handle('call.askToUnmute', (c, p) =>
    asParticipant(c, p.conversation, { type: 'ask-unmute', address: p.address }),
  );
  devices.handle('call.remove', (c, { conversation, address, because }) =>
    asParticipant(c, conversation, { type: 'remove', address, because }),
  );
  devices.handle('call.raiseTrust', (c, p) =>
    asParticipant(c, p.conversation, { type: 'raise-trust', seconds: p.seconds }),
  );
  devices.handle('call.identify', (c, p) => asParticipant(c, p.conversation, { type: 'identify' }));
  devices.handle('call.signal', async (caller, { conversation, to, signal }) => {
    const from = { address: caller.address, device: caller.device };
    await routeSignal({ domain, devices, federation }, await histories.get(conversation), from, to, signal);
    return {};
  });
  devices.handle('conversation.events', async (caller, { conversation, after }) => {
    const { state, participant } = await participantState(conversation, caller.address);
    if (participant.state === 'knocking') throw new ParleyError('not-admitted');
    const sees = takesPart(participant) || !activeCall(state) ? state.n : participant.since;
    return history(conversation, after, sees);
  });
  devices.on('gone', ({ device, reason }) => {
    const call = attendance.callOfDevice(device);
    if (!call) return;
    submit(call.conversation, call.address, { type: 'leave', reason: reason === 'bye' ? 'hung-up' : 'lost' }).catch(
      (error: unknown) => failed(call.conversation, error),
    );
  });

  /** The conference of an epoch, for a device that takes part in the call. */
  async function conferenceOf({ conversation, epoch, address, device }: PassRequest) {
    const { state, participant } = await participantState(conversation, address);
    if (participant.state !== 'joined' || participant.device !== device) throw new ParleyError('not-in-call');
    const call = activeCall(state);
    const path = [call?.transfer, call?.path].find((p) => p?.epoch === epoch);
    if (!path?.focus) throw new ParleyError('out-of-turn', 'there is no conference with this epoch');
    if (!mayBeHeard(state, address)) throw new ParleyError('recording-consent-needed');
    return path.focus;
  }

  /** A pass signed by the host, for one device, one room, one use (RFC 7519 claims; `jti` for single use). */
  async function ticket(wanted: PassRequest): Promise<string> {
    const { room, domain: focus } = await conferenceOf(wanted);
    const { address, device, conversation, epoch } = wanted;
    return signer.sign(TICKET_TYPE, { aud: focus, sub: address, device, room, conversation, epoch }, TICKET_SECONDS);
  }

  const requireFrom = (from: Domain, address: Address) => {
    if (domainOf(address) !== from) throw new ParleyError('not-allowed', 'a provider speaks only for its own people');
  };
  federation.handle('conversation.deliver', async (from, { conversation, events }) => ({
    have: await receiveEvents({ domain, histories, queues, publish }, from, conversation, events),
  }));
  federation.handle('conversation.command', async (from, { conversation, by, command }) => {
    requireFrom(from, by);
    if (hostOf(conversation) !== domain) throw new ParleyError('unknown-conversation');
    await participantState(conversation, by);
    await host.execute(conversation, by, await complete(conversation, command));
    return {};
  });
  federation.handle('call.signal', async (from, { conversation, from: sender, to, signal }) => {
    requireFrom(from, sender.address);
    if (domainOf(to.address) !== domain) throw new ParleyError('not-allowed', 'not a relay for other providers');
    if (attendance.isWithheld(conversation, to.address)) throw new ParleyError('not-in-call');
    // In turn, so that an offer does not overtake the invitation it belongs to.
    await queues.run(conversation, async () =>
      routeSignal({ domain, devices, federation }, await histories.get(conversation), sender, to, signal),
    );
    return {};
  });
  federation.handle('focus.ticket', async (from, wanted) => {
    requireFrom(from, wanted.address);
    return { ticket: await ticket(wanted) };
  });

  policy.on('changed', () => attendance.enforce(histories.active()));

  for (const { id } of await store.activeIds()) await histories.get(id);
  attendance.restore(histories.active());
  const lostRooms = createLostRooms({
    domain,
    federation,
    failed,
    before: histories.active(),
    report: (id, room) => roomReport(domain, id, room, { type: 'room-lost' }),
  });
  const hostedAt = (host: Domain) => [...histories.active()].filter((state) => hostOf(state.id) === host);
  federation.on('up', ({ domain: host }) => {
    attendance.catchUp(hostedAt(host));
    lostRooms.tell(host);
  });

  async function roomReport(focus: Domain, id: ConversationId, room: string, report: RoomReport): Promise<void> {
    const state = await histories.get(id);
    if (report.type === 'recorded') {
      const recording = state?.recordings.find(({ n }) => n === report.recording);
      if (recording?.focus?.domain !== focus || recording.focus.room !== room) throw new ParleyError('recording-gone');
      return host.execute(id, recording.by, report);
    }
    const call = state && activeCall(state);
    if (!state || !call || ![call.path.focus, call.transfer?.focus].some((f) => f?.room === room && f.domain === focus))
      return;
    if (report.type === 'connected') await host.execute(id, report.address, { type: 'connected', room });
    if (report.type !== 'room-lost' && report.type !== 'move') return;
    const joined = joinedParticipants(state).map((p) => p.person.address);
    // By somebody of the focus's own company, so that it is asked first for the next room.
    const someone = joined.find((address) => domainOf(address) === focus) ?? joined[0];
    if (someone) await host.execute(id, someone, { ...report, room });
  }

  return {
    async historyFor(address) {
      const mine = [...histories.active()].filter(
        (state) => takesPart(state.participants.get(address)) && !attendance.isWithheld(state.id, address),
      );
      return Promise.all(mine.map((state) => history(state.id, 0, state.n)));
    },
    state: (id) => histories.get(id),
    recordingsOf: recordingsKept.of,
    async pass(conversation, epoch, address, device) {
      const wanted = { conversation, epoch, address, device };
      const { domain: focus } = await conferenceOf(wanted);
      if (hostOf(conversation) === domain) return { focus, ticket: await ticket(wanted) };
      return { focus, ...(await federation.request(hostOf(conversation), 'focus.ticket', wanted)) };
    },
    async enter(id, who: Entering) {
      await host.execute(id, who.person.address, { type: 'enter', ...who });
      const { participant } = await participantState(id, who.person.address);
      return { waiting: participant.state === 'knocking' };
    },
    identified: (id, guest) => host.execute(id, guest, { type: 'identified' }),
    become: (id, guest, person) => host.execute(id, guest, { type: 'become', person }),
    async guestGone(id, guest) {
      const state = await histories.get(id);
      if (state?.participants.get(guest)?.state !== 'knocking') return;
      await host.execute(id, guest, { type: 'leave', reason: 'lost' });
    },
    roomReport,
    async resume() {
      const running = [...histories.active()];
      for (const state of running) if (hostOf(state.id) === domain) host.rearm(state);
      attendance.catchUp(running);
      for (const provider of new Set(running.map((state) => hostOf(state.id)))) lostRooms.tell(provider);
      await deliveries.resume();
    },
    async close() {
      host.close();
      deliveries.close();
    },
  };
}

export { mayLendRoom } from './copies.ts';
