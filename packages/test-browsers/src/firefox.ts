// Firefox as every test starts it: headless, by WebDriver BiDi (playwright-core drives a Firefox of its own only), with
// made-up devices. One window at a time is enough: another would be in the background, where timers are slow.
import { spawnSync } from 'node:child_process';
import puppeteer, { type Browser } from 'puppeteer-core';

const usual = [process.env.FIREFOX_PATH ?? '', '/usr/bin/firefox-esr', '/usr/bin/firefox'];

/** Path of a Firefox that starts; null: there is none here. */
export function findFirefox(): string | null {
  return usual.find((path) => path !== '' && spawnSync(path, ['--version']).status === 0) ?? null;
}

/** @param tone of its made-up microphone, in hertz */
export function launchFirefox(executablePath: string, tone: number): Promise<Browser> {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    extraPrefsFirefox: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.peerconnection.ice.loopback': true,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      'media.navigator.audio.fake_frequency': tone,
      'media.autoplay.default': 0,
    },
  });
}

export type { Browser, Page } from 'puppeteer-core';
