// The certificate that a node serves: its own files, and new ones without a restart.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { testConfig } from '../config/testing.ts';
import { createWeb, type Web } from './index.ts';
import { createTestAuthority, type TestAuthority } from './test-authority.ts';

describe('a node that serves TLS itself', { timeout: 60_000 }, () => {
  let folder: string;
  let authority: TestAuthority;
  let files: { certificate: string; key: string };
  let web: Web;
  let port: number;
  const said: string[] = [];
  let heard: (() => void) | null = null;
  const log = pino(
    { level: 'info' },
    {
      write: (line) => {
        said.push(JSON.parse(line).msg);
        heard?.();
      },
    },
  );
  const hears = async (sentence: string) => {
    while (!said.includes(sentence)) await new Promise<void>((resolve) => (heard = resolve));
    said.length = 0;
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-tls-'));
    authority = await createTestAuthority();
    files = await authority.issueFiles(folder, 'node', ['enterprise1.localhost']);
    const origins = ['https://enterprise1.localhost:0'];
    web = createWeb({ config: testConfig({ http: { origins, tls: files } }), log });
    ({ port } = await web.listen());
  });
  after(async () => {
    await web.close();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = (): Promise<{ status: number | undefined; headers: Record<string, unknown>; serial: string }> =>
    new Promise((resolve, reject) => {
      const headers = { host: `enterprise1.localhost:${port}` };
      const options = { host: '127.0.0.1', port, path: '/healthz', headers, servername: 'enterprise1.localhost' };
      get({ ...options, ca: authority.root, agent: false }, (response) => {
        const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
        response
          .resume()
          .on('end', () => resolve({ status: response.statusCode, headers: response.headers, serial: serialNumber }));
      }).on('error', reject);
    });

  it('is believed by whoever knows the authority, and says that it is to be found by HTTPS only', async () => {
    const { status, headers } = await ask();
    assert.equal(status, 200);
    assert.match(String(headers['strict-transport-security']), /max-age=/);
  });
  it('serves a renewed certificate without a restart, and the old one while the files do not fit', async () => {
    const first = (await ask()).serial;
    const renewed = await authority.issue(['enterprise1.localhost']);
    await writeFile(files.key, renewed.key);
    await hears('the certificate stays as it was');
    assert.equal((await ask()).serial, first);
    await writeFile(files.certificate, renewed.cert);
    await hears('the certificate has been renewed');
    assert.notEqual((await ask()).serial, first);
  });
  it('does not start with files that are not there or do not fit, and names the field', async () => {
    const other = await authority.issueFiles(folder, 'other', ['enterprise1.localhost']);
    const open = (tls: { certificate: string; key: string }) => () =>
      createWeb({ config: testConfig({ http: { tls } }), log });
    assert.throws(open({ ...files, key: join(folder, 'none') }), /http\.tls\.key: .* cannot be read/);
    assert.throws(
      open({ ...files, key: other.key }),
      /http\.tls: the certificate and the key .* do not belong together/,
    );
  });
});
