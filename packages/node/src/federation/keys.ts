// This domain's Ed25519 keys: made at the first start, kept in one file that only its owner reads. The newest signs; all
// are published, so that statements signed by an older one are still understood while it is being replaced.
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { domainKeySchema } from '@parley/protocol';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose';
import { z } from 'zod';

/** An Ed25519 private key as a JWK (RFC 8037). Its `kid` is made from it, so what the file says of it is not read. */
const privateKeySchema = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().length(43),
  d: z.string().length(43),
});
/** Oldest first. */
const fileSchema = z.object({ keys: z.array(privateKeySchema).min(1).max(8) });
type PrivateKey = z.infer<typeof privateKeySchema>;
type PublishedKey = z.infer<typeof domainKeySchema>;

export interface DomainKeys {
  /** Signs; its `kid` is its RFC 7638 thumbprint. */
  readonly signing: { readonly key: CryptoKey; readonly kid: string };
  readonly published: readonly PublishedKey[];
}

/** Opens the key file, making it if it is not there. Errors name `federation.keyFile`. */
export async function openKeys(file: string): Promise<DomainKeys> {
  const keys = (await readKeys(file)) ?? (await makeKeys(file));
  const published: PublishedKey[] = [];
  for (const { kty, crv, x } of keys) {
    const kid = await calculateJwkThumbprint({ kty, crv, x });
    published.push(domainKeySchema.parse({ kty, crv, x, kid, use: 'sig', alg: 'EdDSA' }));
  }
  const [newest, kid] = [keys.at(-1), published.at(-1)?.kid];
  const key = newest ? await importJWK(newest, 'EdDSA').catch(() => null) : null;
  if (!key || key instanceof Uint8Array || !kid) throw damaged(file);
  return { signing: { key, kid }, published };
}

const damaged = (file: string, cause?: unknown) =>
  new Error(`federation.keyFile: ${file} is damaged. Put the copy back, or remove it for new keys.`, { cause });

/** Null: there is no file. */
async function readKeys(file: string): Promise<PrivateKey[] | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) throw new Error('others may read it; run chmod 600 on it');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`federation.keyFile: ${file} cannot be used: ${why}`, { cause: error });
  }
  try {
    return fileSchema.parse(JSON.parse(text)).keys;
  } catch (error) {
    throw damaged(file, error);
  }
}

/** Makes a first key. Of two processes that do at once, one wins and both use its key. */
async function makeKeys(file: string): Promise<PrivateKey[]> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { x = '', d = '' } = await exportJWK(privateKey);
  const made: PrivateKey[] = [{ kty: 'OKP', crv: 'Ed25519', x, d }];
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(dirname(file), { recursive: true });
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify({ keys: made })}\n`);
      // A key that is published but lost in a power cut would make the domain untrusted.
      await handle.sync();
    } finally {
      await handle.close();
    }
    // Unlike a rename this fails if the file is there by now: it appears whole, and once.
    await link(draft, file);
    return made;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return (await readKeys(file)) ?? made;
    throw new Error(`federation.keyFile: ${file} cannot be made`, { cause: error });
  } finally {
    await rm(draft, { force: true });
  }
}
