// Finds out during a peer-to-peer call whether a conference could be reached, before anybody wants to add a third
// person: a network that lets the two talk may still block the service. One connection, closed as soon as it is up.
import { ParleyError } from '@parley/protocol';
import type { Request } from './socket.ts';

/** `unknown`: nobody could be asked, so nobody is warned. */
export type ConferenceReach = 'reachable' | 'unknown' | ParleyError;

const GATHER_MS = 2000;
const CONNECT_MS = 8000;

/** Tries own node's conference service, over UDP, TCP or TURN, whatever the ICE servers allow. Never rejects. */
export async function probeConference(rtc: RTCConfiguration, request: Request): Promise<ConferenceReach> {
  const pc = new RTCPeerConnection({ ...rtc, bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' });
  try {
    pc.addTransceiver('audio', { direction: 'sendonly' });
    await pc.setLocalDescription(await pc.createOffer());
    // One message is enough for all of it: nobody waits for this connection.
    await happens(pc, 'icegatheringstatechange', () => pc.iceGatheringState === 'complete', GATHER_MS);
    const { sdp } = await request('focus.probe', { sdp: pc.localDescription?.sdp ?? '' });
    await pc.setRemoteDescription({ type: 'answer', sdp });
    const up = () => pc.connectionState === 'connected' || pc.connectionState === 'failed';
    await happens(pc, 'connectionstatechange', up, CONNECT_MS);
    return pc.connectionState === 'connected' ? 'reachable' : new ParleyError('conference-unreachable');
  } catch (error) {
    return error instanceof ParleyError && error.code === 'no-conference-available' ? error : 'unknown';
  } finally {
    pc.close();
  }
}

/** Resolves when `done` holds after an event, or when the time is up. */
function happens(target: EventTarget, event: string, done: () => boolean, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      target.removeEventListener(event, check);
      resolve();
    };
    const check = () => {
      if (done()) finish();
    };
    const timer = setTimeout(finish, ms);
    target.addEventListener(event, check);
    check();
  });
}
