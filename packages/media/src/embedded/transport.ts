// One connection of the native library: ICE, DTLS and SRTP towards one browser. The only file that touches the library.
//
// The library is given a single media section ("carrier"). With one section it passes on every RTP and RTCP packet without
// looking at sources, and sends whatever it is handed; so the sections a browser sees can be described and changed freely.
import { ParleyError } from '@parley/protocol';
import { PeerConnection, Video } from 'node-datachannel';
import { announcedCandidates, localPort } from './candidates.ts';
import { carrierDescription } from './descriptions.ts';
import type { Ports } from './ports.ts';
import { invalid, parseDescription, type TransportDescription } from './sdp.ts';

export interface TransportOptions {
  /** The local address to bind to; 0.0.0.0 for all. */
  readonly listenAddress: string;
  readonly ports: Ports;
  /** The address browsers are told instead; null: the local ones. */
  readonly announcedAddress: string | null;
}

export interface TransportEvents {
  /** Packets can be sent from now on. */
  open(): void;
  /** An RTP or RTCP packet; the buffer is the callee's. */
  packet(packet: Buffer): void;
  /** Failed, or ended by the other side. The transport has closed itself. */
  lost(): void;
}

export interface Transport {
  /** As told to the browser, candidates included. */
  readonly local: TransportDescription;
  /** Only for a transport that offers, once. */
  accept(remote: TransportDescription): void;
  addCandidate(candidate: string): void;
  /** False if it is not open or the packet could not be sent. */
  send(packet: Buffer): boolean;
  isOpen(): boolean;
  close(): void;
}

/** Host candidates need no server, so this is long. */
const GATHER_MS = 5000;
/** From both descriptions to a connection. ICE gives up after 30 s by itself. */
const CONNECT_MS = 40_000;

/**
 * Opens a transport: with `remote`, as the answering side that receives media; without, as the offering side that sends.
 * Throws `no-conference-available` if no port or address can be used.
 */
export async function openTransport(
  { listenAddress, announcedAddress, ports }: TransportOptions,
  remote: TransportDescription | null,
  events: TransportEvents,
): Promise<Transport> {
  const lease = await ports.take();
  const [first, last] = ports.range;
  const connection = new PeerConnection('parley', {
    iceServers: [],
    bindAddress: listenAddress,
    portRangeBegin: first,
    portRangeEnd: last,
    enableIceUdpMux: lease.shared,
    disableAutoNegotiation: true,
    forceMediaTransport: true,
  });
  const media = new Video('0', remote ? 'RecvOnly' : 'SendOnly');
  media.addVP8Codec(96);
  // Kept as long as the transport: a collected Track goes silent.
  const track = connection.addTrack(media);
  let open = false;
  let closed = false;
  /** The caller has the transport; before that, failing is this function's error. */
  let handedOver = false;
  let connectTimer: NodeJS.Timeout | undefined;

  function close(): void {
    if (closed) return;
    closed = true;
    open = false;
    clearTimeout(connectTimer);
    track.close();
    connection.close();
    lease.release();
  }
  function lost(): void {
    if (closed) return;
    close();
    if (handedOver) events.lost();
  }

  track.onMessage((packet) => {
    if (!closed) events.packet(packet);
  });
  track.onOpen(() => {
    if (closed || open) return;
    open = true;
    clearTimeout(connectTimer);
    events.open();
  });
  // Without these two the library's wrappers are never released, and keep the process alive.
  track.onClosed(() => lost());
  const gathered = new Promise<void>((resolve, reject) => {
    const deadline = setTimeout(() => reject(unavailable('no candidates in time')), GATHER_MS);
    connection.onStateChange((state) => {
      if (state === 'failed' || state === 'disconnected' || state === 'closed') {
        clearTimeout(deadline);
        reject(unavailable(state));
        lost();
      }
    });
    connection.onGatheringStateChange((state) => {
      if (state !== 'complete') return;
      clearTimeout(deadline);
      resolve();
    });
  });

  try {
    if (remote) {
      connection.setRemoteDescription(carrierDescription(remote, 'sendonly'), 'offer');
      connection.setLocalDescription('answer');
    } else {
      connection.setLocalDescription('offer');
    }
    await gathered;
    const described = parseDescription(connection.localDescription()?.sdp ?? '').transport;
    const port = localPort(described.candidates);
    if (port !== null) lease.bound(port);
    if (closed) throw unavailable('closed while it was opened');
    const local = { ...described, candidates: announcedCandidates(described.candidates, announcedAddress) };
    if (local.candidates.length === 0) throw unavailable('no usable local address');
    for (const candidate of remote?.candidates ?? []) addCandidate(candidate);
    if (remote) connectTimer = setTimeout(lost, CONNECT_MS).unref();
    handedOver = true;
    return {
      local,
      accept(answer) {
        // The library gives an answer to ICE before it keeps the fingerprint (0.33.4). Whoever completes DTLS in between
        // is refused, and this transport lost: 3 of 400 with both cores busy. The client then joins anew.
        try {
          connection.setRemoteDescription(carrierDescription(answer, 'recvonly'), 'answer');
        } catch (error) {
          throw invalid(String(error));
        }
        for (const candidate of answer.candidates) addCandidate(candidate);
        connectTimer = setTimeout(lost, CONNECT_MS).unref();
      },
      addCandidate,
      send(packet) {
        if (!open) return false;
        try {
          return track.sendMessageBinary(packet);
        } catch {
          // It closes in this moment; `lost` follows.
          return false;
        }
      },
      isOpen: () => open,
      close,
    };
  } catch (error) {
    gathered.catch(() => undefined);
    close();
    throw error instanceof ParleyError && error.code === 'no-conference-available' ? error : unavailable(String(error));
  }

  function addCandidate(candidate: string): void {
    if (closed) return;
    try {
      connection.addRemoteCandidate(candidate, '0');
    } catch {
      // Refused by the library: one address less to try.
    }
  }
}

function unavailable(details: string): ParleyError {
  return new ParleyError('no-conference-available', details);
}
