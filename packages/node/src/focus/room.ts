// One lent conference room: which devices may be in it, whose they are, and which passes have been used. Pure state;
// the engine's part is MediaRoom.
import type { WantedPicture } from '@parley/media';
import {
  type Address,
  addressSchema,
  type ConversationId,
  conversationIdSchema,
  type DeviceId,
  type Domain,
  deviceIdSchema,
  epochSchema,
  ParleyError,
  parseWith,
  roomIdSchema,
  type WantedPictures,
} from '@parley/protocol';
import { z } from 'zod';

/** More devices than the largest conversation has people are an attack or a mistake. */
const MAX_MEMBERS = 64;
/** Passes remembered as used; each device needs one for every fresh pair of legs. */
const MAX_USED = 1024;

export interface Member {
  readonly address: Address;
  readonly device: DeviceId;
  /** The provider that speaks for the device. */
  readonly domain: Domain;
  /** How large it shows whom, also of people who are still to come. */
  readonly pictures?: WantedPictures;
}

export interface RoomRecord {
  readonly id: string;
  readonly host: Domain;
  readonly conversation: ConversationId;
  readonly epoch: number;
  /** By the name under which the engine knows the device. */
  readonly members: Map<string, Member>;
  readonly usedTickets: Set<string>;
}

const ticketSchema = z.object({
  iss: z.string(),
  aud: z.string(),
  sub: addressSchema,
  device: deviceIdSchema,
  room: roomIdSchema,
  conversation: conversationIdSchema,
  epoch: epochSchema,
  jti: z.string().min(8).max(128),
});
export type TicketClaims = z.infer<typeof ticketSchema>;

export function readTicket(claims: unknown): TicketClaims {
  return parseWith(ticketSchema, claims, 'ticket-invalid');
}

/** The engine's name for a device: device ids are unique per provider only. */
export function memberName(address: Address, device: DeviceId): string {
  return `${device} ${address}`;
}

/**
 * Lets a device in on its pass, once. The signature has been checked; this checks what the pass says.
 * Throws `ticket-invalid` (for another device, room or conversation; used before) or `conversation-full`.
 */
export function admit(room: RoomRecord, ticket: TicketClaims, member: Member): string {
  const fits =
    ticket.room === room.id &&
    ticket.conversation === room.conversation &&
    ticket.iss === room.host &&
    ticket.sub === member.address &&
    ticket.device === member.device;
  if (!fits) throw new ParleyError('ticket-invalid', 'made for somebody or something else');
  if (room.usedTickets.has(ticket.jti)) throw new ParleyError('ticket-invalid', 'used before');
  if (room.usedTickets.size >= MAX_USED) throw new ParleyError('too-many-requests');
  const name = memberName(member.address, member.device);
  if (!room.members.has(name) && room.members.size >= MAX_MEMBERS) throw new ParleyError('conversation-full');
  room.usedTickets.add(ticket.jti);
  room.members.set(name, member);
  return name;
}

/** The member, if this provider speaks for it. Throws `unknown-room`. */
export function memberOf(room: RoomRecord | undefined, from: Domain, address: Address, device: DeviceId): string {
  const name = memberName(address, device);
  if (room?.members.get(name)?.domain !== from) throw new ParleyError('unknown-room');
  return name;
}

/** A device's wishes by people, as wishes by the names under which the engine knows their devices. */
export function wantedOf(room: RoomRecord, pictures: WantedPictures): WantedPicture[] {
  const heights = new Map(pictures.map(({ address, height }) => [address, height]));
  return [...room.members].flatMap(([publisher, { address }]): WantedPicture[] => {
    const height = heights.get(address);
    return height === undefined ? [] : [{ publisher, height }];
  });
}
