// When a direct connection is in trouble: how long to wait, when to restart ICE, when to give up (R71). Only the timing
// is here; what a restart is, the path knows.

export interface Recovery {
  /** The other side is there now: the connection has to come about in time. */
  start(connection: RTCPeerConnectionState): void;
  observed(connection: RTCPeerConnectionState): void;
  /** There is reason to think that the connection is broken or will be: restart without waiting. */
  suspect(): void;
  close(): void;
}

/** Packets were missing this long when it becomes more than a hiccup. */
const HICCUP_MS = 1000;
/** How long one restart may take before the next is tried. */
const RESTART_MS = 4000;
/** From the first sign of trouble, or from the answer, to the end of all attempts. */
const PATIENCE_MS = 15_000;
/** An answering side first asks after this long if no offer has come. */
const FIRST_MS = 3000;

export function createRecovery(actions: { restart(): void; giveUp(): void }): Recovery {
  let next: ReturnType<typeof setTimeout> | undefined;
  let end: ReturnType<typeof setTimeout> | undefined;
  let started = false;
  let connected = false;
  let closed = false;

  function stop(): void {
    clearTimeout(next);
    clearTimeout(end);
    next = undefined;
    end = undefined;
  }

  function restartEvery(firstAfterMs: number): void {
    clearTimeout(next);
    next = setTimeout(() => {
      actions.restart();
      restartEvery(RESTART_MS);
    }, firstAfterMs);
  }

  function trouble(firstAfterMs: number): void {
    if (closed || !started) return;
    end ??= setTimeout(() => {
      stop();
      closed = true;
      actions.giveUp();
    }, PATIENCE_MS);
    restartEvery(firstAfterMs);
  }

  function observed(connection: RTCPeerConnectionState): void {
    if (closed) return;
    if (connection === 'connected') {
      connected = true;
      stop();
    } else if (connection === 'disconnected') {
      if (!end) trouble(HICCUP_MS);
    } else if (connection === 'failed') {
      if (!end || connected) trouble(0);
      connected = false;
    }
  }

  return {
    start(connection) {
      if (closed || started) return;
      started = true;
      if (connection === 'connected') connected = true;
      else if (connection === 'failed') trouble(0);
      else trouble(FIRST_MS);
    },
    observed,
    suspect() {
      // If it was sound after all, its state never changes, so there is nothing to wait for.
      if (connected) actions.restart();
    },
    close() {
      closed = true;
      stop();
    },
  };
}
