// A fake node for the browser tests of the SDK: real sockets and pages, but one process that decides for one conversation
// at a time with the protocol's reducer, keeps nothing, and signs nobody in. What the real node does beyond that is
// tested with the real node in tests/.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Address,
  type ConversationEvent,
  type ConversationId,
  type ConversationState,
  type DeviceId,
  type DeviceMethod,
  type DeviceNotification,
  type DeviceParams,
  deviceMethods,
  deviceNotifications,
  type EventBody,
  emptyConversation,
  failure,
  isRinging,
  joinedParticipants,
  type NotificationParams,
  ParleyError,
  type Person,
  parseFrame,
  parseWith,
  reduce,
  ringingParticipants,
  type Signal,
} from '@parley/protocol';
import { type WebSocket, WebSocketServer } from 'ws';

interface FakeDevice {
  readonly id: DeviceId;
  readonly person: Person;
  readonly token: string;
  socket: WebSocket | null;
  outbox: { seq: number; text: string }[];
  seq: number;
  readonly answers: Map<string, string>;
}

export interface FakeNode {
  readonly url: string;
  /** Cuts every socket of a person, as a broken network would. */
  cut(name: string): void;
  /** While true, new sockets are refused. */
  refuse: boolean;
  state(): ConversationState | null;
  /** Appends what a host would decide by itself. */
  append(...bodies: EventBody[]): void;
  /** Signals that passed, in order. */
  readonly signals: { from: Address; signal: Signal }[];
  rule: 'everybody' | 'same-company' | 'nobody';
  /** Messages that were not as the published protocol has them (R76). */
  readonly faults: string[];
  close(): Promise<void>;
}

const provider = { domain: 'enterprise1.example', name: 'Enterprise 1' };
const personOf = (name: string): Person => ({
  address: `${name}@enterprise1.example` as Address,
  name: `${name[0]?.toUpperCase()}${name.slice(1)}`,
  company: 'Enterprise 1',
});

