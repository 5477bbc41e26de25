// The media of one call: keeps the paths that the transfer machine asks for, plays and shows what the switcher chooses,
// and tells the machine when a path carries everything. Everything that decides is in transfer.ts and switcher.ts.
import type { Address } from '@parley/protocol';
import { align, comparable, type Pair } from './alignment.ts';
import type { CallDiagnostics, Readable } from './api.ts';
import { unmixed, withoutDoubles } from './mixed.ts';
import { type LocalTracks, mix, noTracks, type Path, type RemoteTrack, type SourceOwner } from './path.ts';
import { createPlayback, type Voice } from './playback.ts';
import { createStore, derive } from './readable.ts';
import { nextSpeaker } from './speaker.ts';
import { carriesAll, choose, type LineSource, type SourceKey, sourceKey } from './switcher.ts';
import { type Line, noLines, step, type TransferEffect, type TransferInput, type Wanted } from './transfer.ts';
import { showTrack, type VideoView } from './video-view.ts';

export interface CallMedia {
  /** What is rendered now, by person and kind. */
  readonly rendered: Readable<ReadonlyMap<SourceKey, RemoteTrack>>;
  /** The host's word, again after every change of the conversation. */
  hostSays(path: Wanted, transfer: Wanted | null): void;
  publish(tracks: LocalTracks): void;
  /** Who speaks now, or spoke last. */
  speaker(): Address | null;
  /** Open paths, oldest first. */
  paths(): readonly Path[];
  show(address: SourceOwner, container: HTMLElement): () => void;
  diagnostics(): Promise<CallDiagnostics['connections']>;
  close(): void;
}

export interface CallMediaOptions {
  /** Null if the path cannot even be begun, because whom it leads to is gone; `forbidden`: it must not be. */
  openPath(line: Line): Path | null | 'forbidden';
  /** Before a path is closed; `others` remain. */
  closing(path: Path, others: readonly Path[]): void;
  /** Own tracks go onto a path only when those at its other end may hear them. */
  maySend(path: Path): boolean;
  /** Whether this person's sound or picture is still to be expected, as far as the conversation knows. */
  expected(key: SourceKey): 'yes' | 'while-flowing' | 'no';
  /** Whom the organiser has muted: not heard, also if their app goes on sending. */
  hushed(address: Address): boolean;
  /** Every sound and picture that the conversation knows of: what a mix is made of. */
  everybody(): readonly SourceKey[];
  ready(epoch: number): void;
  pathFailed(epoch: number): void;
}

const VIDEO_BPS = 1_200_000;
/** A room that is gone for everybody: how long the host has to say what comes next. */
const HOST_MS = 10_000;
const MAX_VIEWS = 256;

interface Open {
  readonly line: Line;
  readonly path: Path;
  readonly stop: () => void;
  complete: boolean;
}

