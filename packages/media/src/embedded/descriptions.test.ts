// Descriptions are read strictly and written in full; a source keeps its section.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ParleyError } from '@parley/protocol';
import fc from 'fast-check';
import { announcedCandidates, usableCandidate } from './candidates.ts';
import { opus, vp8 } from './codecs.ts';
import { receiverOffer } from './descriptions.ts';
import { acceptSections } from './publisher.ts';
import { parseDescription } from './sdp.ts';
import { assignSections, type Section } from './sections.ts';

describe('descriptions', () => {
  const transport = {
    ufrag: 'abcd',
    password: 'abcdefghijklmnopqrstuv',
    fingerprint: `sha-256 ${Array(32).fill('AB').join(':')}`,
    setup: 'actpass' as const,
    candidates: ['candidate:1 1 UDP 2114977791 127.0.0.1 41008 typ host'],
  };

  test('an offer says what it was made of', () => {
    const source = { codec: opus, ssrc: 7, stream: 's', track: 't', cname: 'c' };
    const sdp = receiverOffer(
      '1',
      3,
      [
        { mid: '0', kind: 'audio', source },
        { mid: '1', kind: 'video', source: null },
        { mid: '2', kind: 'video', source: { ...source, codec: vp8, ssrc: 8 } },
      ],
      transport,
    );
    const read = parseDescription(sdp);
    assert.deepEqual(read.transport, transport);
    assert.deepEqual(
      read.sections.map(({ mid, media, direction }) => [mid, media, direction]),
      [
        ['0', 'audio', 'sendonly'],
        ['1', 'video', 'inactive'],
        ['2', 'video', 'sendonly'],
      ],
    );
    assert.deepEqual([...acceptSections(read.sections).keys()], ['0', '2']);
  });

  test('anything else is refused with its code, never another error', () => {
    const good = receiverOffer(
      '1',
      1,
      [{ mid: '0', kind: 'audio', source: { codec: opus, ssrc: 7, stream: 's', track: 't', cname: 'c' } }],
      transport,
    );
    const lines = good.split('\r\n');
    const mangled = fc.array(
      fc.record({
        at: fc.nat(lines.length - 1),
        text: fc.oneof(fc.string(), fc.constantFrom('m=video 9 x 1', 'a=mid:0', 'm=', 'a=ice-ufrag:')),
      }),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(fc.oneof(fc.string(), mangled), (input) => {
        const copy = [...lines];
        if (typeof input !== 'string') for (const { at, text } of input) copy[at] = text;
        try {
          acceptSections(parseDescription(typeof input === 'string' ? input : copy.join('\r\n')).sections);
        } catch (error) {
          assert.ok(error instanceof ParleyError && error.code === 'invalid-session-description', String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('only literal addresses reach the library', () => {
    const host = 'candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host generation 0';
    assert.equal(usableCandidate(host), 'candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host');
    assert.ok(usableCandidate('a=candidate:1 1 UDP 1 2001:db8::1 5000 typ srflx raddr 192.0.2.1 rport 1'));
    for (const bad of [
      host.replace('192.0.2.1', 'internal.example'),
      host.replace('192.0.2.1', '3f2c.local'),
      host.replace('192.0.2.1', '999.0.2.1'),
      host.replace('udp', 'tcp'),
      host.replace('5000', '0'),
      `${host}\r\na=x`.replace('typ host', ''),
      'x'.repeat(600),
    ]) {
      assert.equal(usableCandidate(bad), undefined, bad);
    }
  });

  test('the announced address stands in for the local ones of its family', () => {
    const own = [
      'candidate:1 1 UDP 9 10.0.0.5 4000 typ host',
      'candidate:2 1 UDP 8 10.1.0.5 4000 typ host',
      'candidate:3 1 UDP 7 fd00::1 4000 typ host',
    ];
    assert.deepEqual(announcedCandidates(own, '203.0.113.9'), ['candidate:1 1 UDP 9 203.0.113.9 4000 typ host']);
    assert.deepEqual(announcedCandidates(own, null), own);
  });
});

describe('sections', () => {
  type Named = { kind: 'audio' | 'video'; name: number };
  test('a source stays where it is; a free section is used again; there are never too many', () => {
    const pool = Array.from({ length: 12 }, (_, name): Named => ({ name, kind: name % 2 ? 'audio' : 'video' }));
    fc.assert(
      fc.property(fc.array(fc.subarray(pool), { maxLength: 20 }), (steps) => {
        const sections: Section<Named>[] = [];
        for (const wanted of steps) {
          const before = new Map(sections.map(({ mid, source }) => [source, mid]));
          const was = JSON.stringify(sections);
          assert.equal(assignSections(sections, wanted, 4), JSON.stringify(sections) !== was);
          for (const { mid, kind, source } of sections) {
            if (!source) continue;
            assert.ok(wanted.includes(source) && source.kind === kind);
            assert.equal(before.get(source) ?? mid, mid);
          }
          for (const kind of ['audio', 'video']) {
            const ofKind = sections.filter((section) => section.kind === kind);
            assert.ok(ofKind.length <= 4);
            const asked = wanted.filter((source) => source.kind === kind).length;
            assert.equal(ofKind.filter(({ source }) => source).length, Math.min(asked, 4));
          }
        }
      }),
    );
  });
});