/** @param page the HTML at `/`, and `script` at `/client.js` */
export async function startFakeNode(page: string, script: string): Promise<FakeNode> {
  const devices = new Map<DeviceId, FakeDevice>();
  const signals: FakeNode['signals'] = [];
  let state: ConversationState | null = null;
  let events: ConversationEvent[] = [];

  const nameIn = (request: IncomingMessage) => /user=([a-z]+)/.exec(request.headers.cookie ?? '')?.[1] ?? null;
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://node').pathname;
    const send = (type: string, body: string) => response.writeHead(200, { 'content-type': type }).end(body);
    if (path === '/client.js') send('text/javascript', script);
    else if (path === '/api/provider') {
      const signIn = [{ id: 'main', name: 'Enterprise 1' }];
      send('application/json', JSON.stringify({ provider, signIn, signedIn: nameIn(request) !== null }));
    } else if (path === '/sign-out') response.writeHead(204, { 'set-cookie': 'user=; Max-Age=0' }).end();
    else send('text/html', page);
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const name = nameIn(request);
    if (!name || node.refuse) return socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
    sockets.handleUpgrade(request, socket, head, (ws) => serve(ws, personOf(name)));
  });

  function tell<N extends DeviceNotification>(device: FakeDevice, method: N, params: NotificationParams<N>): void {
    parseWith<unknown>(deviceNotifications[method], params);
    device.seq += 1;
    const text = JSON.stringify({ jsonrpc: '2.0', method, params, seq: device.seq });
    device.outbox.push({ seq: device.seq, text });
    device.socket?.send(text);
  }
  const devicesOf = (address: Address) => [...devices.values()].filter((d) => d.person.address === address);

  function append(...bodies: EventBody[]): void {
    if (!state) throw new Error('no conversation');
    const fresh: ConversationEvent[] = [];
    for (let next = bodies; next.length > 0; next = follows(state)) {
      for (const body of next) {
        const event = { conversation: state.id, n: state.n + 1, at: Date.now(), body };
        fresh.push(event);
        state = reduce(state, event);
      }
    }
    events.push(...fresh);
    const all = fresh.some((e) => e.body.type === 'added') ? events : fresh;
    for (const { person } of state.participants.values()) {
      for (const d of devicesOf(person.address)) {
        tell(d, 'conversation.events', { conversation: state.id, events: all });
      }
    }
    for (const p of ringingParticipants(state)) {
      if (p.state === 'invited' && devicesOf(p.person.address).length > 0) {
        append({ type: 'alerting', address: p.person.address });
        return;
      }
    }
  }

  /** The little that always follows. */
  function follows(now: ConversationState): EventBody[] {
    if (!now.call || now.call.ended) return [];
    const joined = joinedParticipants(now).length;
    if (joined === 0 || (joined === 1 && ringingParticipants(now).length === 0)) {
      return [{ type: 'call-ended', reason: now.call.answeredAt === null ? 'not-answered' : 'hung-up' }];
    }
    return [];
  }

  type Handlers = { [M in DeviceMethod]?: (device: FakeDevice, params: DeviceParams<M>) => unknown };
  const handlers: Handlers = {
    'session.received': (device, { seq }) => {
      device.outbox = device.outbox.filter((kept) => kept.seq > seq);
      return {};
    },
    'session.bye': (device) => {
      gone(device);
      return {};
    },
    'directory.contacts': () => ({ companies: [] }),
    'call.start': (device, { to, media, offer, title }) => {
      const id = `${randomBytes(16).toString('base64url')}@enterprise1.example` as ConversationId;
      const by = device.person.address;
      state = emptyConversation(id);
      events = [];
      const people = to.map((address) => personOf(address.slice(0, address.indexOf('@'))));
      append(
        title ? { type: 'created', by: device.person, title } : { type: 'created', by: device.person },
        { type: 'call-started', by, policy: 'direct-first' },
        { type: 'joined', address: by, device: device.id, media },
        ...people.map((person): EventBody => ({ type: 'added', by, person })),
      );
      const [only] = people;
      const from = { address: by, device: device.id };
      if (offer && only) {
        for (const d of devicesOf(only.address)) {
          tell(d, 'call.signal', { conversation: id, from, signal: { type: 'offer', epoch: 1, ...offer } });
        }
      }
      return { conversation: id, events, complete: true };
    },
    'call.accept': (device, { media }) => {
      const self = state?.participants.get(device.person.address);
      if (!self || !isRinging(self)) throw new ParleyError('answered-elsewhere');
      append({ type: 'joined', address: device.person.address, device: device.id, media });
      return {};
    },
    'call.decline': (device) => {
      append({ type: 'invitation-ended', address: device.person.address, outcome: 'declined' });
      return {};
    },
    'call.cancel': (_, { address }) => {
      append({ type: 'invitation-ended', address, outcome: 'cancelled' });
      return {};
    },
    'call.leave': (device) => {
      leave(device, 'hung-up');
      return {};
    },
    'call.media': (device, { media }) => {
      append({ type: 'media', address: device.person.address, media });
      return {};
    },
    'conversation.events': (_, { after }) => ({
      conversation: state?.id,
      events: events.filter((e) => e.n > after),
      complete: true,
    }),
    'conversation.send': (device, { text }) => {
      append({ type: 'message', by: device.person.address, text });
      return {};
    },
    'call.signal': (device, { conversation, to, signal }) => {
      signals.push({ from: device.person.address, signal });
      const from = { address: device.person.address, device: device.id };
      const named = devicesOf(to.address).filter((d) => !to.device || d.id === to.device);
      for (const d of named) tell(d, 'call.signal', { conversation, from, signal });
      return {};
    },
  };

  function leave(device: FakeDevice, reason: 'hung-up' | 'lost'): void {
    const self = state?.participants.get(device.person.address);
    if (self?.device === device.id) append({ type: 'left', address: device.person.address, reason });
  }
  function gone(device: FakeDevice): void {
    devices.delete(device.id);
    leave(device, 'hung-up');
  }

  function serve(ws: WebSocket, person: Person): void {
    let device: FakeDevice | null = null;
    ws.on('error', () => undefined);
    ws.on('close', (code) => {
      if (!device || device.socket !== ws) return;
      device.socket = null;
      if (code === 1000 || code === 1001 || code === 1005) gone(device);
    });
    ws.on('message', (data) => {
      const message = parseFrame(String(data));
      if (message.kind !== 'request') throw new Error(`the client sent ${message.kind}: ${String(data)}`);
      const { id, method } = message;
      const kept = device?.answers.get(String(id));
      if (kept) return ws.send(kept);
      const reply = (text: string) => {
        device?.answers.set(String(id), text);
        (device?.socket ?? ws).send(text);
      };
      const known = method as DeviceMethod;
      const published = Object.hasOwn(deviceMethods, known) ? deviceMethods[known] : null;
      const { error: fault } = published?.params.safeParse(message.params) ?? {};
      if (!published || fault) node.faults.push(`${person.name} sent ${method}: ${fault?.message ?? 'no such method'}`);
      try {
        if (!published) throw new ParleyError('unknown-method');
        const params = parseWith<unknown>(published.params, message.params);
        if (known === 'session.hello') return hello(id, params as DeviceParams<'session.hello'>);
        const handler = handlers[known] as ((d: FakeDevice, p: unknown) => unknown) | undefined;
        if (!handler || !device) throw new ParleyError('out-of-turn');
        const result = parseWith<unknown>(published.result, handler(device, params) ?? {}, 'internal-error');
        reply(JSON.stringify({ jsonrpc: '2.0', id, result }));
      } catch (error) {
        reply(JSON.stringify(failure(id, error instanceof ParleyError ? error : new ParleyError('internal-error'))));
      }
    });

    function hello(id: string | number, { resume }: DeviceParams<'session.hello'>): void {
      const old = [...devices.values()].find((d) => d.token === resume?.token);
      device = old ?? {
        id: `d_${randomBytes(16).toString('base64url')}` as DeviceId,
        person,
        token: randomBytes(16).toString('hex'),
        socket: ws,
        outbox: [],
        seq: 0,
        answers: new Map(),
      };
      device.socket = ws;
      devices.set(device.id, device);
      const result = {
        device: device.id,
        me: person,
        provider,
        resumeToken: device.token,
        resumed: old !== undefined,
        settings: {
          iceServers: [],
          connectWhileRinging: node.rule,
          paths: 'any',
          conference: { mixing: false, recording: false },
          ringSeconds: 45,
          requiredTrust: 'not-failed',
          trustRules: [],
          hosts: {},
          heartbeatSeconds: 5,
        },
        conversations: [],
      };
      parseWith<unknown>(deviceMethods['session.hello'].result, result, 'internal-error');
      ws.send(JSON.stringify({ jsonrpc: '2.0', id, result }));
      for (const { seq, text } of device.outbox) if (seq > (resume?.received ?? 0)) ws.send(text);
    }
  }

  const node: FakeNode = {
    url: '',
    refuse: false,
    rule: 'everybody',
    faults: [],
    signals,
    append,
    state: () => state,
    cut(name) {
      for (const d of devicesOf(personOf(name).address)) d.socket?.terminate();
    },
    async close() {
      for (const ws of sockets.clients) ws.terminate();
      server.close();
      await once(server, 'close');
    },
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(node, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
