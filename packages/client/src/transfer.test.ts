// The transfer machine and the switcher under anything a host and a network may do.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { carriesAll, choose, type LineSource, type SourceKey } from './switcher.ts';
import { noLines, step, type TransferEffect, type TransferInput, type TransferState } from './transfer.ts';

const direct = { kind: 'direct', epoch: 1 } as const;
const conference = { kind: 'conference', epoch: 2 } as const;

function play(inputs: readonly TransferInput[], from: TransferState = noLines) {
  let state = from;
  const effects: TransferEffect[] = [];
  for (const input of inputs) {
    const next = step(state, input);
    state = next.state;
    effects.push(...next.effects);
  }
  return { state, effects };
}
const types = (effects: readonly TransferEffect[]) =>
  effects.map((e) => ('line' in e && typeof e.line === 'number' ? `${e.type} ${e.line}` : e.type));

describe('a transfer', () => {
  const calling = play([{ type: 'host', path: direct, transfer: null }]).state;
  const growing = step(calling, { type: 'host', path: direct, transfer: conference }).state;

  it('opens the new path beside the old one and reports ready only when all is rendered from it', () => {
    assert.deepEqual(
      growing.lines.map((l) => l.epoch),
      [1, 2],
    );
    assert.equal(growing.preferred, 1);
    const { state, effects } = play(
      [
        { type: 'complete', line: 2 },
        { type: 'settled', line: 2 },
      ],
      growing,
    );
    assert.deepEqual(types(effects), ['prefer 2', 'ready']);
    const changed = step(state, { type: 'host', path: conference, transfer: null });
    assert.deepEqual(types(changed.effects), ['close 1']);
    assert.equal(changed.state.preferred, 2);
  });

  it('goes back to the old path, which never stopped, when the host gives the new one up', () => {
    const switched = play(
      [
        { type: 'complete', line: 2 },
        { type: 'settled', line: 2 },
      ],
      growing,
    ).state;
    const { state, effects } = step(switched, { type: 'host', path: direct, transfer: null });
    assert.deepEqual(types(effects), ['prefer 1', 'close 2']);
    assert.deepEqual(
      state.lines.map((l) => l.epoch),
      [1],
    );
  });

  it('builds only the newest path on a device that joins while it goes on', () => {
    const { state } = play([{ type: 'host', path: direct, transfer: conference }]);
    assert.deepEqual(
      state.lines.map((l) => l.epoch),
      [2],
    );
  });

  it('tries a conference again in place, and tells the host when that is no use', () => {
    const inRoom = play([{ type: 'host', path: conference, transfer: null }]).state;
    const first = step(inRoom, { type: 'failed', line: 1, again: true });
    assert.deepEqual(types(first.effects), ['open']);
    const better = play(
      [
        { type: 'complete', line: 2 },
        { type: 'settled', line: 2 },
      ],
      first.state,
    );
    assert.deepEqual(types(better.effects), ['prefer 2', 'close 1']);
    const worse = play(
      [2, 3].map((line) => ({ type: 'failed', line, again: true }) as const),
      first.state,
    );
    assert.ok(worse.effects.some((e) => e.type === 'path-failed' && e.epoch === 2));
  });

  it('tells the host once that a direct path has failed, and keeps what is left of it until the host decides', () => {
    const { state, effects } = play(
      [
        { type: 'failed', line: 1, again: true },
        { type: 'failed', line: 1, again: true },
        { type: 'host', path: direct, transfer: null },
      ],
      calling,
    );
    assert.deepEqual(types(effects), ['path-failed']);
    assert.deepEqual(
      state.lines.map((l) => l.id),
      [1],
    );
  });

  it('tells the host again that the path has failed when the transfer away from it is given up', () => {
    const { effects } = play(
      [
        { type: 'failed', line: 1, again: true },
        { type: 'host', path: direct, transfer: null },
        { type: 'host', path: direct, transfer: null },
      ],
      growing,
    );
    assert.deepEqual(types(effects), ['path-failed', 'close 2', 'path-failed']);
  });
});

/** Histories a host may write: epochs only grow; a transfer ends in a change or in none. */
type Move = 'start' | 'changed' | 'ended' | 'complete' | 'settled' | 'failed' | 'lost';
const moves = fc.array(
  fc.record({
    move: fc.constantFrom<Move>('start', 'changed', 'ended', 'complete', 'settled', 'failed', 'lost'),
    line: fc.nat(40),
    conference: fc.boolean(),
  }),
  { maxLength: 60 },
);

