// The company's rules: who may call and find whom, and how well the others must have proven who they are. The first rule
// that fits decides, so that `parley policy explain` can say which. Pure.
import {
  type Address,
  addressPatternSchema,
  type ClientSettings,
  domainOf,
  guestAddress,
  matchesAddress,
  type RequiredTrust,
  requiredTrustSchema,
} from '@parley/protocol';
import { z } from 'zod';

const patterns = z.array(addressPatternSchema).min(1).max(100).default(['*']);
export const actions = ['call', 'find', 'invite-guests'] as const;
/**
 * `call`: to call, or to add to a call. `find`: to look up, and to see the presence of. `invite-guests`: to make links by which
 * guests come, and to have them in a call.
 */
export type Action = (typeof actions)[number];

const ruleSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be lower-case letters, digits and hyphens, at most 64')
    .describe('A short name of your choice, by which explanations and the log name the rule.'),
  from: patterns.describe('Who does it: addresses, "*@company.example", "*@*.company.example" or "*".'),
  to: patterns.describe('To whom.'),
  actions: z
    .array(z.enum(actions))
    .min(1)
    // What a rule about people has always meant; guests are meant only where they are named.
    .default(['call', 'find'])
    .describe('What: call, find, invite-guests; left out: call and find.'),
  decision: z.enum(['allow', 'deny']).describe('Whether they may.'),
  requiredTrust: requiredTrustSchema
    .optional()
    .describe('What they must be proven to be to each other, instead of calls.requiredTrust.'),
  guests: z
    .strictObject({
      lobby: z
        .enum(['optional', 'required'])
        .default('optional')
        .describe('required: guests always wait until the organiser lets them in; optional: as the link says.'),
      share: z.boolean().default(true).describe('Whether guests may share their screen.'),
      write: z.boolean().default(true).describe('Whether guests may write.'),
    })
    .optional()
    .describe('For invite-guests: what guests may do who come by links of those in "from".'),
});
export type Rule = z.infer<typeof ruleSchema>;

export const policySchema = z
  .strictObject({
    default: z.enum(['allow', 'deny']).default('allow').describe('What holds where no rule fits.'),
    rules: z.array(ruleSchema).max(200).default([]).describe('The first rule that fits decides.'),
  })
  .superRefine(({ rules }, context) => {
    for (const [index, { name }] of rules.entries()) {
      if (rules.findIndex((rule) => rule.name === name) === index) continue;
      const message = 'must be different for each rule';
      context.addIssue({ code: 'custom', path: ['rules', index, 'name'], message, input: name });
    }
  });
export type Rules = z.infer<typeof policySchema>;
export const noRules: Rules = policySchema.parse({});

export interface PolicyDecision {
  readonly allowed: boolean;
  /** The rule that decided; null for the default. */
  readonly rule: Rule | null;
}

export function decidePolicy(
  { rules, default: otherwise }: Rules,
  from: Address,
  to: Address,
  action: Action,
): PolicyDecision {
  const rule = rules.find((one) => one.actions.includes(action) && means(one.from, from) && means(one.to, to));
  return { allowed: (rule?.decision ?? otherwise) === 'allow', rule: rule ?? null };
}

const means = (list: readonly string[], address: Address) => list.some((pattern) => matchesAddress(pattern, address));

/** What guests may do who come by a link of somebody. */
export interface GuestTerms extends PolicyDecision {
  readonly lobby: 'optional' | 'required';
  readonly share: boolean;
  readonly write: boolean;
}

export function guestTerms(rules: Rules, by: Address): GuestTerms {
  // Guests' addresses are of the domain of whoever invites them.
  const decision = decidePolicy(rules, by, guestAddress('any', domainOf(by)), 'invite-guests');
  const { lobby = 'optional', share = true, write = true } = decision.rule?.guests ?? {};
  return { ...decision, lobby, share, write };
}

/** What one person's devices must know of the rules: whom they may only speak with when proven to be who they are. */
export function trustRulesFor({ rules }: Rules, address: Address, usual: RequiredTrust): ClientSettings['trustRules'] {
  const about = rules.filter((rule) => rule.decision === 'allow' && rule.actions.includes('call'));
  // One that demands nothing of its own still comes first for whom it means.
  if (!about.some(({ requiredTrust }) => requiredTrust)) return [];
  return about
    .flatMap(({ from, to, requiredTrust = usual }) => [
      ...(means(to, address) ? [{ people: from, requiredTrust }] : []),
      ...(means(from, address) ? [{ people: to, requiredTrust }] : []),
    ])
    .slice(0, 200);
}
