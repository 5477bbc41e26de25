// Links over TLS: what a certificate must be for another provider to be talked to at all.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { type Address, asParleyError, type ErrorCode } from '@parley/protocol';
import { createTestAuthority } from '../web/test-authority.ts';
import { startProvider, type TestProvider } from './testing.ts';

const lookup = { address: 'bob@one.example' as Address, by: 'alice@two.example' as Address };
const contact = { person: { address: lookup.address, name: 'Bob', company: 'One' }, presence: 'away' as const };
const refusedWith = (code: ErrorCode) => (error: unknown) => asParleyError(error).code === code;
const ask = (from: TestProvider, to: TestProvider) => from.federation.request(to.domain, 'directory.lookup', lookup);

it('go by wss: to a trusted certificate with the right name, and to no other', async (t) => {
  const authority = await createTestAuthority();
  const tls = await authority.issue(['one.localhost']);
  const before = getCACertificates('default');
  t.after(() => setDefaultCACertificates(before));
  const hosts: Record<string, string> = {};
  const one = await startProvider(t, 'one.example', hosts, { tls });
  const two = await startProvider(t, 'two.example', hosts);
  one.federation.handle('directory.lookup', () => ({ contact }));
  await assert.rejects(ask(two, one), refusedWith('provider-untrusted'), 'signed by nobody known');
  assert.equal(one.sockets().made, 0);

  setDefaultCACertificates([...before, authority.root]);
  // TLS contexts are made with the authorities of their time, so this is another node.
  const three = await startProvider(t, 'three.example', hosts);
  const asked = three.federation.request(one.domain, 'directory.lookup', {
    ...lookup,
    by: 'carol@three.example' as Address,
  });
  assert.deepEqual(await asked, { contact });
  assert.equal(one.wellKnownDocument().link.slice(0, 6), 'wss://');

  const misnamed = await startProvider(t, 'misnamed.example', hosts, { tls });
  await assert.rejects(ask(three, misnamed), refusedWith('provider-untrusted'), 'of another name');
  assert.equal(misnamed.sockets().made, 0);
});

it('end with a certificate that is over, and with one whose link was relayed by somebody with another', async (t) => {
  const authority = await createTestAuthority();
  const before = getCACertificates('default');
  t.after(() => setDefaultCACertificates(before));
  setDefaultCACertificates([...before, authority.root]);
  const hosts: Record<string, string> = {};
  const two = await startProvider(t, 'two.example', hosts);
  const over = await startProvider(t, 'over.example', hosts, { tls: await authority.issue(['over.localhost'], -1) });
  await assert.rejects(ask(two, over), refusedWith('provider-untrusted'), 'over since yesterday');

  const one = await startProvider(t, 'one.example', hosts, { tls: await authority.issue(['one.localhost']) });
  one.federation.handle('directory.lookup', () => ({ contact }));
  // Somebody whose certificate is believed passes everything on between the two, and reads it.
  const relay = createServer(await authority.issue(['one.localhost']), (incoming, response) => {
    const options = { host: '127.0.0.1', port: one.port, path: incoming.url, headers: incoming.headers };
    request({ ...options, servername: 'one.localhost', ca: authority.root }, (answer) => {
      answer.setEncoding('utf8');
      answer.on('data', (text: string) => response.write(text.replaceAll(`:${one.port}`, `:${port}`)));
      answer.on('end', () => response.end());
    }).end();
  });
  relay.on('upgrade', (incoming, socket) => {
    const onward = connect({ host: '127.0.0.1', port: one.port, servername: 'one.localhost', ca: authority.root });
    const headers = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${value}`);
    onward.write(`GET ${incoming.url} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    onward.pipe(socket).pipe(onward);
    for (const end of [onward, socket]) end.on('error', () => end.destroy());
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  t.after(() => {
    relay.closeAllConnections();
    relay.close();
  });
  const { port } = relay.address() as AddressInfo;
  hosts['one.example'] = `https://one.localhost:${port}`;
  await assert.rejects(ask(two, one), refusedWith('provider-untrusted'), 'two connections that are not one');
  assert.equal(one.sockets().made > 0, true, 'it did come as far as the link');
  hosts['one.example'] = `https://one.localhost:${one.port}`;
  const three = await startProvider(t, 'three.example', hosts);
  const by = 'carol@three.example' as Address;
  assert.deepEqual(await three.federation.request(one.domain, 'directory.lookup', { ...lookup, by }), { contact });
});
