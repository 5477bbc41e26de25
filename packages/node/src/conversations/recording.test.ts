// Recording, as the devices of two providers are told of it: nothing before all have agreed, nobody recorded who has
// not, and anybody ends it (R58). What the focus does is a fake here; it is tried in focus/recording.test.ts.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Address, type FocusRoom, ParleyError } from '@parley/protocol';
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

const file = { bytes: 1234, milliseconds: 5000, expiresAt: Date.now() + 86_400_000 };

/** Alice (provider two, the host) and Bob (one) in a conference that has been there from the start. */
async function conference(t: TestContext, patience?: Parameters<typeof provider>[4]) {
  const world = new FakeProviders(testPolicy);
  const told: { room: FocusRoom; recording: number; on: boolean }[] = [];
  world.record = async (_, room, recording, on) => void told.push({ room, recording, on });
  const e1 = await provider(t, world, one, ['bob', 'carol'], patience);
  const e2 = await provider(t, world, two, ['alice'], patience);
  const [alice, bob, carol] = [e2.device('alice'), e1.device('bob'), e1.device('carol')];
  const start = { ...startWith('bob@enterprise1.example', false), policy: 'conference' as const };
  const { conversation } = await e2.ask(alice, 'call.start', start);
  await until(world, () => stateOf(bob, conversation, bob.owner)?.state === 'alerting');
  await e1.ask(bob, 'call.accept', { conversation, media });
  await until(world, () => callOf(alice, conversation)?.answeredAt != null);
  const recording = (device: FakeDevice) => device.states.get(conversation)?.recordings.at(-1);
  const sees = (device: FakeDevice, state: string) => until(world, () => recording(device)?.state === state);
  const numberOf = (device: FakeDevice) => ({ conversation, recording: recording(device)?.n ?? 0 });
  return { world, told, e1, e2, alice, bob, carol, conversation, recording, sees, numberOf };
}
type Conference = Awaited<ReturnType<typeof conference>>;

async function agree({ e1, e2, alice, bob, conversation, sees, numberOf }: Conference): Promise<void> {
  await e2.ask(alice, 'call.record', { conversation });
  await sees(bob, 'asked');
  await e1.ask(bob, 'call.consent', numberOf(bob));
  await sees(bob, 'running');
}

test('a recording begins when all have agreed, everybody sees it, and its file is for those who are in it', {
  timeout: 10_000,
}, async (t) => {
  const c = await conference(t);
  const { e1, e2, alice, bob, told, conversation, world } = c;
  await e2.ask(alice, 'call.record', { conversation });
  await c.sees(bob, 'asked');
  await setImmediate();
  assert.equal(told.length, 0, 'not before everybody has agreed');
  await assert.rejects(e1.ask(bob, 'call.record', { conversation }), { code: 'out-of-turn' });
  await e1.ask(bob, 'call.consent', c.numberOf(bob));
  await c.sees(alice, 'running');
  const room = callOf(alice, conversation)?.path.focus;
  assert.ok(room);
  assert.deepEqual(told, [{ room, recording: c.numberOf(alice).recording, on: true }]);

  await e1.ask(bob, 'call.stopRecording', c.numberOf(bob));
  await c.sees(alice, 'ended');
  assert.deepEqual([c.recording(alice)?.because, c.recording(alice)?.endedBy], ['stopped', bob.owner]);
  await until(world, () => told.at(-1)?.on === false);
  const { recording } = c.numberOf(alice);
  await e2.report(room, conversation, { type: 'recorded', recording, file });
  await until(world, () => c.recording(bob)?.file?.bytes === file.bytes);
  const listed = async (e: typeof e1, who: FakeDevice) => (await e.recordingsOf(who.owner)).map((r) => r.bytes);
  await setImmediate();
  assert.deepEqual([await listed(e1, bob), await listed(e2, alice), await listed(e1, c.carol)], [[1234], [1234], []]);
});

