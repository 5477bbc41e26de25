// What the focus says to devices in its rooms, here or at another provider, and to the hosts of conversations.
import { FOCUS_STATEMENT, fingerprintsIn, mediaKeys } from '@parley/identity';
import { type Address, asParleyError, type ConversationId, type Domain, type Source } from '@parley/protocol';
import type { Logger } from 'pino';
import type { RoomReport } from '../conversations/api.ts';
import type { DomainSigner, Federation } from '../federation/api.ts';
import type { Devices } from '../signalling/api.ts';
import type { Member, RoomRecord } from './room.ts';

/** A statement is read as soon as it has come. */
const STATEMENT_SECONDS = 60;

type Told = {
  'focus.offer': { room: string; leg: string; revision: number; sdp: string; sources: Source[]; statement: string };
  'focus.wanted': { room: string; leg: string; mid: string; rids: string[] };
  'focus.speaker': { room: string; speaker: Address | null };
  'focus.closed': { room: string; reason: 'room-ended' | 'engine-lost' | 'leg-lost' };
};

export interface Telling {
  /** Returns without waiting; whoever cannot be told notices by the media. */
  tell<N extends keyof Told>(member: Member, method: N, params: Told[N]): void;
  /** Resolves when the host has taken it. Errors: the host's, and those of the link. */
  tellHost(room: RoomRecord, what: RoomReport): Promise<void>;
  /** This domain's word for the certificates of a session description, for one device (R53). */
  stateMedia(room: RoomRecord, member: Member, sdp: string): Promise<string>;
}

export function createTelling(deps: {
  domain: Domain;
  devices: Devices;
  federation: Federation;
  signer: DomainSigner;
  log: Logger;
  /** Reports to a conversation hosted here. */
  report: (conversation: ConversationId, room: string, report: RoomReport) => Promise<void>;
}): Telling {
  const { domain, devices, federation, signer, log, report } = deps;

  function tell<N extends keyof Told>(member: Member, method: N, params: Told[N]): void;
  function tell(
    member: Member,
    method: keyof Told,
    params: Told['focus.offer'] & Told['focus.closed'] & Told['focus.wanted'] & Told['focus.speaker'],
  ): void {
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

  return {
    tell,
    async tellHost({ host, conversation, id: room }, what) {
      if (host === domain) await report(conversation, room, what);
      else await federation.request(host, 'focus.report', { conversation, room, report: what });
    },
    stateMedia(room, { address, device }, sdp) {
      const claims = { aud: address, device, room: room.id, mky: mediaKeys(fingerprintsIn(sdp)) };
      return signer.sign(FOCUS_STATEMENT, claims, STATEMENT_SECONDS);
    },
  };
}
