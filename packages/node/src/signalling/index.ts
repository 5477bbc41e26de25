// The door of this room: signed-in devices, each on one WebSocket, resumable after a cut.
import { EventEmitter } from 'node:events';
import {
  type Address,
  type ClientSettings,
  type DeviceId,
  type DeviceNotification,
  deviceNotifications,
  type History,
  MAX_FRAME_BYTES,
  type NotificationParams,
  type Provider,
} from '@parley/protocol';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import type { FrameSocket } from '../web/frame-socket.ts';
import type { DeviceEvents, Devices } from './api.ts';
import { closeCodes } from './close-codes.ts';
import type { WebSession } from './device.ts';
import type { DeviceStore } from './device-store.ts';
import { createDispatcher } from './dispatcher.ts';
import { createHub, type EndReason, notification } from './hub.ts';
import { defaultLimits, type SignallingLimits } from './limits.ts';
import { serveSocket } from './socket.ts';

export { createDeviceStore } from './device-store.ts';
export { MAX_PAYLOAD } from './limits.ts';
export type { EndReason, WebSession };

export interface DevicesOptions {
  /** Seconds: how long a device that was cut may come back, and the heartbeat of its socket. */
  readonly sessions: { readonly resumeSeconds: number; readonly heartbeatSeconds: number };
  /** Where registered devices outlive the node. */
  readonly store: DeviceStore;
  readonly settings: (address: Address, device: DeviceId) => ClientSettings;
  readonly provider: Provider;
  readonly log: Logger;
  /** Conversations with an active call this person is in or rung for: what a device that starts afresh is told. */
  readonly historyFor: (address: Address) => Promise<History[]>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly limits?: Partial<SignallingLimits>;
}

export interface DeviceServer extends Devices {
  /** Serves an open socket of a signed-in person from now on. Its server's `maxPayload` is MAX_PAYLOAD. */
  accept(socket: WebSocket, session: WebSession): void;
  /** The settings have changed: tells every device its own. */
  tellSettings(settingsOf: (address: Address, device: DeviceId) => ClientSettings): void;
  /** Ends every device of a web session: it is told why, its socket is closed, `gone` follows with `bye`. */
  endSession(sessionId: string, reason: EndReason): void;
  /**
   * Registers the devices that were there when the node stopped or was killed: each is away, and `online`. Once, before
   * anything relies on which devices there are.
   */
  restore(): Promise<void>;
  /**
   * Ends every device, accepts no more, and resolves when all sockets are closed. With `shutting-down` nobody is `gone`:
   * they are known again after the restart.
   */
  endAll(reason: EndReason): Promise<void>;
}

/** How long `endAll` waits for closing handshakes, in milliseconds. */
const CLOSING_MS = 2000;

export function createDevices(options: DevicesOptions): DeviceServer {
  const { sessions, store, settings, provider, log, historyFor, now = Date.now } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const events = new EventEmitter<DeviceEvents>();
  const dispatcher = createDispatcher(log);
  const { resumeSeconds, heartbeatSeconds } = sessions;
  const hub = createHub({ store, resumeSeconds, settings, provider, historyFor, limits, now, log, events });
  const { registry } = hub;
  /** Sockets that have not said hello. */
  const silent = new Map<FrameSocket, WebSession>();
  const open = new Set<WebSocket>();
  let ending: { all: () => void } | null = null;

  /** The function that writes the notification once it has its number; null if it must not be sent at all. */
  const compose = <N extends DeviceNotification>(method: N, params: NotificationParams<N>) => {
    const parsed = deviceNotifications[method].safeParse(params);
    const write = (seq: number) => JSON.stringify(notification(method, params, seq));
    if (parsed.success && Buffer.byteLength(write(Number.MAX_SAFE_INTEGER)) <= MAX_FRAME_BYTES) return write;
    // A mistake of this node: whoever is concerned misses one message; the others and the node go on.
    log.error({ method, issues: parsed.error?.issues }, 'a notification breaks its own schema or is too large');
    return null;
  };

  const endSession = (sessionId: string, reason: EndReason) => {
    for (const [connection, session] of silent) {
      if (session.id === sessionId) connection.close(closeCodes.ended, reason);
    }
    for (const device of registry.all) if (device.session.id === sessionId) hub.end(device, reason);
  };

  const accept = (socket: WebSocket, session: WebSession) => {
    const quiet = [...silent.values()].filter((s) => s.person.address === session.person.address).length;
    if (ending || quiet >= limits.silentPerPerson) {
      socket.on('error', () => {});
      if (ending) socket.close(closeCodes.goingAway, 'shutting-down');
      else socket.close(closeCodes.tryLater, 'too-many-requests');
      return;
    }
    open.add(socket);
    const connection = serveSocket(socket, session, {
      hub,
      dispatcher,
      heartbeatSeconds,
      limits,
      now,
      log,
      expired: (id) => endSession(id, 'expired'),
      spoken: () => silent.delete(connection),
      closed() {
        open.delete(socket);
        if (open.size === 0) ending?.all();
      },
    });
    silent.set(connection, session);
  };

  const endAll = async (reason: EndReason) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    ending = { all: resolve };
    for (const connection of silent.keys()) connection.close(closeCodes.goingAway, reason);
    for (const device of registry.all) hub.end(device, reason);
    const impatient = setTimeout(() => {
      for (const socket of open) socket.terminate();
    }, CLOSING_MS);
    if (open.size === 0) resolve();
    await promise;
    clearTimeout(impatient);
  };

  const of = (address: Address): readonly DeviceId[] => registry.of(address).map((device) => device.id);

  return Object.assign(events, {
    of,
    ownerOf: (id: DeviceId) => registry.get(id)?.address ?? null,
    tell<N extends DeviceNotification>(id: DeviceId, method: N, params: NotificationParams<N>): boolean {
      const device = registry.get(id);
      const write = device && compose(method, params);
      if (!write) return false;
      hub.tell(device, write);
      return true;
    },
    tellPerson<N extends DeviceNotification>(address: Address, method: N, params: NotificationParams<N>): number {
      const devices = registry.of(address);
      const write = devices.length > 0 ? compose(method, params) : null;
      if (!write) return 0;
      for (const device of devices) hub.tell(device, write);
      return devices.length;
    },
    tellSettings(settingsOf: (address: Address, device: DeviceId) => ClientSettings) {
      for (const device of registry.all) {
        const write = compose('session.settings', { settings: settingsOf(device.address, device.id) });
        if (write) hub.tell(device, write);
      }
    },
    handle: dispatcher.handle,
    accept,
    restore: hub.restore,
    endSession,
    endAll,
  });
}
