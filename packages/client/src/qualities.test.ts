// What a client tells of the sizes it shows, and which qualities its camera sends. The browser's observer of sizes and its
// sender are fakes; real ones take part in the scenario.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import type { Address, WantedPictures } from '@parley/protocol';
import { qualityEncodings, wantedHeight, watchSizes } from './qualities.ts';
import { createSenders } from './senders.ts';

const alice = 'alice@enterprise1.example' as Address;
const bob = 'bob@enterprise1.example' as Address;

class FakeObserver {
  static latest: FakeObserver | null = null;
  readonly seen = new Set<Element>();
  readonly #tell: (entries: { target: Element; contentRect: { height: number } }[]) => void;
  constructor(tell: (entries: { target: Element; contentRect: { height: number } }[]) => void) {
    this.#tell = tell;
    FakeObserver.latest = this;
  }
  observe(element: Element) {
    this.seen.add(element);
  }
  unobserve(element: Element) {
    this.seen.delete(element);
  }
  disconnect() {
    this.seen.clear();
  }
  resize(target: Element, height: number) {
    this.#tell([{ target, contentRect: { height } }]);
  }
}
const tile = (clientHeight: number) => ({ clientHeight }) as Element;

beforeEach(() => {
  Object.assign(globalThis, { ResizeObserver: FakeObserver, devicePixelRatio: 1 });
  mock.timers.enable({ apis: ['setTimeout'] });
});
afterEach(() => mock.timers.reset());

test('the largest tile of each person is told, once sizes have come to rest, and only if they are others', () => {
  const told: WantedPictures[] = [];
  const sizes = watchSizes((pictures) => told.push(pictures));
  const [small, large, other] = [tile(90), tile(300), tile(120)];
  const stopSmall = sizes.watch(alice, small);
  const stopLarge = sizes.watch(alice, large);
  sizes.watch(bob, other);
  const observer = FakeObserver.latest;
  assert.ok(observer);
  observer.resize(other, 119);
  assert.deepEqual(told, []);
  mock.timers.tick(300);
  const both = [
    { address: alice, height: 300 },
    { address: bob, height: 120 },
  ];
  assert.deepEqual(told, [both]);
  observer.resize(other, 118);
  mock.timers.tick(300);
  assert.equal(told.length, 1, 'two pixels are no news');
  stopLarge();
  mock.timers.tick(300);
  assert.deepEqual(told.at(-1)?.[0], { address: alice, height: 90 });
  stopSmall();
  observer.resize(other, 0);
  mock.timers.tick(300);
  assert.deepEqual(told.at(-1), [{ address: bob, height: 1 }]);
  assert.deepEqual(sizes.wanted(), told.at(-1));
  sizes.close();
  assert.equal(observer.seen.size, 0);
});

test('heights are told in steps, never nothing and never without bound', () => {
  assert.deepEqual([0, 1, 30, 31, 1e9].map(wantedHeight), [1, 30, 30, 60, 16_384]);
});

test('a camera sends the qualities that are wanted, and its bound is that of the full picture', async () => {
  let parameters = { encodings: qualityEncodings.map((one) => ({ ...one })) };
  const sender = {
    track: null,
    getParameters: () => structuredClone(parameters),
    async setParameters(next: typeof parameters) {
      parameters = next;
    },
    replaceTrack: async () => undefined,
  } as unknown as RTCRtpSender;
  const senders = createSenders();
  senders.attach(null, sender);
  const sent = () => parameters.encodings.filter(({ active }) => active).map(({ rid }) => rid);
  senders.limitVideo(1_200_000);
  await Promise.resolve();
  assert.deepEqual(sent(), ['h']);
  senders.wantQualities(['m', 'l']);
  senders.limitVideo(600_000);
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  assert.deepEqual(sent(), ['m', 'l']);
  assert.deepEqual(
    parameters.encodings.map(({ maxBitrate }) => maxBitrate),
    [600_000, 300_000, 100_000],
  );
});
