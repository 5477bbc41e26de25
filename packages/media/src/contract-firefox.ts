// A real Firefox for the tests of what browsers of two makers see of each other: the same page as in contract-browser.ts,
// driven by WebDriver BiDi. One page at a time is enough: another would be in the background, where timers are slow.
import { spawnSync } from 'node:child_process';
import puppeteer from 'puppeteer-core';
import { looks, type OnCandidate, type PeerPage, type Stage, servePages } from './contract-browser.ts';

const usual = [process.env.FIREFOX_PATH ?? '', '/usr/bin/firefox-esr', '/usr/bin/firefox'];

/** Path of a Firefox that starts; null: there is none here. */
export function findFirefox(): string | null {
  return usual.find((path) => path !== '' && spawnSync(path, ['--version']).status === 0) ?? null;
}

/** Of its microphone, which is a fake: who sends from Firefox must have this tone. */
const microphone = looks.bob.tone;

const preferences = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.navigator.audio.fake_frequency': microphone,
  'media.autoplay.default': 0,
};

/** Starts a Firefox and a server for its page. */
export async function openFirefoxStage(executablePath: string): Promise<Stage> {
  const server = await servePages();
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    extraPrefsFirefox: preferences,
  });
  return {
    async open(onCandidate: OnCandidate = () => undefined): Promise<PeerPage> {
      const page = await browser.newPage();
      await page.exposeFunction('candidate', onCandidate);
      await page.goto(`${server.url}#no-sound-card`);
      return {
        evaluate: async (run, argument) => (await page.evaluate(run as never, argument)) as never,
        isClosed: () => page.isClosed(),
        close: () => page.close(),
      };
    },
    giveBack: (page) => page.close(),
    // One test opens one page: nothing follows it.
    takeBack: async () => undefined,
    async close() {
      await browser.close();
      server.close();
    },
  };
}
