// Which rule decides, what an administrator is told, and that a changed file is taken up.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Address, ParleyError } from '@parley/protocol';
import fc from 'fast-check';
import { pino } from 'pino';
import { stringify } from 'yaml';
import { ConfigError } from '../config/index.ts';
import { explainGuests, explainPolicy } from './explain.ts';
import { createPolicy, readRules } from './index.ts';
import { decidePolicy, guestTerms, policySchema, trustRulesFor } from './rules.ts';
import type { RulesInput } from './testing.ts';

const bob = 'bob@enterprise1.example' as Address;
const legal = 'legal@enterprise1.example' as Address;
const alice = 'alice@enterprise2.example' as Address;
const rival = 'rex@rival.example' as Address;
const rivalBelow = 'ria@sales.rival.example' as Address;

const rules = policySchema.parse({
  rules: [
    { name: 'boss-may', from: ['boss@enterprise1.example'], decision: 'allow' },
    { name: 'no-rivals-in', from: ['*@rival.example', '*@*.rival.example'], decision: 'deny' },
    { name: 'no-rivals-out', to: ['*@rival.example'], actions: ['call'], decision: 'deny' },
    { name: 'legal', to: [legal], decision: 'allow', requiredTrust: 'verified' },
  ],
});
const allowed = (from: Address, to: Address, action: 'call' | 'find' = 'call') => decidePolicy(rules, from, to, action);

async function file(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-policy-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'policy.yaml');
  await writeFile(path, text);
  return path;
}
const log = pino({ level: 'silent' });

describe('the rules', () => {
  it('allow where none fits, and the first that fits decides', () => {
    assert.deepEqual(allowed(bob, alice), { allowed: true, rule: null });
    assert.equal(allowed(rival, bob).rule?.name, 'no-rivals-in');
    assert.equal(allowed(rivalBelow, bob).allowed, false);
    assert.equal(allowed(bob, rival).allowed, false);
    assert.equal(allowed(bob, rival, 'find').allowed, true);
    assert.equal(allowed('boss@enterprise1.example' as Address, rival).rule?.name, 'boss-may');
  });
  it('are an allow list where the default is deny', () => {
    const list = policySchema.parse({
      default: 'deny',
      rules: [{ name: 'partner', from: [alice], decision: 'allow' }],
    });
    assert.equal(decidePolicy(list, alice, bob, 'call').allowed, true);
    assert.equal(decidePolicy(list, bob, alice, 'call').allowed, false);
  });
  it('mean a domain, and never one that only ends like it', () => {
    const evil = 'rex@notrival.example' as Address;
    assert.equal(allowed(evil, bob).allowed, true);
    assert.equal(allowed('x@rival.example.evil.example' as Address, bob).allowed, true);
  });
  it('tell a person’s devices whom to demand proof of, in both directions', () => {
    assert.deepEqual(trustRulesFor(rules, bob, 'not-failed'), [
      { people: ['boss@enterprise1.example'], requiredTrust: 'not-failed' },
      { people: [legal], requiredTrust: 'verified' },
    ]);
    assert.deepEqual(trustRulesFor(rules, legal, 'any').at(1), { people: ['*'], requiredTrust: 'verified' });
    assert.deepEqual(trustRulesFor(policySchema.parse({}), bob, 'any'), []);
  });
  it('say which of them decides', () => {
    assert.deepEqual(explainPolicy(rules, rival, bob), [
      'rex@rival.example may not call bob@enterprise1.example: by rule no-rivals-in (number 2).',
      'rex@rival.example may not find and see the presence of bob@enterprise1.example: by rule no-rivals-in (number 2).',
    ]);
    assert.match(explainPolicy(rules, bob, legal)[0] ?? '', /by rule legal \(number 4\); required trust: verified\.$/);
    assert.match(explainPolicy(rules, bob, alice)[0] ?? '', /no rule fits and the default is allow\.$/);
  });
  it('decide for any rules as their first that fits would by hand', () => {
    const who = fc.constantFrom(bob, alice, rival, rivalBelow);
    const pattern = fc.constantFrom('*', '*@rival.example', '*@*.rival.example', bob, alice, '*@enterprise1.example');
    const rule = fc.record({
      from: fc.array(pattern, { minLength: 1 }),
      to: fc.array(pattern, { minLength: 1 }),
      decision: fc.constantFrom('allow' as const, 'deny' as const),
    });
    const fits = (one: string, address: Address) =>
      one === '*' ||
      one === address ||
      (one === '*@*.rival.example' ? address === rivalBelow : one.startsWith('*@') && address.endsWith(one.slice(1)));
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 8 }), who, who, (list, from, to) => {
        const parsed = policySchema.parse({ rules: list.map((one, i) => ({ ...one, name: `r${i}` })) });
        const index = list.findIndex((one) => one.from.some((p) => fits(p, from)) && one.to.some((p) => fits(p, to)));
        const { allowed: may, rule: by } = decidePolicy(parsed, from, to, 'call');
        assert.equal(by?.name, index < 0 ? undefined : `r${index}`);
        assert.equal(may, index < 0 || list[index]?.decision === 'allow');
      }),
    );
  });
});

