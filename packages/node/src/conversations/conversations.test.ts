// Conversations of two providers, as their devices are told of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LinkMethod, MAX_FRAME_BYTES, ParleyError } from '@parley/protocol';
import { testPolicy } from '../policy/testing.ts';
import {
  callOf,
  type FakeDevice,
  FakeProviders,
  media,
  one,
  provider,
  startWith,
  stateOf,
  two,
  until,
} from './testing.ts';

test('R16, R44: flow 3 by messages: ring across providers, accept, add, conference at the adder’s provider, all screens agree', {
  timeout: 10_000,
}, async (t) => {
  const world = new FakeProviders(testPolicy);
  const e1 = await provider(t, world, one, ['bob', 'carol']);
  const e2 = await provider(t, world, two, ['alice']);
  const [alice, bob, carol] = [e2.device('alice'), e1.device('bob'), e1.device('carol')];
  const { conversation: id } = await e2.ask(alice, 'call.start', startWith('bob@enterprise1.example'));
  await until(world, () => stateOf(alice, id, 'bob@enterprise1.example')?.state === 'alerting');
  await until(world, () => bob.signals.length > 0);
  assert.deepEqual(bob.order.slice(0, 1), ['conversation.events'], 'the invitation comes before its offer');
  assert.deepEqual(bob.signals, [{ from: alice.owner, type: 'offer' }]);
  await e1.ask(bob, 'call.accept', { conversation: id, media });
  await until(world, () => callOf(alice, id)?.answeredAt != null && callOf(bob, id)?.answeredAt != null);
  assert.ok(e1.inCall('bob') && e2.inCall('alice'));

  await e1.ask(bob, 'call.add', { conversation: id, address: carol.owner });
  await until(world, () => stateOf(carol, id, 'carol@enterprise1.example')?.state === 'alerting');
  assert.equal(callOf(alice, id)?.transfer?.focus?.domain, one, 'the adder’s provider runs the conference');
  await e1.ask(carol, 'call.accept', { conversation: id, media });
  await e2.ask(alice, 'call.ready', { conversation: id, epoch: 2 });
  await e1.ask(bob, 'call.ready', { conversation: id, epoch: 2 });
  await until(world, () => [alice, bob, carol].every((d) => callOf(d, id)?.path.kind === 'conference'));
  const [a, b, c] = [alice, bob, carol].map((d) => d.states.get(id));
  await until(
    world,
    () => alice.states.get(id)?.n === carol.states.get(id)?.n && bob.states.get(id)?.n === carol.states.get(id)?.n,
  );
  assert.deepEqual(a?.participants.size, 3);
  assert.deepEqual([...(b?.participants.keys() ?? [])], [...(c?.participants.keys() ?? [])], 'R26');

  await e2.ask(alice, 'call.leave', { conversation: id });
  await until(world, () => stateOf(carol, id, alice.owner)?.state === 'left');
  assert.deepEqual(e2.evicted, [alice.owner], 'whatever her device does, she is heard no more');
  await e1.ask(bob, 'call.leave', { conversation: id });
  await until(world, () => carol.states.get(id)?.call?.ended != null);
  assert.ok(!e1.inCall('bob') && !e1.inCall('carol') && !e2.inCall('alice'));
  assert.equal(e2.released.length, 1, 'the room is given back');
});

test('R13: unknown, offline and busy are told apart, in the same company and across', {
  timeout: 10_000,
}, async (t) => {
  const world = new FakeProviders(testPolicy);
  const e1 = await provider(t, world, one, ['bob', 'carol', 'erin']);
  const e2 = await provider(t, world, two, ['alice', 'dave']);
  const alice = e2.device('alice');
  const refused = (code: string) => (error: unknown) => error instanceof ParleyError && error.code === code;
  await assert.rejects(
    e2.ask(alice, 'call.start', startWith('nobody@enterprise2.example')),
    refused('unknown-address'),
  );
  await assert.rejects(
    e2.ask(alice, 'call.start', startWith('nobody@enterprise1.example')),
    refused('unknown-address'),
  );
  assert.equal(alice.states.size, 0, 'no conversation is made for nobody');

  for (const who of ['dave@enterprise2.example', 'carol@enterprise1.example']) {
    const { conversation } = await e2.ask(alice, 'call.start', startWith(who));
    await until(world, () => stateOf(alice, conversation, who)?.outcome === 'offline');
  }
  const [bob, erin] = [e1.device('bob'), e1.device('erin')];
  const talk = await e1.ask(bob, 'call.start', startWith('erin@enterprise1.example'));
  await until(world, () => stateOf(erin, talk.conversation, erin.owner)?.state === 'alerting');
  await e1.ask(erin, 'call.accept', { conversation: talk.conversation, media });
  const { conversation } = await e2.ask(alice, 'call.start', startWith('bob@enterprise1.example'));
  await until(world, () => stateOf(alice, conversation, bob.owner)?.outcome === 'busy');
  assert.equal(callOf(bob, talk.conversation)?.ended, null, 'the running call is not disturbed');
});

