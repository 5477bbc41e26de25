// What a device in a call does by itself because of what others ask: it switches its microphone off when the organiser says
// so, and the organiser's own device takes out whoever has not proven in time who they are. Only a device can know that:
// proofs are verified by each device for itself, not by any node (R63, R68).
import { type Address, type ConversationState, identifyBy } from '@parley/protocol';
import type { TrustView } from './api.ts';

export interface Duties {
  /** The state has changed, or what is known of who the others are. */
  look(): void;
  close(): void;
}

export interface DutiesOptions {
  readonly me: Address;
  readonly state: () => ConversationState;
  /** Of those who have joined. */
  readonly trust: () => ReadonlyMap<Address, TrustView>;
  /** Milliseconds by which the own clock is ahead of the host's. */
  readonly clockOffset: () => number;
  readonly muteSelf: () => void;
  readonly remove: (address: Address) => void;
}

export function createDuties(options: DutiesOptions): Duties {
  const { me, state, trust, clockOffset, muteSelf, remove } = options;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Whom it was asked to take out, by when they joined: each is asked for once. */
  const asked = new Set<string>();

  function look(): void {
    clearTimeout(timer);
    const self = state().participants.get(me);
    if (self?.mutedBy && self.media.microphone) muteSelf();
    const late = overdue(state(), me, trust(), Date.now() - clockOffset());
    for (const { address, since } of late.now) {
      const key = `${address} ${since}`;
      if (asked.has(key)) continue;
      asked.add(key);
      remove(address);
    }
    if (late.nextIn !== null) timer = setTimeout(look, late.nextIn);
  }

  return { look, close: () => clearTimeout(timer) };
}

/** Whom the organiser `me` has to take out at `now` (the host's clock), and in how many milliseconds to look again. Pure. */
export function overdue(
  state: ConversationState,
  me: Address,
  trust: ReadonlyMap<Address, TrustView>,
  now: number,
): { now: { address: Address; since: number }[]; nextIn: number | null } {
  if (state.call?.organiser !== me) return { now: [], nextIn: null };
  const awaited = [...state.participants.values()].flatMap((p) => {
    const { address } = p.person;
    const at = address === me || trust.get(address)?.status === 'verified' ? null : identifyBy(state, p);
    return at === null ? [] : [{ address, since: p.since, at }];
  });
  const later = awaited.filter(({ at }) => at > now).map(({ at }) => at - now);
  return { now: awaited.filter(({ at }) => at <= now), nextIn: later.length > 0 ? Math.min(...later) : null };
}
