// For tests only: a node's socket server on loopback, and a device that speaks the protocol by hand and keeps what it saw.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  type Address,
  type DeviceMethod,
  type DeviceParams,
  type DeviceResult,
  deviceMethods,
  deviceNotifications,
  failureSchema,
  notificationSchema,
  ParleyError,
  type Person,
  parseFrame,
  type RpcId,
} from '@parley/protocol';
import { pino } from 'pino';
import { WebSocket, WebSocketServer } from 'ws';
import type { DeviceEvents } from './api.ts';
import { createDevices, type DeviceServer, type DevicesOptions, MAX_PAYLOAD, type WebSession } from './index.ts';

export const testLog = pino({ level: 'silent' });

export function personOf(name: string, domain = 'enterprise1.example', company = 'Enterprise 1'): Person {
  return { address: `${name}@${domain}` as Address, name: name[0]?.toUpperCase() + name.slice(1), company };
}

export interface TestNode {
  readonly devices: DeviceServer;
  connect(session: WebSession): Promise<TestDevice>;
  close(): Promise<void>;
}

export async function startTestNode(options: Partial<DevicesOptions> = {}): Promise<TestNode> {
  const devices = createDevices({
    sessions: { resumeSeconds: 10, heartbeatSeconds: 5 },
    settings: () => ({
      iceServers: [],
      connectWhileRinging: 'everybody',
      paths: 'any',
      requiredTrust: 'not-failed',
      trustRules: [],
      hosts: {},
      conference: { mixing: false, recording: false },
      ringSeconds: 45,
      heartbeatSeconds: 5,
    }),
    provider: { domain: 'enterprise1.example' as never, name: 'Enterprise 1' },
    log: testLog,
    historyFor: async () => [],
    store: { keep: async () => {}, forget: async () => {}, load: async () => [] },
    ...options,
  });
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: MAX_PAYLOAD });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const waiting: WebSession[] = [];
  server.on('connection', (socket) => {
    const session = waiting.shift();
    if (session) devices.accept(socket, session);
    else socket.terminate();
  });
  return {
    devices,
    async connect(session) {
      waiting.push(session);
      const socket = new WebSocket(`ws://127.0.0.1:${port}`);
      const device = createTestDevice(socket);
      await once(socket, 'open');
      return device;
    },
    async close() {
      await devices.endAll('shutting-down');
      server.close();
      await once(server, 'close');
    },
  };
}

export interface TestDevice {
  readonly socket: WebSocket;
  /** Every notification, in the order of arrival. */
  readonly notifications: { method: string; params: unknown; seq: number }[];
  /** Answers without an id. */
  readonly unaddressed: ParleyError[];
  /** Resolves with the answer's result or rejects with its ParleyError. Both are checked by the schemas. */
  request<M extends DeviceMethod>(method: M, params: DeviceParams<M>, id?: RpcId): Promise<DeviceResult<M>>;
  hello(resume?: { token: string; received: number }): Promise<DeviceResult<'session.hello'>>;
  /** Resolves when that many notifications have arrived. */
  notified(count: number): Promise<void>;
  /** Resolves with the code with which the socket closed. */
  readonly closed: Promise<{ code: number; reason: string }>;
  nextUnaddressed(): Promise<ParleyError>;
}

function createTestDevice(socket: WebSocket): TestDevice {
  const pending = new Map<RpcId, { method: DeviceMethod; done: PromiseWithResolvers<unknown> }>();
  const notifications: TestDevice['notifications'] = [];
  const unaddressed: ParleyError[] = [];
  let wake = Promise.withResolvers<void>();
  let nextId = 0;

  socket.on('message', (data) => {
    const message = parseFrame(String(data));
    if (message.kind === 'notification') {
      notificationSchema.parse(JSON.parse(String(data)));
      deviceNotifications[message.method as keyof typeof deviceNotifications].parse(message.params);
      notifications.push({ method: message.method, params: message.params, seq: message.seq ?? 0 });
    } else if (message.kind === 'success') {
      const request = pending.get(message.id);
      pending.delete(message.id);
      if (request) request.done.resolve(deviceMethods[request.method].result.parse(message.result));
    } else if (message.kind === 'failure') {
      failureSchema.parse(JSON.parse(String(data)));
      const error = new ParleyError(message.error.data.code, message.error.data.details);
      if (message.id === null) unaddressed.push(error);
      else pending.get(message.id)?.done.reject(error);
      if (message.id !== null) pending.delete(message.id);
    } else {
      throw new Error(`the node sent ${message.kind}`);
    }
    wake.resolve();
    wake = Promise.withResolvers<void>();
  });

  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => {
      for (const { method, done } of pending.values())
        done.reject(new Error(`closed (${code}) before ${method} was answered`));
      pending.clear();
      resolve({ code, reason: String(reason) });
    }),
  );

  const device: TestDevice = {
    socket,
    notifications,
    unaddressed,
    closed,
    async request(method, params, id = `q${++nextId}`) {
      if (socket.readyState !== WebSocket.OPEN) throw new Error(`closed before ${method} was asked`);
      const done = Promise.withResolvers<unknown>();
      pending.set(id, { method, done });
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      return (await done.promise) as DeviceResult<typeof method>;
    },
    hello: (resume) => device.request('session.hello', resume ? { version: 1, resume } : { version: 1 }, 'hello'),
    async notified(count) {
      while (notifications.length < count) await wake.promise;
    },
    async nextUnaddressed() {
      while (unaddressed.length === 0) await wake.promise;
      return unaddressed.shift() as ParleyError;
    },
  };
  return device;
}

/** When sessions of tests run out: not during a test. */
export const far = Date.now() + 3_600_000;
let sessions = 0;
/** A session of its own for each call. */
export const sessionOf = (name: string): WebSession => ({
  id: `s${++sessions}`,
  person: personOf(name),
  expiresAt: far,
});
export const addressOf = (name: string) => personOf(name).address;

/** The next event about this person's devices. */
export async function nextEvent<K extends keyof DeviceEvents>(
  node: TestNode,
  kind: K,
  address: Address,
): Promise<DeviceEvents[K][0]> {
  for (;;) {
    const [event] = (await once(node.devices, kind)) as [DeviceEvents[K][0]];
    if (event.address === address) return event;
  }
}

/** For `assert.rejects`. */
export function rejectsWith(code: string) {
  return (thrown: unknown) => {
    assert.equal((thrown as ParleyError).code, code);
    return true;
  };
}

/** The numbers of all that these sockets were told, one socket after the other. */
export const numbersSeen = (...sockets: TestDevice[]) => sockets.flatMap((d) => d.notifications.map((n) => n.seq));
/** 1 to `count`. */
export const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
