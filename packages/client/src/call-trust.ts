// Who the others in one conversation are proven to be: sends this device's proof to whoever needs it, verifies theirs when
// they come, and asks for those that do not. What the media add is put together in trust-view.ts.
import {
  isUnanswered,
  notVerified,
  type PersonTrust,
  type ProofPurpose,
  type Sources,
  verifyProof,
} from '@parley/identity';
import {
  type Address,
  type ConversationState,
  type DeviceId,
  MAX_PARTICIPANTS,
  type Participant,
  type Signal,
} from '@parley/protocol';
import type { Readable } from './api.ts';
import type { OwnIdentity } from './own-identity.ts';
import { createStore } from './readable.ts';
import type { Request } from './socket.ts';
import { untilKnown } from './until-known.ts';

/** A signal about identity. */
export type IdentitySignal = Extract<Signal, { type: 'proof' | 'proof-wanted' }>;

export interface CallTrust {
  /** By the others' devices; one that is not there is still being found out about. */
  readonly people: Readable<ReadonlyMap<DeviceId, PersonTrust>>;
  heard(from: { address: Address; device: DeviceId }, signal: IdentitySignal): void;
  /** Proofs may have been lost with the node: makes and asks for them again. */
  again(): void;
  close(): void;
}

export interface CallTrustOptions {
  readonly me: Address;
  readonly device: () => DeviceId;
  readonly store: Readable<ConversationState>;
  readonly request: Request;
  readonly identity: OwnIdentity;
  readonly sources: Sources;
}

/** A proof comes within this of its device being known; otherwise it is asked for once, and then given up. */
const PROOF_MS = 2500;
/** Proofs one person may ask for in a call. */
const MAX_WANTED = 8;
/** Since signing in; sessions may last longer, but a sign-in of that age says little of who is at the device now. */
const MAX_TOKEN_AGE_MS = 24 * 3_600_000;

