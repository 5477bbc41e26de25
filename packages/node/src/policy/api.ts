// What the rest of the node sees of the company's rules.
import type { EventEmitter } from 'node:events';
import type { Address, ClientSettings, RequiredTrust } from '@parley/protocol';
import type { Action, GuestTerms, PolicyDecision } from './rules.ts';

export interface PolicyEvents {
  /** The rules have changed: what goes on and is not permitted any more has to end (R48). */
  changed: [];
}

export interface Policy extends EventEmitter<PolicyEvents> {
  decide(from: Address, to: Address, action: Action): PolicyDecision;
  /** Throws `not-permitted`, with the rule's name as details. */
  require(from: Address, to: Address, action: Action): void;
  /** What guests may do who come by a link of this person; whether there may be any is `allowed`. */
  guestsOf(by: Address): GuestTerms;
  trustRulesFor(address: Address, usual: RequiredTrust): ClientSettings['trustRules'];
  close(): void;
}
