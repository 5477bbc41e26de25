// Real browsers for the contract tests: Chromium, one page for each device, joined to a room of the engine under test.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { LossyRelay } from './contract-relay.ts';
import type { EngineOffer, IceCandidate, MediaRoom } from './engine.ts';

export interface Look {
  readonly colour: string;
  readonly rgb: readonly [number, number, number];
  readonly tone: number;
}

/** Far apart in colour and in the spectrum, so that no one is taken for another. */
export const looks = {
  alice: { colour: '#d02020', rgb: [208, 32, 32], tone: 600 },
  bob: { colour: '#20a020', rgb: [32, 160, 32], tone: 1100 },
  carol: { colour: '#2030d0', rgb: [32, 48, 208], tone: 1900 },
} as const satisfies Record<string, Look>;

/** Only to end a test that hangs; a busy machine is slow. */
const DEADLINE_MS = 20_000;

type OnCandidate = (leg: string, candidate: IceCandidate) => void | Promise<void>;

export interface Stage {
  /** A fresh page; `onCandidate` gets what the page calls `candidate` with. */
  open(onCandidate?: OnCandidate): Promise<Page>;
  /** Done with a page: everything in it ends; another may use the window. */
  giveBack(page: Page): Promise<void>;
  close(): Promise<void>;
}

const flags = [
  '--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking',
  '--disable-component-update --disable-sync --use-fake-device-for-media-stream --use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required --allow-loopback-in-peer-connection',
  '--disable-features=WebRtcHideLocalIpsWithMdns --disable-background-timer-throttling',
].flatMap((line) => line.split(' '));

