// The promise of a resumable device: each notification is seen exactly once and in order, or the device is told to start
// afresh; and a command sent again is carried out once and answered.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createAnswers } from './answers.ts';
import { createOutbox } from './outbox.ts';

type Step =
  | { do: 'tell' }
  | { do: 'deliver'; count: number }
  | { do: 'acknowledge' }
  | { do: 'cut'; arrives: number }
  | { do: 'ask' }
  | { do: 'carryOut' };

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ do: 'tell' }) },
  { weight: 3, arbitrary: fc.nat(4).map((count): Step => ({ do: 'deliver', count })) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'acknowledge' }) },
  { weight: 1, arbitrary: fc.nat(4).map((arrives): Step => ({ do: 'cut', arrives })) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'ask' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'carryOut' }) },
);

/** A node, a client, and a wire between them that can be cut with things on it. */
function createWorld(bound: number) {
  const outbox = createOutbox({ messages: bound, characters: 1_000_000 });
  const answers = createAnswers<number>();
  /** Commands the node has admitted and not yet carried out. */
  const admitted: string[] = [];
  const carriedOut = new Map<string, number>();
  /** Answers that arrived at the client. */
  const answered = new Set<string>();
  const asked: string[] = [];
  let socket = 1;
  let wire: { kind: 'notification' | 'answer'; text: string }[] = [];
  const seen: number[] = [];
  let told = 0;
  let afresh = false;

  const pump = () => {
    for (let text = outbox.next(); text !== null; text = outbox.next()) wire.push({ kind: 'notification', text });
  };
  const send = (id: string) => {
    const admission = answers.admit(id, `print of ${id}`, socket);
    if (admission.kind === 'new') admitted.push(id);
    else if (admission.kind === 'done') wire.push({ kind: 'answer', text: admission.text });
    else assert.equal(admission.kind, 'running');
  };
  const arrive = (count: number) => {
    for (const { kind, text } of wire.splice(0, count)) {
      if (kind === 'notification') seen.push(Number(text));
      else answered.add(text);
    }
  };

  const steps: Record<Step['do'], (step: Step) => void> = {
    tell() {
      if (outbox.push(String)) told += 1;
      else afresh = true;
      pump();
    },
    deliver: (step) => arrive('count' in step ? step.count : 0),
    acknowledge: () => assert.ok(outbox.acknowledge(seen.length)),
    cut(step) {
      // Some of what was on the wire still arrives, the rest is lost; then the client comes back and asks again.
      arrive('arrives' in step ? step.arrives : 0);
      wire = [];
      socket += 1;
      assert.ok(outbox.resume(seen.length), 'an honest client can always resume');
      pump();
      for (const id of asked) if (!answered.has(id)) send(id);
    },
    ask() {
      if (asked.length - answered.size >= 60) return;
      const id = `q${asked.length}`;
      asked.push(id);
      send(id);
    },
    carryOut() {
      const id = admitted.shift();
      if (id === undefined) return;
      carriedOut.set(id, (carriedOut.get(id) ?? 0) + 1);
      if (answers.finish(id, id, true) === socket) wire.push({ kind: 'answer', text: id });
    },
  };
  return {
    run(step: Step) {
      if (!afresh) steps[step.do](step);
    },
    settle() {
      if (afresh) return;
      steps.cut({ do: 'cut', arrives: 0 });
      while (admitted.length > 0) steps.carryOut({ do: 'carryOut' });
      arrive(wire.length);
    },
    get result() {
      return { seen, told, afresh, asked, answered, carriedOut };
    },
  };
}

test('whatever is told, cut, resumed and asked again: seen exactly once in order, carried out exactly once', () => {
  fc.assert(
    fc.property(
      fc.array(stepArbitrary, { maxLength: 150, size: 'max' }),
      fc.integer({ min: 3, max: 30 }),
      (steps, bound) => {
        const world = createWorld(bound);
        for (const step of steps) world.run(step);
        world.settle();
        const { seen, told, afresh, asked, answered, carriedOut } = world.result;
        assert.deepEqual(
          seen,
          seen.map((_, index) => index + 1),
        );
        for (const times of carriedOut.values()) assert.equal(times, 1);
        if (afresh) return;
        assert.equal(seen.length, told);
        assert.equal(carriedOut.size, asked.length);
        assert.deepEqual([...answered].sort(), [...asked].sort());
      },
    ),
    { numRuns: 500 },
  );
});

test('an overflow is reported instead of a gap', () => {
  const outbox = createOutbox({ messages: 2, characters: 1000 });
  assert.ok(outbox.push(String));
  assert.ok(outbox.push(String));
  assert.equal(outbox.push(String), false);
  assert.equal(outbox.size, 2);
  const small = createOutbox({ messages: 100, characters: 10 });
  assert.ok(small.push(() => '12345'));
  assert.equal(
    small.push(() => '123456'),
    false,
  );
});

test('a device that claims what it cannot have received is not resumed', () => {
  const outbox = createOutbox();
  for (let i = 0; i < 5; i += 1) outbox.push(String);
  outbox.next();
  outbox.next();
  assert.equal(outbox.resume(3), false, 'never handed out');
  assert.equal(outbox.acknowledge(3), false, 'never handed out');
  assert.ok(outbox.acknowledge(2));
  assert.equal(outbox.resume(1), false, 'freed already');
  assert.ok(outbox.resume(2));
  assert.equal(outbox.next(), '3');
});

test('an id stands for one request only, and old answers make room for new ones', () => {
  const answers = createAnswers<string>(2);
  assert.equal(answers.admit('a', 'one', 's').kind, 'new');
  assert.equal(answers.admit('a', 'two', 's').kind, 'conflict');
  assert.equal(answers.admit('b', 'one', 's').kind, 'new');
  assert.equal(answers.admit('c', 'one', 's').kind, 'full');
  assert.equal(answers.admit('a', 'one', 't').kind, 'running');
  assert.equal(answers.finish('a', 'A', true), 't', 'whoever asked last is answered');
  assert.deepEqual(answers.admit('a', 'one', 't'), { kind: 'done', text: 'A' });
  assert.equal(answers.admit('a', 'two', 't').kind, 'conflict');
  for (let i = 0; i < 2000; i += 1) {
    answers.admit(i, 'x', 's');
    answers.finish(i, 'y'.repeat(1024), true);
  }
  assert.equal(answers.admit('a', 'one', 't').kind, 'new', 'forgotten long ago');
});
