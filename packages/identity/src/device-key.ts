// A device's key pair, and how a sign-in is bound to it: the hash of the public key is the `nonce` of the OpenID request,
// so the ID token, signed by the person's issuer, says whose key it is (the construction of OpenPubkey).
import { type CryptoKey, calculateJwkThumbprint, decodeJwt, exportJWK } from 'jose';

/** Public half of a device key: P-256, as a JWK (RFC 7517). */
export interface DeviceJwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
}

export interface DeviceKey {
  /** Cannot be taken out of the browser: only used, and kept in IndexedDB as it is. */
  readonly privateKey: CryptoKey;
  readonly publicJwk: DeviceJwk;
  /** 128 random bits, so that the nonce tells nothing of the key to who sees only one of them. */
  readonly salt: string;
}

const SALT_BYTES = 16;
const PREFIX = 'parley device key 1';

/** Makes a key pair for signing with ES256 (RFC 7518 section 3.4). */
export async function createDeviceKey(): Promise<DeviceKey> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
    'sign',
    'verify',
  ]);
  const { x = '', y = '' } = await exportJWK(publicKey);
  const salt = base64url(crypto.getRandomValues(new Uint8Array(SALT_BYTES)));
  return { privateKey, publicJwk: { kty: 'EC', crv: 'P-256', x, y }, salt };
}

/** The name of a public key: SHA-256 over its required members in order (RFC 7638 section 3), in base64url. */
export function thumbprintOf(publicJwk: DeviceJwk): Promise<string> {
  return calculateJwkThumbprint(publicJwk, 'sha256');
}

/**
 * The `nonce` for a sign-in with this key (OpenID Connect Core section 3.1.2.1): SHA-256 over its thumbprint and the
 * salt; 43 characters. Takes the key and not its thumbprint, so that nobody can hand it another's.
 */
export async function nonceFor({ publicJwk, salt }: Pick<DeviceKey, 'publicJwk' | 'salt'>): Promise<string> {
  const text = [PREFIX, await thumbprintOf(publicJwk), salt].join('\n');
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))));
}

/** What an ID token says, not yet believed. Throws if it is none. */
export function claimsIn(idToken: string): Readonly<Record<string, unknown>> {
  return decodeJwt(idToken);
}

/** The nonce in an ID token, not yet believed; null if there is none. Throws if it is no token. */
export function nonceIn(idToken: string): string | null {
  const { nonce } = claimsIn(idToken);
  return typeof nonce === 'string' ? nonce : null;
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
