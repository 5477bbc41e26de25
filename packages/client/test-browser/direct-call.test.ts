// A peer-to-peer call between two real pages: ring, answer, see, hear, switch, cut, leave.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { launchChromium } from '@parley/test-browsers';
import type { Browser } from 'playwright-core';
import { type FakeNode, startFakeNode } from './fake-node.ts';
import { bundle, type Person, person, testPage } from './harness.ts';
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
    [browser, script] = await Promise.all([launchChromium(), bundle()]);
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
    assert.deepEqual([...errors, ...node.faults], []);
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
      assert.match(connections[0]?.selected?.remote ?? '', /:\d+$/);
    }
    await alice.page.evaluate(() => window.test.call().leave());
    await bob.page.evaluate(() => window.test.phase('ended'));
    assert.equal((await bob.page.evaluate(() => window.test.view())).ended?.reason, 'hung-up');
    await Promise.all([nothingLeft(alice), nothingLeft(bob)]);
  });

  it('is declined', async () => {
    await ring();
    await bob.page.evaluate(() => window.test.session().incoming.get()[0]?.decline());
    await bob.page.evaluate(() => window.test.notRinging());
    await alice.page.evaluate(() => window.test.phase('ended'));
    const { ended } = await alice.page.evaluate(() => window.test.view());
    assert.deepEqual(ended, { reason: 'not-answered', outcome: 'declined' });
    await Promise.all([nothingLeft(alice), nothingLeft(bob)]);
  });

  it('is withdrawn by the caller, and stops ringing', async () => {
    await ring();
    await alice.page.evaluate((a) => window.test.call().cancel(a as never), bobAddress);
    await bob.page.evaluate(() => window.test.notRinging());
    await alice.page.evaluate(() => window.test.phase('ended'));
    assert.equal((await alice.page.evaluate(() => window.test.view())).ended?.outcome, 'cancelled');
    await Promise.all([nothingLeft(alice), nothingLeft(bob)]);
  });

  it('does not connect before the answer where the node forbids it, and connects after it', async () => {
    await Promise.all([alice, bob].map((p) => p.context.close()));
    node.rule = 'nobody';
    [alice, bob] = await Promise.all([person(browser, node.url, 'alice'), person(browser, node.url, 'bob')]);
    await ring();
    assert.equal((await bob.page.evaluate(() => window.test.counts())).connections, 0);
    assert.ok(!node.signals.some(({ signal }) => signal.type === 'answer'));
    await bob.page.evaluate(() => window.test.accept());
    await Promise.all([alice, bob].map((p) => p.page.evaluate(() => window.test.phase('active'))));
  });

  it('goes to the device that answers, though another one had connected while it rang', async () => {
    const second = await person(browser, node.url, 'bob');
    try {
      await ring();
      await second.page.evaluate(() => window.test.ringing());
      await alice.page.evaluate(() => window.test.connected());
      // Both have answered the offer; only one of them is connected. Whichever it is, the other one accepts.
      const connected = await bob.page.evaluate(() => window.test.isConnected());
      const [answering, other] = connected ? [second, bob] : [bob, second];
      await answering.page.evaluate(() => window.test.accept());
      await other.page.evaluate(() => window.test.notRinging());
      await Promise.all([alice, answering].map((p) => p.page.evaluate(() => window.test.phase('active'))));
      await nothingLeft(other);
    } finally {
      await second.context.close();
    }
  });

  it('goes on while a socket is cut, and what happened meanwhile arrives once', async () => {
    await talk();
    node.refuse = true;
    const away = bob.page.evaluate(() =>
      window.test.waitFor(() => window.test.session().connection.get() === 'reconnecting', 'the cut'),
    );
    node.cut('bob');
    await away;
    await alice.page.evaluate(() => window.test.call().send('are you there?'));
    await bob.page.evaluate(() => window.test.frame());
    const sent = bob.page.evaluate(() => window.test.call().send('yes'));
    node.refuse = false;
    await sent;
    await bob.page.evaluate(() => window.test.waitFor(() => window.test.view().messages.length === 2, 'both messages'));
    await alice.page.evaluate(() =>
      window.test.waitFor(() => window.test.view().messages.length === 2, 'both messages'),
    );
    assert.deepEqual(
      (await alice.page.evaluate(() => window.test.view())).messages.map(({ text }) => text),
      ['are you there?', 'yes'],
    );
    await bothHear();
  });

  it('shows on the other side when a camera or microphone is switched, and really switches it', async () => {
    await talk();
    await alice.page.evaluate(() => window.test.call().setCamera(false));
    await bob.page.evaluate(() => window.test.waitFor(() => !window.test.view().participants[1]?.camera, 'no camera'));
    await bob.page.evaluate(() => window.test.waitFor(() => window.test.counts().video === 0, 'no picture'));
    assert.equal((await alice.page.evaluate(() => window.test.counts())).capturing, 1, 'the light is off');
    await bothHear();
    await alice.page.evaluate(() => window.test.call().setCamera(true));
    await bob.page.evaluate(() => window.test.frame());
    await bob.page.evaluate(() => window.test.waitFor(() => window.test.view().participants[1]?.video, 'a picture'));
    await alice.page.evaluate(() => window.test.call().setMicrophone(false));
    await bob.page.evaluate(() =>
      window.test.waitFor(() => window.test.view().participants[1]?.microphone === false, 'muted'),
    );
    await bob.page.evaluate(() => window.test.silence());
    assert.equal((await bob.page.evaluate(() => window.test.view())).participants[1]?.flowing, true);
  });

  it('ends for the other when a page is closed', async () => {
    await talk();
    await alice.page.goto('about:blank');
    await bob.page.evaluate(() => window.test.phase('ended'));
    await nothingLeft(bob);
  });

  it('says that nobody is signed in, and where to sign in', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(node.url);
    const code = await page.evaluate(() => window.test.connect().catch((error: { code: string }) => error.code));
    assert.equal(code, 'not-signed-in');
    const urls = await page.evaluate(async () => (await window.test.nodeInfo()).signIn.map((s) => s.url('/a?b')));
    // With the name of a key that this browser has just made.
    const [url = '', ...more] = urls.map((one) => one.replace(/&nonce=[\w-]{43}$/, '&nonce=key'));
    assert.deepEqual([url, more], [`${node.url}/sign-in/main?return=%2Fa%3Fb&nonce=key`, []]);
    await context.close();
  });
});
