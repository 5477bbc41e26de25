// The life of devices: hello, resume, away, gone. Every change of which devices exist happens in this file, and each is
// told to the rest of the node exactly once.
import type { EventEmitter } from 'node:events';
import {
  type Address,
  type ClientSettings,
  type DeviceId,
  type DeviceNotification,
  type DeviceParams,
  type DeviceResult,
  type History,
  MAX_FRAME_BYTES,
  type NotificationParams,
  ParleyError,
  type Provider,
  type RpcId,
} from '@parley/protocol';
import type { Logger } from 'pino';
import type { FrameSocket } from '../web/frame-socket.ts';
import type { DeviceEvents } from './api.ts';
import { closeCodes } from './close-codes.ts';
import { createDevice, type Device, flush, hashToken, restoreDevice, type WebSession } from './device.ts';
import type { DeviceStore } from './device-store.ts';
import { writeSuccess } from './dispatcher.ts';
import { fitHistories } from './history-budget.ts';
import type { SignallingLimits } from './limits.ts';
import { createRates, type Rates } from './rates.ts';
import { createRegistry, makeRoom, type Registry } from './registry.ts';

export type EndReason = NotificationParams<'session.ended'>['reason'];
export type HelloParams = DeviceParams<'session.hello'>;

export interface Hub {
  readonly registry: Registry;
  /**
   * Answers a hello with its result and attaches the device to the connection. Throws `session-expired`,
   * `too-many-requests`, `internal-error`; no device is left then.
   */
  hello(asked: {
    id: RpcId;
    params: HelloParams;
    session: WebSession;
    connection: FrameSocket;
    rates: Rates;
    attached(device: Device): void;
  }): Promise<void>;
  /** Numbers and keeps what `write` gives, and sends it as soon as it can. */
  tell(device: Device, write: (seq: number) => string): void;
  /** Its socket is closed. Nothing happens if the device has another by now. */
  socketClosed(device: Device, connection: FrameSocket, clean: boolean): void;
  /** Lets the device go at once. */
  drop(device: Device, reason: 'bye' | 'lost'): void;
  /**
   * Tells the device that its session is over, then lets it go. When the node goes down it is not let go: it may come
   * back when the node does.
   */
  end(device: Device, reason: EndReason): void;
  /** Registers, as away, the devices that were there when the node stopped or was killed. Once, at the start. */
  restore(): Promise<void>;
}

export interface HubOptions {
  readonly store: DeviceStore;
  readonly resumeSeconds: number;
  readonly settings: (address: Address, device: DeviceId) => ClientSettings;
  readonly provider: Provider;
  readonly historyFor: (address: Address) => Promise<History[]>;
  readonly limits: SignallingLimits;
  readonly now: () => number;
  readonly log: Logger;
  readonly events: EventEmitter<DeviceEvents>;
}

/** What hello's answer needs besides its conversations. */
const HELLO_OVERHEAD = 32 * 1024;
/** How much longer than after a cut a device may stay away after a restart, in seconds: it tries ever more seldom. */
const RESTART_MARGIN_SECONDS = 15;

