// One person of the demo at their own browser, using the company's app as it is: by what is on the page.
import type { CallDiagnostics, Session } from '@parley/client';
import type { DemoPerson } from '@parley/demo';
import type { Locator, Page } from 'playwright-core';
import { type BrowserOptions, type Browsers, PATIENCE_MS } from './browser.ts';
import { type FrameRecord, recordFrames } from './frames.ts';
import { audiblePlayers, waitForMark, waitForTone } from './senses.ts';
import { until } from './waiting.ts';

declare global {
  interface Window {
    /** Every app of ours shows its session here, for people who look into it and for tests. */
    parley?: { session: Session | null };
  }
}

export interface Actor {
  readonly person: DemoPerson;
  /** In the mark and the tone. */
  readonly number: number;
  readonly page: Page;
  readonly frames: FrameRecord;
  close(): Promise<void>;
}

/** Opens the person's browser, signed out. */
export async function openActor(
  browsers: Browsers,
  person: DemoPerson,
  number: number,
  options: BrowserOptions = {},
): Promise<Actor> {
  const { page, close } = await browsers.open(number, options);
  return { person, number, page, frames: recordFrames(page, person.name), close };
}

/** The element with this test id. */
export function by(actor: Actor, testId: string): Locator {
  return actor.page.getByTestId(testId);
}

/** Signs in with name and password at the company's own identity provider. */
export async function signIn(actor: Actor, password = actor.person.password): Promise<void> {
  const { page, person } = actor;
  await page.goto(person.origin);
  await by(actor, 'sign-in-company').click();
  await fillIn(actor, person.login, password);
}

/**
 * Signs in from an address that was typed, as by a link from elsewhere: the node takes no key from there, so this device
 * can prove nothing. `nonce`: what such a link might try.
 */
export async function signInWithoutKey(actor: Actor, nonce?: string): Promise<void> {
  const { page, person } = actor;
  await page.goto(
    `${person.origin}/sign-in/company?${new URLSearchParams({ return: '/', ...(nonce ? { nonce } : {}) })}`,
  );
  await fillIn(actor, person.login, person.password);
  await signedIn(actor);
}

/** Gives name and password at whichever identity provider is shown. */
export async function fillIn({ page }: Actor, name: string, password: string): Promise<void> {
  await page.locator('#name').fill(name);
  await page.locator('#password').fill(password);
  await page.locator('button[type=submit]:not(.quiet)').click();
}

/** Waits until the app shows the person as signed in and connected. */
export async function signedIn(actor: Actor): Promise<void> {
  await by(actor, 'self-address').getByText(actor.person.address).first().waitFor();
  await actor.page.waitForFunction(() => window.parley?.session?.connection.get() === 'online');
  await actor.page.evaluate(() => window.parleyProbe.prepare());
}

/** Leaves the page that says how the last call ended, if it is shown. */
export async function backToContacts(actor: Actor): Promise<void> {
  const back = by(actor, 'call-ended-close');
  await back.or(by(actor, 'search')).first().waitFor();
  if (await back.isVisible()) await back.click();
}

/** Brings up an address in the app: among the contacts, or else by the search. Resolves to its call button. */
export async function find(actor: Actor, address: string, verb: 'call' | 'conference' = 'call'): Promise<Locator> {
  await backToContacts(actor);
  const button = by(actor, `${verb}-${address}`).first();
  if (await button.isVisible()) return button;
  await by(actor, 'search').fill(address);
  await by(actor, `search-result-${address}`).first().waitFor();
  return button;
}

/** Calls, and resolves when the person called hears it ring: to the milliseconds from click to ringing window. */
export async function call(actor: Actor, callee: Actor, verb: 'call' | 'conference' = 'call'): Promise<number> {
  const button = await find(actor, callee.person.address, verb);
  const rings = appears(callee, 'incoming');
  rings.catch(() => undefined);
  await button.click();
  const at = await rings;
  return at - (await clickedAt(actor, `${verb}-${callee.person.address}`));
}

