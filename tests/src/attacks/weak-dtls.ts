// A peer that asks for weaker encryption than there should be (OWASP ASVS 5.0, V17.2.2): a hand-made ICE agent, just enough
// to be listened to (RFC 8445, RFC 8489), and a hand-made ClientHello (RFC 6347, RFC 5764), since no library says such things.
import { createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { crc32 } from 'node:zlib';

export interface Hello {
  /** On the wire: 0xfefd is DTLS 1.2, 0xfeff is 1.0. */
  readonly version: number;
  readonly suites: readonly number[];
  /** Protection profiles for SRTP. */
  readonly profiles: readonly number[];
}

export const DTLS_1_2 = 0xfefd;
export const DTLS_1_0 = 0xfeff;
/** TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 and TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256. */
export const goodSuites = [0xc02b, 0xc02f] as const;
/** No authentication, no encryption, RC4, DES and 3DES, with whatever key exchange. */
export const weakSuites = [
  0x0001, 0x0002, 0x0003, 0x0004, 0x0005, 0x0009, 0x000a, 0x0016, 0x0018, 0x0034, 0x003a, 0x003b, 0x006c, 0xc006,
  0xc007, 0xc008, 0xc010, 0xc011, 0xc012, 0xc015, 0xc016, 0xc017, 0xc018, 0xc019,
] as const;
/** SRTP_AES128_CM_HMAC_SHA1_80 and SRTP_AEAD_AES_128_GCM. */
export const goodProfiles = [0x0001, 0x0007] as const;
/** SRTP_NULL_HMAC_SHA1_80 and _32: authentication, and everybody may listen. */
export const nullProfiles = [0x0005, 0x0006] as const;

/** What came back. `closed`: an alert, or nothing at all within the time. */
export type HelloAnswer = { readonly suite: number; readonly profile: number | null } | 'closed';

const MAGIC = 0x2112a442;
const [BINDING, BINDING_SUCCESS] = [0x0001, 0x0101];
const [ALERT, HANDSHAKE] = [21, 22];
const FATAL = 2;
const [CLIENT_HELLO, SERVER_HELLO, HELLO_VERIFY_REQUEST] = [1, 2, 3];
const USE_SRTP = 14;
/** Every message again until the next is there: a packet may be lost, or come before the other side is ready for it. */
const AGAIN_MS = 100;
const PATIENCE_MS = 4000;

const u16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);
const u24 = (value: number) => Buffer.from([value >> 16, (value >> 8) & 0xff, value & 0xff]);
const prefixed = (bytes: 1 | 2, content: Buffer) =>
  Buffer.concat([bytes === 1 ? Buffer.from([content.length]) : u16(content.length), content]);

