// Two providers may open a link to each other in the same moment. Which one is kept, as a pure decision: the first that is
// proven, and of two that cross, the one opened by the domain that sorts first. So there is never more than one link, and
// nothing is sent on one that is given up.
import type { Domain } from '@parley/protocol';

export interface Meeting {
  readonly own: Domain;
  readonly peer: Domain;
  /** Who opened the link that is up from this side's view; null: none is. */
  readonly current: 'own' | 'peer' | null;
  /** How far this side's own attempt is. Only with its proof out can the other side have taken it. */
  readonly attempt: 'none' | 'unproven' | 'proof-sent';
}

/**
 * What to do with a link that the peer has opened and proven:
 * - `accept`: it is the link now; an attempt of one's own is given up, an older link is gone at the other end already.
 * - `await-attempt`: one's own attempt goes first; decide again when it has come to something.
 * - `probe`: either it has crossed the link that is up, which then goes first, or the peer has lost that one without this
 *   side noticing. A peer that still has it answers.
 */
export function decide({ own, peer, current, attempt }: Meeting): 'accept' | 'await-attempt' | 'probe' {
  // A peer whose own link is still up does not open another, and one that sorts first does not wait for ours.
  if (current === 'own') return own < peer ? 'probe' : 'accept';
  if (current === null && attempt === 'proof-sent' && own < peer) return 'await-attempt';
  return 'accept';
}