test('who does not agree, or does not answer, is not recorded', { timeout: 10_000 }, async (t) => {
  const c = await conference(t, { ring: 300, transfer: 60_000, returnToDirect: 60_000 });
  await c.e2.ask(c.alice, 'call.record', { conversation: c.conversation });
  await c.sees(c.bob, 'asked');
  await c.e1.ask(c.bob, 'call.stopRecording', c.numberOf(c.bob));
  await c.sees(c.alice, 'ended');
  assert.equal(c.recording(c.alice)?.because, 'refused');
  await c.e1.ask(c.bob, 'call.record', { conversation: c.conversation });
  await c.sees(c.alice, 'asked');
  await c.sees(c.alice, 'ended');
  assert.equal(c.recording(c.alice)?.because, 'not-answered');
  assert.deepEqual(c.told, []);
});

test('a late joiner gets no pass for the conference before agreeing; a no ends the recording for all', {
  timeout: 10_000,
}, async (t) => {
  const c = await conference(t);
  const { e1, bob, carol, conversation, world } = c;
  await agree(c);
  await e1.ask(bob, 'call.add', { conversation, address: carol.owner });
  await until(world, () => stateOf(carol, conversation, carol.owner)?.state === 'alerting');
  await e1.ask(carol, 'call.accept', { conversation, media });
  await until(world, () => stateOf(carol, conversation, carol.owner)?.state === 'joined');
  const pass = () => e1.pass(conversation, 1, carol.owner, carol.id);
  await assert.rejects(pass(), { code: 'recording-consent-needed' });
  await e1.pass(conversation, 1, bob.owner, bob.id);
  await e1.ask(carol, 'call.consent', c.numberOf(carol));
  await until(world, () => c.recording(carol)?.consented.includes(carol.owner));
  await pass();
  await e1.ask(carol, 'call.stopRecording', c.numberOf(carol));
  await c.sees(bob, 'ended');
  assert.deepEqual(c.recording(bob)?.people, ['alice@enterprise2.example', bob.owner, carol.owner]);
});

test('only who takes part asks, agrees or ends', { timeout: 10_000 }, async (t) => {
  const c = await conference(t);
  await agree(c);
  const rung = { conversation: c.conversation, recording: c.numberOf(c.bob).recording };
  await assert.rejects(c.e1.ask(c.carol, 'call.stopRecording', rung), { code: 'unknown-conversation' });
  await c.e1.ask(c.bob, 'call.add', { conversation: c.conversation, address: c.carol.owner });
  await until(c.world, () => stateOf(c.carol, c.conversation, c.carol.owner)?.state === 'alerting');
  for (const method of ['call.consent', 'call.stopRecording'] as const) {
    await assert.rejects(c.e1.ask(c.carol, method, rung), { code: 'not-in-call' });
  }
  await assert.rejects(c.e1.ask(c.carol, 'call.record', { conversation: c.conversation }), { code: 'not-in-call' });
});

test('a conference that cannot be recorded moves to one that can; the recording ends when it moves again', {
  timeout: 10_000,
}, async (t) => {
  const c = await conference(t);
  const { world, e1, e2, alice, bob, conversation } = c;
  const first = callOf(alice, conversation)?.path.focus?.room;
  world.record = async (_, room, recording, on) => {
    if (room.room === first && on) throw new ParleyError('not-available');
    c.told.push({ room, recording, on });
  };
  await e2.ask(alice, 'call.record', { conversation });
  await c.sees(bob, 'asked');
  await e1.ask(bob, 'call.consent', c.numberOf(bob));
  await until(world, () => callOf(bob, conversation)?.transfer?.because === 'room-moved');
  assert.deepEqual(e2.needed.at(-1), { recording: true });
  const move = async (epoch: number) => {
    await e2.ask(alice, 'call.ready', { conversation, epoch });
    await e1.ask(bob, 'call.ready', { conversation, epoch });
    await until(world, () => callOf(bob, conversation)?.path.epoch === epoch);
  };
  await move(2);
  await c.sees(bob, 'running');
  const room = callOf(alice, conversation)?.path.focus;
  assert.ok(room && room.room !== first);

  await e2.report(room, conversation, { type: 'move', needs: {} });
  await until(world, () => callOf(bob, conversation)?.transfer != null);
  assert.equal(c.recording(bob)?.state, 'running', 'as long as the room is in use');
  await move(3);
  await c.sees(bob, 'ended');
  assert.equal(c.recording(bob)?.because, 'moved');
});

