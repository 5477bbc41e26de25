// Sound with its repetition, for receivers who want it plain.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { newestOf } from './red.ts';
import { emptyRtpHeader, readRtp } from './rtp.ts';

const RED = 63;
const OPUS = 111;

/** A packet without extension, as Chromium sends it: what came before, then the newest. */
function redPacket(blocks: readonly Buffer[], padding = 0): Buffer {
  const header = Buffer.alloc(12);
  header[0] = padding > 0 ? 0xa0 : 0x80;
  header[1] = 0x80 | RED;
  header.writeUInt16BE(7, 2);
  const newest = blocks.at(-1) ?? Buffer.alloc(0);
  const before = blocks.slice(0, -1);
  const headers = before.map((block, n) => {
    const one = Buffer.alloc(4);
    one.writeUInt32BE(((0x80 | OPUS) * 2 ** 24 + ((960 * (before.length - n)) << 10) + block.length) >>> 0);
    return one;
  });
  const end = Buffer.alloc(padding);
  if (padding > 0) end[padding - 1] = padding;
  return Buffer.concat([header, ...headers, Buffer.of(OPUS), ...before, newest, end]);
}

function read(packet: Buffer) {
  const header = emptyRtpHeader();
  assert.ok(readRtp(packet, header));
  return header;
}

describe('plain sound out of RED', () => {
  it('is the newest block, under its own number, in the same packet otherwise', () => {
    const block = fc.uint8Array({ minLength: 0, maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(
        fc.array(block, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 40 }),
        (blocks, padding) => {
          const packet = redPacket(blocks, padding);
          const plain = newestOf(packet, read(packet), RED);
          assert.ok(plain);
          const header = read(plain);
          assert.deepEqual(plain.subarray(header.payloadStart, header.payloadEnd), blocks.at(-1));
          const { payloadType, marker, sequence } = header;
          assert.deepEqual({ payloadType, marker, sequence }, { payloadType: OPUS, marker: true, sequence: 7 });
        },
      ),
    );
  });

  it('is what was sent, where that was plain', () => {
    const packet = redPacket([Buffer.of(1)]);
    packet[1] = OPUS;
    assert.equal(newestOf(packet, read(packet), RED), packet);
  });

  it('is nothing where the blocks are not what their headers say, whatever comes', () => {
    const whole = redPacket([Buffer.alloc(30, 1), Buffer.alloc(20, 2)]);
    const cut = whole.subarray(0, 12 + 5 + 29);
    assert.equal(newestOf(cut, read(cut), RED), null);
    assert.equal(newestOf(whole.subarray(0, 12), read(whole.subarray(0, 12)), RED), null);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const packet = Buffer.concat([whole.subarray(0, 12), bytes]);
        const plain = newestOf(packet, read(packet), RED);
        assert.ok(plain === null || plain.length <= packet.length);
      }),
    );
  });
});
