// What events mean for this node's own people, whether the conversation is hosted here or copied from elsewhere: their
// devices are told, the newly invited are rung, and presence follows who is in a call.
import {
  type Address,
  activeCall,
  type ConversationEvent,
  type ConversationId,
  type ConversationState,
  type DeviceId,
  type Domain,
  domainOf,
  type Outcome,
} from '@parley/protocol';
import type { Directory } from '../directory/api.ts';
import { createBudgets } from '../limits/index.ts';
import type { Policy } from '../policy/api.ts';
import type { Devices } from '../signalling/api.ts';
import { audience, newcomers, newlyInvited } from './audience.ts';
import type { Command } from './decide.ts';
import type { EventStore } from './event-store.ts';
import { firstPage } from './pages.ts';

export interface Attendance {
  /** Takes note of a change; devices are told in order. `submit` carries commands to the host, here or elsewhere. */
  changed(before: ConversationState, after: ConversationState, events: readonly ConversationEvent[]): void;
  /** Takes up calls that were going on when the node stopped, before anything else happens to them. */
  restore(states: Iterable<ConversationState>): void;
  /**
   * Says to the hosts what may not have been said before the node stopped, or could not be: who of ours is lost, and
   * whether the invited ring. Nothing changes if it has been said.
   */
  catchUp(states: Iterable<ConversationState>): void;
  /** The rules have changed: whoever of ours is in a call, or rung for one, that they do not permit any more leaves it. */
  enforce(states: Iterable<ConversationState>): void;
  /** The call a person is in, on whichever device. */
  callOf(address: Address): ConversationId | null;
  callOfDevice(device: DeviceId): { conversation: ConversationId; address: Address } | null;
}

/** By one person elsewhere, and by all of one domain. */
const RINGS_PER_SECOND = 0.5;
const RING_BURST = 40;
const DOMAIN_RINGS_PER_SECOND = 20;
const DOMAIN_RING_BURST = 400;

