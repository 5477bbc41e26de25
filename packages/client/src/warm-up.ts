// A browser loads its media stack with the first connection a page makes, which takes as long as all the rest of calling
// somebody. So one is made, and thrown away, before anybody waits for it.

/** Never fails: what is not warm is only slower. */
export async function warmUp(): Promise<void> {
  if (typeof RTCPeerConnection === 'undefined') return;
  let pc: RTCPeerConnection | null = null;
  try {
    pc = new RTCPeerConnection();
    pc.addTransceiver('audio');
    pc.addTransceiver('video');
    // Not set as its description, so nothing is gathered and nothing leaves this machine.
    await pc.createOffer();
  } catch {
    // The first call will show what is wrong.
  } finally {
    pc?.close();
  }
}
