// docs/protocol.md names everything there is: whoever writes another node or app reads it, not this code (R50).
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { deviceMethods, deviceNotifications } from './device.ts';
import { errorCatalogue } from './errors.ts';
import { eventBodySchema, outcomeSchema } from './events.ts';
import { linkMethods } from './link.ts';

const text = await readFile(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');

/** What stands in `code` between two headings. */
function named(from: string, to: string): Set<string> {
  const start = text.indexOf(`\n${from}`);
  const end = text.indexOf(`\n${to}`, start + 1);
  assert.ok(start >= 0 && end > start, `${from} and ${to} are headings`);
  return new Set([...text.slice(start, end).matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name));
}

function missing(names: Iterable<string>, among: ReadonlySet<string>): string[] {
  return [...names].filter((name) => !among.has(name));
}

it('names every request and notification of a device, and of a link', () => {
  const device = named('### Requests', '## Conversations');
  assert.deepEqual(missing(Object.keys(deviceMethods), device), []);
  assert.deepEqual(missing(Object.keys(deviceNotifications), device), []);
  assert.deepEqual(missing(Object.keys(linkMethods), named('## Node and node', '## Errors')), []);
});

it('names every event and every outcome', () => {
  const events = named('## Conversations', '### Direct paths');
  const types = eventBodySchema.options.map(({ shape }) => shape.type.value);
  assert.deepEqual(missing(types, events), []);
  assert.deepEqual(missing(outcomeSchema.options, events), []);
});

it('lists every error, with its sentence and whether to try again, and no other', () => {
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \| (yes|no) \| (.+) \|$/gm)];
  const listed = Object.fromEntries(
    rows.map(([, code = '', retry, sentence]) => [code, { text: sentence, retry: retry === 'yes' }]),
  );
  assert.deepEqual(listed, errorCatalogue);
});
