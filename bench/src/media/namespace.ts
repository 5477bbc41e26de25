// A network of the measurement's own: loopback, and an address on a dummy link, since Janus passes over loopback interfaces.
// No packet leaves the machine, and none of others' comes in between.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** Where everybody is: packets go over loopback all the same. With peers on 127.0.0.1, Janus' ICE fails. */
export const ADDRESS = '127.0.0.2';
const MARK = 'PARLEY_BENCH_NETWORK';

/** True: this process is inside. */
export function isInside(): boolean {
  return process.env[MARK] === '1';
}

/** Runs this program again in a new network namespace, and gives its exit code. Throws if there may be none. */
export async function runInside(): Promise<number> {
  const own = process.getuid?.() === 0 ? ['-n'] : ['-rn'];
  const allowed = spawnSync('unshare', [...own, 'true'], { encoding: 'utf8' });
  if (allowed.status !== 0) {
    const why = allowed.error?.message ?? allowed.stderr.trim();
    throw new Error(
      `The measurement makes a network namespace of its own: it needs Linux with unshare and ip (Debian: util-linux, iproute2), and root, or a kernel that lets others make user namespaces (${why}).`,
    );
  }
  const child = spawn('unshare', [...own, process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [MARK]: '1' },
  });
  // The child is in the same group, so Ctrl-C reaches it; it ends what it has started.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('SIGINT', ignore);
  return code ?? 1;
}

/** Sets up the links inside. */
export function setUpLinks(): void {
  for (const command of [
    'link set lo up',
    'link add bench0 type veth peer name bench1',
    `addr add ${ADDRESS}/32 dev bench0`,
    'link set bench0 up',
    'link set bench1 up',
  ]) {
    const done = spawnSync('ip', command.split(' '), { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`ip ${command}: ${done.error?.message ?? done.stderr}`);
  }
}
