// Links between real providers on loopback: what works, and what a hostile or broken neighbour gets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type Address, asParleyError, type Domain, type ErrorCode, MAX_PENDING_REQUESTS } from '@parley/protocol';
import { exportJWK, generateKeyPair } from 'jose';
import { makeProof } from './proof.ts';
import { proveRaw, rawLink, startProvider, type TestProvider, type TestProviderOptions, testNonce } from './testing.ts';

const bob = 'bob@one.example' as Address;
const alice = 'alice@two.example' as Address;
const contact = { person: { address: bob, name: 'Bob', company: 'One' }, presence: 'available' as const };
const lookup = { address: bob, by: alice };
const refusedWith = (code: ErrorCode) => (error: unknown) => asParleyError(error).code === code;

function answerLookups(provider: TestProvider): string[] {
  const seen: string[] = [];
  provider.federation.handle('directory.lookup', (from) => {
    seen.push(from);
    return { contact };
  });
  return seen;
}
const ask = (from: TestProvider, to: { domain: Domain }) =>
  from.federation.request(to.domain, 'directory.lookup', lookup);

async function pair(t: TestContext, options: TestProviderOptions = {}) {
  const hosts: Record<string, string> = {};
  const one = await startProvider(t, 'one.example', hosts, options);
  const two = await startProvider(t, 'two.example', hosts, options);
  return { hosts, one, two };
}

/** Resolves when so many links are open among these. */
async function openLinks(providers: TestProvider[], wanted: number): Promise<void> {
  const count = () => providers.reduce((sum, { sockets }) => sum + sockets().open, 0);
  while (count() !== wanted) await Promise.race(providers.map(({ changes }) => once(changes, 'change')));
}

