import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { compressFolder, judgeSize } from './compress.ts';

test('text has compressed copies beside it, and too much JavaScript on the first page is told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-compress-'));
  try {
    await mkdir(join(folder, 'assets'));
    const page = '<script type="module" src="/assets/a.js"></script><link rel="modulepreload" href="/assets/b.js">';
    await writeFile(join(folder, 'index.html'), page);
    await writeFile(join(folder, 'assets/a.js'), 'let a = 1;'.repeat(100_000));
    // Does not become smaller: 100 kB stay that.
    await writeFile(join(folder, 'assets/b.js'), randomBytes(100_000));
    await writeFile(join(folder, 'assets/later.js'), randomBytes(100_000));
    await writeFile(join(folder, 'assets/font.woff2'), 'font');
    await compressFolder(folder);
    const script = await readFile(join(folder, 'assets/a.js'));
    assert.deepEqual(gunzipSync(await readFile(join(folder, 'assets/a.js.gz'))), script);
    assert.deepEqual(brotliDecompressSync(await readFile(join(folder, 'assets/a.js.br'))), script);
    await assert.rejects(readFile(join(folder, 'assets/font.woff2.gz')), /ENOENT/);
    assert.equal(await judgeSize(folder), '');

    await writeFile(join(folder, 'assets/a.js'), randomBytes(60_000));
    await compressFolder(folder);
    assert.match(await judgeSize(folder), /needs 160 kB of compressed JavaScript .*more than 150 kB/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
