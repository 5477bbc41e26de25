// The demo as a newcomer meets it, on one machine with nothing else installed (R74): the page that greets, a window for
// each person, an end without leftovers.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Demo, startDemo } from '@parley/demo';
import { openActor, signedIn } from './harness/actor.ts';
import { type Browsers, openBrowsers } from './harness/browser.ts';
import { type FrameRecord, recordFrames } from './harness/frames.ts';

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('the demo', () => {
  let dataDirectory: string;
  let demo: Demo;
  let browsers: Browsers;
  before(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'parley-demo-'));
    demo = await startDemo({ ports: 'free', dataDirectory });
    browsers = await openBrowsers();
  });
  after(async () => {
    await browsers.close();
    await demo.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  });

  const personCalled = (login: string) => {
    const person = demo.people.find((one) => one.login === login);
    assert.ok(person);
    return person;
  };

  it('greets with everybody’s name, address and password, and opens a window signed in as the one clicked', async () => {
    const bob = await openActor(browsers, personCalled('bob'), 1);
    await bob.page.goto(demo.pages);
    const text = (await bob.page.textContent('main')) ?? '';
    for (const { name, address, password } of demo.people) {
      for (const part of [name, address, password]) assert.ok(text.includes(part), part);
    }
    const windows: FrameRecord[] = [];
    bob.page.context().on('page', (page) => windows.push(recordFrames(page, 'a window of the greeting page')));
    for (const login of ['bob', 'alice']) {
      const person = personCalled(login);
      const opened = bob.page.waitForEvent('popup');
      await bob.page.locator(`a[data-window="${person.address}"]`).click();
      await signedIn({ ...bob, person, page: await opened });
    }
    assert.equal(windows.length, 2);
    for (const { count, faults } of windows) {
      assert.ok(count() > 0);
      assert.deepEqual(faults(), []);
    }
    await bob.close();
  });

  it('lets a person in with an account elsewhere that the company has listed, and nobody else (R2)', async () => {
    const carol = await openActor(browsers, personCalled('carol'), 2);
    const { page, person } = carol;
    await page.goto(person.origin);
    await page.getByTestId('sign-in-accounts').click();
    await page.locator('#name').fill('carol.castillo@mail.example');
    await page.locator('#password').fill(person.password);
    await page.locator('button[type=submit]:not(.quiet)').click();
    await signedIn(carol);

    // The same account at the other company, which has not listed it.
    await page.goto(personCalled('dave').origin);
    await page.getByTestId('sign-in-accounts').click();
    // The app takes the reason out of its address at once.
    await page.getByText('does not belong to anyone here').first().waitFor();
    assert.deepEqual(carol.frames.faults(), []);
    await carol.close();
  });

  it('ends every process, and finds its data again at the next start', async () => {
    const pids = demo.companies.map((company) => company.process().pid);
    assert.ok(pids.every(lives));
    const passwords = demo.people.map(({ password }) => password);
    await demo.stop();
    assert.ok(!pids.some(lives));
    demo = await startDemo({ ports: 'free', dataDirectory });
    assert.deepEqual(
      demo.people.map(({ password }) => password),
      passwords,
    );
  });

  it('says which port is taken, and leaves nothing running', async () => {
    const [company] = demo.companies;
    const taken = Number(new URL(company?.origin ?? '').port);
    const ports = { pages: 0, nodes: [taken, 0], accounts: [0, 0], external: 0 };
    await assert.rejects(startDemo({ ports, dataDirectory }), new RegExp(`Port ${taken} is taken`));
  });
});
