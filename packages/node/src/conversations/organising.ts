// What the organiser of a call may do, and how guests come to its door: the part of `decide` that is about who is let in,
// kept out, muted, and asked to prove who they are (R30, R63, R68). Pure.
import {
  type Address,
  type Call,
  type ConversationState,
  type EventBody,
  isRinging,
  knockingParticipants,
  MAX_PARTICIPANTS,
  MAX_WAITING,
  ParleyError,
  type Participant,
  type Person,
  type RelayedCommand,
} from '@parley/protocol';

const organising = ['admit', 'turn-away', 'mute', 'ask-unmute', 'remove', 'raise-trust'] as const;
export type OrganiserCommand = Extract<RelayedCommand, { type: (typeof organising)[number] }>;

export function isOrganising(command: { readonly type: string }): command is OrganiserCommand {
  return (organising as readonly string[]).includes(command.type);
}

/**
 * What comes of a guest at the door: into the lobby or straight in; null if they have knocked or are in already. After
 * somebody was taken out, everybody who comes by the same link waits: it may be the same person by another name.
 */
export function comesBy(
  state: ConversationState,
  { person, by, link, lobby }: { person: Person; by: Address; link: string; lobby: boolean },
): (EventBody & { type: 'added' | 'knocked' }) | null {
  const known = state.participants.get(person.address);
  if (known && (known.state === 'joined' || known.state === 'knocking' || isRinging(known))) return null;
  if (!known && state.participants.size >= MAX_PARTICIPANTS) throw new ParleyError('conversation-full');
  const barred = [...state.participants.values()].some((p) => p.link === link && p.removedBy !== null);
  if (!lobby && !barred) return { type: 'added', by, person, link };
  if (knockingParticipants(state).length >= MAX_WAITING)
    throw new ParleyError('too-many-requests', 'many wait already');
  return { type: 'knocked', by, person, link };
}

/**
 * Decides on what only the organiser may do; null if it is so already.
 * @throws ParleyError `not-for-guests`, `not-allowed`, `unknown-address`, `not-in-call`, `invalid-parameters`
 */
export function decideAsOrganiser(
  state: ConversationState,
  call: Call,
  self: Participant,
  command: OrganiserCommand,
): EventBody | null {
  const by = self.person.address;
  if (self.person.guest) throw new ParleyError('not-for-guests');
  if (call.organiser !== by || self.state !== 'joined') throw new ParleyError('not-allowed', 'only the organiser may');
  if (command.type === 'raise-trust') {
    return call.raised ? null : { type: 'trust-raised', by, seconds: command.seconds };
  }
  const { address } = command;
  const target = state.participants.get(address);
  if (!target) throw new ParleyError('unknown-address');
  if (address === by) throw new ParleyError('invalid-parameters', 'address: one’s own');
  switch (command.type) {
    case 'admit':
      return target.state === 'knocking' ? { type: 'admitted', address, by } : null;
    case 'turn-away':
      return target.state === 'knocking' ? { type: 'invitation-ended', address, outcome: 'refused' } : null;
    case 'remove': {
      if (target.state !== 'joined' && !isRinging(target)) return null;
      const reason = command.because === 'untrusted' ? 'untrusted' : 'removed';
      return { type: 'left', address, reason, by };
    }
    case 'mute':
      requireThere(target);
      return target.media.microphone && target.mutedBy === null ? { type: 'muted', address, by } : null;
    case 'ask-unmute':
      requireThere(target);
      return target.media.microphone || target.unmuteAskedBy !== null ? null : { type: 'unmute-asked', address, by };
  }
}

function requireThere(target: Participant): void {
  if (target.state !== 'joined') throw new ParleyError('not-in-call', 'that person is not in the call');
}
