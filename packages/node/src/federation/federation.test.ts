// Links between real providers on loopback: what works, and what a hostile or broken neighbour gets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import {
  type Address,
  asParleyError,
  type Domain,
  type ErrorCode,
  failureSchema,
  type LinkMethod,
  parseFrame,
} from '@parley/protocol';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { WebSocket } from 'ws';
import { startProvider, type TestProvider } from './testing.ts';

const bob = 'bob@one.example' as Address;
const alice = 'alice@two.example' as Address;
const contact = { person: { address: bob, name: 'Bob', company: 'One' }, presence: 'available' as const };
const refusedWith = (code: ErrorCode) => (error: unknown) => asParleyError(error).code === code;

function answerLookups(provider: TestProvider): string[] {
  const seen: string[] = [];
  provider.federation.handle('directory.lookup', (from) => {
    seen.push(from);
    return { contact };
  });
  return seen;
}
const ask = (from: TestProvider, to: TestProvider) =>
  from.federation.request(to.domain, 'directory.lookup', { address: bob, by: alice });

test('requests go both ways over one link, in order, and it comes back after a cut', { timeout: 20_000 }, async (t) => {
  const hosts: Record<string, string> = {};
  const [one, two] = [await startProvider(t, 'one.example', hosts), await startProvider(t, 'two.example', hosts)];
  const seen = answerLookups(one);
  answerLookups(two);
  assert.deepEqual(await ask(two, one), { contact });
  await ask(one, two);
  assert.equal(one.sockets() + two.sockets(), 1, 'one link carries both directions');
  assert.deepEqual(seen, ['two.example'], 'the asker’s domain is known');

  const order: number[] = [];
  one.federation.handle('presence.watch', async (_, { address }) => {
    order.push(Number(address.slice(1, address.indexOf('@'))));
    return { presence: 'away' };
  });
  await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      two.federation.request(one.domain, 'presence.watch', { address: `n${i}@one.example` as Address, by: alice }),
    ),
  );
  assert.deepEqual(
    order,
    Array.from({ length: 50 }, (_, i) => i),
    'handlers start in the order of asking',
  );

  const down = once(two.federation, 'down');
  one.cut();
  await down;
  assert.deepEqual(await ask(two, one), { contact });
});

test('both opening at once lose no request', { timeout: 20_000 }, async (t) => {
  const hosts: Record<string, string> = {};
  const [one, two] = [await startProvider(t, 'one.example', hosts), await startProvider(t, 'two.example', hosts)];
  answerLookups(one);
  answerLookups(two);
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? ask(one, two) : ask(two, one))));
  assert.equal(all.length, 20);
  await Promise.all([ask(one, two), ask(two, one)]);
});

test('R49: a provider that is down is an error in bounded time; one that hangs too', { timeout: 20_000 }, async (t) => {
  const hosts: Record<string, string> = {};
  const [one, two] = [await startProvider(t, 'one.example', hosts), await startProvider(t, 'two.example', hosts, 0.3)];
  await assert.rejects(
    two.federation.request('nowhere' as Domain, 'directory.lookup', { address: bob, by: alice }),
    refusedWith('provider-unknown'),
  );
  one.federation.handle('directory.lookup', () => new Promise(() => {}));
  await assert.rejects(ask(two, one), refusedWith('timed-out'));
  await one.stop();
  await assert.rejects(ask(two, one), refusedWith('provider-unreachable'));
});

test('a document that is not the domain’s own, or not sane, is not believed', { timeout: 30_000 }, async (t) => {
  const hosts: Record<string, string> = {};
  const one = await startProvider(t, 'one.example', hosts);
  const truth = one.wellKnownDocument();
  const lies: [string, ErrorCode, NonNullable<TestProvider['lie']>][] = [
    ['redirects', 'provider-unknown', (_, r) => r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['is huge', 'provider-untrusted', (_, r) => r.end(' '.repeat(200_000))],
    ['never ends', 'provider-unreachable', (_, r) => void r.write('{')],
    ['is no JSON', 'provider-unknown', (_, r) => r.end('hello')],
    [
      'names another domain',
      'provider-untrusted',
      (_, r) => r.end(JSON.stringify({ ...truth, domain: 'two.example' })),
    ],
    [
      'links elsewhere',
      'provider-untrusted',
      (_, r) => r.end(JSON.stringify({ ...truth, link: 'ws://127.0.0.1:1/link' })),
    ],
  ];
  for (const [index, [what, code, lie]] of lies.entries()) {
    const two = await startProvider(t, `two${index}.example`, hosts, 0.5);
    one.lie = lie;
    await assert.rejects(ask(two, one), refusedWith(code), what);
    one.lie = null;
  }
});

test('R47: a neighbour whose published key is not the one it signs with is refused, on either side', {
  timeout: 20_000,
}, async (t) => {
  const hosts: Record<string, string> = {};
  const [one, two] = [await startProvider(t, 'one.example', hosts), await startProvider(t, 'two.example', hosts)];
  const seen = answerLookups(one);
  const { publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { x = '' } = await exportJWK(publicKey);
  const forged = {
    ...two.wellKnownDocument(),
    keys: [{ kty: 'OKP', crv: 'Ed25519', x, kid: two.wellKnownDocument().keys[0]?.kid }],
  };
  two.lie = (_, response) => response.end(JSON.stringify(forged));
  await assert.rejects(ask(two, one), refusedWith('provider-untrusted'));
  await assert.rejects(ask(one, two), refusedWith('provider-untrusted'));
  assert.deepEqual(seen, [], 'nothing was handled');
});

/** A socket to a provider's link that says whatever the test wants. */
async function rawLink(provider: TestProvider) {
  const socket = new WebSocket(`ws://127.0.0.1:${provider.port}/link`);
  await once(socket, 'open');
  let id = 0;
  return {
    socket,
    async say(method: string, params: unknown): Promise<{ result?: Record<string, string>; code?: string }> {
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }));
      const [data] = (await once(socket, 'message')) as [Buffer];
      const message = JSON.parse(String(data));
      return { result: message.result, code: message.error?.data.code };
    },
  };
}

