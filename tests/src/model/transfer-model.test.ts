// The whole transfer, client and host together, under random order, loss and failure; and the proof that this would
// notice: rules made wrong on purpose are caught. docs/transfer.md says what is tried and what is promised.
// PARLEY_MODEL_RUNS: how many runs (10,000 without it); PARLEY_MODEL_SEED: the seed of a run to be repeated.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awaitedForTransfer, type EventBody, joinedParticipants } from '@parley/protocol';
import fc from 'fast-check';
import { play, rules, type Script } from './game.ts';
import type { Rules } from './types.ts';

const runs = Number(process.env.PARLEY_MODEL_RUNS ?? 10_000);
const seed = Number(process.env.PARLEY_MODEL_SEED ?? Date.now() % 0x7fffffff);
/** A wrong rule that is not noticed in so many runs is not noticed. */
const MUTANT_RUNS = 10_000;

const script: fc.Arbitrary<Script> = fc.record({
  people: fc.integer({ min: 2, max: 4 }),
  policy: fc.constantFrom('direct-first', 'direct-first', 'direct-first', 'conference', 'direct-only'),
  talking: fc.integer({ min: 1, max: 3 }),
  choices: fc.array(fc.noBias(fc.nat(0xffff)), { minLength: 40, maxLength: 120 }),
});

test(`${runs} calls of two to four people, anything in any order: never silent, never doubled, always an end`, (t) => {
  t.diagnostic(`seed ${seed}`);
  let transfers = 0;
  let grown = 0;
  fc.assert(
    fc.property(script, (played) => {
      const { log } = play(played);
      transfers += log.filter(({ body }) => body.type === 'transfer-started').length;
      grown += log.filter(({ body }) => body.type === 'path-changed').length;
    }),
    { numRuns: runs, seed },
  );
  t.diagnostic(`${transfers} transfers, ${grown} of them carried out`);
  assert.ok(grown > runs / 20, 'there was something to see');
});

const { step, decide, consequences, choose } = rules;
const mutants: Record<string, Partial<Rules>> = {
  'the old path closes when this device has switched': {
    step(state, input) {
      const next = step(state, input);
      const ready = next.effects.find((effect) => effect.type === 'ready');
      if (!ready) return next;
      const lines = next.state.lines.filter((line) => line.epoch >= ready.epoch);
      const old = next.state.lines.filter((line) => line.epoch < ready.epoch);
      const closed = old.map(({ id }) => ({ type: 'close', line: id }) as const);
      return { state: { ...next.state, lines }, effects: [...next.effects, ...closed] };
    },
  },
  'the path changes when the first has switched': {
    consequences(state): EventBody[] {
      const transfer = state.call?.ended ? null : state.call?.transfer;
      const someone = joinedParticipants(state).some((p) => p.readyEpoch === transfer?.epoch);
      return transfer && someone ? [{ type: 'path-changed', epoch: transfer.epoch }] : consequences(state);
    },
  },
  'a path is preferred before it carries everything': { carriesAll: () => true },
  'the epoch of a report does not matter': {
    decide(state, by, command, focus) {
      const epoch = state.call?.transfer?.epoch ?? state.call?.path.epoch ?? 0;
      const told = command.type === 'ready' || command.type === 'path-failed' ? { ...command, epoch } : command;
      return decide(state, by, told, focus);
    },
  },
  'the newest path is rendered, flowing or not': {
    choose: (_, __, sources) =>
      choose(
        new Map(),
        null,
        sources.map((source) => ({ ...source, flowing: true })),
      ),
  },
  'a transfer may take for ever': {
    nextDeadline(state, patience) {
      const next = rules.nextDeadline(state, patience);
      return next?.events.some(({ type }) => type === 'transfer-ended') ? null : next;
    },
  },
  'nobody waits for the last one to be ready': {
    consequences(state): EventBody[] {
      const transfer = state.call?.ended ? null : state.call?.transfer;
      const waiting = awaitedForTransfer(state).length;
      return transfer && waiting === 1 ? [{ type: 'path-changed', epoch: transfer.epoch }] : consequences(state);
    },
  },
  'a path that failed while a transfer was under way is not reported again': {
    step(state, input) {
      const next = step(state, input);
      if (input.type !== 'host') return next;
      return { ...next, effects: next.effects.filter((effect) => effect.type !== 'path-failed') };
    },
  },
  'a room that was reserved for nothing is given back although the call uses it': { usesRoom: () => false },
  'a room that was reserved for nothing is kept': { usesRoom: () => true },
};

for (const [name, wrong] of Object.entries(mutants)) {
  test(`the model notices: ${name}`, (t) => {
    const property = fc.property(script, (played) => void play(played, { ...rules, ...wrong }));
    const result = fc.check(property, { numRuns: MUTANT_RUNS, seed, endOnFailure: true });
    assert.ok(result.failed, `seed ${seed}: not noticed in ${MUTANT_RUNS} runs`);
    const cause = result.errorInstance instanceof Error ? result.errorInstance.message.split('\n')[0] : '';
    t.diagnostic(`after ${result.numRuns} runs: ${cause}`);
  });
}
