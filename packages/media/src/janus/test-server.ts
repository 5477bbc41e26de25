// A real Janus for tests, in a network namespace of its own with nothing in it but loopback: the test file runs itself
// again in there. Janus uses no loopback interface for media, so there is a pair of interfaces with one such address.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { glob, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { roomListSchema } from './messages.ts';
import { openSession } from './session.ts';

const INSIDE = 'PARLEY_TEST_NAMESPACE';
const MEDIA_ADDRESS = '127.0.0.2';
const setUp = [
  'ip link set lo up',
  'ip link add v0 type veth peer name v1',
  `ip addr add ${MEDIA_ADDRESS}/32 dev v0`,
  'ip link set v0 up',
  'ip link set v1 up',
  'exec "$@"',
].join(' && ');

/**
 * True in the namespace. Outside of it, runs the whole file in one, hands on its result as this process' own, and says
 * false: then there is nothing more to do here. Where that cannot be, a skipped test says what is missing.
 */
export async function inNamespace(file: string): Promise<boolean> {
  if (process.env[INSIDE]) return true;
  const unshare = ['--net', ...(process.getuid?.() === 0 ? [] : ['--map-root-user']), 'sh', '-c', setUp, 'sh'];
  const missing = whatIsMissing(unshare);
  if (missing) {
    console.error(`${basename(file)} is SKIPPED: ${missing}`);
    test(basename(file), { skip: missing });
    return false;
  }
  const command = [...unshare, process.execPath, ...process.execArgv, file];
  const env = { ...process.env, [INSIDE]: '1' };
  // A group of its own: whoever ends this file (the runner, when it takes too long) ends the servers inside as well.
  const child = spawn('unshare', command, { stdio: 'inherit', env, detached: true });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => child.pid !== undefined && process.kill(-child.pid, signal));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  process.exitCode = code ?? 1;
  return false;
}

function whatIsMissing(unshare: readonly string[]): string | null {
  if (spawnSync('janus', ['--help']).status !== 0) return 'no Janus here (Debian: sudo apt-get install janus)';
  if (spawnSync('unshare', [...unshare, 'true']).status === 0) return null;
  return 'no network namespace can be made here (needs root, or user namespaces)';
}

export interface JanusServer {
  readonly url: string;
  readonly admin: { readonly url: string; readonly secret: string };
  readonly pid: number;
  /** What of any engine of ours is there: the descriptions of rooms and mountpoints. */
  left(): Promise<string[]>;
  /** Ends the process as a crash does, and resolves when it is gone. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

export interface JanusSettings {
  readonly port: number;
  /** Seconds a session waits to be claimed after its WebSocket was cut. */
  readonly reclaimSeconds: number;
}

/** Starts a Janus of the system's package, with a configuration of its own. */
export async function startJanus({ port, reclaimSeconds }: JanusSettings): Promise<JanusServer> {
  const [plugins] = await found('/usr/lib/{*/janus,janus}/plugins');
  if (!plugins) throw new Error('no plugins of Janus below /usr/lib');
  const folder = await mkdtemp(join(tmpdir(), 'parley-janus-'));
  const only = (kind: string, wanted: readonly string[], all: readonly string[]) =>
    `${kind}: { disable = "${all.filter((name) => !wanted.includes(name)).join(',')}" }`;
  const files: Record<string, string> = {
    'janus.jcfg': [
      'general: {',
      `  plugins_folder = "${plugins}"`,
      `  transports_folder = "${join(plugins, '../transports')}"`,
      '  debug_level = 4',
      '  debug_colors = false',
      '  admin_secret = "secret"',
      `  reclaim_session_timeout = ${reclaimSeconds}`,
      '}',
      'nat: {',
      `  ice_enforce_list = "${MEDIA_ADDRESS}"`,
      '  ice_keepalive_conncheck = true',
      '}',
      only(
        'plugins',
        ['libjanus_videoroom.so', 'libjanus_audiobridge.so', 'libjanus_streaming.so'],
        await names(`${plugins}/*.so`),
      ),
      only('transports', ['libjanus_websockets.so'], await names(`${join(plugins, '../transports')}/*.so`)),
    ].join('\n'),
    'janus.transport.websockets.jcfg': [
      `general: { ws = true, ws_port = ${port}, ws_ip = "127.0.0.1" }`,
      `admin: { admin_ws = true, admin_ws_port = ${port + 1}, admin_ws_ip = "127.0.0.1" }`,
    ].join('\n'),
    'janus.plugin.videoroom.jcfg': 'general: { }',
    'janus.plugin.audiobridge.jcfg': 'general: { local_ip = "127.0.0.1" }',
    'janus.plugin.streaming.jcfg': 'general: { }',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), `${text}\n`);
  const child = spawn('janus', ['--configs-folder', folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  const gone = once(child, 'close');
  await started(child, output);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await gone;
  };
  return {
    url: `ws://127.0.0.1:${port}`,
    admin: { url: `ws://127.0.0.1:${port + 1}`, secret: 'secret' },
    pid: child.pid ?? 0,
    left: () => leftOn(`ws://127.0.0.1:${port}`),
    kill: () => end('SIGKILL'),
    async close() {
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function leftOn(url: string): Promise<string[]> {
  const ignore = () => undefined;
  const session = await openSession({ url, awayMs: 0, log: ignore }, { resumed: ignore, lost: ignore });
  const left: string[] = [];
  for (const plugin of ['videoroom', 'audiobridge', 'streaming']) {
    const handle = await session.attach(`janus.plugin.${plugin}`, 'test', ignore);
    const { list } = roomListSchema.parse((await handle.message({ request: 'list' })).data);
    left.push(...list.flatMap(({ description }) => (description.startsWith('parley ') ? [description] : [])));
  }
  await session.close();
  return left.sort();
}

async function names(pattern: string): Promise<string[]> {
  return (await found(pattern)).map((path) => basename(path));
}

async function found(pattern: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of glob(pattern)) paths.push(path);
  return paths;
}

function started(child: ChildProcess, output: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => fail('not in time'), 20_000);
    const fail = (why: string): void => {
      child.kill('SIGKILL');
      reject(new Error(`Janus does not start: ${why}\n${output.join('').slice(-2000)}`));
    };
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`exit ${code}`));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output.push(String(chunk));
        if (output.length > 200) output.shift();
        if (process.env.JANUS_LOG) process.stderr.write(chunk);
        if (!output.join('').includes('WebSockets thread started')) return;
        clearTimeout(deadline);
        resolve();
      });
    }
  });
}
