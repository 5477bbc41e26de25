// Processor time of the browsers this program has started, from the kernel's own counts (proc(5)).
import { readdir, readFile } from 'node:fs/promises';

interface Process {
  readonly parent: number;
  readonly browser: boolean;
  /** Ticks in user mode and in the kernel. */
  readonly ticks: number;
}

/** proc(5): a tick is a hundredth of a second on every Linux of ours (USER_HZ). */
const TICK_MS = 10;

async function read(pid: number): Promise<Process | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name may hold blanks and brackets; what follows its last bracket does not.
    const end = stat.lastIndexOf(')');
    const fields = stat.slice(end + 2).split(' ');
    const browser = /chrom/.test(stat.slice(0, end));
    return { parent: Number(fields[1]), browser, ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    // It has just ended.
    return null;
  }
}

/** Milliseconds of processor time that all browsers below this process have used so far. */
export async function browserTime(): Promise<number> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
  const all = new Map<number, Process>();
  for (const pid of pids) {
    const found = await read(pid);
    if (found) all.set(pid, found);
  }
  const ours = (pid: number): boolean => {
    for (let at = pid; at > 1; at = all.get(at)?.parent ?? 0) if (at === process.pid) return true;
    return false;
  };
  let ticks = 0;
  for (const [pid, one] of all) if (one.browser && ours(pid)) ticks += one.ticks;
  return ticks * TICK_MS;
}
