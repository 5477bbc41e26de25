// One engine process, seen from the node: started beforehand or when it is first needed, asked with a deadline, and given up as soon
// as it dies or does not answer any more.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ParleyError } from '@parley/protocol';
import type { EmbeddedEngineOptions } from '../embedded/index.ts';
import type { EngineCall, EngineCalls, FromEngine, RoomEvent } from './messages.ts';

export interface EngineChild {
  /** Errors: those of the engine; `engine-lost` if the process is gone or silent; `no-conference-available`: no start. */
  ask<C extends EngineCall>(call: C, ...args: EngineCalls[C]['args']): Promise<EngineCalls[C]['result']>;
  /** Starts it now, so that the first who asks need not wait for that. Never fails: whoever asks is told. */
  prepare(): void;
  /** Of the process that runs now. */
  pid(): number | null;
  /** Ends it, in order if it can. */
  stop(): Promise<void>;
}

export interface EngineChildEvents {
  event(event: RoomEvent): void;
  /** Who is in a room now. */
  present(room: string, devices: readonly string[]): void;
  /** The process is gone, without having been asked. */
  lost(pid: number | null): void;
}

/** Native code may be held up for moments, not for this long. */
const ANSWER_MS = 6000;
const START_MS = 8000;
const STOP_MS = 3000;
/** While it has work, it is asked for a sign of life. */
const PING_MS = 2000;
/** One that could not be started is not tried again before this has passed. */
const BROKEN_MS = 1000;

interface Running {
  readonly process: ChildProcess;
  readonly waiting: Map<number, { resolve: (result: unknown) => void; reject: (error: unknown) => void }>;
  readonly exited: Promise<void>;
  opened: boolean;
  ready: Promise<void>;
}

export function createEngineChild(options: EmbeddedEngineOptions, events: EngineChildEvents): EngineChild {
  let running: Running | null = null;
  let stopping = false;
  let count = 0;
  let brokenUntil = 0;
  /** The end of the latest process, whether it runs or not. */
  let last: Promise<void> = Promise.resolve();
  let pings: NodeJS.Timeout | undefined;

  function gone(which: Running): void {
    if (running !== which) return;
    running = null;
    clearInterval(pings);
    const { process, waiting, opened } = which;
    if (!opened) brokenUntil = Date.now() + BROKEN_MS;
    process.removeAllListeners('message');
    if (process.exitCode === null && process.signalCode === null) process.kill('SIGKILL');
    for (const { reject } of waiting.values()) reject(new ParleyError('engine-lost'));
    waiting.clear();
    if (!stopping) events.lost(process.pid ?? null);
  }

  function send(to: Running, call: EngineCall, args: readonly unknown[], ms: number): Promise<unknown> {
    count += 1;
    const id = count;
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => gone(to), ms);
      const settle =
        <T>(done: (value: T) => void) =>
        (value: T) => {
          clearTimeout(deadline);
          to.waiting.delete(id);
          done(value);
        };
      to.waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      to.process.send({ id, call, args }, (error) => error && gone(to));
    });
  }

  function heard(from: Running, message: FromEngine): void {
    if (running !== from) return;
    if (message.room !== undefined && message.devices) events.present(message.room, message.devices);
    if ('event' in message) {
      events.event(message);
      return;
    }
    const asked = from.waiting.get(message.id);
    if ('error' in message) asked?.reject(new ParleyError(message.error.code, message.error.details ?? undefined));
    else asked?.resolve(message.result);
  }

  function start(): Running {
    if (stopping) throw new ParleyError('engine-lost', 'the engine is closed');
    if (Date.now() < brokenUntil) throw new ParleyError('no-conference-available', 'the engine keeps ending');
    const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), [], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // Packets are short-lived and many; a small nursery keeps its pauses short.
      execArgv: ['--max-semi-space-size=4'],
    });
    const made: Running = {
      process: child,
      waiting: new Map(),
      exited: new Promise((resolve) => child.once('exit', () => resolve())),
      opened: false,
      ready: Promise.resolve(),
    };
    running = made;
    last = made.exited;
    child.on('message', (message) => heard(made, message as FromEngine));
    child.once('exit', () => gone(made));
    child.once('error', () => gone(made));
    made.ready = send(made, 'open', [options], START_MS).then(
      () => {
        made.opened = true;
      },
      (cause: unknown) => {
        throw new ParleyError('no-conference-available', 'the engine does not start', { cause });
      },
    );
    pings = setInterval(() => {
      if (running === made) send(made, 'ping', [], ANSWER_MS).catch(() => undefined);
    }, PING_MS).unref();
    return made;
  }

  return {
    async ask(call, ...args) {
      const on = running ?? start();
      await on.ready;
      if (running !== on) throw new ParleyError('engine-lost');
      return (await send(on, call, args, ANSWER_MS)) as never;
    },
    prepare() {
      if (stopping || running || Date.now() < brokenUntil) return;
      start().ready.catch(() => undefined);
    },
    pid: () => running?.process.pid ?? null,
    async stop() {
      stopping = true;
      const present = running;
      if (present?.process.connected) present.process.disconnect();
      const deadline = setTimeout(() => present?.process.kill('SIGKILL'), STOP_MS);
      await last;
      clearTimeout(deadline);
      if (present) gone(present);
    },
  };
}
