// What the rest of the node sees of the conference service.
import type { ConferenceRooms } from '../conversations/api.ts';

export interface Focus {
  readonly rooms: ConferenceRooms;
  /** How much is going on, for health and for tests of R29 and R32. */
  counts(): Promise<Record<'rooms' | 'legs', number>>;
  close(): Promise<void>;
}
