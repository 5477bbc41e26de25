// Cuts what a fresh device is told to what fits into one frame; it asks for the rest with `conversation.events`.
import type { History } from '@parley/protocol';

/**
 * The same conversations, each with as many of its first events as fit. Every conversation gets an equal share of
 * `bytes`, and what one leaves over goes to those after it; with none of its events in, it is still named.
 */
export function fitHistories(histories: readonly History[], bytes: number): History[] {
  let left = bytes;
  return histories.map((history, index) => {
    let share = Math.floor(left / (histories.length - index));
    let count = 0;
    for (const event of history.events) {
      const size = Buffer.byteLength(JSON.stringify(event)) + 1;
      if (size > share) break;
      share -= size;
      left -= size;
      count += 1;
    }
    return count === history.events.length
      ? history
      : { ...history, events: history.events.slice(0, count), complete: false };
  });
}
