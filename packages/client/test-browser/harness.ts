// For the browser tests: builds the SDK, opens Chromium, and gives each person a page of their own. What is asserted is
// read from the pages' own elements: frames a <video> presents, sound an <audio> element plays.
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { build } from 'vite';

/** The SDK as one script, with `window.parley` and the observers of `page-helpers.ts`. */
export async function bundle(): Promise<string> {
  const entry = fileURLToPath(new URL('./page-helpers.ts', import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: false, lib: { entry, formats: ['iife'], name: 'parleyTest' } },
  });
  const [output] = Array.isArray(built) ? built : [built];
  if (!output || !('output' in output)) throw new Error('vite built nothing');
  return output.output[0].code;
}

export const testPage = `<!doctype html><meta charset="utf-8"><title>SDK</title>
<div id="tiles" style="width:640px;height:360px;position:relative"></div><script src="/client.js"></script>`;

export interface Person {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly errors: string[];
}

/** A page signed in as `name`, connected. */
export async function person(browser: Browser, url: string, name: string): Promise<Person> {
  const context = await browser.newContext();
  await context.addCookies([{ name: 'user', value: name, url }]);
  await context.grantPermissions(['microphone', 'camera'], { origin: url });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(`${name}: ${error.message}`));
  await page.goto(url);
  await page.evaluate(() => window.test.connect());
  return { page, context, errors };
}
