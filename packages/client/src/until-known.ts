// Asks again what could not be found out because somebody did not answer: a call may last longer than their trouble.

const FIRST_MS = 4000;
const LONGEST_MS = 60_000;

/**
 * Tells each answer to `found`, and asks again, ever more seldom, while it leaves the question `open`. Resolves when it is
 * answered or `signal` says that nobody wants to know any more. `ask` must not reject, and limits how long it takes.
 */
export async function untilKnown<T>(
  ask: () => Promise<T>,
  open: (answer: T) => boolean,
  found: (answer: T) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let wait = FIRST_MS; !signal.aborted; wait = Math.min(2 * wait, LONGEST_MS)) {
    const answer = await ask();
    if (signal.aborted) return;
    found(answer);
    if (!open(answer)) return;
    await pause(wait, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
