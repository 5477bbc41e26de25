// One participant's connection in a load generator: ICE, DTLS and SRTP by the native library, as a browser's would be.
import { PeerConnection, type Track, Video } from 'node-datachannel';
import { carrier, transportLines } from './descriptions.ts';
import { ADDRESS } from './namespace.ts';

export interface Peer {
  /** Describes this side, candidates included; only for one that sends, first. */
  offer(): Promise<string[]>;
  /** The other side's answer to `offer`. */
  accept(answer: string): void;
  /** Takes the other side's offer and describes this side; only for one that receives. Later offers change nothing. */
  answer(offer: string): Promise<string[]>;
  send(packet: Buffer): boolean;
  close(): void;
}

export interface PeerEvents {
  open?(): void;
  packet(packet: Buffer): void;
}

const GATHER_MS = 5000;

export function openPeer(direction: 'sends' | 'receives', events: PeerEvents): Peer {
  const connection = new PeerConnection('bench', {
    iceServers: [],
    bindAddress: ADDRESS,
    disableAutoNegotiation: true,
    forceMediaTransport: true,
  });
  const media = new Video('0', direction === 'sends' ? 'SendOnly' : 'RecvOnly');
  media.addVP8Codec(96);
  // Kept as long as the peer: a collected Track goes silent.
  const track: Track = connection.addTrack(media);
  let open = false;
  let own: Promise<string[]> | null = null;
  track.onMessage((packet) => events.packet(packet));
  track.onOpen(() => {
    open = true;
    events.open?.();
  });
  track.onClosed(() => {
    open = false;
  });
  const gathered = new Promise<void>((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error('a peer has found no address in time')), GATHER_MS);
    connection.onGatheringStateChange((state) => {
      if (state !== 'complete') return;
      clearTimeout(deadline);
      resolve();
    });
  });
  const described = async () => {
    await gathered;
    return transportLines(connection.localDescription()?.sdp ?? '');
  };

  return {
    offer() {
      connection.setLocalDescription('offer');
      return described();
    },
    accept(answer) {
      connection.setRemoteDescription(carrier(transportLines(answer), 'recvonly'), 'answer');
    },
    answer(offer) {
      if (own) return own;
      connection.setRemoteDescription(carrier(transportLines(offer), 'sendonly'), 'offer');
      connection.setLocalDescription('answer');
      own = described();
      return own;
    },
    send: (packet) => open && track.sendMessageBinary(packet),
    close() {
      track.close();
      connection.close();
    },
  };
}
