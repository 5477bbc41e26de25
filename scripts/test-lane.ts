// One lane of `npm test`, in a process of its own so that it can have a priority of its own: runs the files it is sent, so
// many at a time, prints what they say, and sends back what came of them.
import { relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { root } from './install.mjs';

export interface Lane {
  /** Relative to the root. */
  readonly files: readonly string[];
  readonly concurrency: number;
}

export interface LaneResult {
  readonly passed: number;
  readonly failed: number;
  readonly seconds: readonly (readonly [file: string, seconds: number])[];
  /** What failed and why. */
  readonly failures: readonly string[];
}

const FILE_MS = 480_000;

process.once('message', async (lane) => {
  process.send?.(await runLane(lane as Lane));
  process.disconnect();
});

async function runLane({ files, concurrency }: Lane): Promise<LaneResult> {
  let passed = 0;
  let failed = 0;
  const seconds: [string, number][] = [];
  const failures: string[] = [];
  const stream = run({ files: files.map((file) => `${root}/${file}`), concurrency, cwd: root, timeout: FILE_MS });
  stream.on('test:summary', (summary) => {
    // Without a file it is the sum over all files.
    if (summary.file !== undefined) {
      seconds.push([relative(root, summary.file), summary.duration_ms / 1000]);
      return;
    }
    passed += summary.counts.passed;
    failed += summary.counts.tests - summary.counts.passed - summary.counts.skipped - summary.counts.todo;
    if (!summary.success && failed === 0) failed += 1;
  });
  stream.on('test:fail', ({ name, file, details }) => {
    const { cause, failureType } = details.error as Error & { failureType?: string };
    // Because of what is in it, which was said already.
    if (failureType === 'subtestsFailed') return;
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? details.error.message);
    failures.push(`✖ ${name} (${file ? relative(root, file) : ''})\n  ${reason.split('\n').slice(0, 12).join('\n  ')}`);
  });
  for await (const text of stream.compose(spec)) process.stdout.write(text as string);
  return { passed, failed, seconds, failures };
}
