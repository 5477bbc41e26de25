// Which paths this device has open, which of them it prefers, and what it tells the host: a pure state machine. The
// host's word (path in use, transfer under way) and what happens to own paths come in; effects come out. A path that
// is open is a line; lines are numbered in the order of opening.
import type { PathKind } from '@parley/protocol';

export interface Line {
  readonly id: number;
  readonly kind: PathKind;
  readonly epoch: number;
  /** 1 for the first path of an epoch; more when one was set up again in place. */
  readonly attempt: number;
}

export interface Wanted {
  readonly kind: PathKind;
  readonly epoch: number;
}

export interface TransferState {
  readonly lines: readonly Line[];
  /** The line whose media is shown where it has any; null exactly while there are no lines. */
  readonly preferred: number | null;
  readonly path: Wanted | null;
  readonly transfer: Wanted | null;
  /** Highest epoch reported as ready. */
  readonly reported: number;
  /** Epochs that were reported as failed: not tried again. */
  readonly failed: readonly number[];
  readonly nextLine: number;
  readonly over: boolean;
}

export type TransferInput =
  /** What the host says the call is carried by, and what it shall be carried by. */
  | { readonly type: 'host'; readonly path: Wanted; readonly transfer: Wanted | null }
  /** Everything that is seen and heard now also comes by this line. */
  | { readonly type: 'complete'; readonly line: number }
  /** Everything is rendered from this line: fades and swaps are over. */
  | { readonly type: 'settled'; readonly line: number }
  /** `again`: the other end is still there, so trying once more in place makes sense. */
  | { readonly type: 'failed'; readonly line: number; readonly again: boolean }
  | { readonly type: 'over' };

export type TransferEffect =
  | { readonly type: 'open'; readonly line: Line }
  | { readonly type: 'close'; readonly line: number }
  /** Render from this line from now on; answer with `settled`. */
  | { readonly type: 'prefer'; readonly line: number }
  | { readonly type: 'ready'; readonly epoch: number }
  | { readonly type: 'path-failed'; readonly epoch: number };

export const noLines: TransferState = {
  lines: [],
  preferred: null,
  path: null,
  transfer: null,
  reported: 0,
  failed: [],
  nextLine: 1,
  over: false,
};

/** How often a conference is tried again in place before the host is told. */
const MAX_ATTEMPTS = 3;
/** Failed epochs remembered; older ones cannot come back, since epochs only grow. */
const MAX_FAILED = 8;

type Step = { readonly state: TransferState; readonly effects: readonly TransferEffect[] };

export function step(state: TransferState, input: TransferInput): Step {
  if (state.over) return { state, effects: [] };
  const run: Run = { state, effects: [] };
  switch (input.type) {
    case 'host':
      hostSays(run, input.path, input.transfer);
      break;
    case 'complete':
      complete(run, input.line);
      break;
    case 'settled':
      settled(run, input.line);
      break;
    case 'failed':
      lineFailed(run, input.line, input.again);
      break;
    case 'over':
      for (const line of state.lines) close(run, line.id);
      run.state = { ...run.state, path: null, transfer: null, over: true };
      break;
  }
  return run;
}

/** The newest path the host wants. */
export function target(state: TransferState): Wanted | null {
  return state.transfer ?? state.path;
}

interface Run {
  state: TransferState;
  readonly effects: TransferEffect[];
}

const lineOf = (state: TransferState, id: number | null) => state.lines.find((line) => line.id === id);
const newestOf = (state: TransferState, epoch: number | undefined) =>
  state.lines.findLast((line) => line.epoch === epoch);

function hostSays(run: Run, path: Wanted, transfer: Wanted | null): void {
  const givenUp = run.state.transfer !== null && transfer === null && run.state.path?.epoch === path.epoch;
  run.state = { ...run.state, path, transfer };
  const wanted = transfer ?? path;
  if (!newestOf(run.state, wanted.epoch) && !run.state.failed.includes(wanted.epoch)) open(run, wanted, 1);
  const unwanted = run.state.lines.filter((l) => l.epoch !== path.epoch && l.epoch !== transfer?.epoch);
  const preferred = lineOf(run.state, run.state.preferred);
  if (preferred && unwanted.includes(preferred)) {
    // Everybody has switched, or the new path is given up and the old one never stopped.
    const next = newestOf(run.state, path.epoch) ?? newestOf(run.state, wanted.epoch);
    if (next) prefer(run, next.id);
  }
  for (const line of unwanted) close(run, line.id);
  // While a transfer leads away from a path, the host does not act on that path's failure. Now it has to.
  if (givenUp && run.state.failed.includes(path.epoch)) run.effects.push({ type: 'path-failed', epoch: path.epoch });
}

function open(run: Run, { kind, epoch }: Wanted, attempt: number): void {
  const line: Line = { id: run.state.nextLine, kind, epoch, attempt };
  const { lines, preferred } = run.state;
  run.state = { ...run.state, lines: [...lines, line], nextLine: line.id + 1, preferred: preferred ?? line.id };
  run.effects.push({ type: 'open', line });
}

function close(run: Run, id: number): void {
  const lines = run.state.lines.filter((line) => line.id !== id);
  if (lines.length === run.state.lines.length) return;
  const { preferred } = run.state;
  run.state = { ...run.state, lines, preferred: preferred === id ? null : preferred };
  const next = lines.at(-1);
  if (preferred === id && next) prefer(run, next.id);
  run.effects.push({ type: 'close', line: id });
}

function prefer(run: Run, id: number): void {
  run.state = { ...run.state, preferred: id };
  run.effects.push({ type: 'prefer', line: id });
}

function complete(run: Run, id: number): void {
  const line = lineOf(run.state, id);
  if (!line) return;
  const present = lineOf(run.state, run.state.preferred);
  const leadsOn = line.epoch === target(run.state)?.epoch;
  const replaces = present?.epoch === line.epoch && present.id < id;
  if (leadsOn || replaces) prefer(run, id);
}

function settled(run: Run, id: number): void {
  const line = lineOf(run.state, id);
  if (!line || run.state.preferred !== id) return;
  // One that was set up again in place replaces its predecessors.
  for (const old of run.state.lines) if (old.epoch === line.epoch && old.id < id) close(run, old.id);
  if (run.state.transfer?.epoch !== line.epoch || run.state.reported >= line.epoch) return;
  run.state = { ...run.state, reported: line.epoch };
  run.effects.push({ type: 'ready', epoch: line.epoch });
}

function lineFailed(run: Run, id: number, again: boolean): void {
  const line = lineOf(run.state, id);
  if (!line) return;
  const { epoch, kind, attempt } = line;
  if (newestOf(run.state, epoch)?.id !== id) {
    close(run, id);
    return;
  }
  const wanted = epoch === run.state.path?.epoch || epoch === run.state.transfer?.epoch;
  if (!wanted) return;
  const retry = kind === 'conference' && again && attempt < MAX_ATTEMPTS && !run.state.failed.includes(epoch);
  if (retry) open(run, { kind, epoch }, attempt + 1);
  else if (!run.state.failed.includes(epoch)) {
    run.state = { ...run.state, failed: [...run.state.failed, epoch].slice(-MAX_FAILED) };
    run.effects.push({ type: 'path-failed', epoch });
  }
  // What is left of a failed path may still be all there is; it stays until something better is rendered.
  if (run.state.preferred !== id) close(run, id);
  else if (epoch === run.state.transfer?.epoch && !retry) close(run, id);
}
