// Everything this node has to do with one other provider: its link, the attempt to open one, and the requests that wait.
import {
  type Domain,
  type LinkMethod,
  type LinkParams,
  type LinkResult,
  MAX_FRAME_BYTES,
  ParleyError,
} from '@parley/protocol';
import type { Logger } from 'pino';
import { type Channel, closeCodes } from './channel.ts';
import type { Attempt, OpenLink } from './dial.ts';
import type { Dispatcher } from './dispatcher.ts';
import { decide } from './glare.ts';
import type { LinkLimits } from './limits.ts';
import { createLink, type Link, type Outgoing } from './link.ts';

export interface Peer {
  request<M extends LinkMethod>(method: M, params: LinkParams<M>): Promise<LinkResult<M>>;
  /** A channel that this provider has opened and proven. Throws `out-of-turn` if another link is kept instead. */
  admit(channel: Channel, acknowledge: () => void): Promise<void>;
  /** Nothing is up, underway or waiting. */
  readonly idle: boolean;
  close(): void;
}

export interface PeerOptions {
  readonly domain: Domain;
  readonly own: Domain;
  readonly requestMs: number;
  readonly dispatcher: Dispatcher;
  readonly limits: LinkLimits;
  readonly now: () => number;
  readonly log: Logger;
  readonly openLink: OpenLink;
  up(): void;
  down(): void;
  /** Perhaps `idle` now. */
  settled(): void;
}

export function createPeer(options: PeerOptions): Peer {
  const { domain, own, requestMs, dispatcher, limits, now, log } = options;
  const queue = new Set<Outgoing & { sent(forget: () => void): void }>();
  let current: { readonly link: Link; readonly openedBy: 'own' | 'peer' } | null = null;
  let attempt: Attempt | null = null;

  function flush(): void {
    for (const request of queue) {
      if (!current?.link.ready) return;
      queue.delete(request);
      request.sent(current.link.send(request));
    }
  }

  function failQueue(error: ParleyError): void {
    const failed = [...queue];
    queue.clear();
    for (const request of failed) request.settle({ error });
  }

  /** The link from now on. What `acknowledge` sends goes out before any request. */
  function adopt(channel: Channel, openedBy: 'own' | 'peer', acknowledge?: () => void): void {
    const old = current;
    const link = createLink(channel, {
      peer: domain,
      dispatcher,
      limits,
      now,
      ready: flush,
      closed: () => lost(link),
    });
    current = { link, openedBy };
    acknowledge?.();
    if (old) {
      // The other end has it no more, and with it has gone what was known there only while it was up.
      old.link.cut();
      options.down();
    }
    log.info({ peer: domain, openedBy }, 'link up');
    flush();
    options.up();
  }

  function lost(link: Link): void {
    if (current?.link !== link) return;
    current = null;
    log.info({ peer: domain }, 'link down');
    options.down();
    if (queue.size > 0) open();
    else options.settled();
  }

  function open(): void {
    if (current || attempt) return;
    const started: Attempt = options.openLink(domain, {
      proven(channel) {
        if (attempt === started) attempt = null;
        adopt(channel, 'own');
      },
      failed(error) {
        if (attempt === started) attempt = null;
        if (!current) failQueue(error);
        options.settled();
      },
    });
    attempt = started;
  }

  return {
    request<M extends LinkMethod>(method: M, params: LinkParams<M>) {
      return new Promise<LinkResult<M>>((resolve, reject) => {
        // Measured here, since a frame that is too large would cost the link.
        if (Buffer.byteLength(JSON.stringify(params)) > MAX_FRAME_BYTES - 256) {
          return reject(new ParleyError('message-too-large'));
        }
        if (queue.size >= limits.queued) return reject(new ParleyError('too-many-requests'));
        let forget: (() => void) | null = null;
        const deadline = setTimeout(() => {
          queue.delete(request);
          forget?.();
          reject(forget ? new ParleyError('timed-out') : new ParleyError('provider-unreachable', 'no link in time'));
          options.settled();
        }, requestMs);
        const request = {
          method,
          params,
          sent(how: () => void) {
            forget = how;
          },
          settle(outcome: { readonly result: unknown } | { readonly error: ParleyError }) {
            clearTimeout(deadline);
            if ('error' in outcome) reject(outcome.error);
            // Checked by the schema of this method.
            else resolve(outcome.result as LinkResult<M>);
          },
        };
        queue.add(request);
        flush();
        if (queue.has(request)) open();
      });
    },

    async admit(channel, acknowledge) {
      for (;;) {
        if (!channel.open) throw new ParleyError('out-of-turn', 'closed meanwhile');
        const decision = decide({
          own,
          peer: domain,
          current: current?.openedBy ?? null,
          attempt: attempt?.stage ?? 'none',
        });
        if (decision === 'accept') {
          attempt?.abandon();
          attempt = null;
          return adopt(channel, 'peer', acknowledge);
        }
        if (decision === 'await-attempt') await attempt?.settled;
        else if (await current?.link.probe()) throw new ParleyError('out-of-turn', 'another link is up');
      }
    },

    get idle() {
      return current === null && attempt === null && queue.size === 0;
    },
    close() {
      attempt?.abandon();
      attempt = null;
      failQueue(new ParleyError('provider-unreachable', 'this node goes down'));
      current?.link.close(closeCodes.goingAway, 'going away');
    },
  };
}
