// Tens of thousands of spoilt messages against a link, before and after its proof: no crash, no unbounded memory, every
// answer is of the published kind, nothing unchecked is handled, and the link still works.
// PARLEY_FUZZ sets how many, PARLEY_FUZZ_SEED which.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Address, errorOf, failureSchema, linkMethods, MAX_FRAME_BYTES, parseFrame } from '@parley/protocol';
import { createRandom, mutate } from '../signalling/test-mutator.ts';
import { proveRaw, rawLink, startProvider, testNonce } from './testing.ts';

const COUNT = Number(process.env.PARLEY_FUZZ ?? 50_000);
const SEED = Number(process.env.PARLEY_FUZZ_SEED ?? 1);
const BATCH = 50;

const bob = 'bob@one.example' as Address;
const alice = 'alice@two.example' as Address;
const conversation = `${'A'.repeat(22)}@two.example`;
const contact = { person: { address: bob, name: 'Bob', company: 'One' }, presence: 'available' as const };
const [room, leg, device] = [`r_${'r'.repeat(22)}`, `l_${'l'.repeat(16)}`, `d_${'d'.repeat(22)}`];
const sdp = 'v=0\r\n';
const lookup = { address: bob, by: alice };
const event = { conversation, n: 1, at: 1, body: { type: 'message', by: alice, text: 'hello' } };
const candidates = [{ candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host', sdpMid: '0' }];

/** Valid parameters of everything that may be asked. */
const samples = {
  'link.hello': { version: 1, from: 'two.example', to: 'one.example', nonce: testNonce },
  'link.prove': { proof: 'a.b.c' },
  'conversation.deliver': { conversation, events: [event] },
  'conversation.command': { conversation, by: alice, command: { type: 'add', address: bob } },
  'call.signal': {
    conversation,
    from: { address: alice, device },
    to: { address: bob, device },
    signal: { type: 'candidates', path: 'p_12345678', epoch: 1, candidates },
  },
  'focus.create': { conversation, epoch: 2 },
  'focus.join': { ticket: 'ticket', address: alice, device, sdp },
  'focus.answer': { room, address: alice, device, leg, revision: 1, sdp },
  'focus.candidates': { room, address: alice, device, leg, candidates },
  'focus.prefer': { room, address: alice, device, pictures: [{ address: bob, height: 180 }] },
  'focus.wanted': { room, address: alice, device, leg, mid: '1', rids: ['h'] },
  'focus.speaker': { room, address: alice, device, speaker: bob },
  'focus.report': { conversation, room, report: { type: 'room-lost' } },
  'directory.lookup': lookup,
  'presence.changed': { address: alice, presence: 'away', for: [bob] },
} as const;
const methods = Object.keys(samples) as (keyof typeof samples)[];

/** Bytes in use after a collection. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

for (const proven of [false, true]) {
  const count = COUNT / 2;
  it(`${count} spoilt messages ${proven ? 'after' : 'before'} the proof (seed ${SEED})`, async (t) => {
    const random = createRandom(SEED + Number(proven));
    const hosts: Record<string, string> = {};
    const flood = { framesPerSecond: 1e9, burst: 1e9, unprovenFrames: 1e9, handshakeMs: 60_000 };
    const one = await startProvider(t, 'one.example', hosts, { limits: flood, requestSeconds: 20 });
    const two = await startProvider(t, 'two.example', hosts, { requestSeconds: 20 });
    let handled = 0;
    one.federation.handle('directory.lookup', (_, params) => {
      handled += 1;
      assert.deepEqual(linkMethods['directory.lookup'].params.parse(params), params);
      assert.equal(Object.getPrototypeOf(params), Object.prototype);
      return { contact };
    });
    const codes = new Map<string, number>();
    const hear = (text: string) => {
      const message = parseFrame(text);
      if (message.kind === 'success') return;
      assert.ok(message.kind === 'failure', text);
      failureSchema.parse(JSON.parse(text));
      const { code } = errorOf(message);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    };
    const open = async () => {
      const link = await rawLink(one, hear);
      if (proven) assert.equal((await proveRaw(link, two, one)).code, undefined);
      return link;
    };

    let link = await open();
    const before = heapUsed();
    for (let sent = 0; sent < count; sent += BATCH) {
      for (let i = 0; i < BATCH; i += 1) {
        const method = random.pick(methods);
        const text = mutate(random, { jsonrpc: '2.0', id: `f${sent + i}`, method, params: samples[method] });
        // Now and then what no text can be: binary frames and frames beyond the bound.
        if (random.int(10_000) === 0) link.socket.send(Buffer.from(text));
        else if (random.int(2000) === 0) link.send(text.padEnd(MAX_FRAME_BYTES + 1));
        else link.send(text);
      }
      // Answered, or closed over a binary frame or a failed proof: everything before it has been read.
      const last = link.answer('last of batch');
      link.send(JSON.stringify({ jsonrpc: '2.0', id: 'last of batch', method: 'directory.lookup', params: lookup }));
      if ((await last) === null) {
        link.socket.terminate();
        link = await open();
      }
    }
    const grown = heapUsed() - before;
    assert.ok(grown < 32 * 1024 * 1024, `the heap has grown by ${grown} bytes`);

    // The run is worth something only if it got everywhere.
    const expected = ['malformed-message', 'message-too-large', 'out-of-turn'];
    for (const code of [...expected, ...(proven ? ['invalid-parameters', 'unknown-method'] : ['invalid-parameters'])]) {
      assert.ok((codes.get(code) ?? 0) > 0, `nothing was answered with ${code}`);
    }
    assert.equal(codes.get('internal-error'), undefined);
    assert.equal(handled > 0, proven);
    link.socket.terminate();
    const answer = await two.federation.request(one.domain, 'directory.lookup', lookup);
    assert.deepEqual(answer, { contact }, 'an honest neighbour is served as before');
  });
}
