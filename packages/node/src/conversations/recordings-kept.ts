// Which recordings our own people are in, so that each finds theirs after the call: from the events of conversations
// hosted here or copied from elsewhere.
import {
  type Address,
  type ConversationEvent,
  type ConversationId,
  type ConversationState,
  type Domain,
  domainOf,
  isGuestAddress,
} from '@parley/protocol';
import type { Storage } from '../storage/index.ts';
import type { RecordingOfPerson } from './api.ts';

/** As many as a person is shown, the newest first. */
const MAX_LISTED = 200;

export interface RecordingsKept {
  changed(after: ConversationState, events: readonly ConversationEvent[]): Promise<void>;
  of(address: Address): Promise<RecordingOfPerson[]>;
}

export function createRecordingsKept(storage: Storage, domain: Domain): RecordingsKept {
  return {
    async changed(after, events) {
      for (const { body } of events) {
        if (body.type !== 'recording-filed') continue;
        const recording = after.recordings.find(({ n }) => n === body.recording);
        const ours = recording?.people.filter((one) => domainOf(one) === domain && !isGuestAddress(one)) ?? [];
        if (!recording?.file || ours.length === 0) continue;
        const { bytes, milliseconds, expiresAt } = recording.file;
        const common = {
          conversation: after.id,
          n: recording.n,
          names: JSON.stringify(
            recording.people.flatMap((address) => after.participants.get(address)?.person.name ?? []),
          ),
          title: after.title,
          started_at: recording.startedAt ?? recording.askedAt,
          bytes,
          milliseconds,
          expires_at: expiresAt,
        };
        await storage
          .insertInto('recording_rights')
          .values(ours.map((address) => ({ ...common, address })))
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
    },
    async of(address) {
      const rows = await storage
        .selectFrom('recording_rights')
        .selectAll()
        .where('address', '=', address)
        .where('expires_at', '>', Date.now())
        .orderBy('started_at', 'desc')
        .limit(MAX_LISTED)
        .execute();
      return rows.map((row) => ({
        conversation: row.conversation as ConversationId,
        recording: row.n,
        title: row.title,
        people: JSON.parse(row.names) as string[],
        startedAt: row.started_at,
        bytes: row.bytes,
        milliseconds: row.milliseconds,
        expiresAt: row.expires_at,
      }));
    },
  };
}
