// The pure parts of the embedded engine that handle packets: reading, feedback, limits. Nothing a socket brings may make them throw.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CAPTURE_TIME_ID, opus } from './codecs.ts';
import { type Clock, createKeyframeRequests } from './keyframe-requests.ts';
import { createLiveness, SILENT_TICKS } from './liveness.ts';
import { beginsKeyframe, emptyPicture, keyframeHeight, readPicture, writePicture } from './payloads.ts';
import { createReception } from './reception.ts';
import { createBudget, createPacketHistory } from './retransmission.ts';
import {
  negativeAcknowledgement,
  pictureLossIndication,
  receiverEstimatedMaximumBitrate,
  receiverReport,
  senderReport,
  walkRtcp,
} from './rtcp.ts';
import {
  emptyRtpHeader,
  findExtension,
  isRtcp,
  readRtp,
  rewriteExtensions,
  sequenceDistance,
  writePayloadType,
  writeSequence,
  writeSsrc,
  writeTimestamp,
} from './rtp.ts';
import { createSource } from './source.ts';

const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const bytes = fc.uint8Array({ maxLength: 1500 }).map((array) => Buffer.from(array));

interface Fields {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly elements?: readonly { id: number; data: Buffer }[];
  readonly payload: Buffer;
}
/** Written here apart from the engine's own code, so that both would have to be wrong alike. */
function rtp({ payloadType, marker, sequence, timestamp, ssrc, elements = [], payload }: Fields): Buffer {
  const fixed = Buffer.alloc(12);
  fixed[0] = 0x80 | (elements.length > 0 ? 0x10 : 0);
  fixed[1] = (marker ? 0x80 : 0) | payloadType;
  fixed.writeUInt16BE(sequence, 2);
  fixed.writeUInt32BE(timestamp, 4);
  fixed.writeUInt32BE(ssrc, 8);
  if (elements.length === 0) return Buffer.concat([fixed, payload]);
  const body = Buffer.concat(elements.flatMap(({ id, data }) => [Buffer.of((id << 4) | (data.length - 1)), data]));
  const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
  const head = Buffer.of(0xbe, 0xde, 0, padded.length / 4);
  return Buffer.concat([fixed, head, padded, payload]);
}
const element = fc.record({
  id: fc.integer({ min: 1, max: 14 }),
  data: fc.uint8Array({ minLength: 1, maxLength: 16 }).map((array) => Buffer.from(array)),
});
const fields: fc.Arbitrary<Fields> = fc.record({
  payloadType: uint(7),
  marker: fc.boolean(),
  sequence: uint(16),
  timestamp: uint(32),
  ssrc: uint(32),
  elements: fc.uniqueArray(element, { maxLength: 5, selector: ({ id }) => id }),
  payload: fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array)),
});

