// The kernel's automatic groups (sched(7), "autogroup"): while they are on, each browser is weighed as one program. A browser
// that is busy with its page is then made to wait as a whole, its sound too, as it would not be on a machine of its own.
import { readFileSync, writeFileSync } from 'node:fs';

const SWITCH = '/proc/sys/kernel/sched_autogroup_enabled';

/** '1' or '0', as the kernel says it; '0' where it knows no such groups. */
function state(): string {
  try {
    return readFileSync(SWITCH, 'utf8').trim();
  } catch {
    return '0';
  }
}

/** Runs `measure` with every thread weighed for itself, if that may be set here; says so if it may not. */
export async function ungrouped<T>(measure: () => Promise<T>): Promise<T> {
  if (state() === '0') return measure();
  try {
    writeFileSync(SWITCH, '0');
  } catch {
    console.error('Browsers are weighed as groups here, which makes every figure worse; only root can change that.');
    return measure();
  }
  const restore = () => writeFileSync(SWITCH, '1');
  const interrupted = () => process.exit(130);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  process.once('exit', restore);
  for (const signal of signals) process.once(signal, interrupted);
  try {
    return await measure();
  } finally {
    process.off('exit', restore);
    for (const signal of signals) process.off(signal, interrupted);
    restore();
  }
}
