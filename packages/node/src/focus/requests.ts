// Who asks what of conferences: devices of this node, of conferences here or at another provider; other providers, of those
// here; and what the conferences of other providers say to devices of this node.
import {
  type Address,
  type Candidate,
  type ConferenceNeeds,
  type ConversationId,
  type DeviceId,
  type Domain,
  hostOf,
  ParleyError,
  type WantedPictures,
} from '@parley/protocol';
import type { Conversations } from '../conversations/api.ts';
import type { Federation } from '../federation/api.ts';
import type { Devices } from '../signalling/api.ts';

/** A device in a room here, and the provider that speaks for it. */
export interface Asker {
  readonly from: Domain;
  readonly room: string;
  readonly address: Address;
  readonly device: DeviceId;
}

/** The conferences of this node. Each call checks what `from` may ask for; errors: `not-allowed`, `unknown-room`, `not-in-call`. */
export interface Conferences {
  lend(host: Domain, conversation: ConversationId, epoch: number, needs?: ConferenceNeeds): Promise<{ id: string }>;
  close(from: Domain, room: string): Promise<void>;
  record(from: Domain, room: string, recording: number, on: boolean): Promise<void>;
  join(from: Domain, ticket: string, address: Address, device: DeviceId, sdp: string): Promise<Joined>;
  answer(asker: Asker, leg: string, revision: number, sdp: string): Promise<void>;
  addCandidates(asker: Asker, leg: string, candidates: readonly Candidate[]): Promise<void>;
  prefer(asker: Asker, pictures: WantedPictures): Promise<void>;
  leave(asker: Asker): Promise<void>;
  /** As `leave`, by the host's will. */
  evict(asker: Asker): Promise<void>;
}

export interface Joined {
  readonly room: string;
  readonly leg: string;
  readonly sdp: string;
  readonly statement: string;
  readonly offers: { readonly mixing: boolean; readonly recording: boolean };
}

export function addRequests(deps: {
  domain: Domain;
  devices: Devices;
  federation: Federation;
  conferences: Conferences;
  /** A pass for a device of this node, wherever the conversation is hosted and the conference is. */
  passFor: Conversations['pass'];
}): void {
  fromDevices(deps);
  fromProviders(deps);
  toDevices(deps);
}

type Deps = Parameters<typeof addRequests>[0];

function fromDevices({ domain, devices, federation, conferences, passFor }: Deps): void {
  devices.handle('focus.join', async ({ address, device }, { conversation, epoch, sdp }) => {
    const { focus, ticket } = await passFor(conversation, epoch, address, device);
    if (focus === domain) return conferences.join(domain, ticket, address, device, sdp);
    return federation.request(focus, 'focus.join', { ticket, address, device, sdp });
  });
  devices.handle('focus.answer', async ({ address, device }, { focus, room, ...answer }) => {
    if (focus !== domain) return federation.request(focus, 'focus.answer', { room, address, device, ...answer });
    const { leg, revision, sdp } = answer;
    await conferences.answer({ from: domain, room, address, device }, leg, revision, sdp);
    return {};
  });
  devices.handle('focus.candidates', async ({ address, device }, { focus, room, leg, candidates }) => {
    if (focus !== domain)
      return federation.request(focus, 'focus.candidates', { room, address, device, leg, candidates });
    await conferences.addCandidates({ from: domain, room, address, device }, leg, candidates);
    return {};
  });
  devices.handle('focus.prefer', async ({ address, device }, { focus, room, pictures }) => {
    if (focus !== domain) return federation.request(focus, 'focus.prefer', { room, address, device, pictures });
    await conferences.prefer({ from: domain, room, address, device }, pictures);
    return {};
  });
  devices.handle('focus.leave', async ({ address, device }, { focus, room }) => {
    if (focus !== domain) return federation.request(focus, 'focus.leave', { room, address, device });
    await conferences.leave({ from: domain, room, address, device });
    return {};
  });
}

function fromProviders({ federation, conferences }: Deps): void {
  federation.handle('focus.create', async (from, { conversation, epoch, needs }) => {
    if (hostOf(conversation) !== from) throw new ParleyError('not-allowed', 'only the host asks for a room');
    return { room: (await conferences.lend(from, conversation, epoch, needs)).id };
  });
  federation.handle('focus.close', async (from, { room }) => {
    await conferences.close(from, room);
    return {};
  });
  federation.handle('focus.record', async (from, { room, recording, on }) => {
    await conferences.record(from, room, recording, on);
    return {};
  });
  federation.handle('focus.join', (from, p) => conferences.join(from, p.ticket, p.address, p.device, p.sdp));
  federation.handle('focus.answer', async (from, { leg, revision, sdp, ...asker }) => {
    await conferences.answer({ from, ...asker }, leg, revision, sdp);
    return {};
  });
  federation.handle('focus.candidates', async (from, { leg, candidates, ...asker }) => {
    await conferences.addCandidates({ from, ...asker }, leg, candidates);
    return {};
  });
  federation.handle('focus.prefer', async (from, { pictures, ...asker }) => {
    await conferences.prefer({ from, ...asker }, pictures);
    return {};
  });
  federation.handle('focus.leave', async (from, asker) => {
    await conferences.leave({ from, ...asker });
    return {};
  });
  federation.handle('focus.evict', async (from, asker) => {
    await conferences.evict({ from, ...asker });
    return {};
  });
}

function toDevices({ devices, federation }: Deps): void {
  const requireOwn = (address: Address, device: DeviceId) => {
    if (devices.ownerOf(device) !== address) throw new ParleyError('not-in-call');
  };
  federation.handle('focus.offer', (focus, { address, device, ...offer }) => {
    requireOwn(address, device);
    devices.tell(device, 'focus.offer', { focus, ...offer });
    return {};
  });
  federation.handle('focus.wanted', (focus, { address, device, ...wanted }) => {
    requireOwn(address, device);
    devices.tell(device, 'focus.wanted', { focus, ...wanted });
    return {};
  });
  federation.handle('focus.speaker', (focus, { address, device, ...speaking }) => {
    requireOwn(address, device);
    devices.tell(device, 'focus.speaker', { focus, ...speaking });
    return {};
  });
  federation.handle('focus.closed', (focus, { address, device, ...closed }) => {
    requireOwn(address, device);
    devices.tell(device, 'focus.closed', { focus, ...closed });
    return {};
  });
}
