// Compressed copies beside the files of a built app, which the node serves to browsers that take them, and what a first
// visit costs of them.
import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';

/** The JavaScript that the first page needs, compressed by gzip: no more bytes than these. */
const MOST_JAVASCRIPT = 150_000;

/** Writes `.br` and `.gz` beside every file of text. Fonts and pictures are compressed as they are. */
export async function compressFolder(folder: string): Promise<void> {
  for await (const name of glob('**/*.{js,css,html,svg}', { cwd: folder })) {
    const file = join(folder, name);
    const content = await readFile(file);
    await writeFile(`${file}.br`, await promisify(brotliCompress)(content));
    await writeFile(`${file}.gz`, await promisify(gzip)(content, { level: 9 }));
  }
}

/**
 * What is wrong with the size of a built app, as a sentence; empty if it is small enough. Scripts that the page loads later,
 * by `import()`, do not count.
 */
export async function judgeSize(folder: string): Promise<string> {
  const page = await readFile(join(folder, 'index.html'), 'utf8');
  const scripts = [...page.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map(([, path = '']) => path);
  if (scripts.length === 0) return `${folder}/index.html loads no script.`;
  let bytes = 0;
  for (const script of scripts) bytes += (await readFile(join(folder, `${script}.gz`))).length;
  const kilobytes = (n: number) => `${(n / 1000).toFixed(0)} kB`;
  return bytes <= MOST_JAVASCRIPT
    ? ''
    : `The first page needs ${kilobytes(bytes)} of compressed JavaScript (${scripts.join(', ')}), more than ${kilobytes(MOST_JAVASCRIPT)}.`;
}
