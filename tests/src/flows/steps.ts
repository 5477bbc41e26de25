// Steps that several flows share.
import {
  type Actor,
  add,
  by,
  clickedAt,
  clickWhenThere,
  diagnostics,
  everybodyLists,
  everybodySeesAndHears,
  first,
} from '../harness/actor.ts';
import { PATIENCE_MS } from '../harness/browser.ts';
import { until } from '../harness/waiting.ts';
import type { Stage } from './stage.ts';

/** Adds a third person who accepts in the moment it rings. Resolves to the milliseconds until all see all. */
export async function addThird(adder: Actor, third: Actor, others: readonly Actor[]): Promise<number> {
  const accepted = clickWhenThere(third, 'accept');
  const seen = others.flatMap((other) => [first(other, third), first(third, other)]);
  void Promise.allSettled([accepted, ...seen]);
  await add(adder, third.person.address);
  await accepted;
  const arrivals = await Promise.all(seen);
  return Math.max(...arrivals.map(({ frameAt }) => frameAt)) - (await clickedAt(adder, `add-${third.person.address}`));
}

/** Everybody is listed everywhere, and everybody sees and hears everybody. */
export async function converse(people: readonly Actor[]): Promise<void> {
  await everybodyLists(people);
  await everybodySeesAndHears(people);
}

/** Leaves by the button; the own window then shows no call any more. */
export async function leave(actor: Actor): Promise<void> {
  await by(actor, 'leave').click();
  await by(actor, 'stage').waitFor({ state: 'hidden' });
}

/**
 * In the viewer's window the large picture is that of whichever of the two others is not muted, until the viewer pins the
 * other one, by keyboard. Both are as they were afterwards.
 */
export async function largeIsWhoSpeaks(viewer: Actor, [one, other]: readonly [Actor, Actor]): Promise<void> {
  const shows = (actor: Actor, attribute: string) =>
    by(viewer, `tile-${actor.person.address}`)
      .and(viewer.page.locator(`[${attribute}]`))
      .first()
      .waitFor();
  for (const [silent, speaker] of [
    [one, other],
    [other, one],
  ] as const) {
    await by(silent, 'toggle-microphone').click();
    await shows(silent, 'data-microphone="false"');
    await shows(speaker, 'data-size="large"');
    await shows(silent, 'data-size="small"');
    await by(viewer, `pin-${silent.person.address}`).press('Enter');
    await shows(silent, 'data-size="large"');
    await by(viewer, `pin-${silent.person.address}`).press('Enter');
    await shows(speaker, 'data-size="large"');
    await by(silent, 'toggle-microphone').click();
    await shows(silent, 'data-microphone="true"');
  }
}

/** What must survive a change of path: which conversation it is, and when its clock began (R39). */
export async function callIdentity(actor: Actor): Promise<{ conversation: string; answeredAt: number }> {
  const identity = await actor.page.evaluate(() => {
    const call = window.parley?.session?.call.get();
    return call ? { conversation: call.conversation, answeredAt: call.view.get().answeredAt ?? 0 } : null;
  });
  if (!identity) throw new Error(`${actor.person.name} is in no call`);
  return { ...identity, conversation: identity.conversation as string };
}

/** Seconds on the call clock, as shown. */
export async function clockOf(actor: Actor): Promise<number> {
  const text = (await by(actor, 'clock').first().textContent()) ?? '';
  const [, hours = '0', minutes = '', seconds = ''] = /(?:(\d+):)?(\d+):(\d\d)/.exec(text) ?? [];
  if (seconds === '') throw new Error(`the clock shows "${text}"`);
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

export async function say(actor: Actor, text: string): Promise<void> {
  const input = by(actor, 'chat-input');
  if (!(await input.isVisible())) await by(actor, 'chat-open').click();
  await input.fill(text);
  await by(actor, 'chat-send').click();
}

/** Waits until a chat message is shown. */
export async function reads(actor: Actor, text: string): Promise<void> {
  if (!(await by(actor, 'chat-input').isVisible())) await by(actor, 'chat-open').click();
  await by(actor, 'chat-message').filter({ hasText: text }).first().waitFor();
}

/** Waits until a company's conference service carries media, or does not. */
export async function waitForLegs(stage: Stage, actor: Actor, company: string, some: boolean): Promise<void> {
  let seen = { rooms: -1, legs: -1 };
  await until(
    actor.page,
    PATIENCE_MS,
    `the conference service of ${company} has ${some ? 'some' : 'no'} legs`,
    async () => {
      seen = await stage.focusOf(company);
      return seen.legs > 0 === some && (some || seen.rooms === 0);
    },
    () => seen,
  );
}

/** Checks that the conference service of neither company carries anything. */
export async function checkNoServerCarriesMedia(stage: Stage): Promise<void> {
  for (const { id } of stage.demo.companies) {
    const { rooms, legs } = await stage.focusOf(id);
    if (rooms !== 0 || legs !== 0) throw new Error(`the conference service of ${id} has ${rooms} rooms, ${legs} legs`);
  }
}

/** Waits until this person's own media flow into the conference. */
export async function sendsToConference(actor: Actor): Promise<void> {
  let seen: unknown = null;
  await until(
    actor.page,
    PATIENCE_MS,
    `${actor.person.name}'s media flow to the conference`,
    async () => {
      const now = await diagnostics(actor);
      seen = now;
      const sending = now?.connections.find(({ purpose }) => purpose === 'send');
      return sending?.state === 'connected' && sending.bytesSent > 5000;
    },
    () => seen,
  );
}
