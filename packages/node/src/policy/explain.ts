// `parley policy explain FROM TO`: which rule decides, in words. Pure.
import type { Address } from '@parley/protocol';
import { actions, decidePolicy, type Rules } from './rules.ts';

const deeds = { call: 'call', find: 'find and see the presence of' } as const;

/** A sentence for each thing that one may want to do to the other. */
export function explainPolicy(rules: Rules, from: Address, to: Address): string[] {
  return actions.map((action) => {
    const { allowed, rule } = decidePolicy(rules, from, to, action);
    const may = `${from} ${allowed ? 'may' : 'may not'} ${deeds[action]} ${to}`;
    const why = rule
      ? `by rule ${rule.name} (number ${rules.rules.indexOf(rule) + 1})`
      : `since no rule fits and the default is ${rules.default}`;
    const trust = allowed && rule?.requiredTrust ? `; required trust: ${rule.requiredTrust}` : '';
    return `${may}: ${why}${trust}.`;
  });
}
