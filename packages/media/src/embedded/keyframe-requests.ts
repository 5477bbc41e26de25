// Key frame requests of many receivers, merged: at most one goes to the publisher in each interval. One that comes in the
// quiet time is sent at its end, unless a key frame has come meanwhile, which serves everybody. A publisher that overlooks
// one is asked again as long as somebody waits.

export interface KeyframeRequests {
  request(): void;
  /** Somebody still waits: asks again if the latest request must have been overlooked. */
  remind(): void;
  /** A key frame begins: whoever has asked so far gets it. */
  answered(): void;
  /** How many have been passed on. */
  passed(): number;
  close(): void;
}

export interface Clock {
  /** Milliseconds from any fixed moment. */
  now(): number;
  /** Calls back once after `ms`; the returned function takes it back. */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** A key frame costs many times an ordinary one; receivers that join together ask within this time. Chromium overlooks a
 * request that comes less than 300 ms after the one before. */
export const KEYFRAME_INTERVAL_MS = 350;
/** A key frame comes a round trip and a frame after its request. */
const OVERLOOKED_MS = 800;

export function createKeyframeRequests(
  send: () => void,
  clock: Clock,
  interval = KEYFRAME_INTERVAL_MS,
): KeyframeRequests {
  let last = Number.NEGATIVE_INFINITY;
  let passed = 0;
  let cancel: (() => void) | null = null;
  let closed = false;

  function pass(): void {
    cancel = null;
    if (closed) return;
    last = clock.now();
    passed += 1;
    send();
  }

  function takeBack(): void {
    cancel?.();
    cancel = null;
  }

  function request(): void {
    if (closed || cancel) return;
    const wait = last + interval - clock.now();
    if (wait <= 0) pass();
    else cancel = clock.after(wait, pass);
  }

  return {
    request,
    remind() {
      if (clock.now() - last >= OVERLOOKED_MS) request();
    },
    answered: takeBack,
    passed: () => passed,
    close() {
      closed = true;
      takeBack();
    },
  };
}
