// Keeps registered devices in the database, so that a node that was restarted, or killed, knows them when they come back.
import { type Address, type DeviceId, isGuestAddress } from '@parley/protocol';
import type { Storage } from '../storage/index.ts';
import type { WebSession } from './device.ts';

export interface KeptDevice {
  readonly id: DeviceId;
  readonly session: WebSession;
  /** Hashes of the resume tokens that are good, the newest first. */
  readonly tokens: readonly string[];
}

export interface DeviceStore {
  /** Writes a device, or its new tokens. */
  keep(device: KeptDevice): Promise<void>;
  forget(id: DeviceId): Promise<void>;
  /** Devices whose web session is good at `now` (milliseconds since 1970), oldest first; the others are deleted. */
  load(now: number): Promise<KeptDevice[]>;
}

/** @param company the name of this provider, which its people bear */
export function createDeviceStore(db: Storage, company: string, now: () => number = Date.now): DeviceStore {
  return {
    async keep({ id, session, tokens }) {
      const row = { id, address: session.person.address, web_session: session.id, tokens: tokens.join(' ') };
      await db
        .insertInto('devices')
        .values({ ...row, seen_at: now() })
        .onConflict((c) => c.column('id').doUpdateSet({ tokens: row.tokens, seen_at: now() }))
        .execute();
    },
    async forget(id) {
      await db.deleteFrom('devices').where('id', '=', id).execute();
    },
    async load(at) {
      const good = db.selectFrom('web_sessions').select('token_hash').where('expires_at', '>', at);
      await db.deleteFrom('devices').where('web_session', 'not in', good).execute();
      const rows = await db
        .selectFrom('devices')
        .innerJoin('web_sessions', 'web_sessions.token_hash', 'devices.web_session')
        .innerJoin('people', 'people.address', 'devices.address')
        .select(['devices.id', 'devices.address', 'devices.web_session', 'devices.tokens'])
        .select(['people.name', 'web_sessions.expires_at', 'web_sessions.conversation'])
        .orderBy('devices.seen_at')
        .execute();
      return rows.map(({ id, address, web_session, tokens, name, expires_at, conversation }) => ({
        id: id as DeviceId,
        session: {
          id: web_session,
          person: { address: address as Address, name, company, ...(isGuestAddress(address) ? { guest: true } : {}) },
          expiresAt: expires_at,
          ...(conversation === null ? {} : { guest: { conversation } }),
        },
        tokens: tokens.split(' '),
      }));
    },
  };
}