describe('the transfer machine', () => {
  it('always prefers an open path, opens epochs in order, reports each at most once, and ends with nothing open', () => {
    fc.assert(
      fc.property(moves, (script) => {
        let host: {
          path: { kind: 'direct' | 'conference'; epoch: number };
          transfer: { kind: 'direct' | 'conference'; epoch: number } | null;
        } = { path: direct, transfer: null };
        let last = 1;
        const opened: number[] = [];
        const ready: number[] = [];
        const failed: string[] = [];
        let ended = 0;
        const live = new Set<number>();
        let state = noLines;
        const give = (input: TransferInput) => {
          const next = step(state, input);
          state = next.state;
          for (const effect of next.effects) {
            if (effect.type === 'open') {
              assert.ok(effect.line.epoch === host.path.epoch || effect.line.epoch === host.transfer?.epoch);
              opened.push(effect.line.id);
              live.add(effect.line.id);
            }
            if (effect.type === 'close') assert.ok(live.delete(effect.line), 'closed once');
            if (effect.type === 'prefer') assert.ok(live.has(effect.line), 'prefers what is open');
            if (effect.type === 'ready') {
              assert.equal(effect.epoch, host.transfer?.epoch);
              ready.push(effect.epoch);
            }
            if (effect.type === 'path-failed') failed.push(`${effect.epoch} after ${ended}`);
          }
          assert.deepEqual(new Set(state.lines.map((l) => l.id)), live);
          assert.equal(state.preferred === null, live.size === 0);
          if (state.preferred !== null) assert.ok(live.has(state.preferred));
          assert.ok(live.size <= 8, 'bounded');
        };
        give({ type: 'host', ...host });
        for (const { move, line, conference: toConference } of script) {
          const before = host;
          if (move === 'start' && !host.transfer) {
            last += 1;
            host = { ...host, transfer: { kind: toConference ? 'conference' : 'direct', epoch: last } };
          } else if (move === 'changed' && host.transfer) host = { path: host.transfer, transfer: null };
          else if (move === 'ended' && host.transfer) {
            host = { ...host, transfer: null };
            ended += 1;
          }
          if (host !== before) give({ type: 'host', ...host });
          else if (move === 'complete' || move === 'settled') give({ type: move, line });
          else if (move === 'failed' || move === 'lost') give({ type: 'failed', line, again: move === 'failed' });
        }
        assert.deepEqual(
          opened,
          [...opened].sort((a, b) => a - b),
        );
        assert.deepEqual(
          ready,
          [...new Set(ready)].sort((a, b) => a - b),
        );
        assert.equal(
          new Set(failed).size,
          failed.length,
          'told once, and again when a transfer away from it is given up',
        );
        give({ type: 'over' });
        assert.equal(live.size, 0);
        give({ type: 'host', ...host });
        assert.equal(live.size, 0);
      }),
      { numRuns: 2000 },
    );
  });
});

const keys = ['audio a@x.example', 'video a@x.example', 'audio b@x.example'] as unknown as SourceKey[];
const source = fc.record({
  line: fc.integer({ min: 1, max: 4 }),
  key: fc.constantFrom(...keys),
  flowing: fc.boolean(),
});
const sourcesOf = (list: LineSource[]) => [...new Map(list.map((s) => [`${s.line} ${s.key}`, s])).values()];

describe('the switcher', () => {
  it('never renders a path that is silent while another one flows, nor anything that is not there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(source, { maxLength: 10 }), { maxLength: 20 }),
        fc.array(fc.option(fc.integer({ min: 1, max: 4 }))),
        (looks, wishes) => {
          let rendered = new Map<SourceKey, number>();
          looks.map(sourcesOf).forEach((sources, i) => {
            const before = rendered;
            rendered = choose(rendered, wishes[i] ?? null, sources);
            assert.deepEqual(new Set(rendered.keys()), new Set(sources.map((s) => s.key)));
            for (const [key, line] of rendered) {
              const offered = sources.filter((s) => s.key === key);
              const chosen = offered.find((s) => s.line === line);
              assert.ok(chosen);
              if (offered.some((s) => s.flowing)) assert.ok(chosen.flowing);
              // What is seen is not changed without a reason.
              const old = offered.find((s) => s.line === before.get(key));
              if (old?.flowing && line !== old.line) assert.equal(line, wishes[i]);
            }
          });
        },
      ),
    );
  });

  it('lets a path be rendered as a whole only when it carries everything that would be missed', () => {
    const both: LineSource[] = [
      { line: 1, key: 'audio a@x.example' as SourceKey, flowing: true },
      { line: 1, key: 'video a@x.example' as SourceKey, flowing: true },
      { line: 2, key: 'audio a@x.example' as SourceKey, flowing: true },
      { line: 2, key: 'video a@x.example' as SourceKey, flowing: false },
    ];
    assert.equal(carriesAll(2, ['audio a@x.example'] as unknown as SourceKey[], both), true);
    assert.equal(carriesAll(2, ['audio a@x.example', 'video a@x.example'] as unknown as SourceKey[], both), false);
  });
});