describe('RTP', () => {
  test('what was written is read, extensions included', () => {
    fc.assert(
      fc.property(fields, (packet) => {
        const header = emptyRtpHeader();
        const wire = rtp(packet);
        assert.ok(readRtp(wire, header));
        const { payloadType, marker, sequence, timestamp, ssrc } = header;
        const { elements = [], payload, ...rest } = packet;
        assert.deepEqual({ payloadType, marker, sequence, timestamp, ssrc }, rest);
        assert.deepEqual(wire.subarray(header.payloadStart, header.payloadEnd), payload);
        const found = { start: 0, end: 0 };
        for (const { id, data } of elements) {
          assert.ok(findExtension(wire, header, id, found));
          assert.deepEqual(wire.subarray(found.start, found.end), data);
        }
      }),
    );
  });

  test('rewriting changes what it names, keeps the allowed extensions under their new ids, and blanks the others', () => {
    fc.assert(
      fc.property(
        fields,
        uint(7),
        uint(16),
        uint(32),
        uint(32),
        fc.integer({ min: 1, max: 14 }),
        (packet, type, sequence, timestamp, ssrc, to) => {
          const header = emptyRtpHeader();
          const wire = rtp(packet);
          readRtp(wire, header);
          const kept = packet.elements?.[0];
          const ids = new Uint8Array(256);
          if (kept) ids[kept.id] = to;
          rewriteExtensions(wire, header, ids);
          writePayloadType(wire, type);
          writeSequence(wire, sequence);
          writeTimestamp(wire, timestamp);
          writeSsrc(wire, ssrc);
          assert.ok(readRtp(wire, header));
          assert.deepEqual(
            [header.payloadType, header.marker, header.sequence, header.timestamp, header.ssrc],
            [type, packet.marker, sequence, timestamp, ssrc],
          );
          assert.deepEqual(wire.subarray(header.payloadStart, header.payloadEnd), packet.payload);
          const found = { start: 0, end: 0 };
          for (let id = 1; id <= 14; id += 1) {
            assert.equal(findExtension(wire, header, id, found), kept !== undefined && id === to);
          }
        },
      ),
    );
  });

  test('no bytes make it throw', () => {
    fc.assert(
      fc.property(bytes, uint(8), (packet, id) => {
        const header = emptyRtpHeader();
        isRtcp(packet);
        if (!readRtp(packet, header)) return;
        findExtension(packet, header, id, { start: 0, end: 0 });
        for (const codec of ['VP8', 'VP9', 'H264', 'AV1'] as const) {
          const { payloadStart, payloadEnd } = header;
          const picture = emptyPicture();
          beginsKeyframe(codec, packet, payloadStart, payloadEnd);
          keyframeHeight(codec, packet, payloadStart, payloadEnd);
          readPicture(codec, packet, payloadStart, payloadEnd, picture);
          writePicture(packet, picture, id * 999, id);
        }
        rewriteExtensions(packet, header, new Uint8Array(256).fill(3));
        assert.ok(header.payloadStart <= header.payloadEnd && header.payloadEnd <= packet.length);
      }),
      { numRuns: 3000 },
    );
  });

  test('the shorter way round the circle of sequence numbers', () => {
    assert.equal(sequenceDistance(65535, 2), 3);
    assert.equal(sequenceDistance(2, 65535), -3);
  });
});

describe('RTCP', () => {
  test('every packet asked for is found again, and nothing else', () => {
    fc.assert(
      fc.property(
        uint(32),
        uint(16),
        fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 60 }),
        (ssrc, base, offsets) => {
          const asked = [...offsets].sort((a, b) => a - b).map((offset) => (base + offset) & 0xffff);
          const read: number[] = [];
          const packet = Buffer.concat([receiverReport(1, []), negativeAcknowledgement(1, ssrc, asked)]);
          walkRtcp(packet, {
            nack(media, sequence) {
              assert.equal(media, ssrc);
              read.push(sequence);
            },
          });
          assert.deepEqual(read, asked);
        },
      ),
    );
  });

  test('a key frame request is found behind other parts of a compound packet', () => {
    const asked: number[] = [];
    const report = { ssrc: 5, ntpSeconds: 1, ntpFraction: 2, rtpTimestamp: 3 };
    walkRtcp(
      Buffer.concat([
        receiverReport(1, [
          {
            ssrc: 9,
            fractionLost: 1,
            cumulativeLost: -3,
            highestSequence: 7,
            jitter: 1,
            lastSenderReport: 1,
            delaySinceLastSenderReport: 1,
          },
        ]),
        senderReport(report, 1, 2),
        receiverEstimatedMaximumBitrate(1, 2_500_000, [9]),
        pictureLossIndication(1, 0xfffffff0),
      ]),
      {
        keyframeRequest: (ssrc) => asked.push(ssrc),
        senderReport: (read) => assert.deepEqual(read, report),
      },
    );
    assert.deepEqual(asked, [0xfffffff0]);
  });

  test('no bytes make it throw or ask for more than they can name', () => {
    fc.assert(
      fc.property(bytes, (packet) => {
        let named = 0;
        const count = () => {
          named += 1;
        };
        walkRtcp(packet, { nack: count, keyframeRequest: count, senderReport: count });
        assert.ok(named <= packet.length * 5);
      }),
      { numRuns: 3000 },
    );
  });
});

