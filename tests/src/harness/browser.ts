// One Chromium for each person, with a camera and a microphone of their own, as on machines of their own.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromiumPath, chromiumSwitches, fakeDevices } from '@parley/test-browsers';
import { type Browser, type BrowserServer, chromium, type Page } from 'playwright-core';
import { POOL, pooledBrowser } from './browser-pool.ts';
import { cameraFile, type FilmSize } from './camera-file.ts';
import { decodeMark, markLayout } from './mark.ts';
import { microphoneFile } from './microphone-file.ts';
import { installProbe } from './page-probe.ts';

export interface PersonBrowser {
  /** Number of the person, in the mark and the tone. */
  readonly number: number;
  readonly page: Page;
  close(): Promise<void>;
}

export interface BrowserOptions {
  readonly headed?: boolean;
  readonly dark?: boolean;
  readonly bypassCsp?: boolean;
  /** Believes every certificate. */
  readonly anyCertificate?: boolean;
  /** Gets only the processor time that nobody else wants (sched(7), SCHED_IDLE), for whoever is not measured. */
  readonly background?: boolean;
  /** A page may record all that its window plays (`getDisplayMedia`), and has no devices but those it makes up itself. */
  readonly recordsItself?: boolean;
  /** Uses the devices of this sound server (PulseAudio) in place of made-up ones, and has no camera. */
  readonly soundServer?: string;
  /** Of the window, in pixels. */
  readonly size?: { readonly width: number; readonly height: number };
}

export interface Browsers {
  /** Starts a browser for the person of this number (1 to 31). */
  open(number: number, options?: BrowserOptions): Promise<PersonBrowser>;
  /** Closes all of them and removes their films. */
  close(): Promise<void>;
}

/** Anything that takes longer than this has failed: machines that test are at times slow to a third. */
export const PATIENCE_MS = 45_000;

const probeScript = { content: `(${installProbe})(${decodeMark}, ${JSON.stringify(markLayout)})` };

/**
 * @param film Small where things are timed: three people share what would be three machines, so that each has a smaller
 *   picture to code makes up for it. Large where somebody will look at it.
 */
export async function openBrowsers(film: FilmSize = 'small'): Promise<Browsers> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-browsers-'));
  const open = new Set<Browser>();
  return {
    async open(number, options = {}) {
      const browser = await start(folder, number, film, options);
      open.add(browser);
      const context = await browser.newContext({
        viewport: options.size ?? { width: 960, height: 640 },
        colorScheme: options.dark ? 'dark' : 'light',
        reducedMotion: 'reduce',
        bypassCSP: options.bypassCsp ?? false,
        ignoreHTTPSErrors: options.anyCertificate ?? false,
      });
      context.setDefaultTimeout(PATIENCE_MS);
      await context.addInitScript(probeScript);
      const page = await context.newPage();
      return {
        number,
        page,
        close: async () => {
          open.delete(browser);
          await context.close();
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

/** From the pool, where there is one and nothing special is wanted. */
async function start(folder: string, number: number, film: FilmSize, options: BrowserOptions): Promise<Browser> {
  const pool = process.env[POOL];
  const special = options.headed || options.background || options.recordsItself || options.soundServer;
  if (pool && film === 'small' && !special) {
    return chromium.connect(await pooledBrowser(pool, number));
  }
  return chromium.launch({
    executablePath: options.background ? await inBackground(folder) : chromiumPath(),
    headless: !options.headed,
    ignoreDefaultArgs: options.recordsItself || options.soundServer ? ['--mute-audio'] : [],
    env: options.soundServer ? { ...process.env, PULSE_SERVER: options.soundServer } : process.env,
    args: [
      ...chromiumSwitches({ headed: options.headed ?? false }),
      ...(await deviceSwitches(folder, number, film, options)),
    ],
  });
}

async function deviceSwitches(
  folder: string,
  number: number,
  film: FilmSize,
  { recordsItself, soundServer }: BrowserOptions,
): Promise<string[]> {
  if (recordsItself) return ['--auto-accept-this-tab-capture'];
  // Whoever is at the devices agrees.
  if (soundServer) return ['--use-fake-ui-for-media-stream'];
  return fakeDevices(await devices(folder, number, film));
}

/** The browser of the person of this number, for others to connect to. */
export async function launchServer(number: number): Promise<{ server: BrowserServer; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-browsers-'));
  const args = [...chromiumSwitches(), ...fakeDevices(await devices(folder, number, 'small'))];
  const server = await chromium.launchServer({ executablePath: chromiumPath(), headless: true, args });
  return {
    server,
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A program that starts Chromium in the background: what it starts inherits that. */
async function inBackground(folder: string): Promise<string> {
  const program = join(folder, 'background-chromium');
  await writeFile(program, `#!/bin/sh\nexec chrt --idle 0 '${chromiumPath()}' "$@"\n`, { mode: 0o755 });
  return program;
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