/** RFC 8489 section 5, with MESSAGE-INTEGRITY and FINGERPRINT. */
function stun(
  type: number,
  transaction: Buffer,
  attributes: readonly (readonly [number, Buffer])[],
  key: string,
): Buffer {
  const encode = ([kind, value]: readonly [number, Buffer]) =>
    Buffer.concat([u16(kind), u16(value.length), value, Buffer.alloc(-value.length & 3)]);
  const head = (body: Buffer, more: number) => {
    const header = Buffer.alloc(8);
    header.writeUInt16BE(type, 0);
    header.writeUInt16BE(body.length + more, 2);
    header.writeUInt32BE(MAGIC, 4);
    return Buffer.concat([header, transaction, body]);
  };
  const plain = Buffer.concat(attributes.map(encode));
  const mac = createHmac('sha1', key).update(head(plain, 24)).digest();
  const signed = Buffer.concat([plain, encode([0x0008, mac])]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE((crc32(head(signed, 8)) ^ 0x5354554e) >>> 0);
  return head(Buffer.concat([signed, encode([0x8028, sum])]), 0);
}

function clientHello({ version, suites, profiles }: Hello, random: Buffer, cookie: Buffer, sequence: number): Buffer {
  const list = (values: readonly number[]) => prefixed(2, Buffer.concat(values.map(u16)));
  const extension = (kind: number, content: Buffer) => Buffer.concat([u16(kind), prefixed(2, content)]);
  const extensions = Buffer.concat([
    extension(10, list([0x001d, 0x0017, 0x0018])),
    extension(11, prefixed(1, Buffer.from([0]))),
    // SHA-1 last, which DTLS 1.0 would need.
    extension(13, list([0x0403, 0x0804, 0x0401, 0x0203, 0x0201])),
    extension(USE_SRTP, Buffer.concat([list(profiles), Buffer.from([0])])),
    extension(23, Buffer.alloc(0)),
    extension(0xff01, Buffer.from([0])),
  ]);
  const body = Buffer.concat([
    u16(version),
    random,
    prefixed(1, Buffer.alloc(0)),
    prefixed(1, cookie),
    list(suites),
    prefixed(1, Buffer.from([0])),
    prefixed(2, extensions),
  ]);
  const handshake = Buffer.concat([Buffer.from([1]), u24(body.length), u16(sequence), u24(0), u24(body.length), body]);
  const number = Buffer.alloc(8);
  number.writeUInt16BE(sequence, 6);
  // The outer version of a first message may be the lowest there is (RFC 6347 section 4.2.1).
  return Buffer.concat([Buffer.from([HANDSHAKE]), u16(DTLS_1_0), number, prefixed(2, handshake)]);
}

/** The records of a datagram: kind and content, of those that are not encrypted. */
function* records(datagram: Buffer): Generator<{ kind: number; content: Buffer }> {
  for (let at = 0; at + 13 <= datagram.length; ) {
    const length = datagram.readUInt16BE(at + 11);
    if (datagram.readUInt16BE(at + 3) === 0) {
      yield { kind: datagram[at] ?? 0, content: datagram.subarray(at + 13, at + 13 + length) };
    }
    at += 13 + length;
  }
}

function readServerHello(body: Buffer): HelloAnswer {
  let at = 34 + 1 + (body[34] ?? 0);
  const suite = body.readUInt16BE(at);
  at += 3;
  if (at + 2 > body.length) return { suite, profile: null };
  for (at += 2; at + 4 <= body.length; at += 4 + body.readUInt16BE(at + 2)) {
    if (body.readUInt16BE(at) === USE_SRTP) return { suite, profile: body.readUInt16BE(at + 6) };
  }
  return { suite, profile: null };
}

/** The suites of a ClientHello. */
function suitesIn(body: Buffer): number[] {
  let at = 34 + 1 + (body[34] ?? 0);
  at += 1 + (body[at] ?? 0);
  const end = at + 2 + body.readUInt16BE(at);
  const suites: number[] = [];
  for (at += 2; at < end; at += 2) suites.push(body.readUInt16BE(at));
  return suites;
}

export interface IceParameters {
  readonly ufrag: string;
  readonly pwd: string;
}

/**
 * Connects as the peer that a description with `ours` announced, and gives each handshake message that comes to `on`, until
 * that has an answer. `connected`: packets can be sent. @param theirs of the answer, with the port it names on 127.0.0.1
 */
async function meet<T>(
  ours: IceParameters,
  theirs: IceParameters & { readonly port: number },
  on: {
    /** What to say again and again, once connected. */
    say(): Buffer | null;
    heard(message: { readonly type: number; readonly body: Buffer }): T | undefined;
    readonly closed: T;
  },
): Promise<T> {
  const socket = createSocket('udp4');
  const send = (packet: Buffer) => socket.send(packet, theirs.port, '127.0.0.1');
  const tieBreaker = randomBytes(8);
  let connected = false;
  const check = () => {
    const attributes: [number, Buffer][] = [
      [0x0006, Buffer.from(`${theirs.ufrag}:${ours.ufrag}`)],
      [0x0024, Buffer.from([0x6e, 0, 1, 0xff])],
      [0x802a, tieBreaker],
      [0x0025, Buffer.alloc(0)],
    ];
    send(stun(BINDING, randomBytes(12), attributes, theirs.pwd));
  };
  const next = () => {
    const said = connected ? on.say() : null;
    if (said) send(said);
    else if (!connected) check();
  };
  try {
    return await new Promise<T>((resolve) => {
      const again = setInterval(next, AGAIN_MS);
      const answer = (what: T) => {
        clearInterval(again);
        clearTimeout(late);
        resolve(what);
      };
      const late = setTimeout(() => answer(on.closed), PATIENCE_MS);
      socket.on('message', (datagram, from) => {
        if ((datagram[0] ?? 0) < 4) {
          if (datagram.readUInt16BE(0) === BINDING) send(success(datagram, ours.pwd, from));
          else if (!connected && datagram.readUInt16BE(0) === BINDING_SUCCESS) {
            connected = true;
            next();
          }
          return;
        }
        for (const { kind, content } of records(datagram)) {
          if (kind === ALERT && content[0] === FATAL) return answer(on.closed);
          if (kind !== HANDSHAKE) continue;
          const found = on.heard({ type: content[0] ?? 0, body: content.subarray(12) });
          if (found !== undefined) return answer(found);
        }
      });
      socket.bind(0, '127.0.0.1', next);
    });
  } finally {
    socket.close();
  }
}

/** The answer to a check of the other side: where it came from, as it looks from here. */
function success(request: Buffer, key: string, { address, port }: { address: string; port: number }): Buffer {
  const mapped = Buffer.alloc(8);
  mapped[1] = 1;
  mapped.writeUInt16BE(port ^ (MAGIC >>> 16), 2);
  const bytes = Buffer.from(address.split('.').map(Number));
  mapped.writeUInt32BE((bytes.readUInt32BE(0) ^ MAGIC) >>> 0, 4);
  return stun(BINDING_SUCCESS, request.subarray(8, 20), [[0x0020, mapped]], key);
}

/** Says hello, and resolves to what is said to that. */
export function sayHello(
  hello: Hello,
  ours: IceParameters,
  theirs: IceParameters & { readonly port: number },
): Promise<HelloAnswer> {
  const random = randomBytes(32);
  let cookie: Buffer = Buffer.alloc(0);
  let sequence = 0;
  return meet<HelloAnswer>(ours, theirs, {
    say: () => clientHello(hello, random, cookie, sequence),
    heard({ type, body }) {
      if (type === SERVER_HELLO) return readServerHello(body);
      if (type === HELLO_VERIFY_REQUEST) {
        cookie = Buffer.from(body.subarray(3, 3 + (body[2] ?? 0)));
        sequence = 1;
      }
      return undefined;
    },
    closed: 'closed',
  });
}

/** Says nothing, and resolves to the suites among which the other side lets its peer choose. */
export function hearHello(ours: IceParameters, theirs: IceParameters & { readonly port: number }): Promise<number[]> {
  return meet<number[]>(ours, theirs, {
    say: () => null,
    heard: ({ type, body }) => (type === CLIENT_HELLO ? suitesIn(body) : undefined),
    closed: [],
  });
}
