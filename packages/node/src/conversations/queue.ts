// One thing at a time for each key: whoever asks for the same conversation waits for its turn, others do not.
import { ParleyError } from '@parley/protocol';

/** Runs tasks of one key in the order of asking. At most `bound` wait per key; one more is `too-many-requests`. */
export function createSerialQueues(bound = 256): { run<T>(key: string, task: () => Promise<T>): Promise<T> } {
  const tails = new Map<string, { tail: Promise<unknown>; waiting: number }>();
  return {
    run<T>(key: string, task: () => Promise<T>): Promise<T> {
      const entry = tails.get(key) ?? { tail: Promise.resolve(), waiting: 0 };
      if (entry.waiting >= bound) return Promise.reject(new ParleyError('too-many-requests'));
      entry.waiting += 1;
      tails.set(key, entry);
      const result = entry.tail.then(task);
      const settled = () => {
        entry.waiting -= 1;
        if (entry.waiting === 0) tails.delete(key);
      };
      entry.tail = result.then(settled, settled);
      return result;
    },
  };
}
