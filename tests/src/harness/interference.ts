// Stands between a page and its node and changes, holds or swallows single messages, as a fault in the other side or on
// the way would. Everything else passes as it is.
import type { Page } from 'playwright-core';

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** What becomes of a message: it passes, is swallowed, or is replaced. Answering may take its time. */
export type Verdict = 'pass' | 'swallow' | { readonly replace: Message };

export interface Interference {
  /** Judges every request of this method until `end`. Resolves when the first one does not pass. */
  asked(method: string, judge: (message: Message) => Verdict | Promise<Verdict>): Promise<void>;
  /** The same for answers to requests of this method. */
  answered(method: string, judge: (message: Message) => Verdict | Promise<Verdict>): Promise<void>;
  /** Holds the next request of this method until `then` has been carried out. Resolves when it has passed on. */
  when(method: string, then?: () => Promise<void>): Promise<void>;
  /** Everything passes again. */
  end(): void;
}

type Judge = { judge: (message: Message) => Verdict | Promise<Verdict>; done: () => void };

/** Call it before the page is opened. */
export async function interfere(page: Page): Promise<Interference> {
  const requests = new Map<string, Judge>();
  const answers = new Map<string, Judge>();
  /** Methods of requests whose answer is of interest. */
  const open = new Map<string | number, string>();

  async function pass(
    judges: Map<string, Judge>,
    method: string | undefined,
    text: string,
    message: Message,
    send: (text: string) => void,
  ): Promise<void> {
    const judged = method === undefined ? undefined : judges.get(method);
    if (!judged || method === undefined) return send(text);
    const verdict = await judged.judge(message);
    if (verdict === 'pass') return send(text);
    if (verdict !== 'swallow') send(JSON.stringify(verdict.replace));
    judged.done();
  }

  await page.routeWebSocket(/\/socket$/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((data) => {
      const text = String(data);
      const message = JSON.parse(text) as Message;
      if (message.id !== undefined && message.method && answers.has(message.method)) {
        open.set(message.id, message.method);
      }
      void pass(requests, message.method, text, message, (out) => server.send(out));
    });
    server.onMessage((data) => {
      const text = String(data);
      const message = JSON.parse(text) as Message;
      const method = message.id === undefined ? undefined : open.get(message.id);
      if (message.id !== undefined) open.delete(message.id);
      void pass(answers, method, text, message, (out) => socket.send(out));
    });
  });

  const add = (judges: Map<string, Judge>, method: string, judge: Judge['judge']): Promise<void> =>
    new Promise((done) => judges.set(method, { judge, done }));
  return {
    asked: (method, judge) => add(requests, method, judge),
    answered: (method, judge) => add(answers, method, judge),
    when: (method, then) => {
      let first = true;
      return add(requests, method, async (message) => {
        if (!first) return 'pass';
        first = false;
        await then?.();
        return { replace: message };
      });
    },
    end() {
      requests.clear();
      answers.clear();
    },
  };
}