test('R10: all devices ring, one answers, the others stop and cannot answer too', { timeout: 10_000 }, async (t) => {
  const world = new FakeProviders(testPolicy);
  const e1 = await provider(t, world, one, ['alice', 'bob']);
  const [alice, desk, phone] = [e1.device('alice'), e1.device('bob', '1'), e1.device('bob', '2')];
  const { conversation: id } = await e1.ask(alice, 'call.start', startWith(desk.owner));
  await until(world, () => [desk, phone].every((d) => stateOf(d, id, desk.owner)?.state === 'alerting'));
  assert.equal(desk.signals.length + phone.signals.length, 2, 'both have the offer');
  await e1.ask(phone, 'call.accept', { conversation: id, media });
  await until(world, () => stateOf(desk, id, desk.owner)?.device === phone.id);
  await assert.rejects(e1.ask(desk, 'call.accept', { conversation: id, media }), { code: 'answered-elsewhere' });
  await assert.rejects(e1.ask(desk, 'call.leave', { conversation: id }), { code: 'not-in-call' });
});

test('R28: a crashed device leaves the call, the other side is told it was lost', { timeout: 10_000 }, async (t) => {
  const world = new FakeProviders(testPolicy);
  const e1 = await provider(t, world, one, ['bob']);
  const e2 = await provider(t, world, two, ['alice']);
  const [alice, bob] = [e2.device('alice'), e1.device('bob')];
  const { conversation: id } = await e2.ask(alice, 'call.start', startWith(bob.owner));
  await until(world, () => stateOf(bob, id, bob.owner)?.state === 'alerting');
  await e1.ask(bob, 'call.accept', { conversation: id, media });
  e1.crash(bob);
  await until(world, () => alice.states.get(id)?.call?.ended != null);
  assert.equal(stateOf(alice, id, bob.owner)?.state, 'left');
});

test('R49: the other provider is down when called, and what it missed arrives once when it is back', {
  timeout: 10_000,
}, async (t) => {
  const world = new FakeProviders(testPolicy);
  const e1 = await provider(t, world, one, ['bob']);
  const e2 = await provider(t, world, two, ['alice']);
  const [alice, bob] = [e2.device('alice'), e1.device('bob')];
  world.unreachable.add(one);
  await assert.rejects(e2.ask(alice, 'call.start', startWith(bob.owner)), { code: 'provider-unreachable' });
  world.unreachable.delete(one);
  const { conversation: id } = await e2.ask(alice, 'call.start', startWith(bob.owner));
  await until(world, () => stateOf(alice, id, bob.owner)?.state === 'alerting');
  await e1.ask(bob, 'call.accept', { conversation: id, media });
  await until(world, () => callOf(bob, id)?.answeredAt != null);
  world.unreachable.add(one);
  await e2.ask(alice, 'conversation.send', { conversation: id, text: 'are you there?' });
  await e2.ask(alice, 'conversation.send', { conversation: id, text: 'hello?' });
  world.unreachable.delete(one);
  await until(world, () => bob.states.get(id)?.messages.length === 2);
  assert.deepEqual(
    bob.states.get(id)?.messages.map((m) => m.text),
    ['are you there?', 'hello?'],
  );
});

