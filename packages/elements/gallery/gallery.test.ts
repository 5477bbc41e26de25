// What a person notices of each state: in a real browser, on the built gallery, under a strict policy for content.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchChromium } from '@parley/test-browsers';
import axe from 'axe-core';
import type { Browser, ConsoleMessage, Locator, Page } from 'playwright-core';
import { build, type PreviewServer, preview } from 'vite';

const policy = "default-src 'self'; media-src 'self' blob: mediastream:; object-src 'none'; base-uri 'none'";
const PHONE = { width: 360, height: 740 };

let outDir: string;
let server: PreviewServer;
let browser: Browser;
let page: Page;
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
  browser = await launchChromium();
  const context = await browser.newContext({ viewport: PHONE, reducedMotion: 'reduce' });
  context.setDefaultTimeout(15_000);
  page = await context.newPage();
});

after(async () => {
  await browser?.close();
  await server?.close();
  await rm(outDir, { recursive: true, force: true });
});

/** Opens a state anew, lets `use` look at it, and fails on anything the browser complained about. */
async function open(state: string, use: (page: Page) => Promise<void>): Promise<void> {
  const complaints: string[] = [];
  const onError = (error: Error) => complaints.push(String(error));
  const onConsole = (message: ConsoleMessage) => {
    if (/Content.Security.Policy/i.test(message.text())) complaints.push(message.text());
  };
  // One window for all: to open one takes longer than most tests.
  await page.goto('about:blank');
  await page.emulateMedia({ colorScheme: null });
  page.on('pageerror', onError).on('console', onConsole);
  try {
    await show(page, state);
    await use(page);
    assert.deepEqual(complaints, []);
  } finally {
    page.off('pageerror', onError).off('console', onConsole);
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

/** States, and what is opened in them by a click. */
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
  'call-2 add-person',
  'call-2 add-person invite-by-link link-make',
  'call-2-without-pictures',
  'call-moving',
  'call-outcomes',
  'call-trust trust-carol@enterprise1.example',
  'sign-ins sign-ins',
  'sign-ins sign-ins link-accounts',
  'call-6',
  'call-9',
  'call-3',
  'call-3-speaker',
  'call-screen',
  'call-sharing',
  'call-markup',
  'call-notices',
  'call-chat chat-open',
  'join',
  'join-open',
  'join-member',
  'join-refused',
  'join-waiting',
  'call-guest',
  'call-guest people',
  'call-lobby',
  'call-lobby people',
  'call-trust-raised',
  'call-trust-raised people',
  'call-identify',
  'call-unmute-asked',
  'call-as-guest',
  'ended-removed',
  'reconnecting',
  'ended-hung-up',
  'ended-unreachable',
  'ended-nobody',
  'call-menu call-menu',
  'call-mix',
  'call-mix-sound',
  'recording-asked',
  'recording-question',
  'recording-late',
  'recording-running',
  'recordings recordings',
];

test('R75: each state fits a phone, and axe finds nothing that keeps somebody out, in light and in dark', async () => {
  const problems: string[] = [];
  await open('contacts', async (page) => {
    await page.evaluate(axe.source);
    let shown = '';
    for (const look of looks) {
      const [state, ...opened] = look.split(' ') as [string, ...string[]];
      // The same state once more is shown anew only from another one.
      if (state === shown) await show(page, 'contacts');
      await show(page, state);
      shown = state;
      for (const id of opened) await page.getByTestId(id).click();
      if (state === 'call-chat') await page.getByTestId('chat-message').first().waitFor();
      for (const element of await stickingOut(page)) problems.push(`${look}: sticks out: ${element}`);
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
        for (const violation of found) problems.push(`${look}, ${colorScheme}: ${violation}`);
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

test('the organiser admits and refuses guests, mutes and removes, by the keyboard', async () => {
  await open('call-lobby', async (page) => {
    assert.deepEqual(
      await page.locator('[data-waiting]').evaluateAll((all) => all.map((one) => one.textContent?.includes('<img'))),
      [false, true],
    );
    await tabTo(page, 'refuse');
    await page.keyboard.press('Enter');
    await page.locator('[data-waiting^="Mara"]').waitFor({ state: 'detached' });
    await tabTo(page, 'admit');
    await page.keyboard.press('Enter');
    await page.locator('[data-waiting]').waitFor({ state: 'detached' });
    assert.deepEqual(await asked(page), ['turn-away guest+1@enterprise1.example', 'admit guest+2@enterprise1.example']);
  });
  await open('call-guest', async (page) => {
    await tabTo(page, 'people');
    await page.keyboard.press('Enter');
    await page.getByTestId('people-dialog').waitFor();
    await tabTo(page, 'mute-guest+1@enterprise1.example');
    await page.keyboard.press('Enter');
    await tabTo(page, 'remove-carol@enterprise1.example');
    await page.keyboard.press('Enter');
    await tabTo(page, 'raise-trust');
    await page.keyboard.press('Enter');
    await page.getByTestId('trust-raised').waitFor();
    assert.deepEqual(await asked(page), [
      'mute guest+1@enterprise1.example',
      'remove carol@enterprise1.example',
      'raise-trust',
    ]);
  });
});

test('a link for guests is made in the add dialog, fits a phone, and is withdrawn', async () => {
  await open('call-2', async (page) => {
    await page.getByTestId('add-person').click();
    await page.getByTestId('invite-by-link').click();
    await page.getByTestId('link-make').click();
    assert.match(await page.getByTestId('link-url').inputValue(), /\/join#s{43}$/);
    assert.deepEqual(await stickingOut(page), []);
    await page.getByTestId('link-withdraw').click();
    await page.getByTestId('link-url').waitFor({ state: 'detached' });
    assert.deepEqual(
      (await asked(page)).filter((what) => /^(?:invite|withdraw)/.test(what)),
      ['invite lobby', `withdraw g_${'l'.repeat(22)}`],
    );
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

test('everybody in one picture: chosen in the menu by the keyboard, shown as nobody’s tile, and taken back', async () => {
  await open('call-menu', async (page) => {
    await page.getByTestId('call-menu').click();
    assert.equal(await focused(page), 'receive-mixed');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.equal(await focused(page), 'receive-mixed');
    await page.keyboard.press('Enter');
    await page.getByRole('group', { name: 'Everybody else in one picture: Alice Archer and Carol Castillo' }).waitFor();
    assert.equal(await page.getByTestId('tile-alice@enterprise2.example').count(), 0, 'no single person is pretended');
    await page.getByRole('menuitemcheckbox', { name: /One picture/, checked: true }).click();
    await page.getByTestId('tile-alice@enterprise2.example').waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await focused(page), 'call-menu');
    assert.deepEqual(await asked(page), ['mixed true', 'mixed false']);
  });
});

test('R58: nobody is recorded without having said yes, everybody sees it, and anybody stops it', async () => {
  await open('recording-question', async (page) => {
    const question = page.getByRole('dialog', { name: 'Alice Archer asks to record this call' });
    await question.waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    assert.ok(await question.isVisible(), 'only an answer closes it');
    await question.getByRole('button', { name: 'I agree' }).click();
    await question.waitFor({ state: 'detached' });
    await page.getByTestId('stop-recording').click();
    await page.getByTestId('recording').waitFor({ state: 'detached' });
    assert.deepEqual(await asked(page), ['consent', 'stop-recording']);
  });
  await open('recording-running', async (page) => {
    assert.equal(await words(page.getByTestId('recording').locator('p')), 'Recording');
    await page.getByRole('button', { name: 'Stop the recording' }).click();
    await page.getByTestId('call-menu').click();
    await page.getByRole('menuitem', { name: /Record this call/ }).click();
    const sign = await words(page.getByTestId('recording').locator('p'));
    assert.equal(sign, 'Recording? Waiting for Alice Archer and Carol Castillo');
    assert.deepEqual(await asked(page), ['stop-recording', 'record']);
  });
  await open('recording-late', async (page) => {
    await page.getByRole('dialog', { name: 'This call is being recorded' }).waitFor();
    await page.getByTestId('recording-refuse').click();
    assert.deepEqual(await asked(page), ['stop-recording']);
  });
  await open('recordings', async (page) => {
    await page.getByTestId('recordings').click();
    const first = page.getByTestId('finished-recording').first();
    await first.waitFor();
    assert.match(await words(first), /31:42 · 84 MB/);
    assert.equal(await first.getByTestId('download-recording').getAttribute('download'), '');
  });
});

test('every control of a call has a name and the size of a finger', async () => {
  await open('call-moving', async (page) => {
    const names = [
      'Mute microphone',
      'Turn camera off',
      'Share your screen',
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

test('R51: names and titles with markup are shown as text', async () => {
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

test('nothing jumps while the path changes: pictures, clock and controls keep their places (R34, R39)', async () => {
  for (const viewport of [PHONE, { width: 1440, height: 860 }]) {
    for (const state of ['call-2', 'call-3']) {
      await open(state, async (page) => {
        await page.setViewportSize(viewport);
        await page.getByTestId('stage').waitFor();
        const places = () =>
          page.evaluate(() => {
            const found: Record<string, string> = {};
            const look = (root: Document | ShadowRoot) => {
              for (const element of root.querySelectorAll<HTMLElement>('*')) {
                const { testid } = element.dataset;
                const { x, y, width, height } = element.getBoundingClientRect();
                // What the clock says may have become wider.
                const size = testid === 'clock' ? '' : ` ${width}x${height}`;
                if (testid) found[testid] = `${x},${y}${size}`;
                if (element.shadowRoot) look(element.shadowRoot);
              }
            };
            look(document);
            return found;
          });
        const change = async (part: { path?: string; transferring: boolean }) => {
          await page.evaluate(async (next) => {
            type View = Record<string, unknown>;
            const { fakeSession } = window as unknown as {
              fakeSession: { call: { get(): { view: { get(): View; set(view: View): void } } } };
            };
            const { view } = fakeSession.call.get();
            // The participants are the same and yet new values, as from the SDK.
            view.set({ ...structuredClone({ ...view.get(), notices: [] }), ...next });
          }, part);
          const sign = page.getByTestId('path');
          await page.locator(`[data-testid=path][data-transferring=${part.transferring}]`).waitFor();
          return sign.getAttribute('aria-label');
        };
        await change({ path: 'direct', transferring: false });
        const before = await places();
        for (const id of ['tile-bob@enterprise1.example', 'tile-alice@enterprise2.example', 'clock', 'leave']) {
          assert.ok(before[id], `${id} is not there`);
        }
        const steps = [
          [{ transferring: true }, 'Direct, Moving …'],
          [{ path: 'conference', transferring: false }, 'Conference'],
          [{ transferring: true }, 'Conference, Moving …'],
          [{ path: 'direct', transferring: false }, 'Direct'],
        ] as const;
        for (const [step, said] of steps) {
          assert.equal(await change(step), said);
          assert.deepEqual(await places(), before, `${state} at ${viewport.width}: ${said}`);
        }
      });
    }
  }
});

test('a call that begins finds its style sheets parsed already', async () => {
  await open('contacts', async (page) => {
    await page.evaluate(async () => {
      const counting = window as unknown as { parsed: number };
      counting.parsed = 0;
      const { replaceSync } = CSSStyleSheet.prototype;
      CSSStyleSheet.prototype.replaceSync = function (text) {
        counting.parsed += 1;
        replaceSync.call(this, text);
      };
      // Each idle moment takes at least one further; some may have been there before.
      for (let before = -1, same = 0; same < 10; before = counting.parsed) {
        same = counting.parsed === before ? same + 1 : 0;
        await new Promise((resolve) => requestIdleCallback(resolve));
      }
      counting.parsed = 0;
    });
    await page.getByTestId('call-alice@enterprise2.example').click();
    await page.getByTestId('tile-alice@enterprise2.example').waitFor();
    assert.equal(await page.evaluate(() => (window as unknown as { parsed: number }).parsed), 0);
  });
});

test('a guest who may not share has no control for it', async () => {
  await open('call-as-guest', async (page) => {
    await page.getByTestId('leave').waitFor();
    await page.getByTestId('toggle-camera').waitFor();
    assert.equal(await page.getByTestId('toggle-screen').count(), 0);
    assert.equal(await page.getByTestId('add-person').count(), 0);
  });
  await open('call-2', async (page) => {
    await page.getByTestId('toggle-screen').waitFor();
  });
});

/** Addresses of those whose picture is large. */
async function large(page: Page): Promise<string[]> {
  const tiles = page.locator('parley-tiles [data-size=large]');
  return (await tiles.evaluateAll((all) => all.map((tile) => (tile as HTMLElement).dataset.testid ?? ''))).map((id) =>
    id.replace('tile-', ''),
  );
}

test('one picture is large: who speaks, or who shows a screen, or whom one pins, by keyboard and by finger (R62)', async () => {
  await open('call-screen', async (page) => {
    assert.deepEqual(await large(page), ['carol@enterprise1.example']);
    const screen = page.getByRole('group', { name: 'Carol Castillo – screen' }).locator('video');
    assert.equal(await screen.evaluate((video) => getComputedStyle(video).objectFit), 'contain', 'nothing is cut off');
  });
  await open('call-3-speaker', async (page) => {
    assert.deepEqual(await large(page), ['carol@enterprise1.example']);
    const of = (id: string) => page.getByTestId(`tile-${id}`);
    const area = async (id: string) => {
      const box = await of(id).boundingBox();
      return (box?.width ?? 0) * (box?.height ?? 0);
    };
    assert.ok((await area('carol@enterprise1.example')) > 3 * (await area('alice@enterprise2.example')));
    const before = await of('alice@enterprise2.example').locator('video').elementHandle();
    await tabTo(page, 'pin-alice@enterprise2.example');
    await page.keyboard.press('Enter');
    assert.deepEqual(await large(page), ['alice@enterprise2.example']);
    assert.equal(await focused(page), 'pin-alice@enterprise2.example', 'the focus stays where it was');
    const video = of('alice@enterprise2.example').locator('video');
    assert.ok(await video.evaluate((now, old) => now === old, before), 'the picture was made anew');
    await page.getByRole('button', { name: 'Keep Alice Archer large', pressed: true }).waitFor();
    await page.keyboard.press('Enter');
    assert.deepEqual(await large(page), ['carol@enterprise1.example']);
    await of('bob@enterprise1.example').click();
    assert.deepEqual(await large(page), ['bob@enterprise1.example']);
  });
});

test('sharing the screen is shown on the bar and on the own tile', async () => {
  await open('call-2', async (page) => {
    await page.getByRole('button', { name: 'Share your screen' }).click();
    await page.getByRole('button', { name: 'Stop sharing your screen' }).waitFor();
    await page.getByRole('group', { name: 'You – screen' }).waitFor();
    assert.ok(await page.getByTestId('toggle-camera').isDisabled());
    await page.getByTestId('toggle-screen').click();
    await page.getByRole('group', { name: 'You', exact: true }).waitFor();
    assert.deepEqual(await asked(page), ['screen true', 'screen false']);
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
