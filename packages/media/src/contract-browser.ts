// Real browsers for the contract tests: Chromium, one page for each device, joined to a room of the engine under test.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { launchChromium } from '@parley/test-browsers';
import type { Page } from 'playwright-core';
import type { LossyRelay } from './contract-relay.ts';
import type { EngineOffer, IceCandidate, MediaRoom, RoomEvents } from './engine.ts';

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
const DEADLINE_MS = 45_000;

export type OnCandidate = (leg: string, candidate: IceCandidate) => void | Promise<void>;

/** What the tests need of a page, whatever drives the browser. */
export interface PeerPage {
  evaluate<R, A>(run: (argument: A) => R | Promise<R>, argument: A): Promise<R>;
  isClosed(): boolean;
  close(): Promise<void>;
}

/** A browser, and where its pages come from. */
export interface Stage {
  /** A fresh page; `onCandidate` gets what the page calls `candidate` with. */
  open(onCandidate?: OnCandidate): Promise<PeerPage>;
  /** Done with a page: everything in it ends; another may use the window. */
  giveBack(page: PeerPage): Promise<void>;
  /** Takes back what a test that failed has left open: it would take the time of all that follow. */
  takeBack(): Promise<void>;
  close(): Promise<void>;
}

export interface PageServer {
  readonly url: string;
  close(): void;
}

/** A server on 127.0.0.1 for the page of a device. */
export async function servePages(): Promise<PageServer> {
  const script = await readFile(new URL('./contract-page.js', import.meta.url));
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(isScript ? script : '<!doctype html><title>peer</title><script src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => void server.close() };
}

/** Starts a Chromium and a server for its pages. */
export async function openStage(): Promise<Stage> {
  const server = await servePages();
  const browser = await launchChromium();
  // Opening a window takes longer than most tests.
  const idle: Page[] = [];
  const windows = new Map<PeerPage, Page>();
  const listeners = new Map<Page, OnCandidate>();
  async function giveBack(given: PeerPage): Promise<void> {
    const page = windows.get(given);
    windows.delete(given);
    if (!page) return;
    listeners.delete(page);
    if (page.isClosed()) return;
    await page.goto('about:blank');
    idle.push(page);
  }
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
      const opened = page;
      listeners.set(opened, onCandidate);
      await opened.goto(server.url);
      const given: PeerPage = {
        evaluate: async (run, argument) => (await opened.evaluate(run as never, argument)) as never,
        isClosed: () => opened.isClosed(),
        close: () => opened.close(),
      };
      windows.set(given, opened);
      return given;
    },
    giveBack,
    async takeBack() {
      for (const given of [...windows.keys()]) await giveBack(given);
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
  readonly page: PeerPage;
  readonly look: Look;
  readonly offers: EngineOffer[];
  /** The name of its publishing leg. */
  leg: string;
  /** Calls a function of the page. */
  call<T>(method: string, ...args: unknown[]): Promise<T>;
  publish(): Promise<void>;
  leave(): Promise<void>;
}

export interface EnterOptions {
  readonly relay?: LossyRelay | null;
  /** The qualities in which it offers its picture, the full one first. */
  readonly rids?: readonly string[];
  /** A picture 640 wide, as with several qualities; otherwise 320, which costs the tests' machine less. */
  readonly large?: boolean;
  /** Codecs it would rather send, as `video/VP9`. */
  readonly prefer?: { readonly audio?: string; readonly video?: string };
}

/** Enters a room as a client does: publish, subscribe, answer every offer, send candidates as they are found, and the
 * qualities that are wanted of those it offers. */
export async function enter(
  stage: Stage,
  room: MediaRoom,
  name: keyof typeof looks,
  device: string = name,
  { relay = null, rids = [], large = rids.length > 0, prefer = {} }: EnterOptions = {},
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
      const sdp = await person.call<string>('offer', { ...person.look, width: large ? 640 : 320 }, rids, prefer);
      const { leg, sdp: answer } = await room.publish(device, sdp);
      person.leg = leg;
      await room.addCandidates(leg, early.splice(0));
      const relayed = relay ? await relay.through(answer) : answer;
      if (relay) await room.addCandidates(leg, [{ candidate: relay.candidate(relayed) }]);
      await person.call('answered', relayed);
    },
    async leave() {
      room.off('offer', onOffer);
      room.off('wanted', onWanted);
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
        const sdp = relay ? await relay.through(offer.sdp) : offer.sdp;
        const answer = await person.call<string>('answer', offer.leg, sdp);
        await room.answer(offer.leg, offer.revision, answer);
        if (relay) await room.addCandidates(offer.leg, [{ candidate: relay.candidate(sdp) }]);
        await person.call('connect', offer.leg);
      })
      // A page that is closed meanwhile answers no more.
      .catch((error: unknown) => {
        if (!page.isClosed()) throw error;
      });
  };
  const onWanted = (...[wanted]: RoomEvents['wanted']): void => {
    if (wanted.device !== device) return;
    // Whoever asked may have gone meanwhile, and the page with it.
    work = work.then(() => person.call<void>('want', wanted.rids)).catch(() => undefined);
  };
  room.on('offer', onOffer);
  room.on('wanted', onWanted);
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
  /** Seconds. */
  readonly totalFreezesDuration: number;
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
  const find = until(`${listener.name} sees ${speaker.name}`, async () => {
    const at = sectionOf(listener, speaker, 'video');
    if (!at) return false;
    const rgb = await listener.call<number[] | null>('colour', at.leg, at.mid);
    const right = rgb?.every((value, index) => Math.abs(value - (speaker.look.rgb[index] ?? 0)) < 50) ?? false;
    return right && (await received(listener, speaker, 'video')).framesDecoded >= before + frames;
  });
  await find.catch((error: Error) => explain(error, listener, speaker, 'video'));
}

/** Adds what has arrived and what was sent, and throws. */
async function explain(
  error: Error,
  listener: Participant,
  speaker: Participant,
  kind: 'audio' | 'video',
): Promise<never> {
  const at = sectionOf(listener, speaker, kind);
  const arrived = at && (await listener.call('audible', at.leg, at.mid).catch(String));
  error.message += ` ${JSON.stringify([arrived, await speaker.call('outbound').catch(String)])}`;
  throw error;
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
  await find.catch((error: Error) => explain(error, listener, speaker, 'audio'));
}

/** Resolves with the next event of a room that fits. */
export function next<E extends keyof RoomEvents>(
  room: MediaRoom,
  event: E,
  fits: (...args: RoomEvents[E]) => boolean,
): Promise<RoomEvents[E]> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error(`no ${event} in time`)), DEADLINE_MS);
    const listen = (...args: RoomEvents[E]): void => {
      if (!fits(...args)) return;
      clearTimeout(deadline);
      room.off(event, listen as never);
      resolve(args);
    };
    room.on(event, listen as never);
  });
}

/** Lets everybody leave, and closes the room. */
export async function end(room: MediaRoom, ...people: readonly Participant[]): Promise<void> {
  await Promise.all(people.map((person) => person.leave()));
  await room.close();
}
