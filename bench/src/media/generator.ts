// A process that makes load: participants who send, or receive and count, on connections of their own. Its processor time is
// not the engine's. It lives as long as the channel to the measurement.
import { monotonicMs, until } from './clock.ts';
import type { GeneratorCall, GeneratorCalls, Reply, Request } from './messages.ts';
import { createReceiver, type Receiver } from './receiver.ts';
import { createSender, type Sender } from './sender.ts';

/** Packets sent in the window may still be on their way when it ends. */
const SETTLE_MS = 400;
const FEEDBACK_MS = 1000;
const senders = new Map<number, Sender>();
const receivers = new Map<string, Receiver>();

function of<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const found = map.get(key);
  if (!found) throw new Error(`there is no ${String(key)} in this process`);
  return found;
}

type Calls = { [C in GeneratorCall]: (...args: GeneratorCalls[C]['args']) => Promise<GeneratorCalls[C]['result']> };

const calls: Calls = {
  async send(number, speaking, videoPerSecond) {
    const made = createSender(number, speaking, videoPerSecond, senders.size);
    senders.set(number, made);
    return made.offer();
  },
  async accept(number, answer) {
    of(senders, number).accept(answer);
    return null;
  },
  async rate(videoPerSecond) {
    for (const sender of senders.values()) sender.setRate(videoPerSecond);
    return null;
  },
  async receive(leg, offer, accepted) {
    const receiver = receivers.get(leg) ?? createReceiver(leg);
    receivers.set(leg, receiver);
    return receiver.answer(offer, new Set(accepted));
  },
  async flowing(streams) {
    await Promise.all(Object.entries(streams).map(([leg, count]) => of(receivers, leg).flowing(count)));
    return null;
  },
  async count(window) {
    const all = [...senders.values(), ...receivers.values()];
    for (const one of all) one.count(window);
    await until(window.to + SETTLE_MS);
    return {
      sent: [...senders.values()].map((sender) => sender.counts()),
      received: [...receivers.values()].map((receiver) => receiver.counts()),
    };
  },
};

async function carryOut({ id, call, args }: Request): Promise<void> {
  const tell = (reply: Reply) => process.connected && process.send?.(reply);
  try {
    tell({ id, result: await (calls[call] as (...all: unknown[]) => Promise<unknown>)(...args) });
  } catch (error) {
    tell({ id, error: String(error) });
  }
}

setInterval(() => {
  const now = monotonicMs();
  for (const sender of senders.values()) sender.work(now);
}, 1);
setInterval(() => {
  const now = monotonicMs();
  for (const sender of senders.values()) sender.report(now);
  for (const receiver of receivers.values()) receiver.report();
}, FEEDBACK_MS);
process.on('message', (message) => void carryOut(message as Request));
process.on('disconnect', () => process.exit(0));
// Ctrl-C in a terminal reaches the whole group; the measurement ends its generators.
process.on('SIGINT', () => undefined);
