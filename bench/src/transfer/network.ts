// A worse network than loopback: every candidate that a page learns or tells is replaced by a relay of ours on this machine,
// which delays each packet, now longer, now shorter, and loses some; so neither side knows a way around. `tc netem` would be
// the usual tool; this machine has none.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Page } from 'playwright-core';

export interface Network {
  /** The relay's port on 127.0.0.1 for what is at this address. */
  relay(address: string, port: number): Promise<number>;
  close(): void;
}

export interface Impairment {
  /** Milliseconds, each way. */
  readonly delay: number;
  /** At most so much more or less. */
  readonly jitter: number;
  /** 0 to 1. */
  readonly loss: number;
}

/** After so many flows a relay takes no more: ICE makes a handful. */
const MAX_FLOWS = 64;

export function openNetwork({ delay, jitter, loss }: Impairment): Network {
  const sockets = new Set<Socket>();
  const relays = new Map<string, Promise<number>>();
  const fronts = new Set<number>();
  const later = (send: () => void) => {
    if (Math.random() < loss) return;
    setTimeout(send, delay + (2 * Math.random() - 1) * jitter);
  };
  const bind = async (): Promise<Socket> => {
    const socket = createSocket('udp4');
    sockets.add(socket);
    // A port that is gone answers with an error: nobody is there, as in any network.
    socket.on('error', () => undefined);
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return socket;
  };

  async function open(address: string, port: number): Promise<number> {
    const front = await bind();
    /** One socket behind for each sender in front, so that answers find their way back. */
    const flows = new Map<string, Promise<Socket>>();
    front.on('message', (packet, from) => {
      const key = `${from.address}:${from.port}`;
      if (!flows.has(key)) {
        if (flows.size >= MAX_FLOWS) return;
        flows.set(
          key,
          bind().then((back) => {
            back.on('message', (answer) =>
              later(() => sockets.has(front) && front.send(answer, from.port, from.address)),
            );
            return back;
          }),
        );
      }
      void flows.get(key)?.then((back) => later(() => sockets.has(back) && back.send(packet, port, address)));
    });
    const { port: own } = front.address();
    fronts.add(own);
    return own;
  }

  return {
    relay(address, port) {
      // What a page has told is a relay already; one is enough.
      if (fronts.has(port)) return Promise.resolve(port);
      const key = `${address}:${port}`;
      const known = relays.get(key) ?? open(address, port);
      relays.set(key, known);
      return known;
    },
    close() {
      const all = [...sockets];
      sockets.clear();
      for (const socket of all) socket.close();
    },
  };
}

declare global {
  interface Window {
    relayFor(address: string, port: number): Promise<number>;
  }
}

/** From now on this page reaches others by the network only. Call it before the page is opened. */
export async function throughNetwork(page: Page, network: Network): Promise<void> {
  await page.exposeFunction('relayFor', (address: string, port: number) => network.relay(address, port));
  await page.addInitScript(() => {
    const shape = /(candidate:\S+ \d+ udp \d+ )([\d.]+) (\d+)( typ host)/i;
    const relayed = async (line: string): Promise<string | null> => {
      const [, head, address, port, tail] = shape.exec(line) ?? [];
      if (!address || !port) return null;
      return line.replace(shape, `${head}127.0.0.1 ${await window.relayFor(address, Number(port))}${tail}`);
    };
    // The older forms with callbacks are of no use here.
    const { addIceCandidate, setRemoteDescription } = RTCPeerConnection.prototype as unknown as {
      addIceCandidate(this: RTCPeerConnection, candidate: RTCIceCandidateInit): Promise<void>;
      setRemoteDescription(this: RTCPeerConnection, description: RTCSessionDescriptionInit): Promise<void>;
    };
    RTCPeerConnection.prototype.addIceCandidate = async function (
      this: RTCPeerConnection,
      candidate?: RTCIceCandidateInit | null,
    ) {
      const line = candidate?.candidate ? await relayed(candidate.candidate) : '';
      // What is no IPv4 host candidate would be a way around.
      if (candidate && line) await addIceCandidate.call(this, { ...candidate, candidate: line });
    } as typeof RTCPeerConnection.prototype.addIceCandidate;
    RTCPeerConnection.prototype.setRemoteDescription = async function (
      this: RTCPeerConnection,
      description: RTCSessionDescriptionInit,
    ) {
      const lines = await Promise.all(
        (description.sdp ?? '').split('\r\n').map(async (line) => {
          return line.startsWith('a=candidate:') ? await relayed(line) : line;
        }),
      );
      const sdp = lines.filter((line) => line !== null).join('\r\n');
      await setRemoteDescription.call(this, { ...description, sdp });
    } as typeof RTCPeerConnection.prototype.setRemoteDescription;

    // What it tells others: where its relay is, and nothing of its own.
    const property = (name: 'onicecandidate' | 'localDescription') => {
      const found = Object.getOwnPropertyDescriptor(RTCPeerConnection.prototype, name);
      if (!found) throw new Error(`this browser has no ${name}`);
      return found;
    };
    const told = property('onicecandidate');
    Object.defineProperty(RTCPeerConnection.prototype, 'onicecandidate', {
      ...told,
      set(this: RTCPeerConnection, handler: ((event: RTCPeerConnectionIceEvent) => void) | null) {
        const rewritten = async (event: RTCPeerConnectionIceEvent) => {
          const line = event.candidate?.candidate ? await relayed(event.candidate.candidate) : null;
          const candidate = line && new RTCIceCandidate({ ...event.candidate?.toJSON(), candidate: line });
          if (candidate) handler?.call(this, new RTCPeerConnectionIceEvent('icecandidate', { candidate }));
        };
        told.set?.call(this, handler && rewritten);
      },
    });
    const local = property('localDescription');
    Object.defineProperty(RTCPeerConnection.prototype, 'localDescription', {
      ...local,
      get(this: RTCPeerConnection) {
        const description = local.get?.call(this) as RTCSessionDescription | null;
        if (!description) return null;
        return { type: description.type, sdp: description.sdp.replace(/^a=candidate:.*\r?\n/gm, '') };
      },
    });
  });
}
