// The Kurento engine keeps the contract of media engines, with real browsers: against a real server, mixing and recording
// included, if PARLEY_TEST_KURENTO names one (ws://host:8888/kurento; recordings go to its /tmp); and, without mixing,
// against the double, which forwards real media.
import { after, describe, test } from 'node:test';
import { testMediaEngine } from '../contract.ts';
import type { MediaEngine } from '../engine.ts';
import { realMedia } from './double/media.ts';
import { openKurentoDouble } from './double/server.ts';
import { createKurentoEngine } from './index.ts';

const log = { info: () => undefined, warn: (fields: object, text: string) => console.warn(text, fields) };
let count = 0;

/** What an engine can do is known when it has made a room. */
async function open(url: string, recordings: string | null): Promise<MediaEngine> {
  count += 1;
  const engine = createKurentoEngine({ url, owner: `contract-${process.pid}-${count}`, recordings, log });
  await (await engine.createRoom({ id: 'first' })).close();
  return engine;
}

describe('a double of Kurento that forwards real media', async () => {
  const double = await openKurentoDouble({ media: realMedia, without: ['Composite', 'RecorderEndpoint'] });
  after(() => double.stop());
  testMediaEngine(
    () => open(double.url, null),
    { forwarding: true, mixing: false, recording: false, layers: false, speaker: false },
    { brief: true, lose: () => double.restart(), held: () => double.objects().length },
  );
});

const server = process.env.PARLEY_TEST_KURENTO;
if (server) {
  describe(`Kurento at ${server}`, () => {
    testMediaEngine(() => open(server, 'file:///tmp/parley-contract/'), {
      forwarding: true,
      mixing: true,
      recording: true,
      layers: false,
      speaker: false,
    });
  });
} else {
  test(
    'a real Kurento',
    { skip: 'not tried: PARLEY_TEST_KURENTO names no server (ws://host:8888/kurento)' },
    () => undefined,
  );
}
