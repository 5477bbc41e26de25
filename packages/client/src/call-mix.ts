// The wish of one device for the mix of a conference in place of single streams. It outlives every change of path: in
// each new conference it is asked for again, and a conference that cannot mix is moved to one that can by the service.
import { asParleyError, type Call as CallState, ParleyError } from '@parley/protocol';
import type { Mixing, Readable } from './api.ts';
import type { ConferencePath } from './conference-path.ts';
import type { Path } from './path.ts';
import { createStore } from './readable.ts';

export interface CallMix {
  readonly mixing: Readable<Mixing>;
  /** Errors: `not-available`, `out-of-turn` (the call is being moved just now). */
  set(on: boolean): Promise<void>;
  /** The conversation or a path has changed. */
  follow(): void;
}

export function createCallMix(options: {
  call: () => CallState | null;
  paths: () => readonly Path[];
  /** The wish could not be met in a new conference: single streams go on there. */
  failed: (error: ParleyError) => void;
}): CallMix {
  const mixing = createStore<Mixing>({ wanted: false, received: false, available: false });
  /** Conferences that were asked, and for what; a path is asked once for each wish. */
  const asked = new WeakMap<ConferencePath, boolean>();

  /** The conference in use, once it carries the call and nothing else is under way. */
  function current(): ConferencePath | null {
    const call = options.call();
    if (call?.path.kind !== 'conference' || call.transfer) return null;
    const inUse = options.paths().filter((path) => path.epoch === call.path.epoch && path.kind === 'conference');
    const path = inUse.at(-1) as ConferencePath | undefined;
    return path?.state.get() === 'connected' ? path : null;
  }

  function change(part: Partial<Mixing>): void {
    const next = { ...mixing.get(), ...part };
    const { wanted, received, available } = mixing.get();
    if (next.wanted !== wanted || next.received !== received || next.available !== available) mixing.set(next);
  }

  async function ask(path: ConferencePath): Promise<void> {
    const { wanted } = mixing.get();
    asked.set(path, wanted);
    await path.receive(wanted);
  }

  function follow(): void {
    const path = current();
    change({ received: path?.mixed.get() ?? false, available: path?.offers()?.mixing ?? false });
    if (!path || (asked.get(path) ?? false) === mixing.get().wanted) return;
    ask(path).catch((error: unknown) => {
      change({ wanted: false });
      options.failed(asParleyError(error));
    });
  }

  return {
    mixing,
    async set(on) {
      const path = current();
      if (on && !path) throw new ParleyError('out-of-turn', 'there is no conference to mix');
      change({ wanted: on });
      if (!path) return;
      try {
        await ask(path);
      } catch (error) {
        change({ wanted: false });
        throw error;
      }
    },
    follow,
  };
}
