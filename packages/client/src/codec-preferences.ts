// Which codecs are preferred: sound with what came before it (RED, RFC 2198). A lost packet is then in the next one, for about
// 32 kbit/s more, and nobody hears that it was lost. Whoever cannot do it gets Opus alone; pictures stay as the browser has them.

/** Before each description; sections that have been agreed on keep what was agreed. */
export function preferCodecs(pc: RTCPeerConnection): void {
  const known = RTCRtpReceiver.getCapabilities('audio')?.codecs ?? [];
  const isRed = ({ mimeType }: { readonly mimeType: string }) => mimeType.toLowerCase() === 'audio/red';
  if (!known.some(isRed)) return;
  const wanted = [...known.filter(isRed), ...known.filter((one) => !isRed(one))];
  for (const transceiver of pc.getTransceivers()) {
    if (transceiver.receiver.track.kind !== 'audio' || transceiver.currentDirection !== null) continue;
    transceiver.setCodecPreferences(wanted);
  }
}
