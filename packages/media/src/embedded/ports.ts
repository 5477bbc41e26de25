// Which local UDP ports connections may use. The native library ends the whole process if it cannot bind (seen with
// node-datachannel 0.33.4), so each connection has a port that was seen to be free put by for it here. It may be gone a
// moment later, to another program: the library is given the whole range, of which it tries every port in turn.
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { ParleyError } from '@parley/protocol';

export interface Lease {
  /** Other connections use the same port. */
  readonly shared: boolean;
  /** The connection has bound to this port, not necessarily the one that was put by for it. */
  bound(port: number): void;
  release(): void;
}

export interface Ports {
  /** First and last port for the library; [0, 0]: any. */
  readonly range: readonly [number, number];
  /** Throws `no-conference-available` if the address cannot be used or every port is taken. */
  take(): Promise<Lease>;
}

/** How many ports that others hold are tried before giving up. */
const MAX_TRIES = 200;

/** The library closes sockets on a thread of its own, a moment after it was told; a shared port may still be its own. */
const CLOSING_TRIES = 10;
const CLOSING_MS = 50;

export function createPorts(address: string, [first, last]: readonly [number, number]): Ports {
  const taken = new Set<number>();
  let next = first;
  let sharing = 0;

  function lease(putBy: number): Lease {
    let port = putBy;
    let held = true;
    return {
      shared: first === last && first !== 0,
      bound(actual) {
        if (!held || first === last || actual === port) return;
        taken.delete(port);
        port = actual;
        taken.add(port);
      },
      release() {
        if (!held) return;
        held = false;
        if (first === last) sharing -= 1;
        else taken.delete(port);
      },
    };
  }

  return {
    range: [first, last],
    async take() {
      if (first === last) {
        // One port for everybody (or any port, 0): the library shares it among its own connections.
        sharing += 1;
        const shared = lease(first);
        if (sharing > 1 && first !== 0) return shared;
        for (let tries = 0; tries < CLOSING_TRIES; tries += 1) {
          if (await canBind(address, first)) return shared;
          if (first === 0) break;
          await new Promise((resolve) => setTimeout(resolve, CLOSING_MS));
        }
        shared.release();
        throw new ParleyError('no-conference-available', `cannot receive on ${address} port ${first}`);
      }
      const count = last - first + 1;
      for (let tries = 0; tries < Math.min(count, MAX_TRIES + taken.size); tries += 1) {
        const port = next;
        next = port === last ? first : port + 1;
        if (taken.has(port)) continue;
        taken.add(port);
        if (await canBind(address, port)) return lease(port);
        taken.delete(port);
      }
      throw new ParleyError('no-conference-available', `no free port from ${first} to ${last} on ${address}`);
    },
  };
}

function canBind(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}