export function createHub(options: HubOptions): Hub {
  const { store, limits, log, events } = options;
  const registry = createRegistry();

  const announce = (tellAll: () => void) => {
    try {
      tellAll();
    } catch (err) {
      log.error({ err }, 'a listener of device events failed');
    }
  };

  const drop: Hub['drop'] = (device, reason) => {
    if (!registry.remove(device)) return;
    if (device.away) clearTimeout(device.away);
    device.connection = null;
    store.forget(device.id).catch((err: unknown) => log.error({ err }, 'a device could not be deleted'));
    log.debug({ device: device.id, reason }, 'device gone');
    announce(() => events.emit('gone', { address: device.address, device: device.id, reason }));
  };

  const close = (device: Device, code: number, text: string, reason: 'bye' | 'lost') => {
    const { connection } = device;
    drop(device, reason);
    connection?.close(code, text);
  };

  const tell: Hub['tell'] = (device, write) => {
    if (device.outbox.push(write)) flush(device);
    else close(device, closeCodes.startAfresh, 'start-afresh', 'lost');
  };

  /** The device the client wants to go on with, its outbox wound back; undefined if it must start afresh. */
  const findResumable = (params: HelloParams, session: WebSession): Device | undefined => {
    if (!params.resume) return undefined;
    const device = registry.byToken(params.resume.token, session);
    if (!device) return undefined;
    // What was told since the restart has not been received, whatever the numbers of before say.
    if (device.restored === 'answered' && device.tokens[0] === hashToken(params.resume.token)) device.restored = null;
    if (device.outbox.resume(device.restored ? 0 : params.resume.received)) return device;
    close(device, closeCodes.startAfresh, 'start-afresh', 'lost');
    return undefined;
  };

  const result = (
    device: Device,
    resumeToken: string,
    resumed: boolean,
    conversations: History[],
  ): DeviceResult<'session.hello'> => ({
    device: device.id,
    me: device.person,
    provider: options.provider,
    resumeToken,
    resumed,
    settings: options.settings(device.address, device.id),
    conversations,
  });

  /** Registered first, read second: an event is in the history or among the notifications, or in both. */
  const historiesFor = async (device: Device): Promise<History[]> => {
    const known = await withDeadline(options.historyFor(device.address), limits.historySeconds);
    return fitHistories(known.slice(0, 32), MAX_FRAME_BYTES - HELLO_OVERHEAD);
  };

  /** Goes on with a device that was away, or has another socket still. Errors leave it away. */
  const takeUp = async (
    device: Device,
    used: string,
    { id, connection, attached }: Parameters<Hub['hello']>[0],
  ): Promise<void> => {
    const old = device.connection;
    if (device.away) clearTimeout(device.away);
    device.away = null;
    device.connection = connection;
    device.ready = false;
    old?.close(closeCodes.replaced, 'replaced');
    attached(device);
    const resumed = device.restored === null;
    const conversations = resumed ? [] : await historiesFor(device);
    if (device.connection !== connection) return;
    const token = registry.rotateToken(device, used);
    await store.keep(device);
    if (device.connection !== connection) return;
    if (!resumed) device.restored = 'answered';
    connection.send(writeSuccess(id, result(device, token, resumed, conversations)));
    device.ready = true;
    flush(device);
  };

  const leaveAway = (device: Device, seconds: number) => {
    device.away = setTimeout(() => drop(device, 'lost'), seconds * 1000);
    device.away.unref();
  };

  return {
    registry,
    tell,
    drop,

    async hello(asked) {
      const { id, params, session, connection, rates, attached } = asked;
      if (options.now() >= session.expiresAt) throw new ParleyError('session-expired');
      const resumed = findResumable(params, session);
      if (resumed && params.resume) return takeUp(resumed, params.resume.token, asked);

      const leaving = makeRoom(registry.of(session.person.address), limits.devicesPerPerson);
      if (leaving) drop(leaving, 'lost');
      const device = createDevice(session, connection, rates);
      registry.add(device);
      attached(device);
      announce(() => events.emit('online', { address: device.address, device: device.id }));
      try {
        const conversations = await historiesFor(device);
        if (device.connection !== connection) return;
        const token = registry.rotateToken(device, null);
        // Kept before it is answered: a device that knows its token is known again after a restart.
        await store.keep(device);
        if (device.connection !== connection) return;
        connection.send(writeSuccess(id, result(device, token, false, conversations)));
        device.ready = true;
        flush(device);
      } catch (cause) {
        drop(device, 'lost');
        throw new ParleyError('internal-error', undefined, { cause });
      }
    },

    socketClosed(device, connection, clean) {
      if (device.connection !== connection) return;
      device.connection = null;
      if (clean) return drop(device, 'bye');
      // Nobody knows the token of a device whose hello was never answered.
      if (device.tokens.length === 0) return drop(device, 'lost');
      leaveAway(device, options.resumeSeconds);
    },

    end(device, reason) {
      tell(device, (seq) => JSON.stringify(notification('session.ended', { reason }, seq)));
      if (reason !== 'shutting-down') return close(device, closeCodes.ended, reason, 'bye');
      if (device.away) clearTimeout(device.away);
      const { connection } = device;
      device.connection = null;
      connection?.close(closeCodes.goingAway, reason);
    },

    async restore() {
      for (const kept of await store.load(options.now())) {
        const rates = createRates(limits.messagesPerSecond, limits.burst, options.now);
        const device = restoreDevice(kept, rates);
        registry.add(device);
        leaveAway(device, options.resumeSeconds + RESTART_MARGIN_SECONDS);
        announce(() => events.emit('online', { address: device.address, device: device.id }));
      }
    },
  };
}

/** The envelope of a notification. */
export function notification<N extends DeviceNotification>(method: N, params: NotificationParams<N>, seq: number) {
  return { jsonrpc: '2.0', method, params, seq };
}

async function withDeadline<T>(work: Promise<T>, seconds: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new ParleyError('timed-out')), seconds * 1000);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