test('before the proof nothing is heard; reflected, replayed and misdirected proofs are refused', {
  timeout: 20_000,
}, async (t) => {
  const hosts: Record<string, string> = {};
  const [one, two] = [await startProvider(t, 'one.example', hosts), await startProvider(t, 'two.example', hosts)];
  const seen = answerLookups(one);
  const nonce = 'n'.repeat(32);
  const hello = { version: 1, from: 'two.example', to: 'one.example', nonce };
  const prove = (acceptorNonce: string, change: object = {}) =>
    two.signer.sign(
      'parley-link+jwt',
      { aud: 'one.example', role: 'connector', connectorNonce: nonce, acceptorNonce, ...change },
      60,
    );

  const early = await rawLink(one);
  assert.equal((await early.say('directory.lookup', { address: bob, by: alice })).code, 'out-of-turn');
  assert.equal((await early.say('link.prove', { proof: 'x.y.z' })).code, 'out-of-turn');
  assert.equal((await early.say('link.hello', { ...hello, to: 'three.example' })).code, 'provider-refused');
  assert.equal((await early.say('link.hello', { ...hello, from: 'one.example' })).code, 'provider-untrusted');

  const honest = await rawLink(one);
  const answer = (await honest.say('link.hello', hello)).result ?? {};
  const good = await prove(answer.nonce ?? '');
  assert.deepEqual((await honest.say('link.prove', { proof: good })).result, {});
  assert.equal((await honest.say('link.hello', hello)).code, 'out-of-turn');
  assert.ok((await honest.say('directory.lookup', { address: bob, by: alice })).result);

  const cases: [string, (theirs: { nonce?: string; proof?: string }) => Promise<string> | string][] = [
    ['replayed', () => good],
    ['reflected', ({ proof = '' }) => proof],
    ['for another', ({ nonce: n = '' }) => prove(n, { aud: 'three.example' })],
    ['in the other role', ({ nonce: n = '' }) => prove(n, { role: 'acceptor' })],
    [
      'unsigned',
      ({ nonce: n = '' }) =>
        `${Buffer.from('{"alg":"none","typ":"parley-link+jwt"}').toString('base64url')}.${Buffer.from(JSON.stringify({ iss: 'two.example', aud: 'one.example', role: 'connector', connectorNonce: nonce, acceptorNonce: n })).toString('base64url')}.`,
    ],
    [
      'signed with a shared secret',
      ({ nonce: n = '' }) =>
        new SignJWT({ role: 'connector', connectorNonce: nonce, acceptorNonce: n, jti: 'x' })
          .setProtectedHeader({ alg: 'HS256', typ: 'parley-link+jwt', kid: two.wellKnownDocument().keys[0]?.kid ?? '' })
          .setIssuer('two.example')
          .setAudience('one.example')
          .setIssuedAt()
          .setExpirationTime('1m')
          .sign(Buffer.from(two.wellKnownDocument().keys[0]?.x ?? '', 'base64url')),
    ],
  ];
  for (const [what, proof] of cases) {
    const link = await rawLink(one);
    const theirs = (await link.say('link.hello', hello)).result ?? {};
    assert.equal((await link.say('link.prove', { proof: await proof(theirs) })).code, 'provider-untrusted', what);
    assert.equal((await link.say('directory.lookup', { address: bob, by: alice })).code, 'out-of-turn', what);
    link.socket.terminate();
  }
  assert.equal(seen.length, 1);
});

