// Which quality whom suits, who is speaking, whose pictures are passed on: the decisions of the embedded engine, and that
// a receiver sees one unbroken stream whatever is decided.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type ArrangedReceiver, createArrangement } from './arrangement.ts';
import {
  allocate,
  nearestUsable,
  publishCap,
  type Quality,
  qualityForHeight,
  soonestSeen,
  usualRate,
} from './choice.ts';
import { opus, vp8 } from './codecs.ts';
import { type Downlink, followEstimate, noBound } from './downlink.ts';
import type { Clock } from './keyframe-requests.ts';
import { emptyPicture, readPicture } from './payloads.ts';
import { walkRtcp } from './rtcp.ts';
import { emptyRtpHeader, isRtcp, readRtp } from './rtp.ts';
import { createSource } from './source.ts';
import { createSpeakers, nextSpeaker, type SpeakerState, visiblePictures } from './speakers.ts';
import type { Feed } from './streams.ts';

const quality = (height: number, usable = true, runs = usable): Quality => ({
  height,
  rate: usualRate(height),
  usable,
  runs,
});
const three = [quality(720), quality(360), quality(180)];

describe('choice of a quality', () => {
  test('the smallest that fills the tile; a little stretching is not seen', () => {
    const by = (height: number) => qualityForHeight(three, height);
    assert.deepEqual([0, 1, 180, 220, 240, 360, 440, 480, 720, 5000].map(by), [2, 2, 2, 2, 1, 1, 1, 0, 0, 0]);
    assert.equal(by(Number.POSITIVE_INFINITY), 0);
    assert.equal(qualityForHeight([quality(360)], 1), 0);
  });

  test('what does not come is replaced: by a smaller one, else by a larger one', () => {
    assert.equal(nearestUsable([quality(720, false), quality(360), quality(180)], 0), 1);
    assert.equal(nearestUsable([quality(720), quality(360), quality(180, false)], 2), 1);
    assert.equal(nearestUsable([quality(720, false)], 0), 0);
  });

  test('for whoever sees nothing yet it is what runs; before anything does, the full one', () => {
    const idle = (height: number) => quality(height, true, false);
    assert.equal(soonestSeen([quality(720), idle(360), idle(180)], 2), 0);
    assert.equal(soonestSeen([quality(720), quality(360), idle(180)], 2), 1);
    assert.equal(soonestSeen([idle(720), idle(360), quality(180)], 0), 2);
    assert.equal(soonestSeen([idle(720), idle(360), idle(180)], 2), 0);
    assert.equal(soonestSeen(three, 1), 1);
  });

  test('never more than fits, unless it is the least for the first; never better than makes sense', () => {
    const pictures = fc.array(fc.record({ qualities: fc.constant(three), best: fc.integer({ min: 0, max: 2 }) }), {
      minLength: 1,
      maxLength: 9,
    });
    fc.assert(
      fc.property(pictures, fc.integer({ min: 0, max: 20_000_000 }), (wishes, limit) => {
        const chosen = allocate(limit, wishes);
        const total = chosen.reduce<number>((sum, one) => sum + (one === null ? 0 : (three[one]?.rate ?? 0)), 0);
        assert.ok(total <= limit || chosen.filter((one) => one !== null).length === 1);
        assert.notEqual(chosen[0], null);
        chosen.forEach((one, index) => {
          assert.ok(one === null || one >= (wishes[index]?.best ?? 0));
        });
        assert.deepEqual(
          allocate(null, wishes),
          wishes.map(({ best }) => best),
        );
      }),
    );
  });

  test('a camera that is off takes no room, and is not the one that always gets something', () => {
    const off = { qualities: three.map((quality) => ({ ...quality, rate: 0 })), best: 0 };
    const [, seen, unseen] = allocate(1, [off, { qualities: three, best: 0 }, { qualities: three, best: 0 }]);
    assert.deepEqual([seen, unseen], [2, null]);
  });

  test('a sender is held back to what the best network of its receivers carries, or the worst if there is one quality', () => {
    assert.equal(publishCap([400_000, 900_000], three, 2_500_000), Math.max(900_000, usualRate(720) * 0.4));
    assert.equal(publishCap([400_000, null], [quality(360)], 2_500_000), 400_000);
    assert.equal(publishCap([null], three, 2_500_000), 2_500_000);
    assert.equal(publishCap([], three, 2_500_000), 2_500_000);
    assert.equal(publishCap([1], [quality(360)], 2_500_000), 150_000);
  });
});

