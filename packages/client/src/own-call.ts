// The one call of this device: begun here or answered here, and carried until it is over. Two at a time there are not.
import {
  type Address,
  activeCall,
  asParleyError,
  type ClientSettings,
  type ConversationId,
  type DeviceId,
  type MediaSwitches,
  ParleyError,
} from '@parley/protocol';
import type { Call, CallOptions, Readable } from './api.ts';
import { createCall, type RunningCall } from './call.ts';
import type { EarlyPath, SignalParams } from './call-paths.ts';
import type { CallTrust } from './call-trust.ts';
import type { VerifyFocus } from './conference-path.ts';
import type { ConversationStore } from './conversation-store.ts';
import type { Conversations } from './conversations.ts';
import { createDirectPath } from './direct-path.ts';
import type { Early } from './incoming.ts';
import { beginCapture, type LocalMedia } from './local-media.ts';
import { createStore, until } from './readable.ts';
import { createSignalSender } from './signal-sender.ts';
import type { Request } from './socket.ts';
import { requireAddress } from './typed-address.ts';

export interface OwnCall {
  /** As the app has it, until it is dismissed. */
  readonly call: Readable<Call | null>;
  /** The call that runs here, or ran last and is not dismissed; null: none, or its answer from the node is on its way. */
  running(): RunningCall | null;
  /** A call is being begun or answered. */
  beginning(): boolean;
  /** Rings these people. Errors: `already-in-call`, `invalid-parameters`, `timed-out`, what the node answers, no microphone. */
  start(to: string | readonly string[], options?: CallOptions): Promise<Call>;
  accept(
    store: ConversationStore,
    take: () => Early,
    options?: { microphone?: boolean; camera?: boolean },
  ): Promise<Call>;
  /** A signal for the call that runs. False: for another one. */
  signal(params: SignalParams): boolean;
  /** A signal that nobody takes: it may be for the call that is beginning. */
  unclaimed(params: SignalParams): void;
  /** The node has begun afresh, and `known` are the conversations it tells of. */
  afresh(sameDevice: boolean, known: readonly ConversationId[]): void;
  /** Forgets a call that is over. */
  dismiss(): void;
}

export interface OwnCallOptions {
  readonly me: Address;
  readonly device: () => DeviceId;
  /** Asked for with each call: there is none before this part itself is made. */
  readonly conversations: () => Conversations;
  readonly request: Request;
  readonly settings: () => ClientSettings;
  readonly rtc: () => RTCConfiguration;
  readonly verifyFocus: VerifyFocus;
  readonly trustOf: (store: ConversationStore) => CallTrust;
  readonly provable: boolean;
  ended(): void;
}

const START_MS = 20_000;
const ANSWER_MS = 10_000;
/** Signals of a call whose own answer from the node is on its way. */
const MAX_UNCLAIMED = 64;

