// The conference service (focus, RFC 4353): lends rooms on media engines to conversations, lets devices in on passes of
// the conversation's host, and carries offers and answers between the engine and devices, here or elsewhere.
import { randomBytes } from 'node:crypto';
import { type MediaRoom, mixedSource } from '@parley/media';
import {
  type Address,
  asParleyError,
  type ConferenceNeeds,
  type ConversationId,
  type DeviceId,
  type Domain,
  domainOf,
  ParleyError,
  type Source,
} from '@parley/protocol';
import type { Logger } from 'pino';
import type { Conversations, RoomReport } from '../conversations/api.ts';
import type { DomainSigner, Federation } from '../federation/api.ts';
import type { Recordings } from '../recordings/api.ts';
import type { Devices } from '../signalling/api.ts';
import type { Focus } from './api.ts';
import type { EnginePool, PlacedRoom } from './engine-pool.ts';
import { createMoving } from './moving.ts';
import { addReceiving } from './receiving.ts';
import { createRecorder } from './recorder.ts';
import { type Asker, addRequests, type Conferences, type Joined } from './requests.ts';
import { admit, memberName, memberOf, type RoomRecord, readTicket, wantedOf } from './room.ts';
import { createTelling } from './telling.ts';

const MAX_ROOMS = 500;
/** Of one conversation, whose attempts overlap, and of one other provider: no host takes the rooms from all others. */
const MAX_ROOMS_OF_CONVERSATION = 6;
const MAX_ROOMS_OF_HOST = 100;
/** Who is expected in a room of which nothing is known yet. */
const USUAL_DEVICES = 3;

export type Lent = RoomRecord &
  PlacedRoom & { readonly media: MediaRoom; readonly key: string; emptyTimer: NodeJS.Timeout | null };

