// A stage for calls to which something happens: people whose messages can be interfered with, ears that listen without a
// pause, and a look around at the end for what was left behind.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { type Actor, backToContacts, signedIn, signIn } from '../harness/actor.ts';
import { PATIENCE_MS } from '../harness/browser.ts';
import { type Interference, interfere } from '../harness/interference.ts';
import { until } from '../harness/waiting.ts';
import { openStage, type Stage, type StageOptions } from './stage.ts';

export interface Mishaps {
  readonly stage: Stage;
  /** Signs somebody in, with what passes between their page and their node in our hands. */
  enter(login: string): Promise<Actor>;
  fault(actor: Actor): Interference;
  /** Closes somebody's window, or what is left of it. */
  dismiss(actor: Actor): Promise<void>;
  /** Everybody out of their calls; then no connection, room or leg may be left, and every message was as published. */
  tidyUp(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Between the pulses of a tone it is quiet for 85 ms; the rest is what four browsers on two cores make of it (680 ms were
 * seen). A way that really stops is quiet for longer: seconds until it is noticed, and then the set-up of another.
 */
const SILENCE_MS = 1000;
const FADE_MS = 250;

export async function openMishaps(options: StageOptions): Promise<Mishaps> {
  const stage = await openStage(options);
  const faults = new Map<Actor, Interference>();
  const inside = () => [...faults.keys()].filter(({ page }) => !page.isClosed());

  async function connectionsClosed(actor: Actor): Promise<void> {
    let left = -1;
    await until(
      actor.page,
      PATIENCE_MS,
      `${actor.person.name}'s page has no connection left`,
      async () => {
        left = await actor.page.evaluate(() => window.parleyProbe.connections());
        return left === 0;
      },
      () => left,
    );
  }

  async function roomsFreed(company: string, page: Actor['page']): Promise<void> {
    let seen = {};
    await until(
      page,
      PATIENCE_MS,
      `no room is left at ${company}`,
      async () => {
        const now = await stage.focusOf(company);
        seen = now;
        return now.rooms === 0 && now.legs === 0;
      },
      () => seen,
    );
  }

  return {
    stage,
    async enter(login) {
      const actor = await stage.stranger(login);
      faults.set(actor, await interfere(actor.page));
      await signIn(actor);
      await signedIn(actor);
      return actor;
    },
    fault(actor) {
      const found = faults.get(actor);
      assert.ok(found, 'entered by `enter`');
      return found;
    },
    async dismiss(actor) {
      faults.delete(actor);
      await actor.close();
    },
    async tidyUp() {
      for (const interference of faults.values()) interference.end();
      for (const { page } of inside()) {
        await page.evaluate(async () => {
          for (const ringing of window.parley?.session?.incoming.get() ?? []) await ringing.decline();
          await window.parley?.session?.call.get()?.leave();
        });
      }
      for (const actor of inside()) {
        await backToContacts(actor);
        await connectionsClosed(actor);
      }
      const [someone] = inside();
      if (someone) for (const { id } of stage.demo.companies) await roomsFreed(id, someone.page);
      stage.checkMessages();
    },
    close: () => stage.close(),
  };
}

/** From here on `listener` listens to `speaker` without a pause. */
export async function listen(listener: Actor, speaker: Actor): Promise<void> {
  await listener.page.evaluate((address) => window.parleyProbe.listen(address), speaker.person.address);
}

/** What was noticed since `listen`: the longest silence and the longest doubling, in milliseconds. */
export function listened(listener: Actor, speaker: Actor): Promise<{ silenceMs: number; doubleMs: number }> {
  return listener.page.evaluate((address) => window.parleyProbe.listened(address), speaker.person.address);
}

/** Checks that each heard the other without a break, and never twice. */
export async function neverStopped(...pairs: (readonly [listener: Actor, speaker: Actor])[]): Promise<void> {
  for (const [listener, speaker] of pairs) {
    const { silenceMs, doubleMs } = await listened(listener, speaker);
    const who = `${listener.person.name} hears ${speaker.person.name}`;
    assert.ok(silenceMs < SILENCE_MS, `${who} without a break: ${Math.round(silenceMs)} ms of silence`);
    assert.ok(doubleMs < FADE_MS, `${who} once: twice for ${Math.round(doubleMs)} ms`);
  }
}

/** Ends every process that carries a company's conferences, as a crash would. Rejects if there is none. */
export async function killEngines(stage: Stage): Promise<void> {
  const nodes = stage.demo.companies.map((company) => company.process().pid);
  let killed = 0;
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (!nodes.includes(parent)) continue;
    process.kill(Number(name), 'SIGKILL');
    killed += 1;
  }
  if (killed === 0) throw new Error('no engine process was found');
}