export function createOwnCall(options: OwnCallOptions): OwnCall {
  const { me, device, conversations, request, settings, rtc, verifyFocus, trustOf, provable, ended } = options;
  const call = createStore<Call | null>(null);
  let running: RunningCall | null = null;
  let releaseRunning: (() => void) | null = null;
  let beginning = false;
  let unclaimed: readonly SignalParams[] = [];

  const inCall = () => running !== null && running.view.get().ended === null;

  function run(
    store: ConversationStore,
    media: Promise<LocalMedia>,
    early: EarlyPath | null,
    signals: readonly SignalParams[],
  ): RunningCall {
    releaseRunning?.();
    releaseRunning = conversations().hold(store.get().id);
    const trust = trustOf(store);
    const about = { me, device: device(), store, request, rtc, verifyFocus, trust, settings, provable };
    const made = createCall({ ...about, media, early, signals, ended });
    running = made;
    return made;
  }

  async function once<T>(begin: () => Promise<T>): Promise<T> {
    if (beginning || inCall()) throw new ParleyError('already-in-call');
    beginning = true;
    try {
      return await begin();
    } finally {
      beginning = false;
      unclaimed = [];
      conversations().begun();
      leaveUncarried();
    }
  }

  async function start(to: string | readonly string[], wishes: CallOptions = {}): Promise<Call> {
    const addresses = [...new Set((typeof to === 'string' ? [to] : to).map(requireAddress))];
    const [only, ...more] = addresses;
    if (!only) throw new ParleyError('invalid-parameters', 'to: nobody');
    const policy = wishes.path ?? 'direct-first';
    const conference = policy === 'conference' || more.length > 0 || settings().paths === 'conference';
    return once(async () => {
      const wanted = switches(wishes);
      // Nobody hears or sees this person before somebody answers, and starting devices takes long: ring first.
      const ringing = Promise.withResolvers<void>();
      const { media } = await beginCapture(wanted, ringing.promise);
      const signals = createSignalSender(request);
      const path = conference
        ? null
        : createDirectPath({ epoch: 1, role: 'offerer', peer: only, rtc, send: signals.send });
      try {
        const offer = await path?.offer(false);
        const title = wishes.title ? { title: wishes.title } : {};
        const about = { to: addresses, policy, media: wanted, ...title, ...(offer ? { offer } : {}) };
        const store = await request('call.start', about, START_MS).then(conversations().learn, (error: unknown) => {
          // The answer may have been lost with the node, and the call not: then this device is in one that it does not carry.
          const [found] = uncarried();
          if (found) return found;
          throw error;
        });
        ringing.resolve();
        const { id } = store.get();
        signals.bind(id);
        const its = unclaimed.filter(({ conversation }) => conversation === id);
        const made = run(store, media, path, its);
        call.set(made);
        await heard(media, made);
        return made;
      } catch (error) {
        path?.close();
        ringing.resolve();
        media.then(
          (opened) => opened.close(),
          () => undefined,
        );
        throw asParleyError(error);
      }
    });
  }

  const accept: OwnCall['accept'] = (store, take, wishes = {}) =>
    once(async () => {
      const wanted = switches(wishes);
      const { media } = await beginCapture(wanted);
      const { path, signals } = take();
      const conversation = store.get().id;
      const made = run(store, media, path, signals);
      try {
        await request('call.accept', { conversation, media: wanted });
        const state = await until(
          store,
          ({ participants, call: active }) => {
            const self = participants.get(me);
            return (self?.state === 'joined' && self.device === device()) || active?.ended != null;
          },
          ANSWER_MS,
          () => new ParleyError('timed-out'),
        );
        if (state.call?.ended) throw new ParleyError('call-ended');
        call.set(made);
        await heard(media, made);
        return made;
      } catch (error) {
        made.lost();
        if (running === made) running = null;
        throw asParleyError(error);
      }
    });

  /** Calls that this device is in as the node has it, and that are not the one that runs here. */
  function uncarried(): readonly ConversationStore[] {
    return conversations()
      .all()
      .filter((store) => {
        const state = store.get();
        const self = state.participants.get(me);
        if (!activeCall(state) || self?.state !== 'joined') return false;
        return self.device === device() && state.id !== running?.conversation;
      });
  }

  /** Nobody here takes part in them, and nobody elsewhere shall wait for that. */
  function leaveUncarried(): void {
    for (const store of uncarried()) {
      request('call.leave', { conversation: store.get().id }).catch(() => undefined);
    }
  }

  return {
    call,
    running: () => running,
    beginning: () => beginning,
    start,
    accept,
    signal(params) {
      if (!inCall() || running?.conversation !== params.conversation) return false;
      running.signal(params);
      return true;
    },
    unclaimed(params) {
      if (beginning) unclaimed = [...unclaimed, params].slice(-MAX_UNCLAIMED);
    },
    afresh(sameDevice, known) {
      // The call was this device's as the node knew it; that device is gone, and with it its place in the call.
      if (!sameDevice && inCall()) running?.lost();
      if (running && inCall()) running.nodeIsBack(known.includes(running.conversation));
      if (!beginning) leaveUncarried();
    },
    dismiss() {
      if (inCall() || !running) return;
      running = null;
      releaseRunning?.();
      releaseRunning = null;
      call.set(null);
    },
  };
}

/** Without a microphone that was allowed before, the call has begun for nothing. */
async function heard(media: Promise<LocalMedia>, made: RunningCall): Promise<void> {
  try {
    await media;
  } catch (error) {
    await made.leave().catch(() => undefined);
    throw error;
  }
}

function switches(options: { microphone?: boolean; camera?: boolean }): MediaSwitches {
  return { microphone: options.microphone ?? true, camera: options.camera ?? true };
}
