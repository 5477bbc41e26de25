// Listens on every WebSocket of a page and checks each message against the published protocol (R76).
import {
  type DeviceMethod,
  type DeviceNotification,
  deviceMethods,
  deviceNotifications,
  parseFrame,
} from '@parley/protocol';
import type { Page } from 'playwright-core';

export interface FrameRecord {
  /** Messages seen so far. */
  readonly count: () => number;
  /** What was wrong with any of them, each with its beginning. */
  readonly faults: () => readonly string[];
}

const MAX_FAULTS = 20;

/** Unjudged messages kept; a page that says more before anybody asks is judged in between. */
const MAX_UNJUDGED = 5000;

/** Begins to listen. Call it before the page is opened. Messages are judged when somebody asks, so as not to hold up
 * what is timed. */
export function recordFrames(page: Page, who: string): FrameRecord {
  const faults: string[] = [];
  const unjudged: (() => void)[] = [];
  let count = 0;
  const judgeAll = () => {
    for (const judge of unjudged.splice(0)) judge();
  };
  page.on('websocket', (socket) => {
    // Answers carry no method, only the number of the question.
    const asked = new Map<string | number, string>();
    const check = (direction: 'sent' | 'received', payload: string | Buffer) => {
      const fault =
        typeof payload === 'string' ? (direction === 'sent' ? judgeSent : judgeReceived)(payload, asked) : 'is binary';
      if (fault === null || faults.length >= MAX_FAULTS) return;
      faults.push(`${who}, ${direction}: ${fault}: ${payload.toString().slice(0, 300)}`);
    };
    const note = (direction: 'sent' | 'received', payload: string | Buffer) => {
      count += 1;
      unjudged.push(() => check(direction, payload));
      if (unjudged.length >= MAX_UNJUDGED) judgeAll();
    };
    socket.on('framesent', ({ payload }) => note('sent', payload));
    socket.on('framereceived', ({ payload }) => note('received', payload));
  });
  return {
    count: () => count,
    faults() {
      judgeAll();
      return faults;
    },
  };
}

/** What is wrong with a frame from a device to its node; null if nothing. Remembers what was asked. */
export function judgeSent(text: string, asked: Map<string | number, string>): string | null {
  const message = parseFrame(text);
  if (message.kind === 'invalid') return message.error.details ?? message.error.code;
  if (message.kind !== 'request') return `a device sends requests only, not a ${message.kind}`;
  if (!isMethod(message.method)) return `there is no method ${message.method}`;
  asked.set(message.id, message.method);
  const parsed = deviceMethods[message.method].params.safeParse(message.params);
  return parsed.success ? null : parsed.error.message;
}

/** What is wrong with a frame from a node to its device. */
export function judgeReceived(text: string, asked: Map<string | number, string>): string | null {
  const message = parseFrame(text);
  switch (message.kind) {
    case 'invalid':
      return message.error.details ?? message.error.code;
    case 'request':
      return 'a node asks its devices nothing';
    case 'notification': {
      if (!isNotification(message.method)) return `there is no notification ${message.method}`;
      if (message.seq === undefined) return 'it has no seq';
      const parsed = deviceNotifications[message.method].safeParse(message.params);
      return parsed.success ? null : parsed.error.message;
    }
    case 'success': {
      const method = asked.get(message.id);
      if (method === undefined || !isMethod(method)) return 'it answers nothing that was asked';
      asked.delete(message.id);
      const parsed = deviceMethods[method].result.safeParse(message.result);
      return parsed.success ? null : parsed.error.message;
    }
    case 'failure':
      if (message.id === null || !asked.delete(message.id)) return 'it answers nothing that was asked';
      return null;
  }
}

function isMethod(name: string): name is DeviceMethod {
  return Object.hasOwn(deviceMethods, name);
}

function isNotification(name: string): name is DeviceNotification {
  return Object.hasOwn(deviceNotifications, name);
}
