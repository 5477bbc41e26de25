// `parley policy explain FROM TO`: which rule decides, in words. Pure.
import type { Address } from '@parley/protocol';
import { decidePolicy, guestTerms, type PolicyDecision, type Rules } from './rules.ts';

const deeds = { call: 'call', find: 'find and see the presence of' } as const;

/** A sentence for each thing that one may want to do to the other. */
export function explainPolicy(rules: Rules, from: Address, to: Address): string[] {
  return (['call', 'find'] as const).map((action) => {
    const decision = decidePolicy(rules, from, to, action);
    const { allowed, rule } = decision;
    const may = `${from} ${allowed ? 'may' : 'may not'} ${deeds[action]} ${to}`;
    const trust = allowed && rule?.requiredTrust ? `; required trust: ${rule.requiredTrust}` : '';
    return `${may}: ${reason(rules, decision)}${trust}.`;
  });
}

/** The same of guests who come by links of this person. */
export function explainGuests(rules: Rules, from: Address): string[] {
  const { lobby, share, write, ...decision } = guestTerms(rules, from);
  const may = `${from} ${decision.allowed ? 'may' : 'may not'} invite guests: ${reason(rules, decision)}.`;
  if (!decision.allowed) return [may];
  const wait = lobby === 'required' ? 'wait to be let in' : 'wait to be let in if the link says so';
  return [may, `They ${wait}, ${share ? 'may' : 'may not'} share and ${write ? 'may' : 'may not'} write.`];
}

function reason(rules: Rules, { rule }: PolicyDecision): string {
  return rule
    ? `by rule ${rule.name} (number ${rules.rules.indexOf(rule) + 1})`
    : `since no rule fits and the default is ${rules.default}`;
}