describe('what a receiver is sent', () => {
  /** A network that carries `capacity`: the browser's estimate is bounded by it and by what comes in. */
  function run(seconds: number, capacity: number, qualities: readonly number[], begin: Downlink = noBound) {
    let state = begin;
    const sentOver: number[] = [];
    for (let second = 1; second <= seconds; second += 1) {
      const limit = state.limit ?? Number.POSITIVE_INFINITY;
      const sent = qualities.find((rate) => rate <= limit) ?? qualities.at(-1) ?? 0;
      const estimate = sent > capacity ? capacity * 0.85 : sent * 1.5;
      state = followEstimate(state, {
        estimate,
        strained: sent > capacity,
        sent,
        wished: qualities[0] ?? 0,
        now: second * 1000,
      });
      sentOver.push(sent);
    }
    return { state, sentOver };
  }

  test('a network that carries everything sets no bound', () => {
    assert.equal(run(60, 5_000_000, [800_000, 200_000]).state.limit, null);
  });

  test('a narrow one gets what fits within seconds, is tried less and less often, and gets all when it is wide again', () => {
    const { sentOver, state } = run(300, 500_000, [800_000, 200_000, 60_000]);
    assert.ok(sentOver.slice(3).filter((sent) => sent > 500_000).length <= 30, 'rarely too much');
    assert.ok(sentOver.filter((sent) => sent === 60_000).length <= 30, 'and not too little');
    const tries = (part: readonly number[]) =>
      part.filter((sent, at) => sent > 500_000 && (part[at - 1] ?? 0) <= 500_000);
    assert.ok(tries(sentOver.slice(200)).length < tries(sentOver.slice(0, 100)).length);
    assert.equal(run(300, 5_000_000, [800_000, 200_000, 60_000], { ...state, raiseAt: 0 }).state.limit, null);
  });

  test('a picture that begins to move is not held back by an estimate from quieter times', () => {
    let state = noBound;
    for (let second = 0, estimate = 60_000; second < 60; second += 1, estimate *= 1.08) {
      state = followEstimate(state, {
        estimate,
        strained: null,
        sent: second < 3 ? 50_000 : 800_000,
        wished: 800_000,
        now: second * 1000,
      });
      assert.equal(state.limit, null);
    }
  });

  test('an estimate that falls where nothing queues and little is lost is not believed', () => {
    let state = noBound;
    for (let now = 1000; now < 60_000; now += 1000) {
      state = followEstimate(state, { estimate: 98_000, strained: false, sent: 165_000, wished: 300_000, now });
      assert.equal(state.limit, null);
    }
  });

  test('one second of too little is no bound yet', () => {
    const once = followEstimate(noBound, { estimate: 100, strained: true, sent: 1000, wished: 1000, now: 1 });
    assert.equal(once.limit, null);
    assert.equal(followEstimate(once, { estimate: 1500, strained: true, sent: 1000, wished: 1000, now: 2 }).short, 0);
  });
});

