// What happens when time has passed and nobody has done anything, in the rules of a call.
import type { EventBody } from '@parley/protocol';

/** Durations in milliseconds. */
export interface Patience {
  readonly ring: number;
  readonly transfer: number;
  readonly returnToDirect: number;
}

export interface Deadline {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly events: EventBody[];
}