test('R52: a provider may not number events of others, act for others’ people, or relay', {
  timeout: 10_000,
}, async (t) => {
  const world = new FakeProviders(testPolicy);
  const e1 = await provider(t, world, one, ['bob', 'carol']);
  await provider(t, world, two, ['alice']);
  const [bob, carol] = [e1.device('bob'), e1.device('carol')];
  const { conversation: id } = await e1.ask(bob, 'call.start', startWith(carol.owner));
  const say = async (method: LinkMethod, params: unknown) => {
    const handler = world.handlers.get(one)?.get(method);
    assert.ok(handler);
    await handler(two as never, params as never);
  };
  const event = { conversation: id, n: 99, at: 1, body: { type: 'call-ended', reason: 'lost' } };
  await assert.rejects(say('conversation.deliver', { conversation: id, events: [event] }), { code: 'not-allowed' });
  await assert.rejects(
    say('conversation.command', { conversation: id, by: bob.owner, command: { type: 'leave', reason: 'lost' } }),
    {
      code: 'not-allowed',
    },
  );
  await assert.rejects(
    say('conversation.command', {
      conversation: id,
      by: 'alice@enterprise2.example',
      command: { type: 'add', address: bob.owner },
    }),
    { code: 'unknown-conversation' },
  );
  const signal = { type: 'restart', path: 'p_12345678', epoch: 1, kind: 'ice' };
  const from = { address: 'alice@enterprise2.example', device: 'd_0000000000000000' };
  await assert.rejects(say('call.signal', { conversation: id, from, to: { address: bob.owner }, signal }), {
    code: 'not-in-call',
  });
  assert.equal(callOf(bob, id)?.ended, null);
});

test('somebody who was never in a conversation reads nothing of it; who left reads no further', {
  timeout: 10_000,
}, async (t) => {
  const world = new FakeProviders(testPolicy);
  const e1 = await provider(t, world, one, ['alice', 'bob', 'carol', 'erin']);
  const [alice, bob, carol, erin] = ['alice', 'bob', 'carol', 'erin'].map((name) => e1.device(name)) as [
    FakeDevice,
    FakeDevice,
    FakeDevice,
    FakeDevice,
  ];
  const { conversation: id } = await e1.ask(alice, 'call.start', {
    ...startWith(bob.owner, false),
    to: [bob.owner, carol.owner],
  });
  for (const device of [bob, carol]) {
    await until(world, () => stateOf(device, id, device.owner)?.state === 'alerting');
    await e1.ask(device, 'call.accept', { conversation: id, media });
  }
  await e1.ask(carol, 'call.leave', { conversation: id });
  await e1.ask(alice, 'conversation.send', { conversation: id, text: 'between us' });
  await assert.rejects(e1.ask(erin, 'conversation.events', { conversation: id, after: 0 }), {
    code: 'unknown-conversation',
  });
  const seen = await e1.ask(carol, 'conversation.events', { conversation: id, after: 0 });
  assert.ok(seen.complete && !seen.events.some((event) => event.body.type === 'message'));
  assert.equal(carol.states.get(id)?.messages.length, 0, 'nor is it sent to her');
});

test('a long conversation reaches a newcomer in messages that fit, complete and in order', {
  timeout: 20_000,
}, async (t) => {
  const world = new FakeProviders(testPolicy);
  const e1 = await provider(t, world, one, ['alice', 'bob', 'carol']);
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => e1.device(name)) as [
    FakeDevice,
    FakeDevice,
    FakeDevice,
  ];
  const { conversation: id } = await e1.ask(alice, 'call.start', startWith(bob.owner, false));
  await until(world, () => stateOf(bob, id, bob.owner)?.state === 'alerting');
  await e1.ask(bob, 'call.accept', { conversation: id, media });
  const long = '\u{1F4AC}'.repeat(1900);
  for (let i = 0; i < 120; i++) await e1.ask(alice, 'conversation.send', { conversation: id, text: `${i} ${long}` });
  await e1.ask(alice, 'call.add', { conversation: id, address: carol.owner });
  await until(world, () => carol.states.get(id)?.n === alice.states.get(id)?.n);
  assert.equal(carol.states.get(id)?.messages.length, 120);
  const page = await e1.ask(carol, 'conversation.events', { conversation: id, after: 0 });
  assert.ok(!page.complete && JSON.stringify(page).length < MAX_FRAME_BYTES);
});
