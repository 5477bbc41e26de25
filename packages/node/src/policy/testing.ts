// For tests: rules that can be changed while everything runs, without a file.
import type { z } from 'zod';
import type { Policy } from './api.ts';
import { policyOver } from './index.ts';
import { policySchema } from './rules.ts';

export type RulesInput = z.input<typeof policySchema>;

export function testPolicy(first: RulesInput = {}): Policy & { set(rules: RulesInput): void } {
  let rules = policySchema.parse(first);
  const policy = policyOver(() => rules);
  return Object.assign(policy, {
    close() {},
    set(next: RulesInput) {
      rules = policySchema.parse(next);
      policy.emit('changed');
    },
  });
}
