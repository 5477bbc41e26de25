// Coming into a call by a link: asks to come in, waits to be let in, and answers as soon as it rings.
import { type ConversationId, LOBBY_SECONDS, type NotificationParams, ParleyError } from '@parley/protocol';
import type { Call, IncomingCall, Readable } from './api.ts';
import { createStore, until } from './readable.ts';
import type { Request } from './socket.ts';

type Options = Parameters<IncomingCall['accept']>[0];

export interface Entering {
  readonly waiting: Readable<boolean>;
  enter(conversation: ConversationId, options?: Options): Promise<Call>;
  /** Whoever waited is not let in. */
  lobby(params: NotificationParams<'call.lobby'>): void;
  /** The node knows this device no more: asks anew. */
  again(): void;
}

/** The host ends the waiting; this is for a host that does not. */
const PATIENCE_MS = (LOBBY_SECONDS + 60) * 1000;

/** @param guest only guests ask on their own; for others the link was asked by HTTP */
export function createEntering(options: {
  guest: boolean;
  incoming: Readable<readonly IncomingCall[]>;
  request: Request;
}): Entering {
  const { guest, incoming, request } = options;
  const waiting = createStore(false);
  let under: { conversation: ConversationId; refuse(error: ParleyError): void } | null = null;

  async function ask(conversation: ConversationId): Promise<void> {
    const answer = await request('call.enter', { conversation });
    if (under?.conversation === conversation) waiting.set(answer.waiting);
  }
  const ringing = (conversation: ConversationId) =>
    incoming.get().find((call) => call.conversation === conversation) ?? null;

  return {
    waiting,
    async enter(conversation, media) {
      if (under) throw new ParleyError('already-in-call');
      const refused = Promise.withResolvers<never>();
      under = { conversation, refuse: refused.reject };
      try {
        if (guest && !ringing(conversation)) await ask(conversation);
        const rings = until(
          incoming,
          () => ringing(conversation) !== null,
          PATIENCE_MS,
          () => new ParleyError('timed-out'),
        );
        await Promise.race([rings, refused.promise]);
        waiting.set(false);
        const call = ringing(conversation);
        if (!call) throw new ParleyError('call-ended');
        return await call.accept(media);
      } finally {
        under = null;
        waiting.set(false);
      }
    },
    lobby({ conversation, outcome }) {
      if (under?.conversation !== conversation) return;
      const code = outcome === 'call-ended' ? 'call-ended' : outcome === 'refused' ? 'not-let-in' : 'timed-out';
      under.refuse(new ParleyError(code));
    },
    again() {
      const asked = under;
      if (guest && asked && !ringing(asked.conversation)) ask(asked.conversation).catch(asked.refuse);
    },
  };
}
