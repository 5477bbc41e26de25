// Links over TLS: what a certificate must be for another provider to be talked to at all.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { type Address, asParleyError, type ErrorCode } from '@parley/protocol';
import { startProvider, type TestProvider } from './testing.ts';

/** Found on PATH; another one by PARLEY_OPENSSL. */
const openssl = process.env.PARLEY_OPENSSL ?? 'openssl';
const lookup = { address: 'bob@one.example' as Address, by: 'alice@two.example' as Address };
const contact = { person: { address: lookup.address, name: 'Bob', company: 'One' }, presence: 'away' as const };
const refusedWith = (code: ErrorCode) => (error: unknown) => asParleyError(error).code === code;
const ask = (from: TestProvider, to: TestProvider) => from.federation.request(to.domain, 'directory.lookup', lookup);

/** A certificate for `names` that has signed itself; null where there is no openssl. */
async function certificate(t: TestContext, names: string[]): Promise<{ cert: string; key: string } | null> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-tls-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=parley test', '-addext', `subjectAltName=${names.map((n) => `DNS:${n}`).join(',')}`];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  try {
    execFileSync(openssl, ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  } catch {
    return null;
  }
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
}

it('go by wss: to a trusted certificate with the right name, and to no other', async (t) => {
  const tls = await certificate(t, ['one.localhost']);
  if (!tls) return t.skip('there is no openssl to make a certificate with');
  const before = getCACertificates('default');
  t.after(() => setDefaultCACertificates(before));
  const hosts: Record<string, string> = {};
  const one = await startProvider(t, 'one.example', hosts, { tls });
  const two = await startProvider(t, 'two.example', hosts);
  one.federation.handle('directory.lookup', () => ({ contact }));
  await assert.rejects(ask(two, one), refusedWith('provider-untrusted'), 'signed by nobody known');
  assert.equal(one.sockets().made, 0);

  setDefaultCACertificates([...before, tls.cert]);
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
