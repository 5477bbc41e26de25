// Receiving the mix beside and in place of single streams: nobody is heard twice, and nobody is lost by a transfer.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Address } from '@parley/protocol';
import fc from 'fast-check';
import { isMixed, unmixed, withoutDoubles } from './mixed.ts';
import { mix } from './path.ts';
import { type SourceKey, sourceKey } from './switcher.ts';

const [alice, bob] = ['alice@e.example', 'bob@e.example'] as [Address, Address];
const singles = [alice, bob].flatMap((one) => [sourceKey('audio', one), sourceKey('video', one)]);
const everything: SourceKey[] = [...singles, sourceKey('audio', mix), sourceKey('video', mix)];

describe('the mix beside single streams', () => {
  it('is never rendered together with them, of the same kind', () => {
    const chosen = fc.dictionary(fc.constantFrom(...everything), fc.constantFrom(1, 2));
    fc.assert(
      fc.property(chosen, fc.constantFrom(null, 1, 2), (lines, preferred) => {
        const before = new Map(Object.entries(lines)) as Map<SourceKey, number>;
        const after = withoutDoubles(before, preferred);
        for (const kind of ['audio', 'video'] as const) {
          const of = [...before].filter(([key]) => key.startsWith(kind));
          const left = [...after].filter(([key]) => key.startsWith(kind));
          assert.equal(left.length > 0, of.length > 0, 'something is left of what there was');
          const onPreferred = left.some(([key, line]) => key !== sourceKey(kind, mix) && line === preferred);
          if (after.has(sourceKey(kind, mix))) assert.ok(!onPreferred || left.length === 1);
          for (const [key, line] of left) assert.equal(before.get(key), line);
        }
      }),
    );
  });

  it('gives way to the line that is preferred, and only then', () => {
    const chosen = new Map([
      [sourceKey('audio', mix), 1],
      [sourceKey('audio', alice), 2],
    ]);
    assert.deepEqual([...withoutDoubles(chosen, 1).keys()], [sourceKey('audio', mix)]);
    assert.deepEqual([...withoutDoubles(chosen, 2).keys()], [sourceKey('audio', alice)]);
  });

  it('stands for everybody: another line has to carry all of them', () => {
    const sound = sourceKey('audio', mix);
    assert.deepEqual(unmixed([sound], singles), [sourceKey('audio', alice), sourceKey('audio', bob)]);
    assert.deepEqual(unmixed([sourceKey('video', alice)], singles), [sourceKey('video', alice)]);
  });

  it('is told from an offer by its sources', () => {
    const source = (address: Address | null) => ({ mid: '0', address, kind: 'audio' as const });
    assert.equal(isMixed({ sources: [source(null)] }), true);
    assert.equal(isMixed({ sources: [source(alice), source(null)] }), false);
    assert.equal(isMixed({ sources: [] }), null);
  });
});
