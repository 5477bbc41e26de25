// What is logged: enough to find a mistake, nothing that lets anybody in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ParleyError } from '@parley/protocol';
import { createLog } from './log.ts';

function lines(level: 'info' | 'warn', use: (log: ReturnType<typeof createLog>) => void): Record<string, unknown>[] {
  const written: string[] = [];
  use(createLog({ level }, { write: (line: string) => void written.push(line) }));
  return written.map((line) => JSON.parse(line));
}

test('secrets are hidden wherever they are put', () => {
  const jwt = `eyJhbGciOiJFZERTQSJ9.${'cGF5bG9hZA'.repeat(3)}.c2lnbmF0dXJl`;
  const sdp = 'v=0\r\no=- 1 2 IN IP4 192.0.2.7\r\na=fingerprint:sha-256 AA:BB\r\n';
  const failure = Object.assign(new Error(`bad token ${jwt}`, { cause: new Error(`bad offer ${sdp}`) }), {
    response: { headers: { cookie: 'parley=topsecret' } },
  });
  const [line] = lines('info', (log) =>
    log.info(
      {
        token: 'topsecret',
        id_token: 'topsecret',
        request: { headers: { 'set-cookie': ['topsecret'], authorization: 'Bearer topsecret', host: 'a.example' } },
        signals: [{ type: 'offer', sdp: 'topsecret' }],
        text: `it was ${sdp}`,
        err: failure,
        nested: { error: failure },
      },
      'a request failed',
    ),
  );
  const text = JSON.stringify(line);
  for (const secret of ['topsecret', 'cGF5bG9hZA', 'fingerprint', '192.0.2.7'])
    assert.ok(!text.includes(secret), secret);
  assert.ok(text.includes('a.example'), 'the rest is still there');
});

test('errors keep their code, their words and their causes', () => {
  const [line] = lines('info', (log) =>
    log.error({ err: new ParleyError('timed-out', 'discovery', { cause: new Error('socket hang up') }) }, 'no sign-in'),
  );
  const { err, level, msg } = line ?? {};
  assert.equal(level, 'error');
  assert.equal(msg, 'no sign-in');
  const { code, details, message } = Object(err);
  assert.equal(code, 'timed-out');
  assert.equal(details, 'discovery');
  assert.match(message, /socket hang up/);
});

test('the level decides what is written, and endless structures end', () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  const written = lines('warn', (log) => {
    log.info('not this');
    log.warn({ loop, list: Array.from({ length: 10_000 }, () => 'x') }, 'but this');
  });
  assert.deepEqual(
    written.map(({ msg }) => msg),
    ['but this'],
  );
  assert.ok(JSON.stringify(written).length < 2000);
});
