// The engine's own process: the embedded engine behind the channel to its node. It lives as long as that channel does.
import { asParleyError } from '@parley/protocol';
import { createEmbeddedEngine } from '../embedded/index.ts';
import type { MediaEngine, MediaRoom, RoomEvents } from '../engine.ts';
import type { EngineCall, EngineCalls, FromEngine, Request } from './messages.ts';

let engine: MediaEngine | null = null;
const rooms = new Map<string, MediaRoom>();

function tell(message: FromEngine): void {
  // When the node is gone this process ends; nobody is left to be told, nor of its going in the middle of a message.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function roomOf(id: string): MediaRoom {
  const room = rooms.get(id);
  if (!room) throw new Error(`there is no room ${id}`);
  return room;
}

async function open(id: string): Promise<null> {
  if (!engine) throw new Error('the engine is not open');
  const room = await engine.createRoom({ id });
  rooms.set(id, room);
  const pass = <E extends keyof RoomEvents>(event: E) => {
    const listener = (...args: unknown[]) => {
      if (event === 'closed') rooms.delete(id);
      tell({ room: id, devices: room.devices(), event, args } as unknown as FromEngine);
    };
    room.on(event, listener as never);
  };
  for (const event of ['offer', 'connected', 'wanted', 'speaker', 'legLost', 'closed'] as const) pass(event);
  return null;
}

type Calls = { [C in EngineCall]: (...args: EngineCalls[C]['args']) => Promise<EngineCalls[C]['result']> };

const nothing = (): null => null;
const calls: Calls = {
  async open(options) {
    engine = createEmbeddedEngine(options);
    return null;
  },
  async ping() {
    return null;
  },
  createRoom: open,
  publish: (room, device, sdp) => roomOf(room).publish(device, sdp),
  subscribe: (room, device) => roomOf(room).subscribe(device).then(nothing),
  prefer: (room, device, pictures) => roomOf(room).prefer(device, pictures).then(nothing),
  answer: (room, leg, revision, sdp) => roomOf(room).answer(leg, revision, sdp).then(nothing),
  addCandidates: (room, leg, candidates) => roomOf(room).addCandidates(leg, candidates).then(nothing),
  remove: (room, device) => roomOf(room).remove(device).then(nothing),
  statistics: (room) => roomOf(room).statistics(),
  closeRoom: (room) => roomOf(room).close().then(nothing),
};

async function carryOut({ id, call, args }: Request): Promise<void> {
  const about = call === 'open' || call === 'ping' ? undefined : String(args[0]);
  const present = () => {
    const room = about === undefined ? undefined : rooms.get(about);
    return room ? { room: room.id, devices: room.devices() } : {};
  };
  try {
    const result = await (calls[call] as (...all: unknown[]) => Promise<unknown>)(...args);
    tell({ id, result, ...present() });
  } catch (thrown) {
    const { code, details = null } = asParleyError(thrown);
    tell({ id, error: { code, details: details ?? String(thrown) }, ...present() });
  }
}

process.on('message', (message) => void carryOut(message as Request));
process.on('disconnect', () => {
  // Browsers are told by DTLS that it is over, so that nobody waits for packets.
  void (engine?.close() ?? Promise.resolve()).finally(() => process.exit(0));
});
// Ctrl-C in a terminal reaches the whole group; the node ends its engine in order.
process.on('SIGINT', () => undefined);
