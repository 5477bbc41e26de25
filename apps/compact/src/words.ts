// What this app says.
import type { CallNotice, CallParticipant, CallView } from '@parley/client';
import type { Outcome, ParticipantState, Presence } from '@parley/protocol';

export const presences: Record<Presence, string> = {
  available: 'Free to talk',
  away: 'Away',
  busy: 'Busy',
  'do-not-disturb': 'Do not disturb',
  'in-a-call': 'In a call',
  offline: 'Offline',
};

const outcomes: Record<Outcome, (name: string) => string> = {
  declined: (name) => `${name} declined`,
  'no-answer': (name) => `${name} did not answer`,
  cancelled: (name) => `${name} is no longer being called`,
  busy: (name) => `${name} is in another call`,
  'do-not-disturb': (name) => `${name} does not want to be disturbed`,
  offline: (name) => `${name} is offline`,
  'unknown-address': (name) => `Nobody has the address ${name}`,
  unreachable: (name) => `${name} cannot be reached: their company’s service does not answer`,
  refused: (name) => `${name}’s company does not take this call`,
};

const states: Record<ParticipantState, string> = {
  knocking: 'waiting',
  invited: 'calling …',
  alerting: 'ringing …',
  joined: '',
  left: 'left',
  ended: 'not here',
};

/** What stands on a tile besides the name. */
export function standing({ state, outcome, self, flowing, microphone, screen }: CallParticipant): string {
  if (state === 'ended' && outcome) return outcomes[outcome]('').trim();
  if (state !== 'joined') return states[state];
  const words = [self || flowing ? '' : 'connecting …', screen ? 'shows the screen' : '', microphone ? '' : 'muted'];
  return words.filter(Boolean).join(', ');
}

export function noticeWords({ kind, person, outcome, error }: CallNotice): string {
  const name = person?.name ?? 'Somebody';
  if (error) return error.message;
  switch (kind) {
    case 'joined':
      return `${name} joined`;
    case 'left':
      return `${name} left`;
    case 'invitation-ended':
      return outcome ? outcomes[outcome](name) : `${name} did not join`;
    case 'recording-started':
      return 'The call is being recorded now';
    case 'recording-ended':
      return person ? `${name} ended the recording` : 'There is no recording any more';
    case 'recording-filed':
      return 'The recording is ready';
    case 'muted':
      return `${name} switched your microphone off`;
    case 'trust-raised':
      return `${name} asks everybody to prove who they are`;
    case 'add-failed':
      return `${name} could not be added. Try again.`;
    default:
      return 'There is trouble with the connection. The call goes on.';
  }
}

export function endedWords({ ended, participants }: CallView): string {
  const others = participants.filter(({ self }) => !self);
  const names = others.map(({ person }) => person.name).join(', ') || 'The other side';
  switch (ended?.reason) {
    case 'not-answered':
      if (ended.outcome === 'cancelled') return `You stopped calling ${names}.`;
      return `${ended.outcome ? outcomes[ended.outcome](names) : 'Nobody answered'}.`;
    case 'media-failed':
      return 'Sound and picture could not be connected. A firewall may block them: try another network.';
    case 'lost':
      return 'The connection was lost for too long. Check the network, then call again.';
    case 'removed':
      return ended.by
        ? `${ended.by.name} took you out of the call.`
        : 'Your company’s rules do not permit this call any more.';
    case 'untrusted':
      return `The call was ended for your safety. ${ended.untrusted?.text ?? ''}`;
    case 'left':
      return 'You left. The others can go on without you.';
    default:
      return `The call with ${names} is over.`;
  }
}
