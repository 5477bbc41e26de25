// How many packets a leg has carried: only Janus' Admin API tells. It is asked when somebody wants to know, over a
// connection of its own.
import { once } from 'node:events';
import WebSocket from 'ws';
import { z } from 'zod';
import type { LegStatistics } from '../engine.ts';

export interface AdminOptions {
  /** The Admin API by WebSocket, as `ws://127.0.0.1:7188`. */
  readonly url: string;
  /** The server's `admin_secret`. */
  readonly secret: string;
}

export interface HandleName {
  readonly session: number;
  readonly handle: number;
}

export type Counters = Pick<LegStatistics, 'packetsReceived' | 'packetsSent' | 'keyframeRequests' | 'retransmissions'>;

export const unknownCounters: Counters = {
  packetsReceived: null,
  packetsSent: null,
  keyframeRequests: null,
  retransmissions: null,
};

const DEADLINE_MS = 5000;
const MAX_MESSAGE = 1024 * 1024;

const direction = z.object({ packets: z.number().default(0), nacks: z.number().default(0) });
const replySchema = z.object({
  transaction: z.string(),
  info: z
    .object({
      webrtc: z
        .object({ media: z.record(z.string(), z.object({ stats: z.object({ in: direction, out: direction }) })) })
        .optional(),
    })
    .optional(),
});

/** The counters of each handle, in order; of those the server does not tell of, and without it, unknown ones. */
export async function readCounters(admin: AdminOptions, handles: readonly HandleName[]): Promise<Counters[]> {
  const found = handles.map(() => unknownCounters);
  if (handles.length === 0) return found;
  const socket = new WebSocket(admin.url, 'janus-admin-protocol', {
    handshakeTimeout: DEADLINE_MS,
    maxPayload: MAX_MESSAGE,
  });
  const deadline = setTimeout(() => socket.terminate(), DEADLINE_MS);
  let left = handles.length;
  socket.on('message', (data) => {
    const reply = replySchema.safeParse(parsed(String(data)));
    if (!reply.success) return;
    const index = Number(reply.data.transaction);
    if (found[index]) found[index] = countersOf(reply.data);
    left -= 1;
    if (left === 0) socket.close();
  });
  try {
    const closed = once(socket, 'close');
    await once(socket, 'open');
    handles.forEach(({ session: session_id, handle: handle_id }, index) => {
      const ask = { janus: 'handle_info', session_id, handle_id, transaction: String(index) };
      socket.send(JSON.stringify({ ...ask, admin_secret: admin.secret }));
    });
    await closed;
  } catch {
    // Out of reach: nothing is known, and nobody needs it to talk.
  } finally {
    clearTimeout(deadline);
    socket.terminate();
  }
  return found;
}

function countersOf({ info }: z.infer<typeof replySchema>): Counters {
  const sections = Object.values(info?.webrtc?.media ?? {}).map(({ stats }) => stats);
  if (!info) return unknownCounters;
  const sum = (of: (stats: (typeof sections)[number]) => number) => sections.reduce((total, s) => total + of(s), 0);
  return {
    packetsReceived: sum((stats) => stats.in.packets),
    packetsSent: sum((stats) => stats.out.packets),
    // Nor does the Admin API count those.
    keyframeRequests: null,
    // Packets asked for: on the way in by Janus, on the way out by the receiver.
    retransmissions: sum((stats) => stats.in.nacks + stats.out.nacks),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
