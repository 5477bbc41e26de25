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
  hostOf,
  isGuestAddress,
  type Outcome,
} from '@parley/protocol';
import type { Directory } from '../directory/api.ts';
import { createBudgets } from '../limits/index.ts';
import type { Policy } from '../policy/api.ts';
import type { Devices } from '../signalling/api.ts';
import { audience, newcomers, newlyInvited, takesPart } from './audience.ts';
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
  /** A device of ours accepts a call: only then it is believed of another provider that it is in it. */
  accepts(id: ConversationId, device: DeviceId): void;
  /** The call a person is in, on whichever device. */
  callOf(address: Address): ConversationId | null;
  callOfDevice(device: DeviceId): { conversation: ConversationId; address: Address } | null;
  /** This person was refused to the host of the conversation, and learns nothing of it, whatever that host makes of it. */
  isWithheld(id: ConversationId, address: Address): boolean;
}

/** By one person elsewhere, or by all of one domain at one of ours; and by all of one domain. */
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
  /** Which call each device has accepted last; emptied when it goes. */
  const accepted = new Map<DeviceId, ConversationId>();
  devices.on('gone', ({ device }) => accepted.delete(device));
  /** Who of ours must not be rung by which conversations elsewhere; emptied when they do not take part there any more. */
  const withheld = new Map<ConversationId, Set<Address>>();
  const ringsByPerson = createBudgets(RINGS_PER_SECOND, RING_BURST, Date.now);
  const ringsAtOne = createBudgets(RINGS_PER_SECOND, RING_BURST, Date.now);
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

  /**
   * Whoever hosts a conversation says who is in it. Of people of ours it could be a lie, by which nobody could call them
   * any more: they are in a call hosted elsewhere only if they said so themselves.
   */
  function isTrue(id: ConversationId, address: Address, device: DeviceId): boolean {
    const known = byDevice.get(device);
    if (known?.conversation === id && known.address === address) return true;
    return hostOf(id) === domain || (accepted.get(device) === id && devices.ownerOf(device) === address);
  }

  function trackCall(before: ConversationState, after: ConversationState, address: Address): void {
    const participant = after.participants.get(address);
    const said = activeCall(after) && participant?.state === 'joined' ? participant.device : null;
    const device = said && isTrue(after.id, address, said) ? said : null;
    if (said && !device) submit(after.id, address, { type: 'leave', reason: 'lost' });
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

  /** @param permitted as `judge` has it */
  async function invite(state: ConversationState, address: Address, permitted: boolean): Promise<void> {
    const { id } = state;
    // Whoever comes by a link is on their way, and not to be looked for.
    if (comesByLink(state, address)) {
      if (devices.of(address).length > 0) submit(id, address, { type: 'alerting' });
      return;
    }
    const outcome = permitted ? await obstacle(address) : 'refused';
    submit(id, address, outcome ? { type: 'refuse', outcome } : { type: 'alerting' });
  }

  /** Links are the host's own affair: nobody of ours comes into a call elsewhere by one. */
  const comesByLink = ({ id, participants }: ConversationState, address: Address) =>
    hostOf(id) === domain && participants.get(address)?.link != null;

  /** Whether the rules and the budgets let this call come to one of ours; each time counts as a ring. */
  function judge(state: ConversationState, address: Address): boolean {
    if (comesByLink(state, address)) return true;
    const inviter = state.participants.get(address)?.addedBy;
    // Whoever was not added has begun it, which is done where it is hosted.
    if (!inviter) return hostOf(state.id) === domain;
    return mayInvite(state, inviter, address) && mayRing(state.id, inviter, address);
  }

  /** Whom a host elsewhere must not reach is not even told of the call: it need not heed our refusal. */
  function withhold(state: ConversationState, address: Address, permitted: boolean): void {
    const { id } = state;
    if (hostOf(id) === domain) return;
    const those = withheld.get(id) ?? new Set();
    if (permitted && directory.presenceOf(address) !== 'do-not-disturb') those.delete(address);
    else those.add(address);
    if (those.size > 0) withheld.set(id, those);
    else withheld.delete(id);
  }

  function release({ id, participants }: ConversationState): void {
    const those = withheld.get(id);
    if (!those) return;
    for (const address of those) if (!takesPart(participants.get(address))) those.delete(address);
    if (those.size === 0) withheld.delete(id);
  }
  const isWithheld = (id: ConversationId, address: Address) => withheld.get(id)?.has(address) ?? false;

  /**
   * A host elsewhere could name anybody as the one who invites. So whoever began the call must be of its domain
   * and be permitted to call, too, and one of ours invites only into a call that they are in.
   */
  function mayInvite({ id, call, participants }: ConversationState, inviter: Address, address: Address): boolean {
    if (!policy.decide(inviter, address, 'call').allowed) return false;
    if (hostOf(id) === domain) return true;
    if (!call || domainOf(call.by) !== hostOf(id)) return false;
    if (domainOf(inviter) === domain && calls.get(inviter)?.conversation !== id) return false;
    return policy.decide(call.by, address, 'call').allowed && participants.has(inviter);
  }

  /** Another provider does not slow its people down for us: whoever makes ours ring too often is refused. */
  function mayRing(id: ConversationId, inviter: Address, address: Address): boolean {
    const host = hostOf(id);
    if (host === domain && domainOf(inviter) === domain) return true;
    const from = host === domain ? domainOf(inviter) : host;
    return ringsByPerson(inviter) && ringsAtOne(`${from} ${address}`) && ringsByDomain(from);
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
    const ownGuest = (address: Address) => isGuestAddress(address) && domainOf(address) === domain;
    for (const { person, state: how, addedBy, link } of ours(state)) {
      const { address } = person;
      if (person.guest) {
        const there = how !== 'left' && how !== 'ended';
        if (there && addedBy && !policy.guestsOf(addedBy).allowed)
          submit(state.id, address, { type: 'leave', reason: 'removed' });
      } else if (how === 'joined') {
        const barred = joined.some(
          ({ person: { address: other } }) => other !== address && !ownGuest(other) && !mayMeet(address, other),
        );
        if (barred) submit(state.id, address, { type: 'leave', reason: 'removed' });
      } else if (
        (how === 'invited' || how === 'alerting') &&
        addedBy &&
        !link &&
        !policy.decide(addedBy, address, 'call').allowed
      ) {
        // A host elsewhere need not heed the refusal, so that it stops ringing is said here.
        withhold(state, address, false);
        if (isWithheld(state.id, address)) devices.tellPerson(address, 'call.withdrawn', { conversation: state.id });
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
      const invited = newlyInvited(before, after).filter((address) => domainOf(address) === domain);
      const concerned = audience(before, after).filter((address) => domainOf(address) === domain);
      // Who invites may have joined by the same events.
      for (const address of concerned) trackCall(before, after, address);
      const judged = new Map<Address, boolean>();
      for (const address of concerned) {
        if (!fresh.has(address) && !invited.includes(address)) continue;
        const permitted = judge(after, address);
        judged.set(address, permitted);
        withhold(after, address, permitted);
      }
      for (const address of concerned) {
        if (isWithheld(after.id, address)) continue;
        if (fresh.has(address)) tellAll(after, address, events);
        else tell(after.id, address, events);
      }
      for (const address of invited) {
        invite(after, address, judged.get(address) ?? false).catch((error: unknown) => failed(after.id, error));
      }
      rememberStrangers(after, fresh);
      release(after);
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
        for (const { person, state: how, addedBy } of ours(state)) {
          if (hostOf(state.id) === domain || (how !== 'invited' && how !== 'alerting')) continue;
          withhold(state, person.address, addedBy !== null && mayInvite(state, addedBy, person.address));
        }
      }
    },
    catchUp(states) {
      for (const state of states) {
        for (const { person, state: how, device } of ours(state)) {
          if (how === 'joined' && device) leaveIfGone(state.id, person.address, device);
          if (how !== 'invited') continue;
          const permitted = !isWithheld(state.id, person.address) && judge(state, person.address);
          withhold(state, person.address, permitted);
          invite(state, person.address, permitted).catch((error: unknown) => failed(state.id, error));
        }
      }
    },
    accepts: (id, device) => void accepted.set(device, id),
    callOf: (address) => calls.get(address)?.conversation ?? null,
    callOfDevice: (device) => byDevice.get(device) ?? null,
    isWithheld,
  };

  /** People of other companies become contacts of ours by being in a call together. */
  function rememberStrangers(after: ConversationState, fresh: ReadonlySet<Address>): void {
    if (fresh.size === 0) return;
    const people = [...after.participants.values()].map((p) => p.person);
    const owners = people.filter((p) => domainOf(p.address) === domain && !isWithheld(after.id, p.address));
    for (const owner of owners) {
      for (const stranger of people.filter((p) => domainOf(p.address) !== domain)) {
        directory.remember(owner.address, stranger).catch((error: unknown) => failed(after.id, error));
      }
    }
  }
}

function someoneJoined(events: readonly ConversationEvent[]): boolean {
  return events.some(({ body }) => body.type === 'joined');
}
