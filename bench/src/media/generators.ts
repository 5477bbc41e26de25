// A load generator seen from the measurement: started, asked with a deadline, ended.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { GeneratorCall, GeneratorCalls, Reply } from './messages.ts';

export interface Generator {
  readonly pid: number;
  ask<C extends GeneratorCall>(call: C, ...args: GeneratorCalls[C]['args']): Promise<GeneratorCalls[C]['result']>;
  close(): Promise<void>;
}

/** Longer than any window that is counted. */
const ANSWER_MS = 60_000;

export function startGenerator(): Generator {
  const child: ChildProcess = fork(fileURLToPath(new URL('./generator.ts', import.meta.url)), [], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Every packet received is a buffer for a moment: a larger nursery means fewer pauses, which would count as delay.
    execArgv: ['--max-semi-space-size=16'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('a load generator does not start');
  const waiting = new Map<number, (reply: Reply) => void>();
  let count = 0;
  child.on('message', (message) => {
    const reply = message as Reply;
    waiting.get(reply.id)?.(reply);
  });
  child.once('exit', () => {
    for (const [id, settle] of waiting) settle({ id, error: 'a load generator has ended' });
  });
  return {
    pid,
    ask(call, ...args) {
      count += 1;
      const id = count;
      return new Promise((resolve, reject) => {
        const settle = (reply: Reply) => {
          clearTimeout(deadline);
          waiting.delete(id);
          if ('error' in reply) reject(new Error(`${call}: ${reply.error}`));
          else resolve(reply.result as never);
        };
        const deadline = setTimeout(() => settle({ id, error: 'a load generator does not answer' }), ANSWER_MS);
        waiting.set(id, settle);
        child.send({ id, call, args });
      });
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}
