// A peer-to-peer call between two real pages: ring, answer, see, hear, switch, cut, leave.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { type FakeNode, startFakeNode } from './fake-node.ts';
import { bundle, launch, type Person, person, testPage } from './harness.ts';
import type {} from './page-helpers.ts';

const bobAddress = 'bob@enterprise1.example';
const aliceAddress = 'alice@enterprise1.example';

describe('a direct call', { timeout: 120_000 }, () => {
  let browser: Browser;
  let script: string;
  let node: FakeNode;
  let alice: Person;
  let bob: Person;

  before(async () => {
    [browser, script] = await Promise.all([launch(), bundle()]);
  });
  after(() => browser?.close());
  beforeEach(async () => {
    node = await startFakeNode(testPage, script);
    [alice, bob] = await Promise.all([person(browser, node.url, 'alice'), person(browser, node.url, 'bob')]);
  });
  afterEach(async () => {
    const errors = [...(alice?.errors ?? []), ...(bob?.errors ?? [])];
    await Promise.all([alice?.context.close(), bob?.context.close()]);
    await node.close();
    assert.deepEqual(errors, []);
  });

  async function ring(options = {}): Promise<void> {
    await alice.page.evaluate(([to, how]) => window.test.start(to, how), [bobAddress, options] as const);
    assert.equal(await bob.page.evaluate(() => window.test.ringing()), aliceAddress);
  }
  async function talk(): Promise<void> {
    await ring();
    await bob.page.evaluate(() => window.test.accept());
    await alice.page.evaluate((a) => window.test.show(a), bobAddress);
    await bob.page.evaluate((a) => window.test.show(a), aliceAddress);
    await Promise.all([alice, bob].map((p) => p.page.evaluate(() => window.test.frame())));
  }
  const bothHear = async () => {
    for (const p of [alice, bob]) assert.ok((await p.page.evaluate(() => window.test.heard())) > 0.001, 'sound');
  };
  const nothingLeft = async (p: Person) => {
    await p.page.evaluate(() =>
      window.test.waitFor(() => {
        const { connections, audio, capturing } = window.test.counts();
        return connections + audio + capturing === 0;
      }, 'everything to be released'),
    );
  };

  it('connects while it rings with nothing captured or sent, then both see and hear each other', async () => {
    await ring();
    await bob.page.evaluate(() => window.test.connected());
    assert.equal((await bob.page.evaluate(() => window.test.counts())).capturing, 0);
    assert.deepEqual(await bob.page.evaluate(() => window.test.sentTracks()), []);
    assert.deepEqual(
      await alice.page.evaluate(() => window.test.sentTracks()),
      [],
      'nobody listens in before answering',
    );
    await bob.page.evaluate(() => window.test.accept());
    await alice.page.evaluate((a) => window.test.show(a), bobAddress);
    await bob.page.evaluate((a) => window.test.show(a), aliceAddress);
    await Promise.all([alice, bob].map((p) => p.page.evaluate(() => window.test.frame())));
    await bothHear();
    for (const p of [alice, bob]) {
      await p.page.evaluate(() => window.test.phase('active'));
      const { connections, path } = await p.page.evaluate(() => window.test.call().diagnostics());
      assert.equal(path, 'direct');
      assert.equal(connections.length, 1);
      assert.match(connections[0]?.selected?.remote ?? '', /^127\.0\.0\.1:|:\d+$/);
    }
    await alice.page.evaluate(() => window.test.call().leave());
    await bob.page.evaluate(() => window.test.phase('ended'));
    assert.equal((await bob.page.evaluate(() => window.test.view())).ended?.reason, 'hung-up');
    await Promise.all([nothingLeft(alice), nothingLeft(bob)]);
  });
});
