// What an app shows of who somebody is, put together from the proof and from the ways their media come. Pure.
import { type Carrier, leastOf, type PersonTrust, type Trust, trustProblems, withMedia } from '@parley/identity';
import { type Address, type ClientSettings, matchesAddress, type RequiredTrust } from '@parley/protocol';
import type { TrustView } from './api.ts';
import type { Path } from './path.ts';

/** Still being found out. */
export const checking: TrustView = {
  status: 'checking',
  code: null,
  text: 'It is being checked who this is.',
  issuer: null,
  account: null,
  relayed: false,
  focus: null,
  checks: [],
};

/** What is known of how somebody's media come: an entry for each way that is up, null for those that are not. */
export function carriersOf(paths: readonly Path[], address: Address): (Carrier | null)[] {
  return paths.flatMap((path) => (path.leadsTo(address) ? [path.carrier.get()] : []));
}

/** @param person null while no proof has come and one is still to be expected */
export function trustView(person: PersonTrust | null, carriers: readonly (Carrier | null)[]): TrustView {
  if (!person) return checking;
  const known = carriers.filter((carrier) => carrier !== null);
  const [first, ...more] = known.map((carrier) => withMedia(person, carrier));
  if (first) return viewOfTrust(leastOf(first, ...more));
  const early = withMedia(person, null);
  // Media that have not come yet say nothing against anybody.
  return early.status !== 'verified' && early.code === 'certificate-unknown' ? checking : viewOfTrust(early);
}

function viewOfTrust(trust: Trust): TrustView {
  const { status, issuer, account, relayed, checks } = trust;
  const common = { status, issuer, account, relayed, checks };
  if (trust.status === 'verified')
    return { ...common, code: null, focus: trust.focus, text: 'Who this is has been proven.' };
  return { ...common, code: trust.code, focus: null, text: trustProblems[trust.code].text };
}

/**
 * The same of a guest: never verified by a name that anybody may type, but by an account elsewhere with which they have signed
 * in, if others can verify that (R3, R68).
 */
export function guestTrust(view: TrustView, identified: boolean): TrustView {
  if (view.status === 'failed') return view;
  if (identified && (view.account !== null || view.status === 'checking')) return view;
  return { ...checking, status: 'unverified', code: 'guest', text: trustProblems.guest.text };
}

/** Whether a call with somebody of this trust must not go on, by the company's rule. */
export function isRefused({ status }: TrustView, required: RequiredTrust): boolean {
  if (required === 'any' || status === 'checking' || status === 'verified') return false;
  return required === 'verified' || status === 'failed';
}

/** What somebody has to be proven to be, by the company's rules. */
export function requiredOf(
  { requiredTrust, trustRules }: Pick<ClientSettings, 'requiredTrust' | 'trustRules'>,
  address: Address,
): RequiredTrust {
  const rule = trustRules.find(({ people }) => people.some((pattern) => matchesAddress(pattern, address)));
  return rule?.requiredTrust ?? requiredTrust;
}
