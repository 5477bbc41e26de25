// What a person notices of each state: in a real browser, on the built gallery, under a strict policy for content.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import axe from 'axe-core';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { build, type PreviewServer, preview } from 'vite';

const policy = "default-src 'self'; media-src 'self' blob: mediastream:; object-src 'none'; base-uri 'none'";
const PHONE = { width: 360, height: 740 };

let outDir: string;
let server: PreviewServer;
let browser: Browser;
let origin: string;

before(async () => {
  outDir = await mkdtemp(join(tmpdir(), 'parley-gallery-'));
  const configFile = join(import.meta.dirname, 'vite.config.ts');
  await build({ configFile, logLevel: 'error', build: { outDir } });
  server = await preview({
    configFile,
    logLevel: 'error',
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0, headers: { 'content-security-policy': policy } },
  });
  const address = server.httpServer.address();
  assert.ok(address && typeof address === 'object');
  origin = `http://127.0.0.1:${address.port}`;
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
});

after(async () => {
  await browser?.close();
  await server?.close();
  await rm(outDir, { recursive: true, force: true });
});

/** Opens a state, lets `use` look at it, and fails on anything the browser complained about. */
async function open(state: string, use: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ viewport: PHONE, reducedMotion: 'reduce' });
  context.setDefaultTimeout(5000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) complaints.push(message.text());
  });
  try {
    await show(page, state);
    await use(page);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

async function show(page: Page, state: string): Promise<void> {
  // The page stays the same when only the part after # changes.
  await page.goto(`${origin}/#${state}`);
  await page.locator(`.frame[data-state="${state}"] > *`).first().waitFor();
}

function asked(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { fakeSession } = window as unknown as { fakeSession: { asked: string[] } };
    return fakeSession.asked;
  });
}

async function words(of: Locator): Promise<string> {
  return ((await of.textContent()) ?? '').replace(/\s+/g, ' ').trim();
}

function heading(page: Page): Promise<string> {
  return words(page.getByRole('heading', { level: 1 }));
}

/** Test ids of what has the focus, from the outside in. */
function focused(page: Page): Promise<string | undefined> {
  return page.evaluate(() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    return element instanceof HTMLElement ? element.dataset.testid : undefined;
  });
}

async function tabTo(page: Page, testId: string): Promise<void> {
  for (let presses = 0; presses < 30; presses++) {
    await page.keyboard.press('Tab');
    if ((await focused(page)) === testId) return;
  }
  assert.fail(`${testId} is not reached by the Tab key`);
}

/** Elements that stick out of the window to the right, shadow roots included. */
function stickingOut(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const look = (root: Document | ShadowRoot) => {
      for (const element of root.querySelectorAll('*')) {
        const box = element.getBoundingClientRect();
        if (box.width > 0 && box.right > innerWidth + 1) found.push(element.outerHTML.slice(0, 120));
        if (element.shadowRoot) look(element.shadowRoot);
      }
    };
    look(document);
    return found;
  });
}

const looks = [
  'sign-in',
  'sign-in-error',
  'contacts',
  'incoming',
  'incoming-conference',
  'incoming-in-call',
  'incoming-untrusted',
  'calling',
  'call-2',
  'call-2-without-pictures',
  'call-moving',
  'call-outcomes',
  'call-trust',
  'sign-ins',
  'call-6',
  'call-9',
  'call-markup',
  'call-notices',
  'call-chat',
  'reconnecting',
  'ended-hung-up',
  'ended-unreachable',
  'ended-nobody',
];

test('each state fits a phone, and axe finds nothing that keeps somebody out, in light and in dark', async () => {
  const problems: string[] = [];
  await open('contacts', async (page) => {
    await page.evaluate(axe.source);
    for (const state of looks) {
      await show(page, state);
      if (state === 'call-trust') await page.getByTestId('trust-carol@enterprise1.example').click();
      if (state === 'sign-ins') await page.getByTestId('sign-ins').click();
      if (state === 'call-chat') {
        await page.getByTestId('chat-open').click();
        await page.getByTestId('chat-message').first().waitFor();
      }
      for (const element of await stickingOut(page)) problems.push(`${state}: sticks out: ${element}`);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        // In the dark only the colours differ.
        const rules = colorScheme === 'dark' ? ['color-contrast'] : [];
        const found = await page.evaluate(async (only) => {
          const { axe: inPage } = window as unknown as { axe: typeof axe };
          const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
          const runOnly =
            only.length > 0 ? { type: 'rule' as const, values: only } : { type: 'tag' as const, values: tags };
          const { violations } = await inPage.run({ runOnly });
          return violations.flatMap(({ id, nodes }) =>
            nodes.map((node) => `${id}: ${node.target.flat().join(' ')} ${node.failureSummary ?? ''}`),
          );
        }, rules);
        for (const violation of found) problems.push(`${state}, ${colorScheme}: ${violation}`);
      }
    }
  });
  assert.deepEqual(problems, []);
});

