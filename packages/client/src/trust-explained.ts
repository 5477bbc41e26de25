// What was checked of somebody and on whose word it rests, in plain words: for the page behind the trust badge. Pure.
import type { CheckName } from '@parley/identity';
import { domainOf, type Person } from '@parley/protocol';
import type { TrustView } from './api.ts';

export interface TrustLine {
  /** Null: not checked, or not yet. */
  readonly passed: boolean | null;
  readonly text: string;
  /** On whose word it rests. */
  readonly by: string;
}

export interface TrustExplained {
  readonly word: string;
  readonly title: string;
  readonly lines: readonly TrustLine[];
  /** What a careful person should know besides. */
  readonly notes: readonly string[];
}

const words = {
  checking: 'Checking',
  verified: 'Verified',
  unverified: 'Not verified',
  failed: 'Not trusted',
} as const;

/** Checks that stand for one thing a person understands. */
const steps = {
  device: ['shape', 'algorithm', 'device-signature', 'person', 'audience', 'conversation', 'purpose', 'freshness'],
  company: ['issuer-authorised', 'token-audience'],
  signIn: ['token-shape', 'token-age', 'token-algorithm', 'token-signature', 'key-binding', 'token-person'],
} as const satisfies Record<string, readonly CheckName[]>;

/** The badge's word, and the page behind it. Who calls is `person`; what a server merely says of them is not repeated. */
export function explainTrust(trust: TrustView, person: Person): TrustExplained {
  const { status, issuer, account, focus, relayed, checks } = trust;
  const domain = domainOf(person.address);
  const service = issuer === null ? 'their sign-in service' : hostOf(issuer);
  const lines: TrustLine[] = [
    {
      // Whether it was used before is found out last, when all else holds.
      passed: outcome(trust, ['single-use']) === false ? false : outcome(trust, steps.device),
      text: 'Their device has signed for this call: for you, and just now.',
      by: 'Checked by your own device',
    },
    {
      passed: outcome(trust, steps.company),
      text: `${domain} lets ${service} vouch for its people.`,
      by: `Published by ${domain}`,
    },
    {
      passed: outcome(trust, steps.signIn),
      text:
        account === null
          ? `${sentence(service)} says that this device is that of ${person.address}.`
          : `${sentence(service)} says that this device is that of ${account}, and ${domain} that this is ${person.address}.`,
      by: `Signed by ${service}${account === null ? '' : ` and by ${domain}`}`,
    },
    media(trust, checks),
  ];
  const notes = [
    ...(focus === null
      ? []
      : [`In a conference, sound and picture pass through the service of ${focus}, which can see and hear them.`]),
    ...(relayed
      ? ['Your browser could not ask them itself, so your own company’s service was believed for a part.']
      : []),
  ];
  if (person.guest && trust.code === 'guest') {
    return { word: 'Guest, not verified', title: `${person.name} is a guest`, lines: [], notes };
  }
  const title = {
    checking: `Who ${person.name} is, is being checked`,
    verified: person.guest ? `This guest is ${account ?? 'known'} at ${service}` : `This is ${person.address}`,
    unverified: `It is not proven that this is ${person.name}`,
    failed: `This is probably not ${person.name}`,
  }[status];
  const word = person.guest && status === 'verified' ? `Guest: ${account ?? service}` : words[status];
  return { word, title, lines, notes };
}

function media({ status }: TrustView, checks: TrustView['checks']): TrustLine {
  const by = 'Checked by your own device';
  const found = checks.find(({ name }) => name === 'certificate' || name === 'focus');
  if (found?.name === 'focus') {
    return {
      passed: found.passed,
      text: 'The conference service has proven whose it is, and is the one your device is connected with.',
      by: 'Signed by the domain of the service',
    };
  }
  const text = 'Sound and picture are encrypted for that very device.';
  if (found) return { passed: found.passed, text, by };
  return { passed: null, text: status === 'failed' ? text : `${text} Checked once they arrive.`, by };
}

function outcome({ checks }: TrustView, wanted: readonly CheckName[]): boolean | null {
  const seen = checks.filter(({ name }) => wanted.includes(name));
  if (seen.some(({ passed }) => !passed)) return false;
  return seen.length === wanted.length ? true : null;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

/** With a capital letter, unless it is a name that has none. */
function sentence(text: string): string {
  return text.startsWith('their ') ? `T${text.slice(1)}` : text;
}
