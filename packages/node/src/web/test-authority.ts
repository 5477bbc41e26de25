// For tests: a certificate authority made on the spot, and certificates signed by it.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
// What the library builds on needs it first.
import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface TestAuthority {
  /** Its own certificate, PEM. */
  readonly root: string;
  /** @param days negative: it has ended that many days ago */
  issue(names: readonly string[], days?: number): Promise<TestCertificate>;
  /** Writes `<name>.crt` and `<name>.key` into a folder, and resolves to their paths. */
  issueFiles(folder: string, name: string, names: readonly string[]): Promise<{ certificate: string; key: string }>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;
const makeKeys = () => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

export async function createTestAuthority(): Promise<TestAuthority> {
  const keys = await makeKeys();
  const now = Date.now();
  const root: X509Certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=Parley test authority',
    notBefore: new Date(now - 30 * DAY_MS),
    notAfter: new Date(now + 30 * DAY_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  let serial = 1;
  const issue: TestAuthority['issue'] = async (names, days = 10) => {
    const own = await makeKeys();
    serial += 1;
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serial.toString(16).padStart(2, '0'),
      subject: `CN=${names[0]}`,
      issuer: root.subject,
      notBefore: new Date(now - 20 * DAY_MS),
      notAfter: new Date(now + days * DAY_MS),
      signingAlgorithm: algorithm,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      extensions: [new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value })))],
    });
    const key = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', own.privateKey), 'PRIVATE KEY');
    return { cert: certificate.toString('pem'), key };
  };
  return {
    root: root.toString('pem'),
    issue,
    async issueFiles(folder, name, names) {
      const { cert, key } = await issue(names);
      await mkdir(folder, { recursive: true });
      const paths = { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
      await writeFile(paths.certificate, cert);
      await writeFile(paths.key, key, { mode: 0o600 });
      return paths;
    },
  };
}