test('a call is answered and left by the keyboard alone', async () => {
  await open('incoming', async (page) => {
    await page.getByTestId('incoming').waitFor();
    // The window itself has the focus: Enter, pressed while typing something else, must not answer.
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    assert.deepEqual(await asked(page), []);
    await tabTo(page, 'accept');
    await page.keyboard.press('Enter');
    await page.getByTestId('stage').waitFor();
    await tabTo(page, 'leave');
    await page.keyboard.press('Enter');
    await page.getByTestId('call-ended').waitFor();
    assert.equal(await heading(page), 'You left the call');
    await tabTo(page, 'call-ended-close');
    await page.keyboard.press('Enter');
    await page.getByTestId('search').waitFor();
    assert.deepEqual(await asked(page), ['accept', 'leave', 'dismiss']);
  });
});

test('M, V and A do what they say, but not while somebody types', async () => {
  await open('call-2', async (page) => {
    await page.getByTestId('stage').waitFor();
    await page.keyboard.press('m');
    await page.keyboard.press('v');
    await page.getByRole('button', { name: 'Unmute microphone' }).waitFor();
    await page.getByRole('button', { name: 'Turn camera on' }).waitFor();
    await page.keyboard.press('a');
    await page.getByRole('dialog', { name: 'Add a person' }).waitFor();
    assert.equal(await focused(page), 'add-search');
    await page.keyboard.type('mav');
    // The first Escape empties the field, the second closes the window.
    await page.keyboard.press('Escape');
    await page.getByTestId('add-dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('add-dialog').waitFor({ state: 'hidden' });
    await page.getByTestId('chat-open').click();
    assert.equal(await focused(page), 'chat-input');
    await page.keyboard.type('mva');
    await page.keyboard.press('Enter');
    await page.getByTestId('chat-message').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('chat-input').waitFor({ state: 'detached' });
    assert.equal(await focused(page), 'chat-open');
    const done = (await asked(page)).filter((entry) => !entry.startsWith('search'));
    assert.deepEqual(done, ['microphone false', 'camera false', 'send mva']);
  });
});

test('every control of a call has a name and the size of a finger', async () => {
  await open('call-moving', async (page) => {
    const names = [
      'Mute microphone',
      'Turn camera off',
      'Add a person',
      'Open chat',
      'Leave the call',
      'Stop ringing Carol Castillo',
    ];
    for (const name of names) {
      const box = await page.getByRole('button', { name, exact: true }).boundingBox();
      assert.ok(box && box.width >= 44 && box.height >= 44, `${name}: ${JSON.stringify(box)}`);
    }
    const carol = page.getByRole('group', { name: 'Carol Castillo, Ringing …' });
    assert.equal(await carol.getAttribute('data-state'), 'alerting');
    assert.equal(await page.getByTestId('path').getAttribute('data-transferring'), 'true');
    const clock = await words(page.getByRole('timer', { name: 'Length of the call' }));
    assert.match(clock, /^12:3\d$/);
  });
});

test('why a call is over is said in words, for each way it can end', async () => {
  const sentences: Record<string, string> = {
    'hung-up': 'The call is over',
    left: 'You left the call',
    'media-failed': 'The call could not be connected',
    lost: 'The connection was lost',
    nobody: 'Nobody answered',
    declined: 'Alice Archer declined',
    'no-answer': 'Alice Archer did not answer',
    cancelled: 'You cancelled the call',
    busy: 'Alice Archer is in another call',
    'do-not-disturb': 'Alice Archer does not want to be disturbed',
    offline: 'Alice Archer is offline',
    'unknown-address': 'Nobody has this address',
    unreachable: 'Alice Archer cannot be reached',
    refused: 'The other company refused the call',
  };
  await open('contacts', async (page) => {
    for (const [state, sentence] of Object.entries(sentences)) {
      await show(page, `ended-${state}`);
      assert.equal(await heading(page), sentence);
    }
    await show(page, 'ended-nobody');
    const detail = await words(page.getByTestId('call-ended'));
    assert.match(detail, /Alice Archer declined and Carol Castillo did not answer\./);
  });
});

test('the window of an incoming call says who, from where, why, and who is there already', async () => {
  await open('incoming-conference', async (page) => {
    await page.getByRole('dialog', { name: 'Carol Castillo' }).waitFor();
    for (const expected of [
      'Enterprise 1',
      'carol@enterprise1.example',
      'Carol Castillo is already in the conference',
      'Also in this call: Erin Ellis and Dave Dietrich',
      'One more call is waiting',
    ]) {
      await page.getByTestId('incoming').getByText(expected, { exact: true }).waitFor();
    }
    assert.match(await words(page.getByTestId('incoming-title')), /Contract with the new supplier/);
    await page.getByTestId('decline').click();
    await page.getByRole('dialog', { name: 'Dave Dietrich' }).waitFor();
    assert.deepEqual(await asked(page), ['decline']);
  });
});

test('answering that fails says why, and the call can still be declined', async () => {
  await open('incoming-failing', async (page) => {
    await page.getByTestId('accept').click();
    const problem = page.getByTestId('incoming').getByRole('alert');
    assert.match(await words(problem), /No microphone or camera can be used/);
    await page.getByTestId('decline').click();
    await page.getByTestId('incoming').waitFor({ state: 'detached' });
  });
});

test('a call that stops ringing without an answer here leaves a notice', async () => {
  await open('incoming', async (page) => {
    await page.getByTestId('incoming').waitFor();
    await page.evaluate(() => {
      const { fakeSession } = window as unknown as { fakeSession: { incoming: { set(calls: []): void } } };
      fakeSession.incoming.set([]);
    });
    const notice = page.getByTestId('notice');
    assert.match(await words(notice), /^Alice Archer’s call no longer rings here/);
    assert.equal(await notice.getAttribute('data-kind'), 'missed');
  });
});

test('names and titles with markup are shown as text', async () => {
  const name = '<img src=x onerror=alert(1)> & <b>Eve</b>';
  for (const state of ['contacts', 'incoming-markup', 'call-markup']) {
    await open(state, async (page) => {
      await page.getByText(name, { exact: true }).first().waitFor();
      assert.equal(await page.locator('img, b, script:not([src])').count(), 0, state);
    });
  }
});

test('search finds own people by name and others by address, and says what went wrong', async () => {
  await open('contacts', async (page) => {
    const search = page.getByTestId('search');
    await search.fill('eri');
    await page.getByTestId('search-result-erin@enterprise1.example').waitFor();
    assert.equal(await page.getByTestId('contact-carol@enterprise1.example').count(), 0);
    await search.fill('someone@nowhere.invalid');
    const problem = await words(page.getByTestId('search-problem'));
    assert.match(problem, /The other company’s service does not answer/);
    await search.fill('nobody@enterprise2.example');
    await page.getByText('Nobody has this address. Check the spelling.').waitFor();
    await search.fill('ines@enterprise2.example');
    await page.getByTestId('save-ines@enterprise2.example').click();
    await page.getByTestId('contact-ines@enterprise2.example').waitFor();
    assert.equal(await search.inputValue(), '');
    await page.getByTestId('conference-carol@enterprise1.example').click();
    await page.getByTestId('hang-up-cancel').click();
    await page.getByTestId('call-ended').waitFor();
    const done = (await asked(page)).filter((entry) => !entry.startsWith('search'));
    assert.deepEqual(done, ['save ines@enterprise2.example', 'call carol@enterprise1.example conference', 'leave']);
  });
});

test('a call that cannot be started says why', async () => {
  await open('contacts', async (page) => {
    await page.getByTestId('call-grace@enterprise1.example').click();
    const notice = page.getByTestId('notice');
    assert.match(await words(notice), /No microphone or camera can be used/);
  });
});

test('pictures stay where they are while the call moves and grows', async () => {
  await open('call-2', async (page) => {
    await page.getByTestId('tile-alice@enterprise2.example').locator('video').waitFor();
    const before = await page.getByTestId('tile-alice@enterprise2.example').locator('video').elementHandle();
    await page.getByTestId('add-person').click();
    await page.getByTestId('add-carol@enterprise1.example').click();
    await page.getByTestId('tile-carol@enterprise1.example').waitFor();
    await page.getByTestId('add-dialog').waitFor({ state: 'hidden' });
    await page.evaluate(() => {
      type View = { path: string; transferring: boolean };
      const { fakeSession } = window as unknown as {
        fakeSession: { call: { get(): { view: { get(): View; set(view: View): void } } } };
      };
      const { view } = fakeSession.call.get();
      view.set({ ...view.get(), path: 'conference', transferring: false });
    });
    await page.locator('[data-testid=path][data-path=conference]').waitFor();
    const alice = page.getByTestId('tile-alice@enterprise2.example').locator('video');
    assert.ok(await alice.evaluate((video, old) => video === old, before), 'the picture was made anew');
    assert.equal(await alice.count(), 1);
  });
});

test('the add dialog shows who is in the call, and a refusal stays readable in it', async () => {
  await open('call-2', async (page) => {
    await page.getByTestId('add-person').click();
    const dialog = page.getByTestId('add-dialog');
    assert.equal(await dialog.getByTestId('add-alice@enterprise2.example').count(), 0);
    await dialog.getByTestId('contact-alice@enterprise2.example').getByText('In the call').waitFor();
    await page.getByTestId('add-hugo@enterprise1.example').click();
    assert.match(await words(dialog.getByRole('alert')), /No conference service is free right now/);
    await page.getByTestId('add-dave@enterprise2.example').click();
    await page.getByTestId('tile-dave@enterprise2.example').waitFor();
    await page.getByTestId('cancel-dave@enterprise2.example').click();
    await page.locator('[data-testid="tile-dave@enterprise2.example"][data-outcome=cancelled]').waitFor();
  });
});

test('notices are said politely; trouble in the sentence of the catalogue', async () => {
  await open('call-notices', async (page) => {
    const log = page.getByRole('log', { name: 'Notices' }).filter({ has: page.getByTestId('notice') });
    assert.equal(await log.getAttribute('aria-live'), 'polite');
    assert.deepEqual(await page.getByTestId('notice').allTextContents(), [
      'Carol Castillo joined',
      'Dave Dietrich declined',
      'The other company’s service does not answer. Try again in a few minutes.',
    ]);
  });
});
