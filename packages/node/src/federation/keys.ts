// This domain's Ed25519 keys: made at the first start, kept in one file that only its owner reads. The newest signs; all
// are published, so that statements signed by an older one are still understood while it is being replaced.
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { domainKeySchema } from '@parley/protocol';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose';
import { z } from 'zod';

const privateKeySchema = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  d: z.string(),
  kid: z.string(),
});
const fileSchema = z.strictObject({ keys: z.array(privateKeySchema).min(1).max(8) });
export type PublishedKey = z.infer<typeof domainKeySchema>;

export interface DomainKeys {
  /** Signs; its `kid` is its RFC 7638 thumbprint. */
  readonly signing: { readonly key: CryptoKey; readonly kid: string };
  readonly published: readonly PublishedKey[];
}

/** Opens the key file, making it if it is not there. Errors name `federation.keyFile`. */
export async function openKeys(file: string): Promise<DomainKeys> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new Error(`federation.keyFile: ${file} cannot be read: ${error.message}`, { cause: error });
  });
  const { keys } = text === null ? await makeKeys(file) : readKeys(file, text);
  const newest = keys.at(-1);
  if (!newest) throw new Error(`federation.keyFile: ${file} holds no key`);
  const key = await importJWK(newest, 'EdDSA');
  if (key instanceof Uint8Array) throw new Error(`federation.keyFile: ${file} does not hold an Ed25519 key`);
  const published = keys.map(({ kty, crv, x, kid }) =>
    domainKeySchema.parse({ kty, crv, x, kid, use: 'sig', alg: 'EdDSA' }),
  );
  return { signing: { key, kid: newest.kid }, published };
}

function readKeys(file: string, text: string): z.infer<typeof fileSchema> {
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`federation.keyFile: ${file} is damaged. Put the copy back, or remove it for new keys.`, {
      cause: error,
    });
  }
}

async function makeKeys(file: string): Promise<z.infer<typeof fileSchema>> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { x = '', d = '' } = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x });
  const made = { keys: [{ kty: 'OKP' as const, crv: 'Ed25519' as const, x, d, kid }] };
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `${JSON.stringify(made)}\n`, { mode: 0o600, flag: 'wx' });
  await chmod(draft, 0o600);
  await rename(draft, file);
  return made;
}
