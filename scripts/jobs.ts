// Commands whose output matters only when they fail, run beside each other.
import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { root } from './install.mjs';

export interface JobResult {
  readonly ok: boolean;
  /** What it wrote, both streams together in the order of arrival. */
  readonly output: string;
}

/** Runs a command and keeps what it says. Never rejects: a command that cannot start is a failed job. */
export function runQuietly(program: string, args: readonly string[], cwd = root): Promise<JobResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', (error) => resolve({ ok: false, output: `${program}: ${error.message}` }));
    child.once('close', (code) => resolve({ ok: code === 0, output: Buffer.concat(chunks).toString('utf8').trim() }));
  });
}

/** Runs a job and prints one line with its time; its output too if it failed or has warnings to show. */
export async function report(name: string, job: () => Promise<JobResult>): Promise<boolean> {
  const start = performance.now();
  const { ok, output } = await job();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${ok ? '✓' : '✗'} ${name} (${seconds} s)`);
  if (output && !ok) console.log(output.replace(/^/gm, '    '));
  return ok;
}
