// One Chromium for each person, with a camera and a microphone of their own, as on machines of their own.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { cameraFile, type FilmSize } from './camera-file.ts';
import { microphoneFile } from './microphone-file.ts';
import { installProbe } from './page-probe.ts';

export interface PersonBrowser {
  /** Number of the person, in the mark and the tone. */
  readonly number: number;
  readonly page: Page;
  close(): Promise<void>;
}

export interface Browsers {
  /** Starts a browser for the person of this number (1 to 31). */
  open(
    number: number,
    options?: { readonly headed?: boolean; readonly dark?: boolean; readonly bypassCsp?: boolean },
  ): Promise<PersonBrowser>;
  /** Closes all of them and removes their films. */
  close(): Promise<void>;
}

/** Anything that takes longer than this has failed. */
export const PATIENCE_MS = 20_000;

/**
 * @param film Small where things are timed: three people share what would be three machines, so that each has a smaller
 *   picture to code makes up for it. Large where somebody will look at it.
 */
export async function openBrowsers(film: FilmSize = 'small'): Promise<Browsers> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-browsers-'));
  const open = new Set<Browser>();
  return {
    async open(number, options = {}) {
      const { camera, microphone } = await devices(folder, number, film);
      const browser = await chromium.launch({
        executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
        headless: !options.headed,
        args: [
          ...(options.headed ? [] : ['--headless=new']),
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--no-first-run',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync',
          '--use-fake-ui-for-media-stream',
          '--use-fake-device-for-media-stream',
          `--use-file-for-fake-video-capture=${camera}`,
          `--use-file-for-fake-audio-capture=${microphone}`,
          '--autoplay-policy=no-user-gesture-required',
          '--allow-loopback-in-peer-connection',
          '--disable-features=WebRtcHideLocalIpsWithMdns',
          // Several windows are in front at once here, as they would be on several machines.
          '--disable-renderer-backgrounding',
          '--disable-backgrounding-occluded-windows',
        ],
      });
      open.add(browser);
      const context = await browser.newContext({
        viewport: { width: 960, height: 640 },
        colorScheme: options.dark ? 'dark' : 'light',
        reducedMotion: 'reduce',
        bypassCSP: options.bypassCsp ?? false,
      });
      context.setDefaultTimeout(PATIENCE_MS);
      await context.addInitScript(installProbe);
      const page = await context.newPage();
      return {
        number,
        page,
        close: async () => {
          open.delete(browser);
          await browser.close();
        },
      };
    },
    async close() {
      await Promise.all([...open].map((browser) => browser.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function devices(
  folder: string,
  number: number,
  film: FilmSize,
): Promise<{ camera: string; microphone: string }> {
  const own = join(folder, String(number));
  await mkdir(own, { recursive: true });
  const [camera, microphone] = [join(own, 'camera.y4m'), join(own, 'microphone.wav')];
  await writeFile(camera, cameraFile(number, film));
  await writeFile(microphone, microphoneFile(number));
  return { camera, microphone };
}