export function createFocus(deps: {
  domain: Domain;
  /** Null: this provider runs no conferences. */
  pool: EnginePool | null;
  recordings: { readonly store: Recordings; readonly maxMinutes: number };
  emptySeconds: number;
  ticketType: string;
  devices: Devices;
  federation: Federation;
  signer: DomainSigner;
  log: Logger;
  /** Whether `host` may have a room here for that conversation. */
  mayLend: (host: Domain, conversation: ConversationId) => Promise<boolean>;
  /** A pass for a device of this node, wherever the conversation is hosted and the conference is. */
  passFor: Conversations['pass'];
  /** Reports to a conversation hosted here. */
  report: (conversation: ConversationId, room: string, report: RoomReport) => Promise<void>;
}): Focus {
  const { domain, pool, emptySeconds, ticketType, devices, federation, signer, log, mayLend } = deps;
  const { tell, tellHost, stateMedia } = createTelling(deps);
  const recorder = createRecorder({
    recordings: deps.recordings.store,
    maxMinutes: deps.recordings.maxMinutes,
    tellHost,
    log,
  });
  const moving = pool && createMoving<Lent>({ pool, ask: (room) => tellHost(room, { type: 'move', needs: {} }), log });
  const rooms = new Map<string, Lent>();
  /** Rooms being made or made, by conversation and epoch, so that a repeated request gets the same one. */
  const byAttempt = new Map<string, Promise<Lent>>();

  async function lend(
    host: Domain,
    conversation: ConversationId,
    epoch: number,
    needs: ConferenceNeeds = {},
  ): Promise<Lent> {
    if (!pool) throw new ParleyError('no-conference-available', 'this provider runs no conferences');
    if (!(await mayLend(host, conversation))) throw new ParleyError('not-allowed');
    const key = `${conversation} ${epoch}`;
    const present = byAttempt.get(key);
    if (present) return present;
    requireFew(host, conversation);
    if (byAttempt.size >= MAX_ROOMS) throw new ParleyError('no-conference-available', 'all rooms are taken');
    const made = open(pool, key, host, conversation, epoch, needs);
    byAttempt.set(key, made);
    made.catch(() => byAttempt.delete(key));
    return made;
  }

  function requireFew(host: Domain, conversation: ConversationId): void {
    const count = (fits: (key: string) => boolean) => [...byAttempt.keys()].filter(fits).length;
    const ofHost = host === domain ? 0 : count((key) => key.includes(`@${host} `));
    if (ofHost < MAX_ROOMS_OF_HOST && count((key) => key.startsWith(`${conversation} `)) < MAX_ROOMS_OF_CONVERSATION)
      return;
    throw new ParleyError('too-many-requests', 'so many rooms are lent to this host already');
  }

  async function open(
    on: EnginePool,
    key: string,
    host: Domain,
    conversation: ConversationId,
    epoch: number,
    needs: ConferenceNeeds,
  ): Promise<Lent> {
    const id = `r_${randomBytes(16).toString('base64url')}`;
    // A conference that moves needs a seat for everybody at once.
    const now = [...rooms.values()].filter((room) => room.conversation === conversation).map((r) => r.members.size);
    const placed = await on.place(id, needs, Math.max(USUAL_DEVICES, ...now));
    const { media } = placed;
    const room: Lent = {
      ...placed,
      id,
      host,
      conversation,
      epoch,
      members: new Map(),
      usedTickets: new Set(),
      key,
      emptyTimer: null,
    };
    rooms.set(id, room);
    media.on('offer', ({ device, leg, revision, sdp, sources }) => {
      const member = room.members.get(device);
      if (!member) return;
      const named = sources.flatMap(({ mid, publisher, kind }): Source[] => {
        if (publisher === mixedSource) return [{ mid, address: null, kind }];
        const owner = room.members.get(publisher);
        return owner ? [{ mid, address: owner.address, kind }] : [];
      });
      stateMedia(room, member, sdp)
        .then((statement) => tell(member, 'focus.offer', { room: id, leg, revision, sdp, sources: named, statement }))
        .catch(failed(room));
    });
    media.on('wanted', ({ device, leg, mid, rids }) => {
      const member = room.members.get(device);
      if (member) tell(member, 'focus.wanted', { room: id, leg, mid, rids: [...rids] });
    });
    media.on('speaker', ({ device }) => {
      const speaker = (device !== null && room.members.get(device)?.address) || null;
      for (const member of room.members.values()) tell(member, 'focus.speaker', { room: id, speaker });
    });
    media.on('connected', ({ device }) => {
      const member = room.members.get(device);
      if (member) report(room, { type: 'connected', address: member.address, device: member.device });
    });
    media.on('legLost', ({ device }) => {
      const member = room.members.get(device);
      if (!member) return;
      tell(member, 'focus.closed', { room: id, reason: 'leg-lost' });
      report(room, { type: 'leg-lost', address: member.address, device: member.device });
      collectIfEmpty(room);
    });
    media.on('closed', ({ reason }) => {
      forget(room);
      for (const member of room.members.values()) {
        tell(member, 'focus.closed', { room: id, reason: reason === 'closed' ? 'room-ended' : 'engine-lost' });
      }
      recorder.lost(room);
      if (reason === 'engine-lost') report(room, { type: 'room-lost' });
    });
    collectIfEmpty(room);
    moving?.began(room);
    log.info({ room: id, conversation, host, engine: placed.engine }, 'conference room lent');
    return room;
  }

  function forget(room: Lent): void {
    if (room.emptyTimer) clearTimeout(room.emptyTimer);
    rooms.delete(room.id);
    byAttempt.delete(room.key);
    moving?.ended(room);
  }

  async function end(room: Lent): Promise<void> {
    forget(room);
    await recorder.end(room);
    await room.media.close();
    log.info({ room: room.id, conversation: room.conversation }, 'conference room ended');
  }

  /** A room nobody is in is freed after a while (R29, R55); the host usually asks earlier. */
  function collectIfEmpty(room: Lent): void {
    if (room.emptyTimer) clearTimeout(room.emptyTimer);
    room.emptyTimer = null;
    if (room.media.devices().length > 0 || !rooms.has(room.id)) return;
    room.emptyTimer = setTimeout(() => void end(room).catch(failed(room)), emptySeconds * 1000).unref();
  }

  const failed = (room: RoomRecord) => (error: unknown) => {
    log.warn({ room: room.id, code: asParleyError(error).code, err: error }, 'a step of a conference failed');
  };

  function report(room: RoomRecord, what: RoomReport): void {
    tellHost(room, what).catch(failed(room));
  }

  async function join(from: Domain, ticket: string, address: Address, device: DeviceId, sdp: string): Promise<Joined> {
    if (domainOf(address) !== from) throw new ParleyError('not-allowed');
    const room = rooms.get(roomNamedIn(ticket));
    if (!room) throw new ParleyError('unknown-room');
    const claims = readTicket(await verified(ticket, room.host));
    if (!room.media.devices().includes(memberName(address, device))) pool?.requireSeat(room);
    const name = admit(room, claims, { address, device, domain: from });
    try {
      const { leg, sdp: answer } = await room.media.publish(name, sdp);
      await room.media.subscribe(name);
      if (!room.members.has(name)) {
        // Has left the call meanwhile.
        await room.media.remove(name);
        throw new ParleyError('not-in-call');
      }
      collectIfEmpty(room);
      preferAnew(room).catch(failed(room));
      const statement = await stateMedia(room, { address, device, domain: from }, answer);
      const { mixing = false, recording = false } = pool?.offers() ?? {};
      return { room: room.id, leg, sdp: answer, statement, offers: { mixing, recording } };
    } catch (error) {
      if (!room.media.devices().includes(name)) room.members.delete(name);
      throw error;
    }
  }

  async function verified(ticket: string, host: Domain): Promise<Record<string, unknown>> {
    try {
      return await signer.verify(ticketType, ticket, host, domain);
    } catch (error) {
      throw new ParleyError('ticket-invalid', asParleyError(error).details, { cause: error });
    }
  }

  /** Whoever has come was shown in some size before, while it rang: nobody tells that again. */
  async function preferAnew(room: Lent): Promise<void> {
    for (const [name, { pictures }] of room.members) {
      if (pictures) await room.media.prefer(name, wantedOf(room, pictures));
    }
  }

  async function takeOut(room: Lent, name: string): Promise<void> {
    room.members.delete(name);
    await room.media.remove(name);
    collectIfEmpty(room);
  }

  const memberIn = ({ from, room, address, device }: Asker) => memberOf(rooms.get(room), from, address, device);
  const conferences: Conferences = {
    lend,
    join,
    async close(from, id) {
      const room = rooms.get(id);
      if (room && room.host !== from) throw new ParleyError('not-allowed');
      if (room) await end(room);
    },
    async record(from, id, recording, on) {
      const room = rooms.get(id);
      if (room && room.host !== from) throw new ParleyError('not-allowed', 'only the host has a room recorded');
      if (!room && on) throw new ParleyError('unknown-room');
      if (room) await (on ? recorder.begin(room, recording) : recorder.end(room));
    },
    async answer(asker, leg, revision, sdp) {
      memberIn(asker);
      await rooms.get(asker.room)?.media.answer(leg, revision, sdp);
    },
    async addCandidates(asker, leg, candidates) {
      memberIn(asker);
      await rooms.get(asker.room)?.media.addCandidates(leg, candidates);
    },
    async prefer(asker, pictures) {
      const room = rooms.get(asker.room);
      const name = memberIn(asker);
      const member = room?.members.get(name);
      if (!room || !member) return;
      room.members.set(name, { ...member, pictures });
      await room.media.prefer(name, wantedOf(room, pictures));
    },
    async leave(asker) {
      const room = rooms.get(asker.room);
      if (room) await takeOut(room, memberIn(asker));
    },
    /** Nobody is heard, seen or recorded who has left the call, whatever their device does. */
    async evict({ from, room: id, address, device }) {
      const room = rooms.get(id);
      if (room && room.host !== from) throw new ParleyError('not-allowed', 'only the host has somebody taken out');
      const name = memberName(address, device);
      if (room?.members.has(name)) await takeOut(room, name);
    },
  };
  addRequests({ domain, devices, federation, conferences, passFor: deps.passFor });
  addReceiving({ domain, devices, federation, pool, room: (id) => rooms.get(id), tellHost });
  devices.on('gone', ({ address, device }) => {
    for (const { id } of rooms.values()) {
      conferences.leave({ from: domain, room: id, address, device }).catch(() => undefined);
    }
  });

  return {
    rooms: {
      async reserve(focus, conversation, epoch, needs = {}) {
        if (focus === domain) return (await lend(domain, conversation, epoch, needs)).id;
        return (await federation.request(focus, 'focus.create', { conversation, epoch, needs })).room;
      },
      async record({ domain: focus, room }, recording, on) {
        if (focus === domain) await conferences.record(domain, room, recording, on);
        else await federation.request(focus, 'focus.record', { room, recording, on });
      },
      evict({ domain: focus, room: id }, address, device) {
        const done: Promise<unknown> =
          focus === domain
            ? conferences.evict({ from: domain, room: id, address, device })
            : federation.request(focus, 'focus.evict', { room: id, address, device });
        done.catch((error: unknown) => {
          log.warn({ focus, room: id, code: asParleyError(error).code }, 'who left the call could not be taken out');
        });
      },
      release(focus, id) {
        const room = rooms.get(id);
        if (focus === domain && room) void end(room).catch(failed(room));
        if (focus === domain) return;
        federation.request(focus, 'focus.close', { room: id }).catch((error: unknown) => {
          log.warn(
            { focus, code: asParleyError(error).code },
            'a room could not be given back; its focus will collect it',
          );
        });
      },
    },
    async counts() {
      const legs = await Promise.all([...rooms.values()].map((room) => room.media.statistics()));
      return { rooms: rooms.size, legs: legs.flat().length };
    },
    async close() {
      await Promise.allSettled([...rooms.values()].map(end));
      moving?.close();
      recorder.close();
      await pool?.close();
    },
  };
}

/** Which room a pass is for, read before its signature is checked; only used to find whose signature it must be. */
function roomNamedIn(ticket: string): string {
  try {
    const claims: unknown = JSON.parse(Buffer.from(ticket.split('.')[1] ?? '', 'base64url').toString('utf8'));
    if (typeof claims === 'object' && claims !== null && 'room' in claims && typeof claims.room === 'string')
      return claims.room;
  } catch {
    // Not a JWS: the error below says so.
  }
  throw new ParleyError('ticket-invalid', 'not a signed pass');
}