/** Starts a browser and a server for its pages on 127.0.0.1. */
export async function openStage(): Promise<Stage> {
  const script = await readFile(new URL('./contract-page.js', import.meta.url));
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(isScript ? script : '<!doctype html><title>peer</title><script src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser: Browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: flags,
  });
  // Opening a window takes longer than most tests.
  const idle: Page[] = [];
  const listeners = new Map<Page, OnCandidate>();
  return {
    async open(onCandidate = () => undefined) {
      let page = idle.pop();
      if (!page) {
        const made = await (await browser.newContext()).newPage();
        made.setDefaultTimeout(20_000);
        await made.exposeFunction('candidate', (leg: string, candidate: IceCandidate) => {
          return listeners.get(made)?.(leg, candidate);
        });
        page = made;
      }
      listeners.set(page, onCandidate);
      await page.goto(`http://127.0.0.1:${port}/`);
      return page;
    },
    async giveBack(page) {
      listeners.delete(page);
      if (page.isClosed()) return;
      await page.goto('about:blank');
      idle.push(page);
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

/** One device: its page, and what the room has offered it. */
export interface Participant {
  readonly name: string;
  readonly page: Page;
  readonly look: Look;
  readonly offers: EngineOffer[];
  /** The name of its publishing leg. */
  leg: string;
  /** Calls a function of the page. */
  call<T>(method: string, ...args: unknown[]): Promise<T>;
  publish(): Promise<void>;
  leave(): Promise<void>;
}

/** Enters a room as a client does: publish, subscribe, answer every offer, send candidates as they are found. */
export async function enter(
  stage: Stage,
  room: MediaRoom,
  name: keyof typeof looks,
  device: string = name,
  relay: LossyRelay | null = null,
): Promise<Participant> {
  const offers: EngineOffer[] = [];
  const early: IceCandidate[] = [];
  const page = await stage.open(async (leg, candidate) => {
    const to = leg || person.leg;
    // The engine must not learn a way around the relay.
    if (relay) return;
    if (to) await room.addCandidates(to, [candidate]);
    else early.push(candidate);
  });
  let work = Promise.resolve();
  const person: Participant = {
    name: device,
    page,
    look: looks[name],
    offers,
    leg: '',
    call: (method, ...args) =>
      page.evaluate(([m, a]) => (globalThis as unknown as PageGlobal).peer[m]?.(...a) as never, [
        method,
        args,
      ] as const),
    async publish() {
      person.leg = '';
      const sdp = await person.call<string>('offer', person.look);
      const { leg, sdp: answer } = await room.publish(device, sdp);
      person.leg = leg;
      await room.addCandidates(leg, early.splice(0));
      await person.call('answered', relay ? await relay.through(answer) : answer);
    },
    async leave() {
      room.off('offer', onOffer);
      await room.remove(device);
      await work;
      await stage.giveBack(page);
    },
  };
  const onOffer = (offer: EngineOffer): void => {
    if (offer.device !== device) return;
    offers.push(offer);
    work = work
      .then(async () => {
        const answer = await person.call<string>(
          'answer',
          offer.leg,
          relay ? await relay.through(offer.sdp) : offer.sdp,
        );
        await room.answer(offer.leg, offer.revision, answer);
        await person.call('connect', offer.leg);
      })
      // A page that is closed meanwhile answers no more.
      .catch((error: unknown) => {
        if (!page.isClosed()) throw error;
      });
  };
  room.on('offer', onOffer);
  await person.publish();
  await room.subscribe(device);
  return person;
}

type PageGlobal = { peer: Record<string, (...args: readonly unknown[]) => unknown> };

/** Resolves when `listener` sees the other person's picture move and hears the right tone; `frames` more from now on. */
export async function perceives(listener: Participant, speaker: Participant, frames = 5): Promise<void> {
  await Promise.all([sees(listener, speaker, frames), hears(listener, speaker)]);
}

/** Where a listener has the sound or picture of a speaker. */
export function sectionOf(listener: Participant, speaker: Participant, kind: 'audio' | 'video') {
  for (const { leg, sources } of [...listener.offers].reverse()) {
    const found = sources.find((source) => source.publisher === speaker.name && source.kind === kind);
    if (found) return { leg, mid: found.mid };
  }
  return null;
}

/** Asks again until the answer is yes. Media has no event for "it looks right now". */
export async function until(
  what: string,
  test: () => Promise<boolean> | boolean,
  found: () => string = () => '',
): Promise<void> {
  const end = Date.now() + DEADLINE_MS;
  while (!(await test())) {
    if (Date.now() > end) throw new Error(`not within ${DEADLINE_MS} ms: ${what} ${found()}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

export interface Received {
  readonly framesDecoded: number;
  readonly keyFramesDecoded: number;
  readonly packetsReceived: number;
  readonly frameWidth: number;
  readonly freezeCount: number;
  readonly pliCount: number;
}

export async function received(
  listener: Participant,
  speaker: Participant,
  kind: 'audio' | 'video',
): Promise<Received> {
  const at = sectionOf(listener, speaker, kind);
  if (!at) throw new Error(`${listener.name} was never offered ${kind} of ${speaker.name}`);
  return listener.call<Received>('received', at.leg, at.mid);
}

/** The right picture, with `frames` more frames decoded than at the call. */
export async function sees(listener: Participant, speaker: Participant, frames = 5): Promise<void> {
  const before = sectionOf(listener, speaker, 'video') ? (await received(listener, speaker, 'video')).framesDecoded : 0;
  await until(`${listener.name} sees ${speaker.name}`, async () => {
    const at = sectionOf(listener, speaker, 'video');
    if (!at) return false;
    const rgb = await listener.call<number[] | null>('colour', at.leg, at.mid);
    const right = rgb?.every((value, index) => Math.abs(value - (speaker.look.rgb[index] ?? 0)) < 50) ?? false;
    return right && (await received(listener, speaker, 'video')).framesDecoded >= before + frames;
  });
}

/** The speaker's tone, well above everybody else's in that section. */
export async function hears(listener: Participant, speaker: Participant): Promise<void> {
  const tones: number[] = Object.values(looks).map(({ tone }) => tone);
  let last: unknown = 'no section';
  const find = until(
    `${listener.name} hears ${speaker.name}`,
    async () => {
      const at = sectionOf(listener, speaker, 'audio');
      if (!at) return false;
      const heard = await Promise.all(tones.map((tone) => listener.call<number>('loudness', at.leg, at.mid, tone)));
      last = { at, heard };
      const own = heard[tones.indexOf(speaker.look.tone)] ?? -200;
      return own > -60 && heard.every((level, index) => tones[index] === speaker.look.tone || own > level + 20);
    },
    () => JSON.stringify(last),
  );
  await find.catch(async (error: Error) => {
    const at = sectionOf(listener, speaker, 'audio');
    const arrived = at && (await listener.call('audible', at.leg, at.mid).catch(String));
    error.message += ` ${JSON.stringify([arrived, await speaker.call('outbound').catch(String)])}`;
    throw error;
  });
}
