// The requests of one device that are being carried out, and the latest answers. A device that was cut sends again what it
// has no answer to, with the same ids; it is answered from here, so that no command is carried out twice.
import { createHash } from 'node:crypto';
import { MAX_PENDING_REQUESTS, type RpcId } from '@parley/protocol';

/** `new`: carry it out. `running`: it will be answered when done. `done`: here is the answer. */
export type Admission =
  | { readonly kind: 'new' }
  | { readonly kind: 'running' }
  | { readonly kind: 'done'; readonly text: string }
  /** The id already stands for another request. */
  | { readonly kind: 'conflict' }
  /** MAX_PENDING_REQUESTS are being carried out. */
  | { readonly kind: 'full' };

export interface Answers<Asker> {
  /** Registers a request; a repetition makes `asker` the one to be answered. */
  admit(id: RpcId, print: string, asker: Asker): Admission;
  /** Ends a request. Returns whom to send `text` to. `keep` false: a repetition is carried out anew. */
  finish(id: RpcId, text: string, keep: boolean): Asker | null;
}

const MAX_KEPT = 2 * MAX_PENDING_REQUESTS;
const MAX_CHARACTERS = 1024 * 1024;

/** What a request is recognised by besides its id: 256 bits of its frame, which a repetition has to equal. */
export function printOf(frame: string): string {
  return createHash('sha256').update(frame).digest('base64url');
}

export function createAnswers<Asker>(maxPending = MAX_PENDING_REQUESTS): Answers<Asker> {
  const running = new Map<RpcId, { print: string; asker: Asker }>();
  const kept = new Map<RpcId, { print: string; text: string }>();
  let characters = 0;

  return {
    admit(id, print, asker) {
      const same = running.get(id) ?? kept.get(id);
      if (same && same.print !== print) return { kind: 'conflict' };
      if (same && 'asker' in same) {
        same.asker = asker;
        return { kind: 'running' };
      }
      if (same) return { kind: 'done', text: same.text };
      if (running.size >= maxPending) return { kind: 'full' };
      running.set(id, { print, asker });
      return { kind: 'new' };
    },
    finish(id, text, keep) {
      const request = running.get(id);
      if (!request) return null;
      running.delete(id);
      if (keep) {
        kept.set(id, { print: request.print, text });
        characters += text.length;
        for (const [oldest, answer] of kept) {
          if (kept.size <= MAX_KEPT && characters <= MAX_CHARACTERS) break;
          kept.delete(oldest);
          characters -= answer.text.length;
        }
      }
      return request.asker;
    },
  };
}