describe('who is speaking', () => {
  const nobody: SpeakerState = { speaker: null, candidate: null, since: 0 };
  const run = (steps: readonly (readonly [ms: number, levels: Record<string, number>])[]) => {
    let state = nobody;
    let now = 0;
    const heard: (string | null)[] = [];
    for (const [ms, levels] of steps) {
      for (const end = now + ms; now < end; now += 100) {
        const next = nextSpeaker(state, new Map(Object.entries(levels)), now);
        if (next.speaker !== state.speaker) heard.push(next.speaker);
        state = next;
      }
    }
    return heard;
  };

  test('of two who go on equally loud when the one who spoke falls silent, one takes over', () => {
    const inTurn = Array.from(
      { length: 10 },
      (_, i) => [100, { a: 98 + (i % 2) * 4, b: 102 - (i % 2) * 4, c: 0 }] as const,
    );
    assert.deepEqual(run([[400, { c: 100 }], ...inTurn]), ['c', 'b']);
  });

  test('a word is enough to begin; a cough of another changes nothing; a pause between sentences neither', () => {
    assert.deepEqual(run([[400, { a: 100 }]]), ['a']);
    assert.deepEqual(
      run([
        [100, { a: 100 }],
        [400, { a: 0 }],
      ]),
      [],
    );
    assert.deepEqual(
      run([
        [400, { a: 100 }],
        [300, { a: 50, b: 110 }],
        [1000, { a: 100, b: 0 }],
      ]),
      ['a'],
    );
    assert.deepEqual(
      run([
        [400, { a: 100 }],
        [1000, { a: 20 }],
        [400, { a: 100 }],
      ]),
      ['a'],
    );
  });

  test('whoever goes on speaking louder takes over; an echo does not; silence of all ends it', () => {
    assert.deepEqual(
      run([
        [400, { a: 95 }],
        [3000, { a: 95, b: 98 }],
      ]),
      ['a'],
    );
    assert.deepEqual(
      run([
        [400, { a: 95 }],
        [1000, { a: 60, b: 98 }],
        [3000, { a: 20, b: 20 }],
      ]),
      ['a', 'b', null],
    );
  });

  test('who spoke last comes first, and who is gone is forgotten', () => {
    const said: (string | null)[] = [];
    const speakers = createSpeakers((device) => said.push(device));
    const speak = (device: string, from: number) => {
      for (let now = from; now < from + 1500; now += 20) speakers.heard(device, 110, now);
    };
    speak('a', 0);
    speak('b', 3000);
    assert.deepEqual(said, ['a', 'b']);
    assert.deepEqual(speakers.recent(), ['b', 'a']);
    speakers.forget('b');
    assert.deepEqual(said.at(-1), null);
    assert.deepEqual(speakers.recent(), ['a']);
  });

  test('those asked for, and the latest speakers up to the bound', () => {
    const everybody = Array.from({ length: 25 }, (_, n) => `p${n}`);
    assert.deepEqual([...visiblePictures(everybody, new Map(), 4)], ['p0', 'p1', 'p2', 'p3']);
    const heights = new Map([
      ['p20', 180],
      ['p0', 0],
    ]);
    assert.deepEqual([...visiblePictures(everybody, heights, 4)], ['p20', 'p1', 'p2', 'p3']);
    const all = new Map(everybody.map((name) => [name, 90] as const));
    assert.equal(visiblePictures(everybody, all, 4).size, 25);
  });
});

