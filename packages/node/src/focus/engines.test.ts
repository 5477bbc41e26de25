// Every kind of engine that the configuration can name is there, and opens without its server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Domain } from '@parley/protocol';
import { pino } from 'pino';
import { testConfig } from '../config/testing.ts';
import { openEngines } from './engines.ts';

test('engines of all kinds open, each with what it can do', async (t) => {
  const { focus } = testConfig({
    focus: {
      engines: [
        { id: 'here', kind: 'embedded' },
        // Nobody listens there.
        { id: 'passing', kind: 'janus', url: 'ws://127.0.0.1:1' },
        { id: 'mixing', kind: 'kurento', url: 'ws://127.0.0.1:1' },
      ],
    },
  });
  const log = pino({ level: 'silent' });
  const surroundings = { domain: 'enterprise1.example' as Domain, recordings: '/tmp/recordings', log };
  const members = await openEngines(focus, surroundings);
  t.after(() => Promise.all(members.map(({ engine }) => engine.close())));
  assert.deepEqual(
    members.map(({ id, engine }) => [id, engine.capabilities.mixing, engine.capabilities.recording]),
    [
      ['here', false, false],
      ['passing', false, false],
      ['mixing', true, true],
    ],
  );
});
