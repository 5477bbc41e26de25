// Whether a third person could be added is found out before anybody wants it: once sound and picture flow directly, and
// again when the network changes (R36).
import { activeCall, type ClientSettings, type ConversationState, type ParleyError } from '@parley/protocol';
import { probeConference } from './conference-probe.ts';
import type { Request } from './socket.ts';

export interface AddingWatch {
  /** Why nobody can be added just now, as far as it is known. */
  obstacle(): ParleyError | null;
  /** Looks in a while: the call has settled then, and people seldom add somebody sooner. */
  soon(): void;
  close(): void;
}

const PROBE_AFTER_MS = 3000;

/** @param found after each look that found something out; `fresh`: an obstacle where there was none */
export function watchAdding(options: {
  readonly state: () => ConversationState;
  readonly settings: () => ClientSettings;
  readonly rtc: () => RTCConfiguration;
  readonly request: Request;
  found(obstacle: ParleyError | null, fresh: boolean): void;
}): AddingWatch {
  const { state, settings, rtc, request, found } = options;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let obstacle: ParleyError | null = null;
  let closed = false;

  async function look(): Promise<void> {
    const before = activeCall(state());
    if (closed || before?.path.kind !== 'direct' || before.transfer) return;
    const reach = await probeConference(rtc(), request);
    // A transfer meanwhile has found it out by itself.
    if (closed || reach === 'unknown' || activeCall(state())?.path !== before.path) return;
    const had = obstacle;
    obstacle = reach === 'reachable' ? null : reach;
    found(obstacle, obstacle !== null && had === null);
  }

  return {
    obstacle: () => obstacle,
    soon() {
      clearTimeout(timer);
      if (closed || settings().paths === 'direct' || activeCall(state())?.policy === 'direct-only') return;
      timer = setTimeout(() => void look(), PROBE_AFTER_MS);
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
