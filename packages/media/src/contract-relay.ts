// A path that loses packets, between a browser and an engine on this machine: a UDP relay that stands in the engine's
// description for the engine itself. ICE does not mind (to both, the other merely has another address).
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface LossyRelay {
  /** The description with the engine's address replaced by the relay's. */
  through(sdp: string): Promise<string>;
  /** Media packets lost so far. */
  lost(): number;
  close(): void;
}

/** Loses every `every`-th media packet in either direction; connection checks, DTLS and RTCP pass. */
export function openLossyRelay(every: number): LossyRelay {
  const sockets: Socket[] = [];
  let media = 0;
  let lost = 0;

  function loses(packet: Buffer): boolean {
    const first = packet[0] ?? 0;
    const second = packet[1] ?? 0;
    if (first < 128 || first > 191 || (second >= 192 && second <= 223)) return false;
    media += 1;
    if (media % every !== 0) return false;
    lost += 1;
    return true;
  }

  async function relayTo(enginePort: number): Promise<number> {
    const front = createSocket('udp4');
    const back = createSocket('udp4');
    sockets.push(front, back);
    let browserPort = 0;
    front.on('message', (packet, { port }) => {
      browserPort = port;
      if (!loses(packet)) back.send(packet, enginePort, '127.0.0.1');
    });
    back.on('message', (packet) => {
      if (browserPort && !loses(packet)) front.send(packet, browserPort, '127.0.0.1');
    });
    for (const socket of [front, back]) {
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
    }
    return front.address().port;
  }

  const ports = new Map<string, Promise<number>>();
  return {
    async through(sdp) {
      const line = /^(a=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 )(\d+)( typ host)/im;
      const port = line.exec(sdp)?.[2];
      if (!port) throw new Error('no candidate on 127.0.0.1 to relay');
      const relayed = ports.get(port) ?? relayTo(Number(port));
      ports.set(port, relayed);
      return sdp.replace(line, `$1${await relayed}$3`);
    },
    lost: () => lost,
    close() {
      for (const socket of sockets) socket.close();
    },
  };
}
