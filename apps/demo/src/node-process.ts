// One company's node as a process of its own: started, awaited, watched, ended by its process id.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How long a node may take from start to ready, and from the request to stop to its end. */
const READY_MS = 15_000;
const STOP_MS = 5_000;

export interface NodeProcess {
  readonly pid: number;
  /** Asks it to end; kills it if it does not. Resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends it without a chance to tidy up, as a crash would. Resolves when it is gone. */
  kill(): Promise<void>;
}

/**
 * Starts a node with a configuration file and waits until it says that it is ready. Rejects, with what it wrote, if it
 * ends or stays silent. `onDeath` is told of an end that nobody asked for.
 */
export async function startNodeProcess(
  name: string,
  configFile: string,
  onDeath: (message: string) => void,
  /** `authority`: PEM file of one that is believed besides the usual ones. `nodeArguments`: more for Node.js itself. */
  special: {
    readonly authority?: string | undefined;
    readonly nodeArguments?: readonly string[];
    /** Gets the node's log, which otherwise goes to the console. */
    readonly log?: ((chunk: Buffer) => void) | undefined;
  } = {},
): Promise<NodeProcess> {
  const program = fileURLToPath(import.meta.resolve('@parley/node'));
  const { authority, nodeArguments = [], log } = special;
  // A smaller nursery for young objects: two nodes on one machine are to be light rather than fast.
  const child = spawn(
    process.execPath,
    ['--max-semi-space-size=4', ...nodeArguments, program, '--config', configFile],
    {
      stdio: ['ignore', log ? 'pipe' : 'inherit', 'pipe', 'ipc'],
      env: authority === undefined ? process.env : { ...process.env, NODE_EXTRA_CA_CERTS: authority },
      // A group of its own: Ctrl-C reaches the demo alone, which then ends its nodes in order.
      detached: true,
    },
  );
  if (log) child.stdout?.on('data', log);
  // Until it is ready, what it complains of becomes the error; afterwards it is for the console.
  let complaint = '';
  let ready = false;
  child.stderr?.on('data', (chunk: Buffer) => {
    if (ready) process.stderr.write(chunk);
    else complaint = (complaint + chunk.toString()).slice(-4000);
  });
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ? `by ${signal}` : `with status ${code}`));
    child.once('error', (error) => resolve(error.message));
  });
  let wanted = true;
  const end = async (signal: NodeJS.Signals) => {
    wanted = false;
    await endProcess(child, ended, signal);
  };
  const failure = await Promise.race([
    readiness(child),
    ended.then((how) => `ended ${how} before it was ready. ${complaint.trim()}`),
  ]);
  if (failure !== null) {
    await end('SIGTERM');
    throw new Error(`The node of ${name} ${failure}`);
  }
  ready = true;
  process.stderr.write(complaint);
  void ended.then((how) => {
    if (wanted) onDeath(`The node of ${name} (process ${child.pid}) has ended ${how}.`);
  });
  return { pid: child.pid ?? 0, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}

/** Null once the child has said `ready`; a complaint if it does not in time. */
function readiness(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(`was not ready after ${READY_MS / 1000} seconds.`), READY_MS);
    child.on('message', (message) => {
      if (typeof message !== 'object' || message === null || !('type' in message) || message.type !== 'ready') return;
      clearTimeout(timer);
      resolve(null);
    });
    child.once('exit', () => clearTimeout(timer));
  });
}

async function endProcess(child: ChildProcess, ended: Promise<string>, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(timer);
}
