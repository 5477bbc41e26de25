// Who may call whom, in conversations (R48).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ParleyError } from '@parley/protocol';
import { testPolicy } from '../policy/testing.ts';
import { callOf, FakeProviders, media, one, provider, startWith, stateOf, two, until } from './testing.ts';

test('R48: rules refuse calls on either side, and end what runs when they change', { timeout: 10_000 }, async (t) => {
  const world = new FakeProviders(testPolicy);
  const e1 = await provider(t, world, one, ['bob', 'carol']);
  const e2 = await provider(t, world, two, ['alice']);
  const [alice, bob, carol] = [e2.device('alice'), e1.device('bob'), e1.device('carol')];
  const notPermitted = (error: unknown) => error instanceof ParleyError && error.code === 'not-permitted';
  const denyOut = { rules: [{ name: 'out', to: ['*@enterprise1.example'], decision: 'deny' as const }] };
  const denyAlice = { rules: [{ name: 'alice', from: [alice.owner], decision: 'deny' as const }] };

  e2.policy.set(denyOut);
  await assert.rejects(e2.ask(alice, 'call.start', startWith(bob.owner)), notPermitted);
  e2.policy.set({});
  e1.policy.set(denyAlice);
  const refused = await e2.ask(alice, 'call.start', startWith(bob.owner));
  await until(world, () => stateOf(alice, refused.conversation, bob.owner)?.outcome === 'refused');
  assert.equal(bob.states.has(refused.conversation), false, 'nobody here learns of it');

  // Bob may call Alice, so they may talk; until the rule is about both directions.
  const { conversation: id } = await e1.ask(bob, 'call.start', startWith(alice.owner));
  await until(world, () => stateOf(alice, id, alice.owner)?.state === 'alerting');
  await e2.ask(alice, 'call.accept', { conversation: id, media });
  await until(world, () => callOf(bob, id)?.answeredAt != null);
  e1.policy.set({ ...denyAlice, rules: [...denyAlice.rules, { name: 'back', to: [alice.owner], decision: 'deny' }] });
  await until(world, () => alice.states.get(id)?.call?.ended != null);
  assert.equal(e1.inCall('bob'), false);

  // Whoever is kept apart is not brought together by a third either.
  const group = await e1.ask(carol, 'call.start', startWith(bob.owner));
  await until(world, () => stateOf(bob, group.conversation, bob.owner)?.state === 'alerting');
  await e1.ask(bob, 'call.accept', { conversation: group.conversation, media });
  e1.policy.set({
    rules: [
      { name: 'carol-may', from: [carol.owner], to: [alice.owner], decision: 'allow' },
      { name: 'others', from: ['*@enterprise1.example'], to: [alice.owner], decision: 'deny' },
      { name: 'back', from: [alice.owner], decision: 'deny' },
    ],
  });
  await assert.rejects(
    async () => e1.ask(bob, 'call.add', { conversation: group.conversation, address: alice.owner }),
    notPermitted,
  );
  await e1.ask(carol, 'call.add', { conversation: group.conversation, address: alice.owner });
  await until(world, () => stateOf(alice, group.conversation, alice.owner)?.state === 'alerting');
  await e2.ask(alice, 'call.accept', { conversation: group.conversation, media });
  await until(world, () => stateOf(carol, group.conversation, bob.owner)?.state === 'left');
  assert.equal(stateOf(carol, group.conversation, alice.owner)?.state, 'joined');
});

test('R48: an invitation that rings is taken back when the rules change', { timeout: 10_000 }, async (t) => {
  const world = new FakeProviders(testPolicy);
  const e1 = await provider(t, world, one, ['bob']);
  const e2 = await provider(t, world, two, ['alice']);
  const [alice, bob] = [e2.device('alice'), e1.device('bob')];
  const denied = { rules: [{ name: 'apart', decision: 'deny' as const }] };
  for (const judge of [e1, e2]) {
    const { conversation: id } = await e2.ask(alice, 'call.start', startWith(bob.owner));
    await until(world, () => stateOf(alice, id, bob.owner)?.state === 'alerting');
    judge.policy.set(denied);
    await until(world, () => stateOf(alice, id, bob.owner)?.state === 'ended');
    assert.equal(stateOf(alice, id, bob.owner)?.outcome, judge === e1 ? 'refused' : 'cancelled');
    await until(world, () => !e2.inCall('alice'));
    judge.policy.set({});
  }
});

test('R48: a host elsewhere that does not heed the refusal makes nobody’s windows ring on', {
  timeout: 10_000,
}, async (t) => {
  const world = new FakeProviders(testPolicy);
  const e1 = await provider(t, world, one, ['bob']);
  const e2 = await provider(t, world, two, ['alice']);
  const [alice, bob] = [e2.device('alice'), e1.device('bob')];
  const { conversation: id } = await e2.ask(alice, 'call.start', startWith(bob.owner));
  await until(world, () => stateOf(alice, id, bob.owner)?.state === 'alerting');
  await until(world, () => stateOf(bob, id, bob.owner)?.state === 'alerting');
  let heard = 0;
  world.handlers.get(two)?.set('conversation.command', () => {
    heard += 1;
    return {};
  });
  e1.policy.set({ rules: [{ name: 'apart', decision: 'deny' }] });
  await until(world, () => !bob.states.has(id));
  assert.equal(bob.order.at(-1), 'call.withdrawn');
  await assert.rejects(async () => e1.ask(bob, 'call.accept', { conversation: id, media }), {
    code: 'unknown-conversation',
  });
  assert.equal(heard, 1, 'the host was told');
});
