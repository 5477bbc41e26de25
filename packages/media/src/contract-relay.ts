// A path that loses packets, between a browser and an engine on this machine: a UDP relay that stands in the engine's
// description for the engine itself. ICE does not mind (to both, the other merely has another address).
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface LossyRelay {
  /** The description with the engine's address replaced by the relay's. */
  through(sdp: string): Promise<string>;
  /** For the engine: where a browser's packets come from that goes through the relay, given what `through` has returned. */
  candidate(relayed: string): string;
  /** Media packets lost so far. */
  lost(): number;
  close(): void;
}

const line = /^(a=candidate:\S+ 1 udp \d+ )(127\.\d+\.\d+\.\d+) (\d+)(?= typ host)/im;

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

  /**
   * As a router does: to the engine every address a browser sends from looks like another one. A browser that has two (in
   * a namespace) checks both, and an answer must go back to the one that has asked.
   */
  async function relayTo(engine: string, enginePort: number): Promise<number> {
    const front = openSocket(engine);
    const ways = new Map<string, Socket>();
    const first = openSocket(engine);
    await Promise.all([front, first].map((socket) => once(socket, 'listening')));
    front.on('message', (packet, { address, port }) => {
      const from = `${address} ${port}`;
      let back = ways.get(from);
      if (!back) {
        back = ways.size === 0 ? first : openSocket(engine);
        ways.set(from, back);
        back.on('message', (answer) => {
          if (!loses(answer)) front.send(answer, port, address);
        });
      }
      if (!loses(packet)) back.send(packet, enginePort, engine);
    });
    backs.set(front.address().port, first.address().port);
    return front.address().port;
  }

  /** At the engine's own address: what can reach that can reach this. */
  function openSocket(address: string): Socket {
    const socket = createSocket('udp4').bind(0, address);
    sockets.push(socket);
    return socket;
  }

  const ports = new Map<string, Promise<number>>();
  const backs = new Map<number, number>();
  return {
    async through(sdp) {
      const [, , engine, port] = line.exec(sdp) ?? [];
      if (!engine || !port) throw new Error('no candidate on loopback to relay');
      const relayed = ports.get(port) ?? relayTo(engine, Number(port));
      ports.set(port, relayed);
      const front = await relayed;
      // Each section of the description may name it.
      return sdp.replace(new RegExp(line, 'gim'), (whole, before, address, at) =>
        at === port ? `${before}${address} ${front}` : whole,
      );
    },
    candidate(sdp) {
      const [, , engine, front] = line.exec(sdp) ?? [];
      return `candidate:1 1 udp 2122260223 ${engine} ${backs.get(Number(front))} typ host`;
    },
    lost: () => lost,
    close() {
      for (const socket of sockets) socket.close();
    },
  };
}
