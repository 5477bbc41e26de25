// When what comes by a way was taken, by its sender's clock: the header extension abs-capture-time, and what WebRTC Extensions
// makes of it (`captureTimestamp`). It is all that two ways from one person have in common: their RTP clocks begin anywhere.
// Chromium has it. Where a browser or a media server has not, two ways cannot be compared in time.

const CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';
/** RTP's clock for pictures, per millisecond (RFC 3551 section 5). */
const TICKS_PER_MS = 90;

interface HeaderExtension {
  readonly uri: string;
  direction: string;
}

/** WebRTC Extensions, "RTP header extension control": not in every browser, nor in TypeScript's library. */
interface Extensible {
  getHeaderExtensionsToNegotiate?(): HeaderExtension[];
  setHeaderExtensionsToNegotiate?(wanted: HeaderExtension[]): void;
  getNegotiatedHeaderExtensions?(): readonly HeaderExtension[];
}

interface Captured extends RTCRtpSynchronizationSource {
  /** Milliseconds by the sender's clock. */
  readonly captureTimestamp?: number;
}

/** Asks for capture times in both directions. Before each description, since sections come with the other side's. */
export function negotiateCaptureTimes(pc: RTCPeerConnection): void {
  for (const transceiver of pc.getTransceivers() as Extensible[]) {
    const wanted = transceiver.getHeaderExtensionsToNegotiate?.();
    const one = wanted?.find(({ uri }) => uri === CAPTURE_TIME);
    if (!wanted || !one || one.direction === 'sendrecv') continue;
    one.direction = 'sendrecv';
    try {
      transceiver.setHeaderExtensionsToNegotiate?.(wanted);
    } catch {
      // Refused where the other side has left out one that counts as mandatory: then it has left out this one, too.
    }
  }
}

/** Whether the other end may send them. */
export function mayTellCaptureTimes(transceiver: RTCRtpTransceiver): boolean {
  const agreed = (transceiver as Extensible).getNegotiatedHeaderExtensions?.() ?? [];
  return agreed.some(({ uri, direction }) => uri === CAPTURE_TIME && direction !== 'stopped');
}

/** A section may have had several sources in turn, and those of the last ten seconds are told. */
function latest(receiver: RTCRtpReceiver): Captured | undefined {
  const newestFirst = receiver.getSynchronizationSources().toSorted((a, b) => b.timestamp - a.timestamp);
  return newestFirst[0];
}

/**
 * How long before it was played or shown the latest sound or frame was taken, in milliseconds, but for a constant of the
 * sender's clock: it is to be compared with another way from the same person only. Null: not known, or not yet.
 */
export function lagOf(receiver: RTCRtpReceiver): number | null {
  const source = latest(receiver);
  return source?.captureTimestamp === undefined ? null : source.timestamp - source.captureTimestamp;
}

/** When a frame was taken, in milliseconds of its sender's clock. Null: not known, or not yet. */
export function takenAt(receiver: RTCRtpReceiver, rtpTimestamp: number | undefined): number | null {
  const source = latest(receiver);
  if (rtpTimestamp === undefined || source?.captureTimestamp === undefined) return null;
  // It wraps around after half a day; a difference of 32 bits does not.
  return source.captureTimestamp + ((rtpTimestamp - source.rtpTimestamp) | 0) / TICKS_PER_MS;
}

/** When the latest frame was taken that has come out of the jitter buffer, shown yet or not. Null: not known, or not yet. */
export function latestTaken(receiver: RTCRtpReceiver): number | null {
  return latest(receiver)?.captureTimestamp ?? null;
}