describe('one unbroken stream', () => {
  function fakeClock(): Clock & { at: number } {
    return {
      at: 0,
      now() {
        return this.at;
      },
      after: () => () => undefined,
    };
  }

  /** A VP8 packet in a frame of its own, with picture id and TL0PICIDX. */
  function frame(sequence: number, timestamp: number, id: number, base: number, key: boolean): Buffer {
    const packet = Buffer.alloc(12 + 6 + 10);
    packet[0] = 0x80;
    packet[1] = 0x80 | 120;
    packet.writeUInt16BE(sequence & 0xffff, 2);
    packet.writeUInt32BE(timestamp >>> 0, 4);
    packet.writeUInt32BE(99, 8);
    packet[12] = 0x90;
    packet[13] = 0xe0;
    packet.writeUInt16BE(0x8000 | (id & 0x7fff), 14);
    packet[16] = base & 0xff;
    packet[17] = 0;
    packet[18] = key ? 0 : 1;
    return packet;
  }

  const feedOf = (...rids: string[]): Feed & { asked: number[] } => {
    const asked: number[] = [];
    return {
      audioLevelExtension: undefined,
      sendTimeExtension: undefined,
      captureTimeExtension: undefined,
      rids,
      asked,
      requestKeyframe: (layer) => asked.push(layer),
    };
  };

  test('a small tile begins with what runs, and gets its own quality once that has begun', () => {
    const clock = fakeClock();
    const source = createSource('alice', 'video', vp8, { id: 's', cname: 'c' }, clock);
    const feed = feedOf('h', 'm', 'l');
    source.attach(feed);
    const forwarding = source.addReceiver({ isOpen: () => true, send: () => undefined });
    const receiver: ArrangedReceiver = {
      device: { name: 'bob', sources: [], heights: new Map([['alice', 90]]) },
      forwardings: [forwarding],
      limit: null,
    };
    const wanted: string[] = [];
    const arrangement = createArrangement(
      9,
      () => [],
      (_, layers) => wanted.push(layers.join()),
    );
    const header = emptyRtpHeader();
    const send = (layer: number, sequence: number, at: number) => {
      clock.at = at;
      const packet = frame(sequence, at * 90, sequence, 0, true);
      assert.ok(readRtp(packet, header));
      source.forward(feed, layer, vp8.payloadType, packet, header, at);
    };
    const arrange = (at: number) => {
      clock.at = at;
      arrangement.arrange([receiver], [source], at);
    };
    arrange(0);
    assert.equal(forwarding.target?.index, 0, 'every sender begins with the full one');
    assert.deepEqual(wanted, ['0,2'], 'and is asked for the small one at once');
    send(0, 1, 50);
    assert.equal(forwarding.current?.index, 0);
    arrange(1000);
    assert.equal(forwarding.target?.index, 2);
    assert.equal(forwarding.current?.index, 0, 'which is seen until the small one comes');
    send(2, 1, 1100);
    assert.equal(forwarding.current?.index, 2);
    arrange(1200);
    arrange(4000);
    assert.equal(wanted.at(-1), '2', 'the full one is wanted no more');
  });

  test('layers are changed at key frames only, and all numbers run on; what was lost before is found again', () => {
    const clock = fakeClock();
    const source = createSource('alice', 'video', vp8, { id: 's', cname: 'c' }, clock);
    const feed = feedOf('h', 'm');
    const header = emptyRtpHeader();
    const picture = emptyPicture();
    const got: { sequence: number; timestamp: number; id: number; base: number; key: boolean }[] = [];
    const reports: { rtpTimestamp: number }[] = [];
    source.attach(feed);
    const forwarding = source.addReceiver({
      isOpen: () => true,
      send(packet) {
        if (isRtcp(packet)) return walkRtcp(packet, { senderReport: (said) => reports.push(said) });
        assert.ok(readRtp(packet, header));
        assert.equal(header.ssrc, source.ssrc);
        assert.equal(header.payloadType, vp8.payloadType);
        readPicture('VP8', packet, header.payloadStart, header.payloadEnd, picture);
        const { sequence, timestamp } = header;
        got.push({ sequence, timestamp, id: picture.id, base: picture.base, key: ((packet[18] ?? 1) & 1) === 0 });
      },
    });
    const own = emptyRtpHeader();
    const send = (layer: number, n: number, key: boolean) => {
      // The two count from different beginnings, near where they wrap.
      const [sequence, timestamp, id, base] = layer === 0 ? [65_530, 4_294_960_000, 32_765, 250] : [10, 77, 5, 9];
      const packet = frame(sequence + n, timestamp + n * 3000, id + n, base + n, key);
      assert.ok(readRtp(packet, own));
      source.forward(feed, layer, vp8.payloadType, packet, own, clock.at);
    };
    for (let n = 0; n < 40; n += 1) {
      clock.at = n * (1000 / 30);
      if (n === 15) forwarding.aim(source.layers[1] ?? null);
      send(0, n, n === 3);
      send(1, n, n === 5 || n === 20);
    }
    assert.deepEqual(feed.asked, [0, 1], 'a key frame is asked for where one is waited for');
    assert.equal(got[0]?.key, true);
    // 17 frames of the first from its key frame on, frame 20 of both (the second begins after the first has sent it).
    assert.equal(got.length, 18 + 20);
    for (let n = 1; n < got.length; n += 1) {
      const [before, now] = [got[n - 1], got[n]];
      assert.ok(before && now);
      assert.equal((now.sequence - before.sequence) & 0xffff, 1);
      assert.equal((now.id - before.id) & 0x7fff, 1);
      assert.equal((now.base - before.base) & 0xff, 1);
      const step = (now.timestamp - before.timestamp) >>> 0;
      assert.ok(step > 0 && step <= 3100, `${step}`);
    }
    assert.equal(got[18]?.key, true);
    for (const one of got) {
      const again = forwarding.sent(one.sequence);
      assert.ok(again && readRtp(again, header));
      readPicture('VP8', again, header.payloadStart, header.payloadEnd, picture);
      assert.deepEqual(
        [header.sequence, header.timestamp, picture.id, picture.base],
        [one.sequence, one.timestamp, one.id, one.base],
      );
    }
    assert.equal(reports.length, 2, 'a report with the first packet of each, so that sound and picture stay together');
    assert.ok(Math.abs(((reports[1]?.rtpTimestamp ?? 0) - (got[18]?.timestamp ?? 0)) | 0) < 100);
  });

  test('a publisher that overlooks a request is asked again while somebody who is connected waits, and not after', () => {
    const clock = fakeClock();
    const source = createSource('alice', 'video', vp8, { id: 's', cname: 'c' }, clock);
    const feed = feedOf();
    let open = false;
    source.attach(feed);
    source.addReceiver({ isOpen: () => open, send: () => undefined });
    const header = emptyRtpHeader();
    let sent = 0;
    const send = (ms: number, key = false) => {
      for (const end = clock.at + ms; clock.at < end; clock.at += 50) {
        sent += 1;
        const packet = frame(sent, sent * 4500, sent, sent, key);
        readRtp(packet, header);
        source.forward(feed, 0, vp8.payloadType, packet, header, clock.at);
      }
    };
    send(2000);
    assert.equal(feed.asked.length, 0, 'it could not be passed on');
    open = true;
    send(50);
    assert.equal(feed.asked.length, 1);
    send(700);
    assert.equal(feed.asked.length, 1, 'the answer may be on its way');
    send(1000);
    assert.equal(feed.asked.length, 3);
    send(50, true);
    send(3000);
    assert.equal(feed.asked.length, 3);
  });

  test('sound and picture of one moment have reports of one moment, whatever the publisher says later', () => {
    const clock = fakeClock();
    const source = createSource('alice', 'audio', opus, { id: 's', cname: 'c' }, clock);
    const feed = feedOf();
    const reports: { ntpSeconds: number; ntpFraction: number; rtpTimestamp: number }[] = [];
    source.attach(feed);
    source.addReceiver({
      isOpen: () => true,
      send: (packet) => void (isRtcp(packet) && walkRtcp(packet, { senderReport: (said) => reports.push(said) })),
    });
    const header = emptyRtpHeader();
    const packet = frame(1, 5000, 0, 0, true);
    readRtp(packet, header);
    source.forward(feed, 0, opus.payloadType, packet, header, 0);
    assert.equal(reports.length, 1, 'at once, before the publisher has reported');
    clock.at = 2500;
    source.measured(feed, 0, { at: 2490, rtp: 5000 + 120_000 }, clock.at);
    assert.equal(reports.length, 2);
    const [first, second] = reports;
    assert.ok(first && second);
    const seconds = second.ntpSeconds - first.ntpSeconds + (second.ntpFraction - first.ntpFraction) / 2 ** 32;
    assert.ok(Math.abs(seconds - 2.5) < 0.001);
    assert.ok(Math.abs(second.rtpTimestamp - first.rtpTimestamp - 2.51 * 48_000) < 2);
  });
});
