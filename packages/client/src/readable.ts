// Values that change: the stores behind every `Readable` of api.ts.
import type { Readable } from './api.ts';

export interface Store<T> extends Readable<T> {
  /** Tells the listeners, unless it is the very same value. */
  set(value: T): void;
}

/** A listener that throws must not keep the others from being told: the page hears of it as of any uncaught error. */
function call<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

export function createStore<T>(initial: T): Store<T> {
  let current = initial;
  const listeners = new Set<(value: T) => void>();
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return;
      current = value;
      for (const listener of [...listeners]) {
        // A listener may have set a newer value: then everybody has been told that one already.
        if (!Object.is(current, value)) return;
        if (listeners.has(listener)) call(listener, value);
      }
    },
    subscribe(listener) {
      // Each subscription counts by itself, even of the same function.
      const own = (value: T) => listener(value);
      listeners.add(own);
      call(own, current);
      return () => void listeners.delete(own);
    },
  };
}

/** What `select` makes of another value; told only when that changes by `same`. */
export function derive<A, B>(
  source: Readable<A>,
  select: (value: A) => B,
  same: (a: B, b: B) => boolean = Object.is,
): Readable<B> {
  return {
    get: () => select(source.get()),
    subscribe(listener) {
      let last: { value: B } | null = null;
      return source.subscribe((value) => {
        const next = select(value);
        if (last && same(last.value, next)) return;
        last = { value: next };
        listener(next);
      });
    },
  };
}

/** Resolves with the first value that satisfies `test`; rejects with what `late` makes after `ms` milliseconds. */
export function until<T>(source: Readable<T>, test: (value: T) => boolean, ms: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    let stop: (() => void) | null = null;
    let settled = false;
    const finish = (end: () => void) => {
      settled = true;
      clearTimeout(timer);
      stop?.();
      end();
    };
    const timer = setTimeout(() => finish(() => reject(late())), ms);
    stop = source.subscribe((value) => {
      if (!settled && test(value)) finish(() => resolve(value));
    });
    if (settled) stop();
  });
}
