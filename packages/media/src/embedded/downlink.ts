// How much may be sent to a receiver, followed from what its browser reports (REMB). The report is bounded by what comes in
// (half as much again) and grows slowly after little has come. So a small one that grows means nothing; one that falls short
// of what is sent and does not grow means that there is too much; how much more there could be must be tried. Pure.

export interface Downlink {
  /** Bits per second; null: no bound is known. */
  readonly limit: number | null;
  /** The report at the last look. */
  readonly last: number;
  /** Consecutive looks at which there seemed to be too much. */
  readonly short: number;
  /** No trying before this moment. */
  readonly raiseAt: number;
  readonly raisedAt: number;
  /** How long the next failure keeps from trying. */
  readonly hold: number;
}

/** A second of too little may be one key frame. */
const SHORT_LOOKS = 2;
const SHORT_SHARE = 0.85;
/** A browser that sees no queue lets its estimate grow by 8 % a second. */
const GROWS = 1.02;
const KEPT_SHARE = 0.95;
const STEP = 1.6;
const RAISE_MS = 1000;
const HOLD_MS = 4000;
const MAX_HOLD_MS = 60_000;
/** A failure so soon after a step up was brought about by it. */
const BLAMED_MS = 10_000;
/** More than anybody is sent: then there is no bound any more. */
const PLENTY = 20_000_000;

export const noBound: Downlink = {
  limit: null,
  last: 0,
  short: 0,
  raiseAt: 0,
  raisedAt: Number.NEGATIVE_INFINITY,
  hold: HOLD_MS,
};

/**
 * The state after another look, once a second.
 * @param estimate the latest report, in bits per second; null: none, or an old one
 * @param strained whether packets queue, or are lost in numbers; null: not known
 * @param sent bits per second sent since the last look
 * @param wished bits per second that would be sent without a bound
 */
export function followEstimate(
  state: Downlink,
  look: { estimate: number | null; strained: boolean | null; sent: number; wished: number; now: number },
): Downlink {
  const { estimate, strained, sent, wished, now } = look;
  if (estimate === null) return state;
  const next = { ...state, last: estimate };
  if (strained !== false && estimate < sent * SHORT_SHARE && estimate < state.last * GROWS) {
    const short = state.short + 1;
    if (short < SHORT_LOOKS) return { ...next, short };
    const blamed = now - state.raisedAt < BLAMED_MS;
    const hold = blamed ? Math.min(MAX_HOLD_MS, state.hold * 2) : HOLD_MS;
    return { ...next, limit: estimate * KEPT_SHARE, short: 0, raiseAt: now + hold, hold };
  }
  if (state.limit === null || now < state.raiseAt) return { ...next, short: 0 };
  const raised = Math.max(state.limit * STEP, Math.min(estimate, state.limit * 2));
  const limit = raised > Math.min(PLENTY, wished * 1.5) ? null : raised;
  return { ...next, limit, short: 0, raiseAt: now + RAISE_MS, raisedAt: now };
}
