// For tests: who is who, and keys made on the spot.
import { type Address, domainKeySchema } from '@parley/protocol';
import { exportJWK, generateKeyPair } from 'jose';

export const bob = 'bob@enterprise1.example' as Address;
export const alice = 'alice@enterprise2.example' as Address;
export const eve = 'eve@enterprise1.example' as Address;
export const conversation = 'c_1@enterprise1.example';
export const NOW = Date.UTC(2026, 10, 23, 12);
export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;
export const certificate = Array.from({ length: 32 }, (_, n) => n.toString(16).padStart(2, '0')).join(':');
export const otherCertificate = certificate.replaceAll('0', 'f');

export async function domainKey(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  return { privateKey, published: domainKeySchema.parse({ ...(await exportJWK(publicKey)), kid }) };
}