describe('the rule file', () => {
  it('has its mistakes named by line', async (t) => {
    const path = await file(t, 'default: perhaps\nrules:\n  - name: Bad Name\n    from: ["*@"]\n    decision: maybe\n');
    assert.throws(
      () => readRules(path),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, /policy\.yaml:1: default must be one of/);
        assert.match(error.message, /policy\.yaml:3: rules\[0\]\.name must be lower-case letters/);
        assert.match(error.message, /policy\.yaml:4: rules\[0\]\.from\[0\] must be an address/);
        return true;
      },
    );
    const twice: RulesInput = {
      rules: [
        { name: 'a', decision: 'deny' },
        { name: 'a', decision: 'allow' },
      ],
    };
    assert.match(String(policySchema.safeParse(twice).error), /different for each rule/);
    assert.throws(() => readRules('/nowhere/policy.yaml'), /cannot be read/);
  });
  it('is taken up when it changes, and left aside while it cannot be used', { timeout: 30_000 }, async (t) => {
    const path = await file(t, stringify({ default: 'allow' }));
    const policy = createPolicy({ file: path, log });
    t.after(() => policy.close());
    policy.require(bob, alice, 'call');
    await writeFile(path, stringify({ rules: [{ name: 'nobody', decision: 'deny' }] }));
    await once(policy, 'changed');
    assert.throws(
      () => policy.require(bob, alice, 'call'),
      (e: unknown) => e instanceof ParleyError && e.code === 'not-permitted' && e.details === 'rule nobody',
    );
    const said = new Promise<void>((resolve) => {
      log.error = () => resolve();
    });
    await writeFile(path, 'default: [');
    await said;
    assert.equal(policy.decide(bob, alice, 'call').allowed, false);
  });
  it('is explained on the command line', async (t) => {
    const policyFile = await file(
      t,
      stringify({ rules: [{ name: 'no-rivals', from: ['*@rival.example'], decision: 'deny' }] }),
    );
    const config = await file(
      t,
      stringify({
        provider: { domain: 'enterprise1.example', name: 'Enterprise 1' },
        http: { origins: ['http://localhost:1'] },
        signIn: { issuers: [{ id: 'company', name: 'E', issuer: 'http://localhost:2', clientId: 'parley' }] },
        policy: { file: policyFile },
      }),
    );
    const main = fileURLToPath(new URL('../main.ts', import.meta.url));
    const run = (...words: string[]) => promisify(execFile)(process.execPath, [main, ...words, '--config', config]);
    assert.match((await run('policy', 'explain', rival, bob)).stdout, /^rex@rival\.example may not call .*no-rivals/);
    await assert.rejects(run('policy', 'explain', 'nobody'), /policy explain FROM TO/);
  });
});

it('guests are a matter of the rules that name them, or of the default', () => {
  const rules = policySchema.parse({
    rules: [
      { name: 'no-rivals', from: ['*@rival.example'], decision: 'deny' },
      {
        name: 'sales',
        from: ['sales@one.example'],
        actions: ['invite-guests'],
        decision: 'allow',
        guests: { lobby: 'required', write: false },
      },
      { name: 'others', actions: ['invite-guests'], decision: 'deny' },
    ],
  });
  const [sales, bob] = ['sales@one.example', 'bob@one.example'] as [Address, Address];
  const { allowed, lobby, share, write } = guestTerms(rules, sales);
  assert.deepEqual({ allowed, lobby, share, write }, { allowed: true, lobby: 'required', share: true, write: false });
  assert.equal(guestTerms(rules, bob).allowed, false);
  assert.equal(decidePolicy(rules, sales, bob, 'call').rule, null, 'a rule of guests says nothing of people');
  assert.equal(guestTerms(policySchema.parse({ default: 'deny' }), bob).allowed, false);
  assert.deepEqual(explainGuests(rules, sales), [
    'sales@one.example may invite guests: by rule sales (number 2).',
    'They wait to be let in, may share and may not write.',
  ]);
  assert.deepEqual(explainGuests(rules, bob), ['bob@one.example may not invite guests: by rule others (number 3).']);
});
