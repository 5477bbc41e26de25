// Which changes of a conversation a person in the call should be told of. Pure.
import { type Address, ParleyError, type Person } from '@parley/protocol';
import type { CallNotice } from './api.ts';
import type { Change } from './conversation-store.ts';

export type NewNotice = Omit<CallNotice, 'id'>;

/** The latest notices kept for a view. */
export const MAX_NOTICES = 8;

const blank: NewNotice = { kind: 'trouble', person: null, outcome: null, path: null, error: null };

/** The notice an event is worth; null for most. Nobody is told what they did themselves. */
export function noticeOf({ event, before, after }: Change, me: Address): NewNotice | null {
  const { body } = event;
  const person = (address: Address): Person | null => after.participants.get(address)?.person ?? null;
  switch (body.type) {
    case 'joined':
      return body.address === me ? null : { ...blank, kind: 'joined', person: person(body.address) };
    case 'left':
      return body.address === me ? null : { ...blank, kind: 'left', person: person(body.address) };
    case 'invitation-ended':
      // Whoever was not let in was never there.
      if (body.address === me || before.participants.get(body.address)?.state === 'knocking') return null;
      return { ...blank, kind: 'invitation-ended', person: person(body.address), outcome: body.outcome };
    case 'muted':
      return body.address === me ? { ...blank, kind: 'muted', person: person(body.by) } : null;
    case 'trust-raised':
      return body.by === me ? null : { ...blank, kind: 'trust-raised', person: person(body.by) };
    case 'path-changed':
      return before.call?.transfer?.epoch === body.epoch
        ? { ...blank, kind: 'path-changed', path: after.call?.path.kind ?? null }
        : null;
    case 'transfer-ended':
      if (body.outcome === 'not-needed' || before.call?.transfer?.kind !== 'conference') return null;
      // Nothing has changed for anybody: the old room works.
      if (before.call.transfer.because === 'room-moved') return null;
      return {
        ...blank,
        kind: 'add-failed',
        path: 'conference',
        error: new ParleyError(body.code ?? 'media-not-connected'),
      };
    case 'transfer-started':
      return body.because && body.because !== 'room-moved'
        ? {
            ...blank,
            kind: 'trouble',
            path: body.to,
            error: new ParleyError(body.because === 'engine-lost' ? 'engine-lost' : 'media-not-connected'),
          }
        : null;
    case 'recording-started':
      return { ...blank, kind: 'recording-started', person: null };
    case 'recording-ended':
      return {
        ...blank,
        kind: 'recording-ended',
        person: body.by ? person(body.by) : null,
        error: body.code ? new ParleyError(body.code) : null,
        recordingEnd: body.because,
      };
    case 'recording-filed':
      return { ...blank, kind: 'recording-filed' };
    default:
      return null;
  }
}
