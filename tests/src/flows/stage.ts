// The stage on which the flows are played: the demo's servers, the people at their browsers, and a record of each step.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CallTimes, type Demo, type EngineOfDemo, startDemo } from '@parley/demo';
import { type Actor, openActor, signedIn, signIn } from '../harness/actor.ts';
import { type BrowserOptions, type Browsers, openBrowsers } from '../harness/browser.ts';
import type { FilmSize } from '../harness/camera-file.ts';
import type { FrameRecord } from '../harness/frames.ts';

export interface StepResult {
  readonly name: string;
  readonly passed: boolean;
  readonly ms: number;
  readonly error?: string;
}

/** Times that a person would notice, in milliseconds. */
export interface Figures {
  /** Click on call → ringing window, in the same company. */
  ringMs?: number;
  /** The same, across companies. */
  ringAcrossMs?: number;
  /** Click on accept → the later one's first picture. */
  firstFrameMs?: number;
  /** Click on accept → the later one's first sound. */
  firstSoundMs?: number;
  /** Click on add, the third accepting at once → the third is seen by all, and sees them. */
  addToSeenMs?: number;
}

export interface StageOptions {
  readonly headed?: boolean;
  /** Folder for a picture of every window after every step. */
  readonly screenshots?: string;
  readonly calls?: CallTimes;
  /** Of the cameras; small unless there are pictures to be taken. */
  readonly film?: FilmSize;
  /** Media engines of each node, the first to be preferred. Default: an embedded one. */
  readonly engines?: readonly EngineOfDemo[];
  /** Lets scripts of an instrument into the pages, which their security policy would keep out. */
  readonly bypassCsp?: boolean;
  /** Told of each step as it ends. */
  readonly onStep?: (flow: number, step: StepResult) => void;
}

export interface Stage {
  readonly demo: Demo;
  readonly figures: Figures;
  /** A person by login name, signed in with their password; the same one until `clear`. */
  actor(login: string): Promise<Actor>;
  /** The same person signed in with another browser, which the caller closes. */
  another(login: string): Promise<Actor>;
  /** A person whose browser is open but who has not signed in. */
  stranger(
    login: string,
    window?: Pick<BrowserOptions, 'background' | 'size' | 'recordsItself' | 'soundServer'>,
  ): Promise<Actor>;
  /** Plays one flow: every step runs once the one before has passed. */
  play(flow: number, script: (step: Step) => Promise<void>): Promise<{ passed: boolean; steps: StepResult[] }>;
  /** Legs and rooms of a company's conference service now. */
  focusOf(company: string): Promise<{ rooms: number; legs: number }>;
  /** Throws if any message of any page so far was not as the published protocol has it, or if none was seen (R76). */
  checkMessages(): void;
  /** Everybody goes home. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** Carries out one step and records it. Rejects if it fails, after recording that. */
export type Step = <T>(name: string, action: () => Promise<T>) => Promise<T>;

/** Numbers in marks and tones. */
const cast = ['bob', 'carol', 'erin', 'alice', 'dave'];

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'parley-demo-'));
  const demo = await startDemo({
    ports: 'free',
    dataDirectory,
    calls: options.calls ?? {},
    engines: options.engines ?? [],
    oneClick: false,
  });
  const browsers: Browsers = await openBrowsers(options.film ?? (options.screenshots ? 'large' : 'small'));
  const actors = new Map<string, Actor>();
  const figures: Figures = {};
  /** Of everybody who ever was here. */
  const records: FrameRecord[] = [];
  if (options.screenshots) await mkdir(options.screenshots, { recursive: true });

  const stranger: Stage['stranger'] = async (login, window = {}) => {
    const person = demo.people.find((one) => one.login === login);
    if (!person) throw new Error(`${login} is not in the cast`);
    const actor = await openActor(browsers, person, cast.indexOf(login) + 1, {
      headed: options.headed ?? false,
      bypassCsp: options.bypassCsp ?? false,
      ...window,
    });
    actors.set(login, actor);
    records.push(actor.frames);
    return actor;
  };
  const shoot = async (name: string) => {
    const folder = options.screenshots;
    if (folder === undefined) return;
    const file = (login: string) => join(folder, `${name}-${login}.png`);
    // A picture is for people to look at; that one could not be taken is no failure of the flow.
    await Promise.allSettled([...actors].map(([login, { page }]) => page.screenshot({ path: file(login) })));
  };
  const clear = async () => {
    for (const { close } of actors.values()) await close();
    actors.clear();
  };

  return {
    demo,
    figures,
    stranger,
    async another(login) {
      const known = actors.get(login);
      const actor = await stranger(login);
      if (known) actors.set(login, known);
      await signIn(actor);
      await signedIn(actor);
      return actor;
    },
    async actor(login) {
      const known = actors.get(login);
      if (known) return known;
      const actor = await stranger(login);
      await signIn(actor);
      await signedIn(actor);
      return actor;
    },
    async play(flow, script) {
      const steps: StepResult[] = [];
      const step: Step = async (name, action) => {
        const begun = performance.now();
        const record = (error?: unknown) => {
          const failure = error === undefined ? {} : { error: error instanceof Error ? error.message : String(error) };
          const result = { name, passed: error === undefined, ms: Math.round(performance.now() - begun), ...failure };
          steps.push(result);
          options.onStep?.(flow, result);
        };
        try {
          const value = await action();
          record();
          return value;
        } catch (error) {
          record(error ?? new Error('failed'));
          throw error;
        } finally {
          const number = String(steps.length).padStart(2, '0');
          await shoot(
            `flow${flow}-${number}-${name
              .toLowerCase()
              .replace(/[^a-z0-9]+/g, '-')
              .slice(0, 60)}`,
          );
        }
      };
      try {
        await script(step);
      } catch (error) {
        // Recorded by the step; anything thrown between steps is recorded here.
        if (steps.every(({ passed }) => passed)) {
          const failure = { name: 'between two steps', passed: false, ms: 0, error: String(error) };
          steps.push(failure);
          options.onStep?.(flow, failure);
        }
        await clear();
      }
      return { passed: steps.every(({ passed }) => passed), steps };
    },
    async focusOf(company) {
      const node = demo.companies.find(({ id }) => id === company);
      const port = new URL(node?.origin ?? '').port;
      const health = (await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()) as {
        rooms: number;
        legs: number;
      };
      return { rooms: health.rooms, legs: health.legs };
    },
    checkMessages() {
      const faults = records.flatMap((record) => record.faults());
      if (faults.length > 0) throw new Error(`not as the published protocol has it: ${faults.join('\n')}`);
      if (records.every((record) => record.count() === 0)) throw new Error('no message was seen');
    },
    clear,
    async close() {
      await clear();
      await browsers.close();
      await demo.stop();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}
