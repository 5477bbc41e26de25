// For tests: as much of a TURN client as it takes to be let in or refused (RFC 8656, RFC 8489), over UDP on loopback.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';

const MAGIC = 0x2112a442;
const ALLOCATE = 0x003;
const CREATE_PERMISSION = 0x008;
const attribute = {
  username: 0x0006,
  integrity: 0x0008,
  error: 0x0009,
  peer: 0x0012,
  realm: 0x0014,
  nonce: 0x0015,
  transport: 0x0019,
} as const;
const ANSWER_MS = 3000;

interface Answer {
  /** 0 for success. */
  readonly error: number;
  readonly attributes: ReadonlyMap<number, Buffer>;
}

export interface TurnClient {
  /** Asks for a relay; resolves to 0, or to the number of the error (RFC 8656 section 19). */
  allocate(username: string, password: string): Promise<number>;
  /** May this address be sent to by the relay? Resolves likewise. */
  permit(ipv4: string): Promise<number>;
  close(): void;
}

export function createTurnClient(port: number): TurnClient {
  const socket = createSocket('udp4');
  let keys: { username: string; realm: Buffer; nonce: Buffer; key: Buffer } | null = null;

  async function signed(type: number, attributes: readonly [number, Buffer][]): Promise<Answer> {
    const who: [number, Buffer][] = keys
      ? [
          [attribute.username, Buffer.from(keys.username)],
          [attribute.realm, keys.realm],
          [attribute.nonce, keys.nonce],
        ]
      : [];
    return exchange(socket, port, message(type, [...attributes, ...who], keys?.key ?? null));
  }

  return {
    async allocate(username, password) {
      keys = null;
      const transport: [number, Buffer][] = [[attribute.transport, Buffer.from([17, 0, 0, 0])]];
      const challenge = await signed(ALLOCATE, transport);
      const realm = challenge.attributes.get(attribute.realm) ?? Buffer.alloc(0);
      const nonce = challenge.attributes.get(attribute.nonce) ?? Buffer.alloc(0);
      const key = createHash('md5').update(`${username}:${realm}:${password}`).digest();
      keys = { username, realm, nonce, key };
      return (await signed(ALLOCATE, transport)).error;
    },
    async permit(ipv4) {
      const bytes = Buffer.from([0, 1, 0, 0, ...ipv4.split('.').map(Number)]);
      bytes.writeUInt16BE(9 ^ (MAGIC >>> 16), 2);
      bytes.writeUInt32BE((bytes.readUInt32BE(4) ^ MAGIC) >>> 0, 4);
      return (await signed(CREATE_PERMISSION, [[attribute.peer, bytes]])).error;
    },
    close: () => socket.close(),
  };
}

function message(type: number, attributes: readonly [number, Buffer][], key: Buffer | null): Buffer {
  const body = Buffer.concat(
    attributes.map(([name, value]) => {
      const padded = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
      padded.writeUInt16BE(name, 0);
      padded.writeUInt16BE(value.length, 2);
      value.copy(padded, 4);
      return padded;
    }),
  );
  const header = Buffer.alloc(20);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(body.length + (key ? 24 : 0), 2);
  header.writeUInt32BE(MAGIC, 4);
  randomBytes(12).copy(header, 8);
  const text = Buffer.concat([header, body]);
  if (!key) return text;
  const integrity = Buffer.from([0, attribute.integrity, 0, 20]);
  return Buffer.concat([text, integrity, createHmac('sha1', key).update(text).digest()]);
}

function exchange(socket: Socket, port: number, request: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(() => reject(new Error('the TURN server does not answer'))), ANSWER_MS);
    const hear = (answer: Buffer) => {
      if (answer.length >= 20 && answer.subarray(8, 20).equals(request.subarray(8, 20)))
        end(() => resolve(read(answer)));
    };
    const end = (how: () => void) => {
      clearTimeout(timer);
      socket.off('message', hear);
      how();
    };
    socket.on('message', hear);
    socket.send(request, port, '127.0.0.1');
  });
}

function read(answer: Buffer): Answer {
  const attributes = new Map<number, Buffer>();
  for (let at = 20; at + 4 <= answer.length; ) {
    const length = answer.readUInt16BE(at + 2);
    attributes.set(answer.readUInt16BE(at), answer.subarray(at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  const said = attributes.get(attribute.error);
  return { error: said ? (said[2] ?? 0) * 100 + (said[3] ?? 0) : 0, attributes };
}
