// Processor time of the browsers this program has started.
import { readdir, readFile } from 'node:fs/promises';
import { type ProcessStat, parseStat, TICK_MS } from '../proc.ts';

async function read(pid: number): Promise<ProcessStat | null> {
  try {
    return parseStat(await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // It has just ended.
    return null;
  }
}

/** Milliseconds of processor time that all browsers below this process have used so far. */
export async function browserTime(): Promise<number> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
  const all = new Map<number, ProcessStat>();
  for (const pid of pids) {
    const found = await read(pid);
    if (found) all.set(pid, found);
  }
  const ours = (pid: number): boolean => {
    for (let at = pid; at > 1; at = all.get(at)?.parent ?? 0) if (at === process.pid) return true;
    return false;
  };
  let ticks = 0;
  for (const [pid, { name, ticks: own }] of all) if (/chrom/.test(name) && ours(pid)) ticks += own;
  return ticks * TICK_MS;
}
