// What a verification comes to, in words for people: `verified` only if everything holds; `unverified` if something could
// not be found out; `failed` if something is wrong. A pure table, and the one check that may come later than the others.
import type { Address } from '@parley/protocol';

/**
 * What is looked at, in this order, and on whose word it rests: `device` (its signature), `domain` (what it publishes of
 * its issuers), `issuer` (its signature), `client` (what only the one who verifies can know).
 */
export const checks = {
  shape: 'client',
  algorithm: 'client',
  'device-signature': 'device',
  person: 'device',
  audience: 'device',
  conversation: 'device',
  purpose: 'device',
  freshness: 'client',
  certificate: 'client',
  'token-shape': 'client',
  'issuer-authorised': 'domain',
  'token-audience': 'domain',
  'token-age': 'client',
  'token-algorithm': 'client',
  'token-signature': 'issuer',
  'key-binding': 'issuer',
  'token-person': 'issuer',
  'single-use': 'client',
} as const;
export type CheckName = keyof typeof checks;

export interface Check {
  readonly name: CheckName;
  readonly passed: boolean;
  readonly by: (typeof checks)[CheckName];
}

interface Problem {
  readonly check: CheckName;
  readonly status: 'failed' | 'unverified';
  readonly text: string;
}

/** Why somebody is not verified: at which check, how bad it is, and what a person can do about it. */
export const trustProblems = {
  'proof-missing': {
    check: 'shape',
    status: 'unverified',
    text: 'This person’s app sent no proof of who they are. Make sure by other means whom you speak with.',
  },
  'proof-too-large': {
    check: 'shape',
    status: 'failed',
    text: 'The proof of who this is is too long to be one. Do not trust this call.',
  },
  'proof-malformed': {
    check: 'shape',
    status: 'failed',
    text: 'The proof of who this is cannot be read. Do not trust this call.',
  },
  'algorithm-refused': {
    check: 'algorithm',
    status: 'failed',
    text: 'The proof is signed in a way that anybody could. Do not trust this call.',
  },
  'proof-forged': {
    check: 'device-signature',
    status: 'failed',
    text: 'The proof was not signed by the device it names. Do not trust this call.',
  },
  'wrong-person': {
    check: 'person',
    status: 'failed',
    text: 'The proof is about somebody else. Do not trust this call.',
  },
  'wrong-audience': {
    check: 'audience',
    status: 'failed',
    text: 'The proof was made for another person. Do not trust this call.',
  },
  'wrong-conversation': {
    check: 'conversation',
    status: 'failed',
    text: 'The proof was made for another call. Do not trust this call.',
  },
  'wrong-purpose': {
    check: 'purpose',
    status: 'failed',
    text: 'The proof was made for something else than this. Do not trust this call.',
  },
  'proof-stale': {
    check: 'freshness',
    status: 'failed',
    text: 'The proof is too old or from the future. Check this device’s clock, then ask them to call again.',
  },
  'wrong-certificate': {
    check: 'certificate',
    status: 'failed',
    text: 'Sound and picture are encrypted for somebody else. End this call.',
  },
  'certificate-unknown': {
    check: 'certificate',
    status: 'unverified',
    text: 'This is the person, but it is not known yet who encrypts sound and picture. Say nothing secret so far.',
  },
  'token-malformed': {
    check: 'token-shape',
    status: 'failed',
    text: 'The sign-in that vouches for this person cannot be read. Do not trust this call.',
  },
  'issuer-unauthorised': {
    check: 'issuer-authorised',
    status: 'failed',
    text: 'This person’s company does not recognise the sign-in that vouches for them. Do not trust this call.',
  },
  'issuers-unreachable': {
    check: 'issuer-authorised',
    status: 'unverified',
    text: 'This person’s company could not be asked who vouches for them. Try again in a while.',
  },
  'token-for-another-app': {
    check: 'token-audience',
    status: 'failed',
    text: 'The sign-in that vouches for this person is for another app. Do not trust this call.',
  },
  'token-stale': {
    check: 'token-age',
    status: 'failed',
    text: 'This person’s sign-in is too old. Ask them to sign in again.',
  },
  'token-algorithm-refused': {
    check: 'token-algorithm',
    status: 'failed',
    text: 'The sign-in that vouches for this person is signed in a way that anybody could. Do not trust this call.',
  },
  'issuer-unreachable': {
    check: 'token-signature',
    status: 'unverified',
    text: 'The sign-in service of this person’s company does not answer. Try again in a while.',
  },
  'issuer-key-unknown': {
    check: 'token-signature',
    status: 'failed',
    text: 'The sign-in service does not know the key that vouches for this person. Ask them to sign in again.',
  },
  'token-forged': {
    check: 'token-signature',
    status: 'failed',
    text: 'The sign-in that vouches for this person is not genuine. Do not trust this call.',
  },
  'key-not-bound': {
    check: 'key-binding',
    status: 'failed',
    text: 'The sign-in belongs to another device. Do not trust this call.',
  },
  'address-unproven': {
    check: 'token-person',
    status: 'failed',
    text: 'The sign-in names nobody of this company. Ask the company’s administrator which claim is the address.',
  },
  'token-of-another': {
    check: 'token-person',
    status: 'failed',
    text: 'The sign-in is somebody else’s. Do not trust this call.',
  },
  'proof-replayed': {
    check: 'single-use',
    status: 'failed',
    text: 'The proof was used before. Do not trust this call.',
  },
  'replays-unknown': {
    check: 'single-use',
    status: 'unverified',
    text: 'Too many calls came at once to tell whether this one is new. Ask them to call again.',
  },
} as const satisfies Record<string, Problem>;

export type TrustProblem = keyof typeof trustProblems;

interface Findings {
  /** What was looked at, in order; all of it passed but for the last where there is a `code`. */
  readonly checks: readonly Check[];
}
export interface Verified extends Findings {
  readonly status: 'verified';
  readonly issuer: string;
  readonly address: Address;
  /** SHA-256 of the certificates that the device may answer DTLS with, `AB:CD:…`. */
  readonly certificates: readonly string[];
}
export interface NotVerified extends Findings {
  readonly status: 'unverified' | 'failed';
  readonly code: TrustProblem;
  /** Null unless the sign-in held in full. */
  readonly issuer: string | null;
  /** Null unless the issuer vouches for it; never what the proof merely says. */
  readonly address: Address | null;
}
export type Trust = Verified | NotVerified;

export function passing(name: CheckName): Check {
  return { name, passed: true, by: checks[name] };
}

/** The end of a verification by `code`: the check that did not hold comes after those that did. */
export function notVerified(
  code: TrustProblem,
  passed: readonly Check[],
  issuer: string | null = null,
  address: Address | null = null,
): NotVerified {
  const { check, status } = trustProblems[code];
  const held = passed.filter(({ name }) => name !== check);
  return { status, code, issuer, address, checks: [...held, { ...passing(check), passed: false }] };
}

/**
 * Looks at a certificate again, without the proof, which is good for one verification: what was verified while it rang by
 * the session description is compared with what DTLS negotiated, on every path (RFC 8122 section 5, RFC 8225 section
 * 5.2.2).
 */
export function withCertificate(trust: Verified, negotiated: string): Trust {
  if (trust.certificates.includes(negotiated.toUpperCase())) return trust;
  return notVerified('wrong-certificate', trust.checks, trust.issuer, trust.address);
}
