// Requests on their way: each has an id, a deadline and one outcome. They outlive the socket they were first sent on,
// so that after a cut they go out again with the same id and are carried out once.
import { type DeviceMethod, MAX_FRAME_BYTES, MAX_PENDING_REQUESTS, ParleyError, type RpcId } from '@parley/protocol';

export interface Requests {
  /**
   * Sends now, or as soon as there is a socket. Rejects with what the node answers, or with `timed-out`,
   * `too-many-requests`, `message-too-large`.
   */
  add(method: string, params: unknown, ms: number): Promise<unknown>;
  /** Settles the request an answer belongs to; answers to nothing are ignored, for they may be late. */
  settle(id: RpcId | null, outcome: { result: unknown } | { error: ParleyError }): void;
  /** A new socket goes on where the cut one stopped: everything unanswered goes out again. */
  resend(): void;
  /**
   * A new socket begins afresh: nobody will answer what was sent before. What was not, goes out now. `sameDevice`: the
   * node was restarted and knows this device still; then what does no harm when it is carried out twice goes out again.
   */
  startAfresh(sameDevice: boolean): void;
  failAll(error: ParleyError): void;
  readonly size: number;
}

/** Carried out a second time they change nothing, or are refused in a way that says so. */
const repeatable: ReadonlySet<string> = new Set<DeviceMethod>([
  'call.accept',
  'call.add',
  'call.cancel',
  'call.consent',
  'call.decline',
  'call.leave',
  'call.enter',
  'call.identify',
  'call.media',
  'call.pathFailed',
  'call.ready',
  'call.stopRecording',
  'conversation.events',
]);

interface Pending {
  readonly method: string;
  /** Went out to the node before it was restarted, and again since: it may be carried out already. */
  repeated: boolean;
  readonly text: string;
  sent: boolean;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: ParleyError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** @param send puts a frame on the socket; false when there is none to put it on */
export function createRequests(send: (text: string) => boolean): Requests {
  const pending = new Map<string, Pending>();
  let count = 0;

  const take = (id: string): Pending | undefined => {
    const request = pending.get(id);
    if (request) clearTimeout(request.timer);
    pending.delete(id);
    return request;
  };
  const fail = (ids: Iterable<string>, error: ParleyError) => {
    for (const id of [...ids]) take(id)?.reject(error);
  };

  return {
    add(method, params, ms) {
      if (pending.size >= MAX_PENDING_REQUESTS) return Promise.reject(new ParleyError('too-many-requests'));
      count += 1;
      const id = `c${count}`;
      const text = JSON.stringify({ jsonrpc: '2.0', id, method, params });
      // Three bytes at most for one UTF-16 unit, so the exact size is only worked out when it may matter.
      if (text.length * 3 > MAX_FRAME_BYTES && new TextEncoder().encode(text).length > MAX_FRAME_BYTES) {
        return Promise.reject(new ParleyError('message-too-large'));
      }
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => fail([id], new ParleyError('timed-out', method)), ms);
        pending.set(id, { method, repeated: false, text, sent: send(text), resolve, reject, timer });
      });
    },
    settle(id, outcome) {
      const request = typeof id === 'string' ? take(id) : undefined;
      if (!request) return;
      const { method, repeated } = request;
      if ('error' in outcome && repeated && isDone(method, outcome.error)) request.resolve({});
      else if ('error' in outcome) request.reject(outcome.error);
      else request.resolve(outcome.result);
    },
    resend() {
      for (const request of pending.values()) request.sent = send(request.text);
    },
    startAfresh(sameDevice) {
      const lost: string[] = [];
      for (const [id, request] of pending) {
        if (!request.sent) continue;
        if (sameDevice && repeatable.has(request.method)) request.repeated = true;
        else lost.push(id);
      }
      fail(lost, new ParleyError('timed-out', 'the connection was lost before the answer came'));
      for (const request of pending.values()) request.sent = send(request.text);
    },
    failAll: (error) => fail(pending.keys(), error),
    get size() {
      return pending.size;
    },
  };
}

/** Whether a refusal says only that the first time has had its effect. */
function isDone(method: string, { code }: ParleyError): boolean {
  if (method === 'call.add') return code === 'already-invited';
  if (method === 'call.decline') return code === 'out-of-turn';
  return method === 'call.leave' && code === 'call-ended';
}
