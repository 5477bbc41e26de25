import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { memoryOf, parseBusy, parseMemory, parseStat, processorSeconds } from './proc.ts';

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i).join(' ');

describe('what the kernel counts', () => {
  it('reads the time of a process whose name looks like the rest of the line', () => {
    // Fields 4 to 52 of proc(5) are numbered here, so that the wrong ones would be seen: 14 and 15 are utime and stime.
    const line = `4711 (a) S 1 2 3) R ${numbers(4, 49)}`;
    assert.deepEqual(parseStat(line), { name: 'a) S 1 2 3', parent: 4, ticks: 14 + 15 });
    assert.throws(() => parseStat('nothing of that kind'));
  });

  it('reads memory', () => {
    const text = '00400000-7ffe [rollup]\nRss:              118500 kB\nPss:               91234 kB\nPss_Anon: 7 kB\n';
    assert.deepEqual(parseMemory(text), { rssMb: 121.3, pssMb: 93.4 });
    assert.throws(() => parseMemory('Rss: 5 kB\n'), /does not say/);
  });

  it('reads how busy the machine was: neither idle time nor that of guests, which is in user time already', () => {
    assert.equal(parseBusy('cpu  100 20 30 9999 9999 4 5 6 700 800\ncpu0 1 2 3\n'), 1.65);
    assert.throws(() => parseBusy('intr 1 2 3'));
  });

  it('sees what this process uses', async () => {
    const before = await processorSeconds(process.pid);
    const end = performance.now() + 200;
    while (performance.now() < end);
    const used = (await processorSeconds(process.pid)) - before;
    assert.ok(used > 0 && used < 2, `${used}`);
    const { rssMb, pssMb } = await memoryOf(process.pid);
    assert.ok(rssMb >= pssMb && pssMb > 10);
  });
});
