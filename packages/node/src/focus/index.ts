// The conference service (focus, RFC 4353): lends rooms on a media engine to conversations, lets devices in on passes
// of the conversation's host, and carries offers and answers between the engine and devices, here or elsewhere.
import { randomBytes } from 'node:crypto';
import { FOCUS_STATEMENT, fingerprintsIn, mediaKeys } from '@parley/identity';
import type { MediaEngine, MediaRoom } from '@parley/media';
import {
  type Address,
  asParleyError,
  type ConversationId,
  type DeviceId,
  type Domain,
  domainOf,
  hostOf,
  ParleyError,
  type Source,
} from '@parley/protocol';
import type { Logger } from 'pino';
import type { RoomReport } from '../conversations/api.ts';
import type { DomainSigner, Federation } from '../federation/api.ts';
import type { Devices } from '../signalling/api.ts';
import type { Focus } from './api.ts';
import { admit, type Member, memberOf, type RoomRecord, readTicket } from './room.ts';

const MAX_ROOMS = 500;
/** A statement is read as soon as it has come. */
const STATEMENT_SECONDS = 60;

type Lent = RoomRecord & { readonly media: MediaRoom; readonly key: string; emptyTimer: NodeJS.Timeout | null };

export function createFocus(deps: {
  domain: Domain;
  /** Null: this provider runs no conferences. */
  engine: MediaEngine | null;
  emptySeconds: number;
  ticketType: string;
  devices: Devices;
  federation: Federation;
  signer: DomainSigner;
  log: Logger;
  /** Whether `host` may have a room here for that conversation. */
  mayLend: (host: Domain, conversation: ConversationId) => Promise<boolean>;
  /** Reports to a conversation hosted here. */
  report: (conversation: ConversationId, room: string, report: RoomReport) => Promise<void>;
}): Focus {
  const { domain, engine, emptySeconds, ticketType, devices, federation, signer, log, mayLend, report } = deps;
  const rooms = new Map<string, Lent>();
  /** Rooms being made or made, by conversation and epoch, so that a repeated request gets the same one. */
  const byAttempt = new Map<string, Promise<Lent>>();

  async function lend(host: Domain, conversation: ConversationId, epoch: number): Promise<Lent> {
    if (!engine) throw new ParleyError('no-conference-available', 'this provider runs no conferences');
    if (!(await mayLend(host, conversation))) throw new ParleyError('not-allowed');
    const key = `${conversation} ${epoch}`;
    const present = byAttempt.get(key);
    if (present) return present;
    if (byAttempt.size >= MAX_ROOMS) throw new ParleyError('no-conference-available', 'all rooms are taken');
    const made = open(engine, key, host, conversation, epoch);
    byAttempt.set(key, made);
    made.catch(() => byAttempt.delete(key));
    return made;
  }

  async function open(
    on: MediaEngine,
    key: string,
    host: Domain,
    conversation: ConversationId,
    epoch: number,
  ): Promise<Lent> {
    const id = `r_${randomBytes(16).toString('base64url')}`;
    const media = await on.createRoom({ id });
    const room: Lent = {
      id,
      host,
      conversation,
      epoch,
      members: new Map(),
      usedTickets: new Set(),
      media,
      key,
      emptyTimer: null,
    };
    rooms.set(id, room);
    media.on('offer', ({ device, leg, revision, sdp, sources }) => {
      const member = room.members.get(device);
      if (!member) return;
      const named = sources.flatMap(({ mid, publisher, kind }): Source[] => {
        const owner = room.members.get(publisher);
        return owner ? [{ mid, address: owner.address, kind }] : [];
      });
      stateMedia(room, member, sdp)
        .then((statement) => tell(member, 'focus.offer', { room: id, leg, revision, sdp, sources: named, statement }))
        .catch(failed(room));
    });
    media.on('connected', ({ device }) => {
      const member = room.members.get(device);
      if (member) tellHost(room, { type: 'connected', address: member.address, device: member.device });
    });
    media.on('legLost', ({ device }) => {
      const member = room.members.get(device);
      if (!member) return;
      tell(member, 'focus.closed', { room: id, reason: 'leg-lost' });
      tellHost(room, { type: 'leg-lost', address: member.address, device: member.device });
      collectIfEmpty(room);
    });
    media.on('closed', ({ reason }) => {
      forget(room);
      for (const member of room.members.values()) {
        tell(member, 'focus.closed', { room: id, reason: reason === 'closed' ? 'room-ended' : 'engine-lost' });
      }
      if (reason === 'engine-lost') tellHost(room, { type: 'room-lost' });
    });
    collectIfEmpty(room);
    log.info({ room: id, conversation, host }, 'conference room lent');
    return room;
  }

  /** This domain's word for the certificates of a session description, for one device (R53). */
  function stateMedia(room: RoomRecord, { address, device }: Member, sdp: string): Promise<string> {
    const claims = { aud: address, device, room: room.id, mky: mediaKeys(fingerprintsIn(sdp)) };
    return signer.sign(FOCUS_STATEMENT, claims, STATEMENT_SECONDS);
  }

  function forget(room: Lent): void {
    if (room.emptyTimer) clearTimeout(room.emptyTimer);
    rooms.delete(room.id);
    byAttempt.delete(room.key);
  }

  async function end(room: Lent): Promise<void> {
    forget(room);
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

  type Told = {
    'focus.offer': { room: string; leg: string; revision: number; sdp: string; sources: Source[]; statement: string };
    'focus.closed': { room: string; reason: 'room-ended' | 'engine-lost' | 'leg-lost' };
  };
  function tell<N extends keyof Told>(member: Member, method: N, params: Told[N]): void;
  function tell(member: Member, method: keyof Told, params: Told['focus.offer'] & Told['focus.closed']): void {
    if (member.domain === domain) {
      devices.tell(member.device, method, { focus: domain, ...params });
      return;
    }
    const { address, device } = member;
    federation.request(member.domain, method, { address, device, ...params }).catch((error: unknown) => {
      log.warn(
        { domain: member.domain, code: asParleyError(error).code },
        'a device of another provider could not be told',
      );
    });
  }

  function tellHost(room: RoomRecord, what: RoomReport): void {
    const told: Promise<unknown> =
      room.host === domain
        ? report(room.conversation, room.id, what)
        : federation.request(room.host, 'focus.report', {
            conversation: room.conversation,
            room: room.id,
            report: what,
          });
    told.catch(failed(room));
  }

  async function join(from: Domain, ticket: string, address: Address, device: DeviceId, sdp: string) {
    if (domainOf(address) !== from) throw new ParleyError('not-allowed');
    const room = rooms.get(roomNamedIn(ticket));
    if (!room) throw new ParleyError('unknown-room');
    const claims = readTicket(await verified(ticket, room.host));
    const name = admit(room, claims, { address, device, domain: from });
    try {
      const { leg, sdp: answer } = await room.media.publish(name, sdp);
      await room.media.subscribe(name);
      collectIfEmpty(room);
      const statement = await stateMedia(room, { address, device, domain: from }, answer);
      return { room: room.id, leg, sdp: answer, statement };
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

  async function leave(from: Domain, roomId: string, address: Address, device: DeviceId) {
    const room = rooms.get(roomId);
    if (!room) return {};
    const name = memberOf(room, from, address, device);
    room.members.delete(name);
    await room.media.remove(name);
    collectIfEmpty(room);
    return {};
  }

  devices.handle('focus.join', async ({ address, device }, { focus, ticket, sdp }) => {
    if (focus === domain) return join(domain, ticket, address, device, sdp);
    return federation.request(focus, 'focus.join', { ticket, address, device, sdp });
  });
  devices.handle('focus.answer', async ({ address, device }, { focus, room, leg, revision, sdp }) => {
    if (focus !== domain)
      return federation.request(focus, 'focus.answer', { room, address, device, leg, revision, sdp });
    memberOf(rooms.get(room), domain, address, device);
    await rooms.get(room)?.media.answer(leg, revision, sdp);
    return {};
  });
  devices.handle('focus.candidates', async ({ address, device }, { focus, room, leg, candidates }) => {
    if (focus !== domain)
      return federation.request(focus, 'focus.candidates', { room, address, device, leg, candidates });
    memberOf(rooms.get(room), domain, address, device);
    await rooms.get(room)?.media.addCandidates(leg, candidates);
    return {};
  });
  devices.handle('focus.leave', async ({ address, device }, { focus, room }) => {
    if (focus !== domain) return federation.request(focus, 'focus.leave', { room, address, device });
    return leave(domain, room, address, device);
  });
  devices.on('gone', ({ address, device }) => {
    for (const room of rooms.values()) leave(domain, room.id, address, device).catch(() => undefined);
  });

  federation.handle('focus.create', async (from, { conversation, epoch }) => {
    if (hostOf(conversation) !== from) throw new ParleyError('not-allowed', 'only the host asks for a room');
    return { room: (await lend(from, conversation, epoch)).id };
  });
  federation.handle('focus.close', async (from, { room: id }) => {
    const room = rooms.get(id);
    if (room && room.host !== from) throw new ParleyError('not-allowed');
    if (room) await end(room);
    return {};
  });
  federation.handle('focus.join', (from, p) => join(from, p.ticket, p.address, p.device, p.sdp));
  federation.handle('focus.answer', async (from, p) => {
    memberOf(rooms.get(p.room), from, p.address, p.device);
    await rooms.get(p.room)?.media.answer(p.leg, p.revision, p.sdp);
    return {};
  });
  federation.handle('focus.candidates', async (from, p) => {
    memberOf(rooms.get(p.room), from, p.address, p.device);
    await rooms.get(p.room)?.media.addCandidates(p.leg, p.candidates);
    return {};
  });
  federation.handle('focus.leave', (from, p) => leave(from, p.room, p.address, p.device));
  federation.handle('focus.offer', (from, { address, device, ...offer }) => {
    if (devices.ownerOf(device) !== address) throw new ParleyError('not-in-call');
    devices.tell(device, 'focus.offer', { focus: from, ...offer });
    return {};
  });
  federation.handle('focus.closed', (from, { address, device, room, reason }) => {
    if (devices.ownerOf(device) !== address) throw new ParleyError('not-in-call');
    devices.tell(device, 'focus.closed', { focus: from, room, reason });
    return {};
  });

  return {
    rooms: {
      async reserve(focus, conversation, epoch) {
        if (focus === domain) return (await lend(domain, conversation, epoch)).id;
        return (await federation.request(focus, 'focus.create', { conversation, epoch })).room;
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
      await engine?.close();
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