const numbered = (i: number) => ({ address: `n${i}@one.example` as Address, by: alice });
const numberOf = (address: Address) => Number(address.slice(1, address.indexOf('@')));
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('a link', () => {
  it('carries requests both ways, and comes back after a cut', async (t) => {
    const { one, two } = await pair(t);
    const seen = answerLookups(one);
    answerLookups(two);
    assert.deepEqual(await ask(two, one), { contact });
    await ask(one, two);
    assert.equal(one.sockets().made + two.sockets().made, 1, 'one link for both directions');
    assert.deepEqual(seen, ['two.example'], 'the domain of who asks is known');

    const downs = Promise.all([once(two.federation, 'down'), once(one.federation, 'down')]);
    one.cut();
    await downs;
    assert.deepEqual(await ask(two, one), { contact });
  });

  it('connects three providers, each with each', async (t) => {
    const { hosts, one, two } = await pair(t);
    const three = await startProvider(t, 'three.example', hosts);
    const all = [one, two, three];
    const seen = all.map(answerLookups);
    await Promise.all(all.flatMap((from) => all.filter((to) => to !== from).map((to) => ask(from, to))));
    assert.deepEqual(
      seen.map((domains) => domains.toSorted()),
      [
        ['three.example', 'two.example'],
        ['one.example', 'three.example'],
        ['one.example', 'two.example'],
      ],
    );
    await openLinks(all, 3);
  });

  it('starts handlers in the order of asking, far more than may be unanswered at a time', async (t) => {
    const { one, two } = await pair(t);
    const order: number[] = [];
    let running = 0;
    one.federation.handle('presence.watch', async (_, { address }) => {
      order.push(numberOf(address));
      running += 1;
      assert.ok(running <= MAX_PENDING_REQUESTS);
      await new Promise(setImmediate);
      running -= 1;
      return { presence: 'away' };
    });
    const many = upTo(400);
    await Promise.all(many.map((i) => two.federation.request(one.domain, 'presence.watch', numbered(i))));
    assert.deepEqual(order, many);
  });

  it('is free for requests on both sides from the moment in which it is up', async (t) => {
    const { one, two } = await pair(t);
    answerLookups(one);
    answerLookups(two);
    const firsts = [one, two].map((provider) => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      provider.federation.once('up', ({ domain }) => resolve(ask(provider, { domain })));
      return promise;
    });
    await ask(two, one);
    assert.deepEqual(await Promise.all(firsts), [{ contact }, { contact }]);
  });

  it('opened by both at once is one link, and no request is lost or done twice', async (t) => {
    const { one, two } = await pair(t);
    const order = { 'one.example': [] as number[], 'two.example': [] as number[] };
    for (const provider of [one, two]) {
      provider.federation.handle('presence.watch', (from, { address }) => {
        order[from as 'one.example'].push(numberOf(address));
        return { presence: 'away' };
      });
    }
    for (let round = 0; round < 25; round += 1) {
      order['one.example'] = [];
      order['two.example'] = [];
      // Neither socket is served before both are there.
      let arrived = 0;
      const both = Promise.withResolvers<void>();
      one.gate = two.gate = () => {
        arrived += 1;
        if (arrived === 2) both.resolve();
        return both.promise;
      };
      const asked = upTo(10).flatMap((i) => [
        one.federation.request(two.domain, 'presence.watch', numbered(i)),
        two.federation.request(one.domain, 'presence.watch', numbered(i)),
      ]);
      await Promise.all(asked);
      assert.deepEqual(order, { 'one.example': upTo(10), 'two.example': upTo(10) });
      await openLinks([one, two], 1);
      await Promise.all(asked);
      const downs = Promise.all([once(one.federation, 'down'), once(two.federation, 'down')]);
      one.cut();
      two.cut();
      await downs;
    }
  });

  it('that its other end has lost is replaced at once, though nothing told this side', async (t) => {
    const hosts: Record<string, string> = {};
    const one = await startProvider(t, 'one.example', hosts, { limits: { probeMs: 100 } });
    const two = await startProvider(t, 'two.example', hosts);
    answerLookups(one);
    answerLookups(two);
    const tunnel = await startTunnel(t, two.port);
    hosts[two.domain] = `http://two.localhost:${tunnel.port}`;
    two.lie = (_, response) =>
      response.end(JSON.stringify({ ...two.wellKnownDocument(), link: `ws://two.localhost:${tunnel.port}/link` }));
    await ask(one, two);
    const lost = once(two.federation, 'down');
    tunnel.swallow();
    await lost;
    const events: string[] = [];
    one.federation.on('down', () => events.push('down')).on('up', () => events.push('up'));
    assert.deepEqual(await ask(two, one), { contact });
    assert.deepEqual(events, ['down', 'up']);
    assert.deepEqual(await ask(one, two), { contact }, 'and used from this side too');
  });

  it('is taken anew when a provider has been started again, with the same key', async (t) => {
    const hosts: Record<string, string> = {};
    const folder = await mkdtemp(join(tmpdir(), 'parley-federation-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const one = await startProvider(t, 'one.example', hosts);
    const before = await startProvider(t, 'two.example', hosts, { folder });
    answerLookups(one);
    await ask(before, one);
    const keys = before.wellKnownDocument().keys;
    const down = once(one.federation, 'down');
    await before.stop();
    await down;
    const after = await startProvider(t, 'two.example', hosts, { folder, port: before.port });
    answerLookups(after);
    assert.deepEqual(after.wellKnownDocument().keys, keys);
    assert.deepEqual(await ask(after, one), { contact });
    assert.deepEqual(await ask(one, after), { contact });
  });
});

describe('R49: a provider that is down', () => {
  it('is an error in bounded time, whatever kind of down it is', async (t) => {
    const { one, two } = await pair(t, { requestSeconds: 0.3 });
    await assert.rejects(ask(two, { domain: 'nowhere' as Domain }), refusedWith('provider-unknown'));
    one.federation.handle('directory.lookup', () => new Promise(() => {}));
    await assert.rejects(ask(two, one), refusedWith('timed-out'), 'does not answer');
    two.federation.handle('directory.lookup', () => new Promise(() => {}));
    const cut = assert.rejects(ask(one, two), refusedWith('provider-unreachable'), 'cut before the answer');
    one.cut();
    await cut;
    one.gate = () => new Promise(() => {});
    await assert.rejects(ask(two, one), refusedWith('provider-unreachable'), 'accepts, and says nothing');
    await one.stop();
    await assert.rejects(ask(two, one), refusedWith('provider-unreachable'), 'refuses connections');
  });

  it('keeps only so many requests waiting', async (t) => {
    const { one, two } = await pair(t, { limits: { queued: 5 } });
    one.gate = () => new Promise(() => {});
    const waiting = upTo(5).map(() => assert.rejects(ask(two, one), refusedWith('provider-unreachable')));
    await assert.rejects(ask(two, one), refusedWith('too-many-requests'));
    await one.stop();
    await two.stop();
    await Promise.all(waiting);
  });

  it('answers nothing about the session of who asks here', async (t) => {
    const { ParleyError } = await import('@parley/protocol');
    const { one, two } = await pair(t);
    one.federation.handle('directory.lookup', () => {
      throw new ParleyError('session-expired');
    });
    await assert.rejects(ask(two, one), refusedWith('provider-refused'));
  });

  it('gives what its handler throws, and nothing unchecked', async (t) => {
    const { ParleyError } = await import('@parley/protocol');
    const { one, two } = await pair(t);
    one.federation.handle('directory.lookup', () => {
      throw new ParleyError('unknown-address', 'nobody');
    });
    one.federation.handle('presence.watch', () => ({ presence: 'asleep' as 'away' }));
    await assert.rejects(ask(two, one), refusedWith('unknown-address'));
    await assert.rejects(
      two.federation.request(one.domain, 'presence.watch', lookup),
      refusedWith('internal-error'),
      'a result that is not one',
    );
    await assert.rejects(
      two.federation.request(one.domain, 'focus.close', { room: `r_${'r'.repeat(22)}` }),
      refusedWith('unknown-method'),
    );
    await assert.rejects(two.federation.request(two.domain, 'directory.lookup', lookup), refusedWith('internal-error'));
  });
});

describe('R47: a neighbour', () => {
  it('whose published key is not the one it signs with is refused on either side, and nothing is handled', async (t) => {
    const { one, two } = await pair(t);
    const seen = [...[one, two].map(answerLookups)];
    const { publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const { x = '' } = await exportJWK(publicKey);
    const forged = {
      ...two.wellKnownDocument(),
      keys: [{ kty: 'OKP', crv: 'Ed25519', x, kid: two.wellKnownDocument().keys[0]?.kid }],
    };
    two.lie = (_, response) => response.end(JSON.stringify(forged));
    await assert.rejects(ask(one, two), refusedWith('provider-untrusted'), 'as the one who is asked');
    await assert.rejects(ask(two, one), refusedWith('provider-refused'), 'as the one who asks');
    assert.deepEqual(seen, [[], []]);
  });

  it('is not heard before its proof', async (t) => {
    const { one } = await pair(t);
    const seen = answerLookups(one);
    const link = await rawLink(one);
    const hello = { version: 1, from: 'two.example', to: 'one.example', nonce: testNonce };
    const refusals: [string, unknown, ErrorCode][] = [
      ['directory.lookup', lookup, 'out-of-turn'],
      ['link.prove', { proof: 'x.y.z' }, 'out-of-turn'],
      ['link.hello', { ...hello, version: 2 }, 'unsupported-version'],
      ['link.hello', { ...hello, nonce: 'short' }, 'invalid-parameters'],
      ['link.hello', { ...hello, to: 'three.example' }, 'provider-refused'],
      ['link.hello', { ...hello, from: 'one.example' }, 'provider-untrusted'],
    ];
    for (const [method, params, code] of refusals) assert.equal((await link.say(method, params)).code, code);
    assert.ok((await link.say('link.hello', hello)).result);
    assert.equal((await link.say('link.hello', hello)).code, 'out-of-turn', 'a second hello');
    assert.equal((await link.say('directory.lookup', lookup)).code, 'out-of-turn');
    assert.deepEqual(seen, []);
  });

  it('gets no further with a replayed, reflected or misdirected proof, and no second try', async (t) => {
    const { hosts, one, two } = await pair(t);
    const three = await startProvider(t, 'three.example', hosts);
    const seen = answerLookups(one);
    const hello = { version: 1, from: two.domain, to: one.domain, nonce: testNonce };
    const nonces = (acceptor: string) => ({ connector: testNonce, acceptor });
    let good = '';
    const honest = await rawLink(one);
    const { result } = await honest.say('link.hello', hello);
    good = await makeProof(two.signer, 'connector', one.domain, nonces(result?.nonce ?? ''));
    assert.deepEqual((await honest.say('link.prove', { proof: good })).result, {});
    assert.equal((await honest.say('link.prove', { proof: good })).code, 'out-of-turn');
    assert.ok((await honest.say('directory.lookup', lookup)).result);

    const cases: [string, (theirs: { nonce?: string; proof?: string }) => Promise<string> | string][] = [
      ['replayed', () => good],
      ['reflected', ({ proof = '' }) => proof],
      ['for a third', ({ nonce = '' }) => makeProof(two.signer, 'connector', three.domain, nonces(nonce))],
      ['by a third', ({ nonce = '' }) => makeProof(three.signer, 'connector', one.domain, nonces(nonce))],
      ['in the other role', ({ nonce = '' }) => makeProof(two.signer, 'acceptor', one.domain, nonces(nonce))],
      ['of another kind', () => two.signer.sign('ticket', { aud: one.domain, role: 'connector' }, 60)],
    ];
    for (const [what, proof] of cases) {
      const link = await rawLink(one);
      const theirs = (await link.say('link.hello', hello)).result ?? {};
      assert.equal((await link.say('link.prove', { proof: await proof(theirs) })).code, 'provider-untrusted', what);
      assert.equal(await link.closed, 4003, what);
    }
    assert.equal(seen.length, 1);
    assert.ok((await honest.say('directory.lookup', lookup)).result, 'the honest link is not disturbed');
  });

  it('that says nothing, or too much, before its proof is cut; others are let in meanwhile', async (t) => {
    const { one, two } = await pair(t, { limits: { handshakeMs: 200, unproven: 3, unprovenFrames: 5 } });
    answerLookups(one);
    const silent = await Promise.all(upTo(3).map(() => rawLink(one)));
    assert.deepEqual(await ask(two, one), { contact }, 'the oldest gives way');
    assert.equal(await silent[0]?.closed, 1006);
    assert.equal(await silent[2]?.closed, 4003);
    const loud = await rawLink(one);
    for (const _ of upTo(6)) loud.send('?');
    assert.equal(await loud.closed, 1008);
  });

  it('that asks without end is told, then cut', async (t) => {
    const { one, two } = await pair(t, { limits: { framesPerSecond: 1, burst: 20 } });
    const seen = answerLookups(one);
    const codes: string[] = [];
    const link = await rawLink(one, (text) => codes.push(JSON.parse(text).error?.data.code ?? 'ok'));
    await proveRaw(link, two, one);
    for (const i of upTo(70)) {
      link.send(JSON.stringify({ jsonrpc: '2.0', id: i, method: 'directory.lookup', params: lookup }));
    }
    assert.equal(await link.closed, 1008);
    assert.ok(seen.length >= 20 && seen.length < 30, `${seen.length} handled`);
    assert.ok(codes.includes('too-many-requests'));
  });

  it('that asks but does not read is cut', { timeout: 20_000 }, async (t) => {
    // Neither the rate nor the heartbeat may be what cuts it.
    const limits = { framesPerSecond: 1e9, burst: 1e9, heartbeatMs: 600_000 };
    const { one, two } = await pair(t, { limits });
    const answer = {
      room: `r_${'r'.repeat(22)}`,
      leg: `l_${'l'.repeat(16)}`,
      sdp: 'x'.repeat(60_000),
      statement: 's',
      offers: { mixing: false, recording: false },
    };
    let asked = 0;
    one.federation.handle('focus.join', () => {
      asked += 1;
      return answer;
    });
    const link = await rawLink(one);
    await proveRaw(link, two, one);
    const down = once(one.federation, 'down');
    let open = true;
    down.finally(() => {
      open = false;
    });
    link.socket.pause();
    const params = { ticket: 'ticket', address: alice, device: `d_${'d'.repeat(22)}`, sdp: 'v=0' };
    for (let i = 0; open && i < 5000; i += 1) {
      link.send(JSON.stringify({ jsonrpc: '2.0', id: i, method: 'focus.join', params }));
      await new Promise(setImmediate);
    }
    await down;
    assert.ok(asked < 2000, `${asked} answers were kept for it`);
    link.socket.terminate();
  });
});

/** A TCP tunnel that can be made to swallow everything towards one end while it tells the other that it is gone. */
async function startTunnel(t: TestContext, to: number) {
  const ends: { near: Socket; far: Socket }[] = [];
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    near.on('error', () => {}).pipe(far);
    far.on('error', () => {}).pipe(near);
    ends.push({ near, far });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    for (const { near, far } of ends) {
      near.destroy();
      far.destroy();
    }
    server.close();
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    swallow() {
      for (const { near, far } of ends) {
        near.unpipe(far);
        far.unpipe(near);
        near.resume();
        far.destroy();
      }
    },
  };
}
