// What a verification comes to, in words for people: `verified` only if everything holds; `unverified` if something could
// not be looked at; `failed` if something is wrong.

/** Why somebody is not verified. `failed`: somebody lies or is broken; `unverified`: it could not be found out. */
export const trustProblems = {
  'proof-missing': { status: 'unverified', text: 'This person’s app sent no proof of who they are.' },
  'proof-malformed': { status: 'failed', text: 'The proof of who this is cannot be read. Do not trust this call.' },
  'proof-forged': {
    status: 'failed',
    text: 'The proof was not signed by the device it names. Do not trust this call.',
  },
  'wrong-person': { status: 'failed', text: 'The proof is about somebody else. Do not trust this call.' },
  'wrong-audience': {
    status: 'failed',
    text: 'The proof was made for another person or call. Do not trust this call.',
  },
  'proof-stale': { status: 'failed', text: 'The proof is too old or from the future. Check this device’s clock.' },
  'proof-replayed': { status: 'failed', text: 'The proof was used before. Do not trust this call.' },
  'issuer-unauthorised': {
    status: 'failed',
    text: 'This person’s company does not recognise the sign-in that vouches for them. Do not trust this call.',
  },
  'token-invalid': { status: 'failed', text: 'The sign-in that vouches for this person is not genuine.' },
  'token-stale': { status: 'failed', text: 'This person’s sign-in is too old. Ask them to sign in again.' },
  'key-not-bound': { status: 'failed', text: 'The sign-in belongs to another device. Do not trust this call.' },
  'wrong-certificate': {
    status: 'failed',
    text: 'Sound and picture are encrypted for somebody else. End this call.',
  },
  'issuers-unreachable': {
    status: 'unverified',
    text: 'This person’s company could not be asked who vouches for them.',
  },
  'issuer-unreachable': { status: 'unverified', text: 'The sign-in service of this person’s company does not answer.' },
} as const satisfies Record<string, { status: 'failed' | 'unverified'; text: string }>;

export type TrustProblem = keyof typeof trustProblems;

/** What is looked at, in this order; a page that explains a verification lists these. */
export const checkNames = [
  'shape',
  'device-signature',
  'person',
  'audience',
  'freshness',
  'certificate',
  'issuer-authorised',
  'token-signature',
  'token-age',
  'key-binding',
  'token-person',
  'single-use',
] as const;
export type CheckName = (typeof checkNames)[number];

interface Passed {
  /** Checks that passed, in order. */
  readonly passed: readonly CheckName[];
}
export interface Verified extends Passed {
  readonly status: 'verified';
  readonly issuer: string;
}
export interface NotVerified extends Passed {
  readonly status: 'unverified' | 'failed';
  readonly problem: TrustProblem;
}
export type Trust = Verified | NotVerified;