export function createCallMedia(options: CallMediaOptions): CallMedia {
  const playback = createPlayback();
  const rendered = createStore<ReadonlyMap<SourceKey, RemoteTrack>>(new Map());
  /** Pictures to be shown: those rendered, of people whose camera is on. */
  const pictures = createStore<ReadonlyMap<SourceKey, RTCRtpReceiver>>(new Map());
  const open = new Map<number, Open>();
  const views = new Set<VideoView>();
  const timers = new Set<ReturnType<typeof setTimeout>>();
  let machine = noLines;
  let lineOf: ReadonlyMap<SourceKey, number> = new Map();
  /** The line on which each source has been seen to flow while it was rendered from there. */
  const flowedOn = new Map<SourceKey, number>();
  let published: LocalTracks = noTracks;
  const inputs: TransferInput[] = [];
  let running = false;
  let closed = false;
  let speaker: Address | null = null;

  /** One input after the other, also when effects bring about new ones. */
  function input(next: TransferInput): void {
    inputs.push(next);
    if (running) return;
    running = true;
    for (let one = inputs.shift(); one; one = inputs.shift()) {
      const { state, effects } = step(machine, one);
      machine = state;
      for (const effect of effects) carryOut(effect);
    }
    running = false;
    render();
  }

  function carryOut(effect: TransferEffect): void {
    switch (effect.type) {
      case 'open':
        openLine(effect.line);
        return;
      case 'close':
        return void settled().then(() => closeLine(effect.line));
      case 'prefer':
        render();
        return void settled().then(() => switched(effect.line));
      case 'ready':
        options.ready(effect.epoch);
        return;
      case 'path-failed':
        options.pathFailed(effect.epoch);
        return;
    }
  }

  /** What has begun to flow by another line while this one faded in must come by this one too: if not, it waits again. */
  function switched(line: number): void {
    const one = open.get(line);
    const sources = [...open].flatMap(([id, { path }]) =>
      path.remote.get().map((r) => ({ line: id, key: sourceKey(r.kind, r.address), flowing: r.flowing })),
    );
    if (one?.path.state.get() === 'connected' && carriesAll(line, needed(line, sources), sources))
      input({ type: 'settled', line });
    else if (one) one.complete = false;
  }

  function settled(): Promise<unknown> {
    return Promise.all([playback.settled(), ...[...views].map((view) => view.settled())]);
  }

  function openLine(line: Line): void {
    const path = options.openPath(line);
    if (path === 'forbidden') input({ type: 'failed', line: line.id, again: false });
    if (!path || path === 'forbidden') return;
    const stops: (() => void)[] = [];
    const one: Open = { line, path, complete: false, stop: () => stops.forEach((stop) => void stop()) };
    open.set(line.id, one);
    stops.push(
      path.remote.subscribe(() => render()),
      path.state.subscribe((state) => {
        if (state === 'failed') input({ type: 'failed', line: line.id, again: true });
        else if (state === 'lost') later(HOST_MS, () => input({ type: 'failed', line: line.id, again: false }));
        else render();
      }),
    );
    spread();
  }

  function later(ms: number, then: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      then();
    }, ms);
    timers.add(timer);
  }

  function closeLine(id: number): void {
    const one = open.get(id);
    if (!one) return;
    open.delete(id);
    one.stop();
    // Nothing is sent any more before the connection goes.
    one.path.publish(noTracks);
    options.closing(
      one.path,
      [...open.values()].map(({ path }) => path),
    );
    one.path.close();
    if (closed) return;
    spread();
    render();
  }

  /** Own tracks onto every path; while there are two, each picture takes half. */
  function spread(): void {
    for (const { path } of open.values()) {
      path.limitVideo(open.size > 1 ? VIDEO_BPS / 2 : VIDEO_BPS);
      path.publish(options.maySend(path) ? published : noTracks);
    }
  }

  function render(): void {
    // While inputs are worked through, once at the end is enough, and only then is it all consistent.
    if (closed || (running && inputs.length > 0)) return;
    const tracks = new Map<string, RemoteTrack>();
    const sources: LineSource[] = [];
    const voices: Omit<Voice, 'loud'>[] = [];
    for (const [line, { path }] of open) {
      for (const remote of path.remote.get()) {
        const key = sourceKey(remote.kind, remote.address);
        sources.push({ line, key, flowing: remote.flowing });
        tracks.set(`${line} ${key}`, remote);
        if (remote.kind === 'audio')
          voices.push({ id: `${line} ${key}`, address: remote.address, track: remote.transceiver.receiver.track });
      }
    }
    const chosen = withoutDoubles(choose(lineOf, machine.preferred, sources), machine.preferred);
    lineOf = chosen;
    noteFlow(sources, chosen);
    playback.show(
      voices.map((voice) => ({
        ...voice,
        loud:
          chosen.get(sourceKey('audio', voice.address)) === lineIn(voice.id) &&
          (voice.address === mix || !options.hushed(voice.address)),
      })),
    );
    showRendered(chosen, tracks);
    for (const [id, one] of open) {
      if (one.complete || one.path.state.get() !== 'connected') continue;
      if (!carriesAll(id, needed(id, sources), sources)) continue;
      one.complete = true;
      void lineUp(one, sources);
    }
  }

  /** Makes ways that are not equally long alike, and then lets this line take over. */
  async function lineUp(one: Open, sources: readonly LineSource[]): Promise<void> {
    const { id } = one.line;
    const pairs = comparable(pairsWith(id, sources));
    let release: (() => void) | undefined;
    if (pairs.length > 0) {
      const before = [...new Set(lineOf.values())].flatMap((line) => open.get(line) ?? []);
      const stands = ({ path }: Open) => path.state.get() === 'connected';
      const worthwhile = () => !closed && stands(one) && before.every((old) => stands(old));
      // To move as they are is better than to stay.
      release = await align(pairs, worthwhile).catch(() => undefined);
    }
    // It may have become incomplete, or closed, meanwhile; `switched` looks at all that flows once more.
    input({ type: 'complete', line: id });
    if (release) void settled().then(release);
  }

  /** What is rendered by other lines and flows by this one, too. */
  function pairsWith(line: number, sources: readonly LineSource[]): Pair[] {
    const transceiverOf = (id: number, key: SourceKey) =>
      open
        .get(id)
        ?.path.remote.get()
        .find((remote) => sourceKey(remote.kind, remote.address) === key)?.transceiver;
    return sources.flatMap(({ key, line: on, flowing }) => {
      const from = lineOf.get(key);
      if (on !== line || !flowing || from === undefined || from === line || flowedOn.get(key) !== from) return [];
      const [present, next] = [transceiverOf(from, key), transceiverOf(line, key)];
      return present && next ? [{ present, next }] : [];
    });
  }

  function noteFlow(sources: readonly LineSource[], chosen: ReadonlyMap<SourceKey, number>): void {
    for (const { key, line, flowing } of sources) if (flowing && chosen.get(key) === line) flowedOn.set(key, line);
    for (const key of flowedOn.keys()) if (!chosen.has(key)) flowedOn.delete(key);
  }

  /** What is seen and heard by other lines than this one, and will be missed without it. */
  function needed(line: number, sources: readonly LineSource[]): SourceKey[] {
    const missed = [...lineOf].flatMap(([key, from]) => {
      if (from === line || flowedOn.get(key) !== from) return [];
      const expected = options.expected(key);
      const flows = sources.some((s) => s.key === key && s.line === from && s.flowing);
      return expected === 'yes' || (expected === 'while-flowing' && flows) ? [key] : [];
    });
    return unmixed(missed, options.everybody());
  }

  function showRendered(chosen: ReadonlyMap<SourceKey, number>, tracks: ReadonlyMap<string, RemoteTrack>): void {
    const next = new Map<SourceKey, RemoteTrack>();
    for (const [key, line] of chosen) {
      const track = tracks.get(`${line} ${key}`);
      if (track) next.set(key, track);
    }
    const before = rendered.get();
    const same =
      before.size === next.size &&
      [...next].every(([key, { transceiver, flowing, level }]) => {
        const old = before.get(key);
        return old?.transceiver === transceiver && old.flowing === flowing && old.level === level;
      });
    // Whose voice the mix is at a moment cannot be told from it.
    const levels = [...next.values()].flatMap(({ kind, address, level }): [Address, number][] =>
      kind === 'audio' && address !== mix && !options.hushed(address) ? [[address, level]] : [],
    );
    speaker = nextSpeaker(speaker, new Map(levels));
    if (!same) rendered.set(next);
    const visible = [...next].filter(([key, { kind }]) => kind === 'video' && options.expected(key) !== 'no');
    const shown = pictures.get();
    if (visible.length !== shown.size || visible.some(([key, one]) => shown.get(key) !== one.transceiver.receiver)) {
      pictures.set(new Map(visible.map(([key, one]) => [key, one.transceiver.receiver])));
    }
  }

  return {
    rendered,
    hostSays(path, transfer) {
      input({ type: 'host', path, transfer });
      spread();
    },
    publish(tracks) {
      published = tracks;
      spread();
    },
    speaker: () => speaker,
    paths: () => [...open.values()].map(({ path }) => path),
    show(address, container) {
      if (closed || views.size >= MAX_VIEWS) return () => undefined;
      const key = sourceKey('video', address);
      const shown = derive(pictures, (all) => all.get(key) ?? null);
      const view = showTrack(shown, address, container);
      views.add(view);
      return () => {
        views.delete(view);
        view.close();
      };
    },
    async diagnostics() {
      return (await Promise.all([...open.values()].map(({ path }) => path.diagnostics()))).flat();
    },
    close() {
      if (closed) return;
      closed = true;
      machine = step(machine, { type: 'over' }).state;
      for (const timer of timers) clearTimeout(timer);
      for (const id of [...open.keys()]) closeLine(id);
      rendered.set(new Map());
      for (const view of views) view.close();
      views.clear();
      playback.close();
    },
  };
}

const lineIn = (voice: string): number => Number(voice.slice(0, voice.indexOf(' ')));
