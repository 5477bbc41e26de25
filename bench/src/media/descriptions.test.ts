import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { receivingAnswer, sendingOffer, transportLines, withCandidatesApart } from './descriptions.ts';

const candidate = 'candidate:1 1 UDP 2114977791 127.0.0.2 40000 typ host';
const transport = ['a=ice-ufrag:abcd', 'a=ice-pwd:0123456789012345678901', 'a=setup:actpass', `a=${candidate}`];
const offer = sendingOffer('sender0', { audio: 1, video: 2 }, transport);

describe('the descriptions of the load', () => {
  it('are understood again: how to reach the other side, once', () => {
    assert.deepEqual(transportLines(offer), transport);
  });

  it('give their candidates apart', () => {
    const { sdp, candidates } = withCandidatesApart(offer);
    assert.deepEqual(candidates, [candidate]);
    assert.ok(!sdp.includes('candidate') && sdp.endsWith('\r\n'));
  });

  it('accept the sections they are to accept, and leave out no other', () => {
    const answer = receivingAnswer(offer, new Set(['1']), []);
    const sections = answer.split(/^(?=m=)/m).slice(1);
    assert.deepEqual(
      sections.map((section) => [
        /^m=(\w+) (\d+)/.exec(section)?.slice(1),
        /^a=(recvonly|inactive)/m.exec(section)?.[1],
      ]),
      [
        [['audio', '9'], 'inactive'],
        [['video', '9'], 'recvonly'],
      ],
    );
    assert.match(answer, /^a=group:BUNDLE 0 1\r$/m);
  });
});