export function createAttendance(deps: {
  domain: Domain;
  devices: Devices;
  directory: Directory;
  policy: Policy;
  store: EventStore;
  submit: (id: ConversationId, by: Address, command: Command) => void;
  failed: (id: ConversationId, error: unknown) => void;
}): Attendance {
  const { domain, devices, directory, policy, store, submit, failed } = deps;
  /** Who of ours is in a call, and with which device; emptied when they leave or the call ends. */
  const calls = new Map<Address, { conversation: ConversationId; device: DeviceId }>();
  const byDevice = new Map<DeviceId, { conversation: ConversationId; address: Address }>();
  const ringsByPerson = createBudgets(RINGS_PER_SECOND, RING_BURST, Date.now);
  const ringsByDomain = createBudgets(DOMAIN_RINGS_PER_SECOND, DOMAIN_RING_BURST, Date.now);

  function tell(id: ConversationId, address: Address, events: readonly ConversationEvent[]): void {
    for (let rest = events; rest.length > 0; ) {
      const page = firstPage(rest);
      devices.tellPerson(address, 'conversation.events', { conversation: id, events: page });
      rest = rest.slice(page.length);
    }
  }

  /** A newcomer's devices lack everything before; if it is not in this batch, it is read again from the store. */
  function tellAll(after: ConversationState, address: Address, events: readonly ConversationEvent[]): void {
    if (events[0]?.n === 1) tell(after.id, address, events);
    else {
      // The devices fill the gap themselves if more events come in between (conversation.events).
      store
        .read(after.id, 0, after.n)
        .then((all) => tell(after.id, address, all))
        .catch((error: unknown) => failed(after.id, error));
    }
  }

  function trackCall(before: ConversationState, after: ConversationState, address: Address): void {
    const participant = after.participants.get(address);
    const device = activeCall(after) && participant?.state === 'joined' ? participant.device : null;
    const previous = before.participants.get(address)?.device ?? null;
    if (previous && previous !== device) byDevice.delete(previous);
    if (device) {
      calls.set(address, { conversation: after.id, device });
      byDevice.set(device, { conversation: after.id, address });
      directory.setInCall(address, true);
      // It may have gone between its answer and this event.
      if (device !== previous) leaveIfGone(after.id, address, device);
    } else if (calls.get(address)?.conversation === after.id) {
      calls.delete(address);
      directory.setInCall(address, false);
    }
  }

  function leaveIfGone(id: ConversationId, address: Address, device: DeviceId): void {
    if (devices.ownerOf(device) !== address) submit(id, address, { type: 'leave', reason: 'lost' });
  }

  const ours = ({ participants }: ConversationState) =>
    [...participants.values()].filter((p) => domainOf(p.person.address) === domain);

  async function invite(state: ConversationState, address: Address): Promise<void> {
    const { id } = state;
    const inviter = state.participants.get(address)?.addedBy;
    const permitted = !inviter || (policy.decide(inviter, address, 'call').allowed && mayRing(inviter));
    const outcome = permitted ? await obstacle(address) : 'refused';
    submit(id, address, outcome ? { type: 'refuse', outcome } : { type: 'alerting' });
  }

  /** Another provider does not slow its people down for us: whoever makes ours ring too often is refused. */
  function mayRing(inviter: Address): boolean {
    return domainOf(inviter) === domain || (ringsByPerson(inviter) && ringsByDomain(domainOf(inviter)));
  }

  /** Why this person cannot be rung now; null if at least one device of theirs rings (R13). */
  async function obstacle(address: Address): Promise<Outcome | null> {
    if (!(await directory.find(address))) return 'unknown-address';
    const presence = directory.presenceOf(address);
    if (presence === 'do-not-disturb') return 'do-not-disturb';
    if (calls.has(address)) return 'busy';
    return devices.of(address).length === 0 ? 'offline' : null;
  }

  /** The two may be in one call: the rules permit at least one of them to call the other. */
  const mayMeet = (one: Address, other: Address) =>
    policy.decide(one, other, 'call').allowed || policy.decide(other, one, 'call').allowed;

  /** Our people leave a call with somebody whom the rules keep apart from them, whoever brought them together. */
  function enforceIn(state: ConversationState): void {
    if (!activeCall(state)) return;
    const joined = [...state.participants.values()].filter((p) => p.state === 'joined');
    for (const { person, state: how, addedBy } of ours(state)) {
      const { address } = person;
      if (how === 'joined') {
        const barred = joined.some((p) => p.person.address !== address && !mayMeet(address, p.person.address));
        if (barred) submit(state.id, address, { type: 'leave', reason: 'removed' });
      } else if (
        (how === 'invited' || how === 'alerting') &&
        addedBy &&
        !policy.decide(addedBy, address, 'call').allowed
      ) {
        submit(state.id, address, { type: 'refuse', outcome: 'refused' });
      }
    }
    for (const { person, state: how, addedBy } of state.participants.values()) {
      const byOurs = addedBy !== null && domainOf(addedBy) === domain && domainOf(person.address) !== domain;
      if (!byOurs || (how !== 'invited' && how !== 'alerting')) continue;
      if (policy.decide(addedBy, person.address, 'call').allowed) continue;
      submit(state.id, addedBy, { type: 'cancel', address: person.address });
    }
  }

  return {
    enforce(states) {
      for (const state of [...states]) enforceIn(state);
    },
    changed(before, after, events) {
      const fresh = new Set(newcomers(before, after));
      for (const address of audience(before, after)) {
        if (domainOf(address) !== domain) continue;
        if (fresh.has(address)) tellAll(after, address, events);
        else tell(after.id, address, events);
        trackCall(before, after, address);
      }
      for (const address of newlyInvited(before, after)) {
        if (domainOf(address) === domain) invite(after, address).catch((error: unknown) => failed(after.id, error));
      }
      rememberStrangers(after, fresh);
      if (someoneJoined(events)) enforceIn(after);
    },
    restore(states) {
      for (const state of states) {
        for (const { person, state: how, device } of ours(state)) {
          if (how !== 'joined' || !device) continue;
          calls.set(person.address, { conversation: state.id, device });
          byDevice.set(device, { conversation: state.id, address: person.address });
          directory.setInCall(person.address, true);
        }
      }
    },
    catchUp(states) {
      for (const state of states) {
        for (const { person, state: how, device } of ours(state)) {
          if (how === 'joined' && device) leaveIfGone(state.id, person.address, device);
          if (how === 'invited') invite(state, person.address).catch((error: unknown) => failed(state.id, error));
        }
      }
    },
    callOf: (address) => calls.get(address)?.conversation ?? null,
    callOfDevice: (device) => byDevice.get(device) ?? null,
  };

  /** People of other companies become contacts of ours by being in a call together. */
  function rememberStrangers(after: ConversationState, fresh: ReadonlySet<Address>): void {
    if (fresh.size === 0) return;
    const people = [...after.participants.values()].map((p) => p.person);
    for (const owner of people.filter((p) => domainOf(p.address) === domain)) {
      for (const stranger of people.filter((p) => domainOf(p.address) !== domain)) {
        directory.remember(owner.address, stranger).catch((error: unknown) => failed(after.id, error));
      }
    }
  }
}

function someoneJoined(events: readonly ConversationEvent[]): boolean {
  return events.some(({ body }) => body.type === 'joined');
}
