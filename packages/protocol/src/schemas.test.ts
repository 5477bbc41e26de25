import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { anyEvents } from './arbitraries.ts';
import { deviceMethods, deviceNotifications } from './device.ts';
import { ParleyError } from './errors.ts';
import { linkMethods } from './link.ts';
import { failure } from './rpc.ts';
import { schemaFiles, schemaText } from './schemas.ts';

const folder = fileURLToPath(new URL('../schema/', import.meta.url));
const files = schemaFiles();

function validator() {
  const ajv = new Ajv2020({ strict: false });
  for (const [name, content] of Object.entries(files)) if (name !== 'index.json') ajv.addSchema(content, name);
  return ajv;
}

describe('the published schemas', () => {
  it('are in step with the code (if not: npm run schemas)', async () => {
    assert.deepEqual((await readdir(folder)).sort(), Object.keys(files).sort());
    for (const [name, content] of Object.entries(files)) {
      assert.equal(await readFile(folder + name, 'utf8'), schemaText(content), `${name} is out of date`);
    }
  });

  it('describe every message, each of them a schema that another program can compile', () => {
    const ajv = validator();
    const references = [
      ...Object.keys(deviceMethods).flatMap((name) => both('device-requests.json', name)),
      ...Object.keys(linkMethods).flatMap((name) => both('link-requests.json', name)),
      ...Object.keys(deviceNotifications).map((name) => `device-notifications.json#/$defs/${name}`),
    ];
    const listed = JSON.stringify(files['index.json']);
    for (const reference of references) {
      assert.ok(listed.includes(`"${reference}"`), `${reference} is not in the index`);
      assert.ok(ajv.getSchema(reference), reference);
    }
  });

  it('take every event that the code takes', () => {
    const valid = validator().getSchema('event.json');
    assert.ok(valid);
    fc.assert(
      fc.property(anyEvents, (events) => {
        for (const event of events) assert.ok(valid(event), JSON.stringify(valid.errors));
      }),
      { numRuns: 30 },
    );
    assert.equal(valid({ conversation: 'x', n: 0, at: -1, body: { type: 'created' } }), false);
  });

  it('take an error answer as the code writes it', () => {
    const valid = validator().getSchema('envelope.json#/$defs/failure');
    assert.ok(valid?.(failure(null, new ParleyError('call-ended', 'details'))));
  });
});

function both(file: string, name: string): string[] {
  return [`${file}#/$defs/${name}.params`, `${file}#/$defs/${name}.result`];
}
