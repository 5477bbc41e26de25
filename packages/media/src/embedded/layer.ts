// One stream of a publisher as it comes in: the only one of a microphone, or one of several qualities of a picture. It
// knows its own pace and clock, keeps what may have to be sent again, and which receivers have it or wait for it.

import { type Clock, createKeyframeRequests } from './keyframe-requests.ts';
import { createPacketHistory } from './retransmission.ts';
import type { Kind } from './sdp.ts';
import type { Layer, Moment } from './streams.ts';

export function createLayer(index: number, kind: Kind, clock: Clock, askForKeyframe: () => void): Layer {
  const keyframes = createKeyframeRequests(askForKeyframe, clock);
  let moment: Moment | null = null;
  let lastAt = Number.NEGATIVE_INFINITY;
  let rate = 0;
  let height = 0;
  let octets = 0;
  let tickedAt = clock.now();
  return {
    index,
    history: kind === 'video' ? createPacketHistory() : null,
    receivers: new Set(),
    waiting: new Set(),
    wantedSince: null,
    heldBack: 0,
    get moment() {
      return moment;
    },
    get lastAt() {
      return lastAt;
    },
    get rate() {
      return rate;
    },
    get height() {
      return height;
    },
    heard(timestamp, bytes, now) {
      // Good enough until the publisher says it: its reports begin seconds after its sound (RFC 3550 section 6.2).
      moment ??= { at: now, rtp: timestamp };
      lastAt = now;
      octets += bytes;
    },
    keyframeBegins(seen) {
      if (seen > 0) height = seen;
      keyframes.answered();
    },
    measured(said) {
      moment = said;
    },
    tick(now) {
      const seconds = (now - tickedAt) / 1000;
      if (seconds <= 0) return;
      const latest = (octets * 8) / seconds;
      rate = rate === 0 ? latest : (rate + latest) / 2;
      octets = 0;
      tickedAt = now;
    },
    requestKeyframe() {
      if (kind === 'video') keyframes.request();
    },
    remindOfKeyframe() {
      keyframes.remind();
    },
    close() {
      keyframes.close();
    },
  };
}
