import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  asksForKeyframe,
  createAudioStream,
  createVideoStream,
  type Mark,
  readMark,
  receiverFeedback,
} from './packets.ts';

const mark: Mark = { sender: 0, kind: 'audio', sentAt: 0 };

describe('the packets of the load', () => {
  it('say who sent them, and when, on RTP and on nothing else', () => {
    const packet = createVideoStream(24, () => 100).next(1234.5678);
    assert.ok(readMark(packet, mark));
    assert.deepEqual(mark, { sender: 24, kind: 'video', sentAt: 1234.5678 });
    assert.ok(readMark(createAudioStream(3, true).next(99), mark));
    assert.deepEqual(mark, { sender: 3, kind: 'audio', sentAt: 99 });
    assert.ok(!readMark(createVideoStream(1, () => 100).report(5), mark));
    assert.ok(!readMark(Buffer.alloc(40), mark));
  });

  it('make up frames: numbered without a gap, the last of each marked, key frames at first, when asked, and rarely else', () => {
    const stream = createVideoStream(0, () => 300);
    let sequence: number | null = null;
    const keyframes: number[] = [];
    let frames = 0;
    for (let i = 0; i < 3000; i += 1) {
      if (i === 600) stream.requestKeyframe();
      const packet = stream.next((i * 1000) / 300);
      const next = packet.readUInt16BE(2);
      if (sequence !== null) assert.equal(next, (sequence + 1) & 0xffff);
      sequence = next;
      if (packet.readUInt8(1) & 0x80) frames += 1;
      // Start of a frame, and not predicted from another.
      if (packet.readUInt8(12) & 0x10 && (packet.readUInt8(16) & 1) === 0) keyframes.push(i);
    }
    assert.equal(keyframes[0], 0);
    assert.ok(keyframes.some((i) => i >= 600 && i < 611));
    assert.ok(keyframes.length <= 4, `${keyframes}`);
    assert.ok(frames > 280 && frames <= 300, `${frames}`);
  });

  it('see a request for a key frame behind a report', () => {
    const report = receiverFeedback(1e6, [7]);
    const pli = Buffer.from('81ce000200000001000000ff', 'hex');
    assert.ok(!asksForKeyframe(report));
    assert.ok(asksForKeyframe(Buffer.concat([report, pli])));
    assert.ok(!asksForKeyframe(Buffer.from('81ce', 'hex')));
  });
});
