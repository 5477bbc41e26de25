// Attacks by many connections, or by ones that do nothing: sockets nobody greets on, readers who do not read, requests
// that never end, sign-ins that nobody finishes. Those who are attacked go on talking.
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import type { Attack } from './attack.ts';
import { ask, type Line, openLine } from './visitor.ts';

/** Longer than two heartbeats of the demo's nodes. */
const SLOW_MS = 16_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Opens sockets one after the other until one of them is shut at once, or there are too many of them open. */
async function openMany(count: number, open: () => Promise<Line>): Promise<string> {
  const lines: Line[] = [];
  try {
    for (let n = 0; n < count; n += 1) lines.push(await open());
    const shut = await Promise.all(lines.map(async (line) => (await line.ended(300)) ?? 'open'));
    return shut.find((code) => code !== 'open') ?? 'all let in';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    for (const line of lines) line.close();
  }
}

export const floodAttacks: readonly Attack[] = [
  {
    name: 'a flood of device sockets on which nothing is said',
    by: 'a colleague',
    refusedWith: 'closed 1013',
    attempt: ({ erin }) => openMany(40, () => erin.socket()),
  },
  {
    name: 'more devices than a person has',
    by: 'a colleague',
    refusedWith: 'too-many-requests',
    async attempt({ erin }) {
      const lines: Line[] = [];
      let code = 'done';
      for (let n = 0; n < 20 && code === 'done'; n += 1) {
        const line = await erin.socket();
        lines.push(line);
        ({ code } = await line.say('session.hello', { version: 1 }));
      }
      for (const line of lines) line.close();
      return code === 'done' ? 'all let in' : code;
    },
  },
  {
    name: 'a flood of link sockets on which nothing is proven',
    by: 'another provider',
    refusedWith: 'the oldest are cut',
    async attempt({ one }) {
      const url = `${one.origin.replace('http', 'ws')}/link`;
      const code = await openMany(120, () => openLine(url));
      return code.startsWith('closed') ? 'the oldest are cut' : code;
    },
  },
  {
    name: 'a device that does not read what it asks for',
    by: 'a colleague',
    refusedWith: 'cut off',
    async attempt({ erin }) {
      const line = await erin.device();
      line.pause();
      for (let n = 0; n < 300; n += 1)
        line.send(JSON.stringify({ jsonrpc: '2.0', id: `s${n}`, method: 'directory.contacts', params: {} }));
      await pause(SLOW_MS);
      line.resume();
      const shut = await line.ended(5000);
      line.close();
      return shut === null ? 'kept' : 'cut off';
    },
  },
  {
    name: 'three hundred connections with requests that never end (slow loris)',
    by: 'anybody',
    refusedWith: 'others are served',
    async attempt({ one }) {
      const { hostname, port } = new URL(one.origin);
      const sockets: TLSSocket[] = [];
      for (let n = 0; n < 300; n += 1) {
        // Whom it speaks to does not matter to who only wants to be in the way.
        const socket = connect({
          host: '127.0.0.1',
          port: Number(port),
          servername: hostname,
          rejectUnauthorized: false,
        });
        socket.on('error', () => undefined);
        sockets.push(socket);
      }
      await Promise.all(sockets.map((socket) => once(socket, 'secureConnect')));
      for (const socket of sockets) socket.write(`GET / HTTP/1.1\r\nhost: ${hostname}:${port}\r\nx-slow: `);
      const { status } = await ask(`${one.origin}/healthz`);
      for (const socket of sockets) socket.destroy();
      return status === 200 ? 'others are served' : `status ${status}`;
    },
  },
  {
    name: 'a request with a body that is far too large',
    by: 'anybody',
    refusedWith: 'message-too-large',
    async attempt({ erin }) {
      const { origin } = erin.person;
      return (
        await ask(`${origin}/sign-out`, {
          method: 'POST',
          body: JSON.stringify('x'.repeat(200_000)),
          headers: { origin, cookie: erin.cookie, 'content-type': 'application/json' },
        })
      ).code;
    },
  },
  {
    name: 'a flood of sign-ins that nobody finishes',
    by: 'anybody',
    refusedWith: 'too-many-requests',
    async attempt({ erin }) {
      const begin = () => ask(`${erin.person.origin}/sign-in/company`);
      for (let batch = 0; batch < 40; batch += 1) {
        const codes = await Promise.all(Array.from({ length: 20 }, begin));
        if (codes.some(({ code }) => code === 'too-many-requests')) return 'too-many-requests';
      }
      return 'all let through';
    },
  },
];
