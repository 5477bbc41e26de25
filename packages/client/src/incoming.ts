// Calls that ring this device: derived from the conversations, never stored. So that accepting is quick, the path is begun
// while it rings: a direct one may already be connected, without a track in it; the way into a conference is made ready.
import { type Carrier, fingerprintsIn } from '@parley/identity';
import {
  type Address,
  activeCall,
  type ClientSettings,
  type ConversationId,
  type ConversationState,
  domainOf,
  isRinging,
  ParleyError,
  type Person,
} from '@parley/protocol';
import type { Call, IncomingCall, Readable, TrustView } from './api.ts';
import { type EarlyPath, leadsInto, type SignalParams } from './call-paths.ts';
import type { CallTrust } from './call-trust.ts';
import { type ConferencePath, createConferencePath, type VerifyFocus } from './conference-path.ts';
import type { ConversationStore } from './conversation-store.ts';
import type { Conversations } from './conversations.ts';
import { createDirectPath, type DirectPath } from './direct-path.ts';
import { createStore, derive } from './readable.ts';
import type { Request } from './socket.ts';
import { checking, isRefused, requiredOf, trustView } from './trust-view.ts';

/** What a call takes over from its ringing. */
export interface Early {
  readonly path: EarlyPath | null;
  readonly signals: readonly SignalParams[];
}

export interface IncomingCalls {
  readonly calls: Readable<readonly IncomingCall[]>;
  /** A conversation has changed. */
  refresh(): void;
  /** True if it belongs to a call that rings here. */
  signal(params: SignalParams): boolean;
  close(): void;
}

export interface IncomingOptions {
  readonly me: Address;
  readonly conversations: Conversations;
  readonly request: Request;
  readonly settings: () => ClientSettings;
  readonly rtc: () => RTCConfiguration;
  readonly verifyFocus: VerifyFocus;
  readonly trustOf: (store: ConversationStore) => CallTrust;
  /** Answers: `take` hands over what was prepared, once. */
  accept(store: ConversationStore, take: () => Early, options: Parameters<IncomingCall['accept']>[0]): Promise<Call>;
}

interface Ringing {
  readonly call: IncomingCall;
  signal(params: SignalParams): void;
  close(): void;
}

const MAX_SIGNALS = 64;
/** The window comes first: making connections would hold its painting up, and nobody answers sooner. */
const PREPARE_AFTER_MS = 150;

export function createIncomingCalls(options: IncomingOptions): IncomingCalls {
  const { me, conversations } = options;
  const calls = createStore<readonly IncomingCall[]>([]);
  const ringing = new Map<ConversationId, Ringing>();

  function refresh(): void {
    const now = conversations.all().filter((store) => ringsFor(store.get(), me));
    const ids = new Set(now.map((store) => store.get().id));
    let changed = false;
    for (const [id, one] of ringing) {
      if (ids.has(id)) continue;
      one.close();
      ringing.delete(id);
      changed = true;
    }
    for (const store of now) {
      const { id } = store.get();
      if (ringing.has(id)) continue;
      ringing.set(id, createRinging(store, options));
      changed = true;
    }
    if (changed) calls.set([...ringing.values()].map(({ call }) => call));
  }

  return {
    calls,
    refresh,
    signal(params) {
      const one = ringing.get(params.conversation);
      one?.signal(params);
      return one !== undefined;
    },
    close() {
      for (const one of ringing.values()) one.close();
      ringing.clear();
      calls.set([]);
    },
  };
}

/** Whether a call is waiting for this person to answer. */
export function ringsFor(state: ConversationState, me: Address): boolean {
  const self = state.participants.get(me);
  return activeCall(state) !== null && self !== undefined && isRinging(self);
}

/**
 * Whether media set-up may begin before the person answers: it shows the caller's side this device's addresses, so the
 * node's settings decide.
 */
export function mayConnectEarly(rule: ClientSettings['connectWhileRinging'], caller: Address, me: Address): boolean {
  return rule === 'everybody' || (rule === 'same-company' && domainOf(caller) === domainOf(me));
}

/** Who invited this person: whoever added them. */
function inviterOf(state: ConversationState, me: Address): Person {
  const by = state.participants.get(me)?.addedBy ?? state.call?.by;
  const person = by && state.participants.get(by)?.person;
  if (person) return person;
  const [first] = state.participants.values();
  return first?.person ?? { address: me, name: me, company: domainOf(me) };
}

