// What a verification comes to, in words for people: `verified` only if everything holds; `unverified` if something could
// not be found out; `failed` if something is wrong. A pure table, and how the proof of a person is put together with what
// is known of the media that arrive.
import type { Address, Domain } from '@parley/protocol';

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
  'token-shape': 'client',
  'issuer-authorised': 'domain',
  'token-audience': 'domain',
  'token-age': 'client',
  'token-algorithm': 'client',
  'token-signature': 'issuer',
  'key-binding': 'issuer',
  'token-person': 'issuer',
  'single-use': 'client',
  certificate: 'client',
  focus: 'domain',
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
  guest: {
    check: 'shape',
    status: 'unverified',
    text: 'This is a guest who came by a link and has typed this name. Nobody vouches for it.',
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
    text: 'This person’s company could not be asked who vouches for them. It is being asked again from time to time.',
  },
  'token-for-another-app': {
    check: 'token-audience',
    status: 'failed',
    text: 'The sign-in that vouches for this person is for another app. Do not trust this call.',
  },
  'token-stale': {
    check: 'token-age',
    status: 'unverified',
    text: 'This person signed in too long ago. Ask them to sign out and in again.',
  },
  'token-algorithm-refused': {
    check: 'token-algorithm',
    status: 'failed',
    text: 'The sign-in that vouches for this person is signed in a way that anybody could. Do not trust this call.',
  },
  'issuer-unreachable': {
    check: 'token-signature',
    status: 'unverified',
    text: 'The sign-in service of this person’s company does not answer. It is being asked again from time to time.',
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
  'account-unlinked': {
    check: 'token-person',
    status: 'failed',
    text: 'This person’s company does not say that the account they signed in with is theirs. Do not trust this call.',
  },
  'focus-unproven': {
    check: 'focus',
    status: 'failed',
    text: 'The conference service is not the one that it says it is. Leave this call.',
  },
  'focus-unknown': {
    check: 'focus',
    status: 'unverified',
    text: 'It could not be found out whose conference service this is. Say nothing secret so far.',
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

/** Problems of whoever had to be asked and did not answer: asked again later, the same proof may turn out to hold. */
export function isUnanswered(code: TrustProblem | null): boolean {
  return code === 'issuers-unreachable' || code === 'issuer-unreachable' || code === 'focus-unknown';
}

interface Findings {
  /** What was looked at; all of it passed but for the last where there is a `code`. */
  readonly checks: readonly Check[];
  /** What the person is called at the issuer, where that is not their address: an account elsewhere that is linked. */
  readonly account: string | null;
  /** Something that should have come from others came through the verifier's own node, which had to be believed. */
  readonly relayed: boolean;
  /** SHA-256 of the certificates that the device says it encrypts with, `AB:CD:…`; empty without its signature. */
  readonly certificates: readonly string[];
}
/** The person is who they say they are. Nothing is said yet of whose the media are. */
export interface Proven extends Findings {
  readonly status: 'proven';
  readonly issuer: string;
  readonly address: Address;
}
export interface Verified extends Findings {
  readonly status: 'verified';
  readonly issuer: string;
  readonly address: Address;
  /** Whose conference service decrypts and encrypts in between; null where nobody does. */
  readonly focus: Domain | null;
}
export interface NotVerified extends Findings {
  readonly status: 'unverified' | 'failed';
  readonly code: TrustProblem;
  /** Null unless the sign-in held in full. */
  readonly issuer: string | null;
  /** Null unless the issuer vouches for it; never what the proof merely says. */
  readonly address: Address | null;
}
/** What a proof comes to by itself. */
export type PersonTrust = Proven | NotVerified;
/** What it comes to with the media. */
export type Trust = Verified | NotVerified;

/** Whose a conference service is: proven unless there is a problem. `relayed`: its domain's keys came through the own node. */
export interface FocusProof {
  readonly problem: 'focus-unproven' | 'focus-unknown' | null;
  readonly relayed: boolean;
}

/**
 * How a person's media arrive: straight from a device that DTLS has negotiated this certificate with (or whose session
 * description names it); by way of a focus, which has proven whose it is unless there is a problem; `not-yet` while it
 * only rings, and nothing is sent to anybody.
 */
export type Carrier =
  | { readonly kind: 'not-yet' }
  | { readonly kind: 'direct'; readonly certificate: string }
  | ({ readonly kind: 'conference'; readonly focus: Domain } & FocusProof);

export function passing(name: CheckName): Check {
  return { name, passed: true, by: checks[name] };
}

type Known = Partial<Pick<NotVerified, 'issuer' | 'address' | 'account' | 'relayed' | 'certificates'>>;

/** The end of a verification by `code`: the check that did not hold comes after those that did. */
export function notVerified(code: TrustProblem, passed: readonly Check[], known: Known = {}): NotVerified {
  const { check, status } = trustProblems[code];
  const { issuer = null, address = null, account = null, relayed = false, certificates = [] } = known;
  const failing = { ...passing(check), passed: false };
  const held = passed.filter(({ name }) => name !== check);
  return { status, code, issuer, address, account, relayed, certificates, checks: [...held, failing] };
}

/**
 * Puts a person's proof and the way their media come together (RFC 8225 section 5.2.2, RFC 8122 section 5). Null: media
 * are on their way, and nobody knows yet whose they are.
 */
export function withMedia(person: PersonTrust, carrier: Carrier | null): Trust {
  // Also of somebody who is only unverified: who sits in the middle could keep the issuer away, and be taken for that.
  if (carrier?.kind === 'direct' && person.certificates.length > 0 && person.status !== 'failed') {
    if (!person.certificates.includes(carrier.certificate.toUpperCase())) {
      const held = person.checks.filter(({ passed }) => passed);
      return notVerified('wrong-certificate', held, person);
    }
  }
  if (person.status !== 'proven') return person;
  if (carrier === null) return notVerified('certificate-unknown', person.checks, person);
  if (carrier.kind === 'conference' && carrier.problem) return notVerified(carrier.problem, person.checks, person);
  const { issuer, address, account, certificates } = person;
  const relayed = person.relayed || (carrier.kind === 'conference' && carrier.relayed);
  const more = { 'not-yet': [], direct: [passing('certificate')], conference: [passing('focus')] }[carrier.kind];
  const focus = carrier.kind === 'conference' ? carrier.focus : null;
  const found = { issuer, address, account, relayed, certificates };
  return { status: 'verified', ...found, focus, checks: [...person.checks, ...more] };
}

const order = { failed: 0, unverified: 1, verified: 2 } as const;

/** The least that holds, where media come by several ways at once. */
export function leastOf(first: Trust, ...more: readonly Trust[]): Trust {
  return more.reduce((least, one) => (order[one.status] < order[least.status] ? one : least), first);
}
