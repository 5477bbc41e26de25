// What the kernel counts for a process (proc(5)): processor time and memory. Reading is apart from understanding, which is
// what the tests look at.
import { readFile } from 'node:fs/promises';

export interface ProcessStat {
  readonly name: string;
  readonly parent: number;
  /** Processor time of all its threads so far, in user mode and in the kernel, in ticks. */
  readonly ticks: number;
}

/** A tick is a hundredth of a second on every Linux of ours (USER_HZ). */
export const TICK_MS = 10;

/** Reads /proc/PID/stat. The name may hold blanks and brackets; what follows its last bracket does not. */
export function parseStat(text: string): ProcessStat {
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (end < 0 || !Number.isFinite(ticks)) throw new Error('this is no /proc/PID/stat');
  return { name: text.slice(text.indexOf('(') + 1, end), parent: Number(fields[1]), ticks };
}

/** Reads /proc/stat: seconds in which the machine's processors were not idle (or had been taken away), all together. */
export function parseBusy(text: string): number {
  const [label, ...ticks] = (text.split('\n')[0] ?? '').split(/\s+/);
  if (label !== 'cpu' || ticks.length < 8) throw new Error('this is no /proc/stat');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = ticks.map(Number);
  return ((user + nice + system + irq + softirq + steal) * TICK_MS) / 1000;
}

export interface ProcessMemory {
  /** Resident memory, shared pages counted in full, in MB (10^6 bytes). */
  readonly rssMb: number;
  /** The same, each shared page divided by the number of processes that share it. */
  readonly pssMb: number;
}

/** Reads /proc/PID/smaps_rollup. */
export function parseMemory(text: string): ProcessMemory {
  const megabytes = (name: string) => {
    const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text) ?? [];
    if (kibibytes === undefined) throw new Error(`/proc/PID/smaps_rollup does not say ${name}`);
    return Math.round((Number(kibibytes) * 1024) / 1e5) / 10;
  };
  return { rssMb: megabytes('Rss'), pssMb: megabytes('Pss') };
}

/** Processor time a process has used so far, in seconds, to a hundredth. Throws if it is gone. */
export async function processorSeconds(pid: number): Promise<number> {
  return (parseStat(await readFile(`/proc/${pid}/stat`, 'utf8')).ticks * TICK_MS) / 1000;
}

/** Throws if the process is gone. */
export async function memoryOf(pid: number): Promise<ProcessMemory> {
  return parseMemory(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8'));
}

/** See `parseBusy`. */
export async function busySeconds(): Promise<number> {
  return parseBusy(await readFile('/proc/stat', 'utf8'));
}