test('a conference is asked to move: everybody is told of another room; if there is none, nothing changes', {
  timeout: 10_000,
}, async (t) => {
  const c = await conference(t);
  const { world, e2, alice, bob, conversation } = c;
  const room = callOf(alice, conversation)?.path.focus;
  assert.ok(room);
  world.unreachable.add(one).add(two);
  await assert.rejects(e2.report(room, conversation, { type: 'move', needs: {} }), { code: 'no-conference-available' });
  assert.equal(callOf(alice, conversation)?.transfer, null);
  world.unreachable.clear();
  await e2.report(room, conversation, { type: 'move', needs: { mixing: true } });
  await until(world, () => callOf(bob, conversation)?.transfer?.because === 'room-moved');
  assert.deepEqual(e2.needed.at(-1), { mixing: true });
  await e2.report(room, conversation, { type: 'move', needs: {} });
  assert.equal(callOf(alice, conversation)?.lastEpoch, 2, 'asked again while it moves, nothing more happens');
  assert.equal(
    callOf(alice, conversation)?.path.focus?.room,
    room.room,
    'the old room is in use till all have left it',
  );
});

test('a report of a recording that the host knows nothing of is refused', { timeout: 10_000 }, async (t) => {
  const c = await conference(t);
  const room = callOf(c.alice, c.conversation)?.path.focus;
  assert.ok(room);
  const report = { type: 'recorded' as const, recording: 3, file };
  await assert.rejects(c.e2.report(room, c.conversation, report), { code: 'recording-gone' });
  await agree(c);
  const forged = { ...room, domain: one === room.domain ? two : one };
  const { recording } = c.numberOf(c.alice);
  await assert.rejects(c.e2.report(forged, c.conversation, { ...report, recording }), { code: 'recording-gone' });
});

test('the call stays a conference while it is recorded, though only two are in it', { timeout: 10_000 }, async (t) => {
  const world = new FakeProviders(testPolicy);
  const patience = { ring: 60_000, transfer: 60_000, returnToDirect: 50 };
  const e1 = await provider(t, world, one, ['bob', 'carol'], patience);
  const [bob, carol] = [e1.device('bob'), e1.device('carol')];
  const { conversation } = await e1.ask(bob, 'call.start', startWith('carol@enterprise1.example'));
  await until(world, () => stateOf(carol, conversation, carol.owner)?.state === 'alerting');
  await e1.ask(carol, 'call.accept', { conversation, media });
  await e1.ask(bob, 'call.record', { conversation });
  const recording = () => carol.states.get(conversation)?.recordings.at(-1);
  await e1.ask(carol, 'call.consent', { conversation, recording: recording()?.n ?? 0 });
  await until(world, () => callOf(carol, conversation)?.transfer?.kind === 'conference');
  for (const device of [bob, carol]) await e1.ask(device, 'call.ready', { conversation, epoch: 2 });
  await until(world, () => recording()?.state === 'running');
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(callOf(carol, conversation)?.transfer, null);
  await e1.ask(carol, 'call.stopRecording', { conversation, recording: recording()?.n ?? 0 });
  await until(world, () => callOf(carol, conversation)?.transfer?.kind === 'direct');
  assert.ok(stateOf(carol, conversation, 'bob@enterprise1.example' as Address));
});
