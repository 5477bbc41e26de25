// Who this device is, so that it can prove it: its key, the ID token that names the key, and the certificate that its
// media are encrypted with on every connection.
import { createDeviceKey, type DeviceKey, makeProof, nonceFor, nonceIn, type ProofPurpose } from '@parley/identity';
import type { Address, ConversationId } from '@parley/protocol';
import { keepKey, keyFor } from './key-store.ts';

export interface OwnIdentity {
  /** For every RTCPeerConnection of this device. */
  readonly certificates: RTCCertificate[];
  readonly provable: boolean;
  /** A proof for one person; null where this browser is signed in without a key of its own. */
  prove(about: {
    readonly from: Address;
    readonly to: Address;
    readonly purpose: ProofPurpose;
    readonly conversation: ConversationId;
  }): Promise<string | null>;
}

/** What the node keeps of the sign-in for this browser. */
export interface SignInProof {
  readonly idToken: string;
  readonly link: string | null;
}

/** Makes a key for the next sign-in and resolves to the nonce that names it; null where no key can be kept. */
export async function prepareKey(): Promise<string | null> {
  try {
    const key = await createDeviceKey();
    const nonce = await nonceFor(key);
    await keepKey(nonce, key);
    return nonce;
  } catch {
    // Somebody who signs in like that is unverified to others, and is told so.
    return null;
  }
}

/** Never rejects: a device that cannot prove anything still calls. */
export async function ownIdentity(proof: SignInProof | null): Promise<OwnIdentity> {
  const [certificates, key] = await Promise.all([makeCertificate(), proof ? boundKey(proof) : null]);
  const fingerprints = certificates.flatMap((one) => one.getFingerprints?.() ?? []).filter(isSha256);
  return {
    certificates,
    provable: key !== null && fingerprints.length > 0,
    async prove({ to, ...about }) {
      if (!proof || !key || fingerprints.length === 0) return null;
      const { idToken, link } = proof;
      const values = fingerprints.map(({ value = '' }) => value);
      return makeProof({ ...about, to: [to], key, idToken, link, fingerprints: values, now: Date.now() });
    },
  };
}

const isSha256 = ({ algorithm }: RTCDtlsFingerprint) => algorithm?.toLowerCase() === 'sha-256';

async function makeCertificate(): Promise<RTCCertificate[]> {
  if (typeof RTCPeerConnection === 'undefined') return [];
  try {
    const algorithm: EcKeyGenParams = { name: 'ECDSA', namedCurve: 'P-256' };
    return [await RTCPeerConnection.generateCertificate(algorithm)];
  } catch {
    // Each connection then makes one of its own, which no proof can name.
    return [];
  }
}

/** The key that the ID token names, if this browser has it and the token really names it. */
async function boundKey({ idToken }: SignInProof): Promise<DeviceKey | null> {
  try {
    const nonce = nonceIn(idToken);
    const key = nonce === null ? null : await keyFor(nonce);
    return key && (await nonceFor(key)) === nonce ? key : null;
  } catch {
    return null;
  }
}
