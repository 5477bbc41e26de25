// The README's example of the SDK is a file that the type check reads: readme-example.ts.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';

it('shows, in the README, the example that is type-checked', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const example = await readFile(new URL('readme-example.ts', import.meta.url), 'utf8');
  const shown = /^```ts\n([\s\S]*?)^```$/m.exec(readme)?.[1];
  assert.equal(shown, example);
});
