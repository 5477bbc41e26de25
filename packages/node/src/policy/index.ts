// The company's rules from their file, read again whenever it changes. A file that cannot be used leaves the rules as they
// were, and says so in the log; at the start it stops the node.
import { EventEmitter } from 'node:events';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { type Address, ParleyError } from '@parley/protocol';
import type { Logger } from 'pino';
import { ConfigError, readYaml } from '../config/index.ts';
import type { Policy, PolicyEvents } from './api.ts';
import { decidePolicy, guestTerms, noRules, policySchema, type Rules, trustRulesFor } from './rules.ts';

/** How often the file is looked at, in milliseconds: a rule holds within this of being written. */
const LOOK_MS = 1000;

/** Reads a rule file. Throws `ConfigError`, which names each mistake by line. */
export function readRules(file: string): Rules {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([`policy.file: ${file} cannot be read: ${error instanceof Error ? error.message : error}`]);
  }
  return readYaml(policySchema, text, file);
}

/** A policy over rules that may change: whoever changes them emits `changed`. */
export function policyOver(current: () => Rules) {
  const events = new EventEmitter<PolicyEvents>();
  // Every room that follows the rules listens.
  events.setMaxListeners(20);
  const decide: Policy['decide'] = (from, to, action) => decidePolicy(current(), from, to, action);
  return Object.assign(events, {
    decide,
    require(...asked: Parameters<Policy['require']>) {
      const { allowed, rule } = decide(...asked);
      if (!allowed) throw new ParleyError('not-permitted', rule ? `rule ${rule.name}` : 'the default');
    },
    guestsOf: (by: Address) => guestTerms(current(), by),
    trustRulesFor: (...asked: Parameters<Policy['trustRulesFor']>) => trustRulesFor(current(), ...asked),
  });
}

/** @param file null: everybody may call everybody */
export function createPolicy({ file, log }: { file: string | null; log: Logger }): Policy {
  let rules = file === null ? noRules : readRules(file);
  const policy = policyOver(() => rules);

  function reread(path: string): void {
    try {
      rules = readRules(path);
    } catch (error) {
      log.error(
        { problems: error instanceof ConfigError ? error.problems : String(error) },
        'the rules stay as they were',
      );
      return;
    }
    log.info({ rules: rules.rules.length }, 'the rules have changed');
    policy.emit('changed');
  }
  if (file !== null) watchFile(file, { interval: LOOK_MS, persistent: false }, () => reread(file));

  return Object.assign(policy, {
    close() {
      if (file !== null) unwatchFile(file);
    },
  });
}
