// A conference room ends with the node that lends it. After a restart the hosts of calls that were in one are told, so
// that each call goes on in another room, or directly.
import { activeCall, type ConversationId, type ConversationState, type Domain, hostOf } from '@parley/protocol';
import type { Federation } from '../federation/api.ts';

export interface LostRooms {
  /** Tells this host, here or elsewhere, what it has not been told yet. */
  tell(host: Domain): void;
}

/** @param before the calls that were going on when the node stopped */
export function createLostRooms(deps: {
  domain: Domain;
  federation: Federation;
  before: Iterable<ConversationState>;
  /** To a conversation hosted here. */
  report: (id: ConversationId, room: string) => Promise<void>;
  failed: (id: ConversationId, error: unknown) => void;
}): LostRooms {
  const { domain, federation, report, failed } = deps;
  /** Rooms and their conversations, until the host knows. */
  const lost = new Map<string, ConversationId>();
  for (const state of deps.before) for (const room of roomsAt(domain, state)) lost.set(room, state.id);

  async function tellOne(id: ConversationId, room: string): Promise<void> {
    lost.delete(room);
    try {
      if (hostOf(id) === domain) await report(id, room);
      else
        await federation.request(hostOf(id), 'focus.report', { conversation: id, room, report: { type: 'room-lost' } });
    } catch (error) {
      // Told again when the link to that provider is up.
      lost.set(room, id);
      failed(id, error);
    }
  }

  return {
    tell(host) {
      for (const [room, id] of [...lost]) if (hostOf(id) === host) void tellOne(id, room);
    },
  };
}

function roomsAt(domain: Domain, state: ConversationState): string[] {
  const call = activeCall(state);
  return [call?.path.focus, call?.transfer?.focus].flatMap((focus) => (focus?.domain === domain ? [focus.room] : []));
}