/** A clock that goes only when told. */
function fakeClock(): Clock & { advance(ms: number): void } {
  let now = 0;
  const timers = new Set<{ at: number; run: () => void }>();
  return {
    now: () => now,
    after(ms, run) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      now += ms;
      for (const timer of [...timers]) {
        if (timer.at > now) continue;
        timers.delete(timer);
        timer.run();
      }
    },
  };
}

describe('key frame requests', () => {
  test('many at once are one; one in the quiet time is sent at its end', () => {
    const clock = fakeClock();
    const sent: number[] = [];
    const requests = createKeyframeRequests(() => sent.push(clock.now()), clock, 300);
    for (let n = 0; n < 10; n += 1) requests.request();
    assert.deepEqual(sent, [0, 300].slice(0, 1));
    clock.advance(299);
    assert.equal(sent.length, 1);
    clock.advance(1);
    assert.deepEqual(sent, [0, 300]);
    clock.advance(1000);
    assert.equal(sent.length, 2);
    requests.request();
    assert.deepEqual(sent, [0, 300, 1300]);
  });

  test('one that a key frame has answered meanwhile is not sent any more', () => {
    const clock = fakeClock();
    const sent: number[] = [];
    const requests = createKeyframeRequests(() => sent.push(clock.now()), clock, 300);
    requests.request();
    clock.advance(10);
    requests.request();
    clock.advance(20);
    requests.answered();
    clock.advance(1000);
    assert.deepEqual(sent, [0]);
  });

  test('never two within the interval, and every one is followed by a request or a key frame', () => {
    const step = fc.record({ pause: fc.integer({ min: 0, max: 500 }), comes: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const clock = fakeClock();
        const sent: number[] = [];
        let asked = -1;
        let served = -1;
        const requests = createKeyframeRequests(() => sent.push(clock.now()), clock, 300);
        for (const { pause, comes } of steps) {
          clock.advance(pause);
          if (comes) {
            requests.answered();
            served = clock.now();
          } else {
            requests.request();
            asked = clock.now();
          }
        }
        clock.advance(300);
        for (let n = 1; n < sent.length; n += 1) assert.ok((sent[n] ?? 0) - (sent[n - 1] ?? 0) >= 300);
        assert.ok(Math.max(served, sent.at(-1) ?? -1) >= asked);
      }),
    );
  });
});

describe('loss', () => {
  test('what is missing is asked for until it comes, and no longer than its tries', () => {
    const reception = createReception(90000);
    assert.equal(reception.received(65534, 0, 0), false);
    assert.equal(reception.received(2, 3000, 10), true);
    assert.deepEqual(reception.due(10), [65535, 0, 1]);
    assert.deepEqual(reception.due(11), []);
    reception.received(0, 1000, 20);
    assert.deepEqual(reception.due(200), [65535, 1]);
    for (let now = 400; now < 4000; now += 200) reception.due(now);
    assert.equal(reception.waiting(), false);
    const report = reception.report(7, 4000);
    assert.equal(report?.cumulativeLost, 2);
    assert.equal(report?.highestSequence, 0x10002);
    assert.equal(report?.fractionLost, Math.floor((2 * 256) / 5));
  });

  test('any sequence of packets leaves bounded memory and sane figures', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(uint(16), uint(32)), { maxLength: 300 }), (packets) => {
        const reception = createReception(90000);
        packets.forEach(([sequence, timestamp], index) => {
          reception.received(sequence, timestamp, index);
        });
        assert.ok(reception.due(1000).length <= 256);
        const report = reception.report(1, 1000);
        if (report) receiverReport(2, [report]);
      }),
    );
  });

  test('the history has the last packets and no others', () => {
    const history = createPacketHistory(512);
    const packet = (n: number) => Buffer.of(n & 0xff);
    for (let n = 0; n < 70_000; n += 1) history.add(n & 0xffff, packet(n), n, 0, 0);
    const kept = history.find(69_999 & 0xffff);
    assert.deepEqual([kept?.packet, kept?.timestamp], [packet(69_999), 69_999]);
    assert.equal(history.find((69_999 - 512) & 0xffff), undefined);
  });

  test('a receiver cannot ask for a flood', () => {
    const budget = createBudget(100, 50);
    let taken = 0;
    for (let now = 0; now <= 1000; now += 1) for (let n = 0; n < 10; n += 1) taken += budget.take(now) ? 1 : 0;
    assert.ok(taken <= 151 && taken >= 149);
  });

  test('silence is counted in ticks and ended by any packet', () => {
    const liveness = createLiveness();
    liveness.tick();
    for (let n = 1; n < SILENT_TICKS; n += 1) assert.equal(liveness.tick(), n);
    liveness.heard();
    assert.equal(liveness.tick(), 0);
  });
});