/** Accepts what rings. Resolves when sound and picture of `other` are there: to the milliseconds since the click. */
export async function accept(actor: Actor, other: Actor): Promise<{ frameMs: number; soundMs: number }> {
  const [here, there] = [first(actor, other), first(other, actor)];
  // Whichever fails first is reported; the other one must not go unhandled then.
  void Promise.allSettled([here, there]);
  await by(actor, 'accept').click();
  const [mine, theirs] = await Promise.all([here, there]);
  const at = await clickedAt(actor, 'accept');
  return {
    frameMs: Math.max(mine.frameAt, theirs.frameAt) - at,
    soundMs: Math.max(mine.soundAt, theirs.soundAt) - at,
  };
}

/** Adds somebody to the running call. Does not wait for anything to come of it. */
export async function add(actor: Actor, address: string): Promise<void> {
  await by(actor, 'add-person').click();
  const button = by(actor, `add-${address}`).first();
  await button.waitFor();
  await button.click();
}

/** When the element with this test id is on the page (milliseconds since 1970). Begin before what should cause it. */
export function appears(actor: Actor, testId: string): Promise<number> {
  return actor.page.evaluate(({ id, ms }) => window.parleyProbe.appears(id, ms), { id: testId, ms: PATIENCE_MS });
}

/** Clicks the element in the moment it is there. */
export function clickWhenThere(actor: Actor, testId: string): Promise<number> {
  return actor.page.evaluate(({ id, ms }) => window.parleyProbe.clickWhenThere(id, ms), {
    id: testId,
    ms: PATIENCE_MS,
  });
}

export async function clickedAt(actor: Actor, testId: string): Promise<number> {
  const at = await actor.page.evaluate((id) => window.parleyProbe.clickedAt(id), testId);
  if (at === null) throw new Error(`${testId} was never clicked by ${actor.person.name}`);
  return at;
}

/** When the first picture and the first sound of `other` arrive. */
export function first(actor: Actor, other: Actor): Promise<{ frameAt: number; soundAt: number }> {
  const { address } = other.person;
  return actor.page.evaluate(({ id, address, ms }) => window.parleyProbe.first(id, address, ms), {
    id: tile(other),
    address,
    ms: PATIENCE_MS,
  });
}

export function tile(actor: Actor): string {
  return `tile-${actor.person.address}`;
}

/** Waits until each of these people sees and hears each other one: the right mark moving, the right tone sounding. */
export async function everybodySeesAndHears(people: readonly Actor[]): Promise<void> {
  const pairs = people.flatMap((actor) => people.filter((p) => p !== actor).map((other) => ({ actor, other })));
  await Promise.all(
    pairs.map(async ({ actor, other }) => {
      const strangers = people.filter((p) => p !== other).map((p) => p.number);
      try {
        await Promise.all([
          waitForMark(actor.page, tile(other), other.number, PATIENCE_MS),
          waitForTone(actor.page, other.person.address, other.number, strangers, PATIENCE_MS),
        ]);
      } catch (error) {
        throw new Error(
          `${actor.person.name} and ${other.person.name}: ${error instanceof Error ? error.message : error}`,
        );
      }
    }),
  );
}

/** Waits until one sees this of another on the badge. */
export async function sees(actor: Actor, other: Actor, status: string, code?: string): Promise<void> {
  const { address } = other.person;
  const badge = by(actor, `trust-${address}`).and(actor.page.locator(`[data-status="${status}"]`));
  const wanted = code === undefined ? badge : badge.and(actor.page.locator(`[data-code="${code}"]`));
  try {
    await wanted.first().waitFor({ timeout: PATIENCE_MS });
  } catch (cause) {
    const badges = by(actor, `trust-${address}`);
    const now = await badges.evaluateAll((all) =>
      all.map((one) => JSON.stringify({ ...(one as HTMLElement).dataset })),
    );
    const wish = `${status} ${code ?? ''}`;
    throw new Error(`${actor.person.name} should see ${wish} of ${other.person.name}, but sees ${now}`, { cause });
  }
}

/** Waits until each of these people sees of each other one that it is them. */
export async function allVerified(people: readonly Actor[]): Promise<void> {
  await Promise.all(people.flatMap((a) => people.filter((b) => b !== a).map((b) => sees(a, b, 'verified'))));
}