function createRinging(store: ConversationStore, options: IncomingOptions): Ringing {
  const { me, request, settings, rtc, verifyFocus } = options;
  const { id: conversation, title } = store.get();
  const from = inviterOf(store.get(), me);
  let path: DirectPath | null = null;
  let conference: ConferencePath | null = null;
  let signals: SignalParams[] = [];
  let taken = false;
  let preparing = false;
  const timer = setTimeout(() => {
    preparing = true;
    prepareConference();
    for (const params of signals.splice(0)) heed(params);
  }, PREPARE_AFTER_MS);

  /** The certificate in the offer is what DTLS will insist on; before there is an offer nothing is encrypted for anybody. */
  function noteOffer({ signal, from: { address } }: SignalParams): void {
    if (signal.type !== 'offer' || address !== from.address) return;
    const [certificate, ...more] = fingerprintsIn(signal.sdp);
    // One that has none, or several, is nobody's in particular.
    offered = { kind: 'direct', certificate: more.length === 0 ? (certificate ?? '') : '' };
    followTrust();
  }

  const trust = createStore<TrustView>(checking);
  let offered: Carrier = { kind: 'not-yet' };
  const people = options.trustOf(store).people;
  function followTrust(): void {
    const device = store.get().participants.get(from.address)?.device ?? null;
    trust.set(trustView((device && people.get().get(device)) || null, [offered]));
  }
  const stopTrust = people.subscribe(followTrust);

  function heed(params: SignalParams): void {
    path ??= prepare(params);
    if (path) path.signal(params.from.device, params.signal);
    else signals = [...signals, params].slice(-MAX_SIGNALS);
  }

  /** The connection by which this device would send into the conference, made but not led anywhere. */
  function prepareConference(): void {
    const call = activeCall(store.get());
    const wanted = call?.transfer ?? call?.path;
    if (!wanted?.focus || (conference && leadsInto(conference, wanted.epoch, wanted.focus))) return;
    conference?.close();
    const { epoch, focus } = wanted;
    conference = createConferencePath({ conversation, epoch, focus, rtc: rtc(), request, verifyFocus });
  }

  function prepare(params: SignalParams): DirectPath | null {
    const call = activeCall(store.get());
    const direct = call?.path.kind === 'direct' && call.path.epoch === params.signal.epoch && !call.transfer;
    const expected = call?.path.offerer === params.from.address && params.signal.type === 'offer';
    const { paths, connectWhileRinging } = settings();
    if (paths === 'conference' || !direct || !expected) return null;
    if (!mayConnectEarly(connectWhileRinging, params.from.address, me)) return null;
    return createDirectPath({
      epoch: params.signal.epoch,
      role: 'answerer',
      peer: params.from.address,
      rtc,
      send: (to, signal) => void request('call.signal', { conversation, to, signal }).catch(() => undefined),
    });
  }

  function close(): void {
    clearTimeout(timer);
    stopTrust();
    if (!taken) {
      path?.close();
      conference?.close();
    }
    path = null;
    conference = null;
    signals = [];
  }

  function take(): Early {
    prepareConference();
    if (conference) path?.close();
    const early = { path: conference ?? path, signals };
    taken = true;
    close();
    return early;
  }

  const others = derive(
    store,
    (state) =>
      [...state.participants.values()]
        .filter((p) => p.person.address !== me)
        .map((p) => ({ person: p.person, state: p.state })),
    (a, b) => a.length === b.length && a.every((one, i) => one.person === b[i]?.person && one.state === b[i].state),
  );
  const callerConnected = derive(store, (state) => {
    const current = activeCall(state)?.path;
    const epoch = state.participants.get(from.address)?.connectedEpoch ?? 0;
    return current?.kind === 'conference' && epoch >= current.epoch;
  });

  return {
    call: {
      conversation,
      from,
      title,
      others,
      callerConnected,
      trust,
      async accept(how) {
        if (isRefused(trust.get(), requiredOf(settings(), from.address)))
          throw new ParleyError('identity-failed', trust.get().code ?? '');
        return options.accept(store, take, how);
      },
      async decline() {
        await request('call.decline', { conversation });
      },
    },
    signal(params) {
      if (taken) return;
      noteOffer(params);
      if (preparing) heed(params);
      else signals = [...signals, params].slice(-MAX_SIGNALS);
    },
    close,
  };
}