describe('a source', () => {
  const feed = {
    audioLevelExtension: 3,
    sendTimeExtension: undefined,
    captureTimeExtension: 7,
    rids: [],
    requestKeyframe: () => undefined,
  };
  const send = (
    source: ReturnType<typeof createSource>,
    from: typeof feed,
    sequence: number,
    timestamp: number,
    now: number,
  ) => {
    const header = emptyRtpHeader();
    const packet = rtp({
      payloadType: 100,
      marker: true,
      sequence,
      timestamp,
      ssrc: 1,
      elements: [
        { id: 3, data: Buffer.of(42) },
        { id: 5, data: Buffer.of(1) },
        { id: 7, data: Buffer.of(1, 2, 3, 4, 5, 6, 7, 8) },
      ],
      payload: Buffer.of(1),
    });
    readRtp(packet, header);
    source.forward(from, 0, opus.payloadType, packet, header, now);
  };

  test('numbers run on when the publisher comes back on another connection', () => {
    const got: { sequence: number; timestamp: number; payloadType: number; ssrc: number }[] = [];
    const source = createSource('alice', 'audio', opus, { id: 's', cname: 'c' }, fakeClock());
    source.addReceiver({
      isOpen: () => true,
      send(packet) {
        const header = emptyRtpHeader();
        readRtp(packet, header);
        const found = { start: 0, end: 0 };
        if (isRtcp(packet)) return;
        assert.ok(
          findExtension(packet, header, 1, found) && packet[found.start] === 42,
          'the audio level, under our id',
        );
        assert.ok(findExtension(packet, header, CAPTURE_TIME_ID, found), 'when it was taken, under our id');
        assert.deepEqual([...packet.subarray(found.start, found.end)], [1, 2, 3, 4, 5, 6, 7, 8]);
        assert.ok(!findExtension(packet, header, 5, found), 'nothing that was not negotiated');
        const { sequence, timestamp, payloadType, ssrc } = header;
        got.push({ sequence, timestamp, payloadType, ssrc });
      },
    });
    source.attach(feed);
    send(source, feed, 65535, 1000, 0);
    send(source, feed, 0, 1960, 20);
    const other = { ...feed };
    source.attach(other);
    send(source, feed, 1, 2920, 40);
    send(source, other, 500, 90_000, 120);
    send(source, other, 499, 89_040, 121);
    send(source, other, 501, 90_960, 140);
    assert.deepEqual(
      got.map(({ sequence }) => (sequence - (got[0]?.sequence ?? 0)) & 0xffff),
      [0, 1, 2, 3],
    );
    assert.deepEqual(
      got.map(({ timestamp }) => timestamp),
      [1000, 1960, 1960 + 4800, 1960 + 4800 + 960],
    );
    assert.ok(got.every(({ payloadType, ssrc }) => payloadType === 111 && ssrc === source.ssrc));
  });
});