export function createCallTrust(options: CallTrustOptions): CallTrust {
  const { me, store, request, identity, sources } = options;
  const { id: conversation } = store.get();
  const people = createStore<ReadonlyMap<DeviceId, PersonTrust>>(new Map());
  /** To whom this device has proven itself, by what brought that about. */
  const proven = new Set<string>();
  /** The latest proof of each person that came before their device was known to take part: nobody fills others' place. */
  const waiting = new Map<Address, { device: DeviceId; proof: string }>();
  const awaited = new Map<DeviceId, ReturnType<typeof setTimeout>>();
  /** Whose proofs are being verified; ended by a newer proof of theirs, or when they go. */
  const asking = new Map<DeviceId, AbortController>();
  /** How often each of those who take part has asked. */
  const wanted = new Map<Address, number>();
  let closed = false;

  const self = () => store.get().participants.get(me);
  const others = () => [...store.get().participants.values()].filter((p) => p.person.address !== me);
  /** Devices of others that take part: at most one for each person. */
  const present = () =>
    new Set(others().flatMap(({ state, device }) => (state === 'joined' && device ? [device] : [])));
  const takesPart = () => self()?.state === 'joined' && self()?.device === options.device();

  function send(to: Participant, signal: Signal): void {
    const { address } = to.person;
    const target = to.device ? { address, device: to.device } : { address };
    request('call.signal', { conversation, to: target, signal }).catch(() => undefined);
  }

  async function prove(to: Participant): Promise<void> {
    const own = self();
    if (!own) return;
    const purpose = purposeOf(own, to);
    const proof = await identity.prove({ from: me, to: to.person.address, purpose, conversation });
    if (proof && !closed) send(to, { type: 'proof', proof });
  }

  function greet(): void {
    if (!takesPart()) return;
    for (const other of others()) {
      const key = greetingFor(other, me);
      if (!key || proven.has(key)) continue;
      proven.add(key);
      void prove(other).catch(() => undefined);
    }
  }

  function set(device: DeviceId, trust: PersonTrust): void {
    people.set(new Map([...people.get(), [device, trust]]));
  }

  function verifyWaiting(): void {
    const own = self();
    if (!own) return;
    for (const [address, { device, proof }] of waiting) {
      const other = store.get().participants.get(address);
      if (other?.device !== device || other.state !== 'joined') continue;
      waiting.delete(address);
      clearTimeout(awaited.get(device));
      const purpose = purposeOf(other, own);
      // It is as fresh as it was when it came, however often others have to be asked.
      const expected = { from: address, me, conversation, purpose, now: Date.now(), maxTokenAgeMs: MAX_TOKEN_AGE_MS };
      forget(device);
      const ended = new AbortController();
      asking.set(device, ended);
      void untilKnown(
        () => verifyProof(proof, expected, sources),
        (trust) => trust.status !== 'proven' && isUnanswered(trust.code),
        (trust) => {
          if (present().has(device)) set(device, trust);
        },
        ended.signal,
      );
    }
  }

  function forget(device: DeviceId): void {
    asking.get(device)?.abort();
    asking.delete(device);
  }

  /** Whoever is there and has sent nothing is asked, and is unverified if that brings nothing either. */
  function awaitProofs(): void {
    for (const other of others()) {
      const { device, state } = other;
      if (state !== 'joined' || !device || awaited.has(device)) continue;
      const giveUp = () => {
        if (!people.get().has(device)) set(device, notVerified('proof-missing', []));
      };
      const ask = () => {
        if (people.get().has(device)) return;
        send(other, { type: 'proof-wanted' });
        awaited.set(device, setTimeout(giveUp, PROOF_MS));
      };
      awaited.set(device, setTimeout(ask, PROOF_MS));
    }
  }

  /** Forgets devices that do not take part any more: if they come back, they prove themselves anew. */
  function forgetGone(): void {
    const here = present();
    for (const [device, timer] of awaited) {
      if (here.has(device)) continue;
      clearTimeout(timer);
      awaited.delete(device);
    }
    for (const device of [...asking.keys()]) if (!here.has(device)) forget(device);
    if ([...people.get().keys()].some((device) => !here.has(device))) {
      people.set(new Map([...people.get()].filter(([device]) => here.has(device))));
    }
  }

  function follow(): void {
    if (closed) return;
    forgetGone();
    greet();
    verifyWaiting();
    awaitProofs();
  }

  // After everybody else has been told of the change.
  const stop = store.subscribe(() => queueMicrotask(follow));

  return {
    people,
    heard({ address, device }, signal) {
      if (signal.type === 'proof') {
        if (waiting.has(address) || waiting.size < MAX_PARTICIPANTS)
          waiting.set(address, { device, proof: signal.proof });
        verifyWaiting();
        return;
      }
      const asked = (wanted.get(address) ?? 0) + 1;
      const other = store.get().participants.get(address);
      // Who rings may ask with any device; who is in the call, with the one that is.
      if (!other || (other.device && other.device !== device) || !takesPart() || asked > MAX_WANTED) return;
      wanted.set(address, asked);
      void prove({ ...other, device }).catch(() => undefined);
    },
    again() {
      proven.clear();
      for (const [device, timer] of awaited) {
        if (people.get().has(device)) continue;
        clearTimeout(timer);
        awaited.delete(device);
      }
      follow();
    },
    close() {
      closed = true;
      stop();
      for (const timer of awaited.values()) clearTimeout(timer);
      for (const device of [...asking.keys()]) forget(device);
      waiting.clear();
    },
  };
}

/**
 * Why this device would prove itself to somebody just now, as a key that is new with each cause; null: no reason yet.
 * Whom I invited gets it while it rings there; everybody else when they are in the call.
 */
export function greetingFor({ person, state, addedBy, invitedAt, since }: Participant, me: Address): string | null {
  if (addedBy === me && (state === 'alerting' || state === 'joined')) return `${person.address} called ${invitedAt}`;
  return state === 'joined' ? `${person.address} joined ${since}` : null;
}

/** What a proof from one to the other is for, by what both know: an invitation, its answer, or neither. */
function purposeOf(from: Participant, to: Participant): ProofPurpose {
  if (to.addedBy === from.person.address) return 'call';
  return from.addedBy === to.person.address ? 'answer' : 'join';
}
