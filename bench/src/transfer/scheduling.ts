// The kernel's automatic groups (sched(7), "autogroup"): while they are on, each browser is weighed as one program. A browser
// that is busy with its page is then made to wait as a whole, its sound too, as it would not be on a machine of its own.
import { readFile, writeFile } from 'node:fs/promises';

const SWITCH = '/proc/sys/kernel/sched_autogroup_enabled';

/** Runs `measure` with every thread weighed for itself, if that may be set here; says so if it may not. */
export async function ungrouped<T>(measure: () => Promise<T>): Promise<T> {
  const before = await readFile(SWITCH, 'utf8').catch(() => '0');
  if (before.trim() === '0') return measure();
  try {
    await writeFile(SWITCH, '0');
  } catch {
    console.error('Browsers are weighed as groups here, which makes every figure worse; only root can change that.');
    return measure();
  }
  try {
    return await measure();
  } finally {
    await writeFile(SWITCH, before);
  }
}
