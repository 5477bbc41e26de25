// For tests: rules that can be changed while everything runs, without a file.
import { EventEmitter } from 'node:events';
import { ParleyError } from '@parley/protocol';
import type { z } from 'zod';
import type { Policy, PolicyEvents } from './api.ts';
import { decidePolicy, policySchema, trustRulesFor } from './rules.ts';

export type RulesInput = z.input<typeof policySchema>;

export function testPolicy(first: RulesInput = {}): Policy & { set(rules: RulesInput): void } {
  let rules = policySchema.parse(first);
  const events = new EventEmitter<PolicyEvents>();
  const decide: Policy['decide'] = (from, to, action) => decidePolicy(rules, from, to, action);
  return Object.assign(events, {
    decide,
    require(...asked: Parameters<Policy['require']>) {
      if (!decide(...asked).allowed) throw new ParleyError('not-permitted');
    },
    trustRulesFor: (...asked: Parameters<Policy['trustRulesFor']>) => trustRulesFor(rules, ...asked),
    close() {},
    set(next: RulesInput) {
      rules = policySchema.parse(next);
      events.emit('changed');
    },
  });
}