test('statements are believed only with the right type, audience, time and key', { timeout: 20_000 }, async (t) => {
  const hosts: Record<string, string> = {};
  const [one, two] = [await startProvider(t, 'one.example', hosts), await startProvider(t, 'two.example', hosts)];
  const verify = (token: string, type = 'ticket', issuer: Domain = one.domain) =>
    two.signer.verify(type, token, issuer, 'two.example');
  const good = await one.signer.sign('ticket', { aud: 'two.example', room: 'r' }, 60);
  assert.equal((await verify(good)).room, 'r');
  const refused = refusedWith('provider-untrusted');
  await assert.rejects(verify(good, 'other'), refused, 'another type');
  await assert.rejects(verify(good, 'ticket', two.domain), refused, 'another issuer');
  await assert.rejects(
    verify(await one.signer.sign('ticket', { aud: 'three.example' }, 60)),
    refused,
    'another audience',
  );
  await assert.rejects(verify(await one.signer.sign('ticket', { aud: 'two.example' }, -600)), refused, 'expired');
  await assert.rejects(verify(`${good.slice(0, -4)}AAAA`), refused, 'a changed signature');
  await assert.rejects(verify('a.b.c'), refused, 'no statement at all');
});

test('spoilt messages, before and after the proof: every answer is an error of the catalogue, the link still works', {
  timeout: 60_000,
}, async (t) => {
  const { createRandom, mutate } = await import('../signalling/test-mutator.ts');
  const hosts: Record<string, string> = {};
  const [one, two] = [await startProvider(t, 'one.example', hosts, 5), await startProvider(t, 'two.example', hosts, 5)];
  const handled: unknown[] = [];
  one.federation.handle('directory.lookup', (_, params) => {
    handled.push(params);
    return { contact };
  });
  const nonce = 'n'.repeat(32);
  const valid: { method: LinkMethod; params: unknown }[] = [
    { method: 'link.hello', params: { version: 1, from: 'two.example', to: 'one.example', nonce } },
    { method: 'link.prove', params: { proof: 'a.b.c' } },
    { method: 'directory.lookup', params: { address: bob, by: alice } },
    {
      method: 'conversation.command',
      params: { conversation: 'AAAAAAAAAAAAAAAAAAAAAA@one.example', by: alice, command: { type: 'add', address: bob } },
    },
    {
      method: 'conversation.deliver',
      params: {
        conversation: 'AAAAAAAAAAAAAAAAAAAAAA@two.example',
        events: [
          {
            conversation: 'AAAAAAAAAAAAAAAAAAAAAA@two.example',
            n: 1,
            at: 1,
            body: { type: 'message', by: alice, text: 'x' },
          },
        ],
      },
    },
  ];
  const random = createRandom(Number(process.env.PARLEY_SEED ?? 7));
  const total = Number(process.env.PARLEY_FUZZ ?? 40_000);
  const batch = 500;
  for (const proven of [false, true]) {
    let link = await rawLink(one);
    const greet = async () => {
      if (!proven) return;
      const theirs = (await link.say('link.hello', valid[0]?.params)).result ?? {};
      const proof = await two.signer.sign(
        'parley-link+jwt',
        { aud: 'one.example', role: 'connector', connectorNonce: nonce, acceptorNonce: theirs.nonce ?? '' },
        60,
      );
      assert.deepEqual((await link.say('link.prove', { proof })).result, {});
    };
    await greet();
    for (let sent = 0; sent < total / 2; sent += batch) {
      const wrong: string[] = [];
      const listen = (data: Buffer) => {
        const message = parseFrame(String(data));
        if (message.kind === 'failure' && failureSchema.safeParse(JSON.parse(String(data))).success) return;
        if (message.kind !== 'success') wrong.push(String(data));
      };
      link.socket.on('message', listen);
      for (let i = 0; i < batch && link.socket.readyState === WebSocket.OPEN; i++) {
        const message = random.pick(valid);
        link.socket.send(mutate(random, { jsonrpc: '2.0', id: i, ...message }));
      }
      // A normal request after each batch: it is answered, so everything before it has been read.
      link.socket.send(JSON.stringify({ jsonrpc: '2.0', id: 'end', method: 'link.prove', params: { proof: 'a.b.c' } }));
      const ended = await new Promise<boolean>((resolve) => {
        link.socket.on('message', (data: Buffer) => String(data).includes('"id":"end"') && resolve(true));
        link.socket.once('close', () => resolve(false));
      });
      assert.deepEqual(wrong, []);
      // A flood is cut; the neighbour may come again.
      link.socket.removeAllListeners('message').removeAllListeners('close');
      if (!ended) {
        link = await rawLink(one);
        await greet();
      }
    }
    link.socket.terminate();
  }
  assert.ok(handled.every((params) => (params as { address: string }).address.includes('@')));
  assert.deepEqual(await ask(two, one), { contact }, 'an honest neighbour is served as before');
});