/** Waits until every one of these people has exactly one tile for each of them, oneself included. */
export async function everybodyLists(people: readonly Actor[]): Promise<void> {
  const expected = people.map(tile).sort();
  await Promise.all(
    people.map(async (actor) => {
      let seen: string[] = [];
      await until(
        actor.page,
        PATIENCE_MS,
        `${actor.person.name} has tiles ${expected.join(', ')}`,
        async () => {
          seen = (await tilesOf(actor)).sort();
          return seen.join() === expected.join();
        },
        () => seen,
      );
    }),
  );
}

async function tilesOf(actor: Actor): Promise<string[]> {
  // All in one look: a tile may go while they are counted.
  const tiles = actor.page.locator('[data-testid^="tile-"]');
  return tiles.evaluateAll((all) => all.map((one) => one.getAttribute('data-testid') ?? ''));
}

/** What the media of the present call really does; null without a call. */
export function diagnostics(actor: Actor): Promise<CallDiagnostics | null> {
  return actor.page.evaluate(async () => (await window.parley?.session?.call.get()?.diagnostics()) ?? null);
}

/** Waits until the call of each of these people is on such a path, with no other connection left open. */
export async function onPath(people: readonly Actor[], path: 'direct' | 'conference'): Promise<void> {
  const seen = new Map<Actor, unknown>();
  // One who waits in vain says how all of them are: why it is so is often to be seen at another's.
  const everybody = () => Object.fromEntries([...seen].map(([actor, how]) => [actor.person.name, how]));
  await Promise.all(
    people.map(async (actor) => {
      await until(
        actor.page,
        PATIENCE_MS,
        `${actor.person.name}'s call runs on a ${path} path alone`,
        async () => {
          const now = await callNow(actor);
          seen.set(actor, now);
          const { path: kind, connections } = now?.diagnostics ?? { path: null, connections: [] };
          if (kind !== path || connections.length === 0) return false;
          return connections.every(
            ({ purpose, state }) => (purpose === 'direct') === (path === 'direct') && state === 'connected',
          );
        },
        everybody,
      );
      await by(actor, 'path')
        .and(actor.page.locator(`[data-path="${path}"]`))
        .first()
        .waitFor({ state: 'attached' });
    }),
  );
}

/** What the media of the present call really does, and what its window says. */
function callNow(actor: Actor) {
  return actor.page.evaluate(async () => {
    const call = window.parley?.session?.call.get();
    if (!call) return null;
    const { phase, transferring, ended, notices } = call.view.get();
    return { diagnostics: await call.diagnostics(), phase, transferring, ended, notices };
  });
}

/** Checks that the two are connected with each other: what one calls its own end the other calls the far end (R32). */
export async function checkDirectlyConnected(one: Actor, other: Actor): Promise<void> {
  const [mine, theirs] = await Promise.all([diagnostics(one), diagnostics(other)]);
  const [a, b] = [mine?.connections[0]?.selected, theirs?.connections[0]?.selected];
  if (!a || !b || a.local !== b.remote || a.remote !== b.local || a.localType === 'relay' || b.localType === 'relay') {
    throw new Error(
      `not peer-to-peer: ${JSON.stringify(mine?.connections)} and ${JSON.stringify(theirs?.connections)}`,
    );
  }
}

/** Checks that nobody's sound is played twice. */
export async function checkSoundIsSingle(people: readonly Actor[]): Promise<void> {
  for (const actor of people) {
    for (const other of people) {
      if (other === actor) continue;
      const players = await audiblePlayers(actor.page, other.person.address);
      if (players !== 1) throw new Error(`${actor.person.name} hears ${other.person.name} from ${players} players`);
    }
  }
}

/**
 * Begins to look out for a notice of this kind that says `text`, since notices go away by themselves. Call what is
 * returned to wait for it.
 */
export function expectNotice(actor: Actor, kind: string, text: string): () => Promise<void> {
  const notices = by(actor, 'notice').and(actor.page.locator(`[data-kind="${kind}"]`));
  const shown = notices
    .filter({ hasText: text })
    .first()
    .waitFor({ state: 'attached', timeout: 3 * PATIENCE_MS });
  // Whether it failed is asked later.
  shown.catch(() => undefined);
  return () => shown;
}
