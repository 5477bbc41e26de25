// This domain's Ed25519 keys: made at the first start, kept in one file that only its owner reads. The newest signs; all
// are published, so that statements signed by an older one are still understood while it is being replaced.
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
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

const MAX_KEYS = 8;

async function makeKey(): Promise<PrivateKey> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { x = '', d = '' } = await exportJWK(privateKey);
  return { kty: 'OKP', crv: 'Ed25519', x, d };
}

/**
 * Adds a key, which signs from the next start of the node on; the older ones are still published, so that what they have
 * signed is understood. Resolves to how many there are. Errors name `federation.keyFile`.
 */
export async function rotateKeys(file: string): Promise<number> {
  const keys = [...(await requireKeys(file)), await makeKey()];
  if (keys.length > MAX_KEYS) {
    throw new Error(
      `federation.keyFile: ${file} has ${MAX_KEYS} keys. Retire the old ones first (parley keys retire).`,
    );
  }
  await replace(file, keys);
  return keys.length;
}

/** Removes every key but the newest. Resolves to how many were removed. */
export async function retireKeys(file: string): Promise<number> {
  const keys = await requireKeys(file);
  await replace(file, keys.slice(-1));
  return keys.length - 1;
}

async function requireKeys(file: string): Promise<PrivateKey[]> {
  const keys = await readKeys(file);
  if (!keys) throw new Error(`federation.keyFile: ${file} is not there yet. Start the node once.`);
  return keys;
}

/** Whole or not at all, also when the machine stops in between. */
async function replace(file: string, keys: readonly PrivateKey[]): Promise<void> {
  const draft = await writeDraft(file, keys);
  try {
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Writes the keys beside the file, safely on the disk: one that is published but lost would make the domain untrusted. */
async function writeDraft(file: string, keys: readonly PrivateKey[]): Promise<string> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ keys })}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return draft;
}

/** Makes a first key. Of two processes that do at once, one wins and both use its key. */
async function makeKeys(file: string): Promise<PrivateKey[]> {
  const made = [await makeKey()];
  let draft: string | null = null;
  try {
    await mkdir(dirname(file), { recursive: true });
    draft = await writeDraft(file, made);
    // Unlike a rename this fails if the file is there by now: it appears whole, and once.
    await link(draft, file);
    return made;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return (await readKeys(file)) ?? made;
    throw new Error(`federation.keyFile: ${file} cannot be made`, { cause: error });
  } finally {
    if (draft !== null) await rm(draft, { force: true });
  }
}
