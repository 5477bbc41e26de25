// What a domain states of its conference service, and everything somebody could state in its place.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Domain } from '@parley/protocol';
import { SignJWT } from 'jose';
import { FOCUS_STATEMENT, fingerprintsIn, LINK_STATEMENT, verifyFocus } from './index.ts';
import { alice, bob, certificate, domainKey, MINUTE, NOW, otherCertificate } from './testing.ts';

describe('what a conference service states', () => {
  const focus = 'enterprise2.example' as Domain;
  const room = 'r_1';
  const dig = certificate.replaceAll(':', '').toUpperCase();
  const claims = { aud: bob, device: 'd_1', room, mky: [{ alg: 'sha-256', dig }] };
  type Signing = Awaited<ReturnType<typeof domainKey>>;
  const state = (
    by: Signing,
    change: Record<string, unknown> = {},
    { typ = FOCUS_STATEMENT, at = NOW, kid = 'd1' } = {},
  ) =>
    new SignJWT({ iss: focus, ...claims, ...change })
      .setIssuedAt(at / 1000)
      .setExpirationTime(at / 1000 + 60)
      .setProtectedHeader({ alg: 'EdDSA', typ, kid })
      .sign(by.privateKey);
  const expected = { focus, room, me: bob, device: 'd_1', fingerprints: [certificate], now: NOW };
  const publishedBy = (by: Signing) => async () => ({ issuers: [], keys: [by.published], relayed: false });

  it('is believed of its own domain, for this device and room and for all its certificates, for a while', async () => {
    const [own, other] = await Promise.all([domainKey('d1'), domainKey('d1')]);
    const from = { publishedBy: publishedBy(own) };
    const problemOf = async (...asked: Parameters<typeof verifyFocus>) => (await verifyFocus(...asked)).problem;
    assert.equal(await problemOf(await state(own), expected, from), null);
    const refused = async (statement: string, change: Partial<typeof expected> = {}) =>
      assert.equal(await problemOf(statement, { ...expected, ...change }, from), 'focus-unproven');
    await refused(await state(other));
    await refused(await state(own, { iss: 'evil.example' }));
    await refused(await state(own, { aud: alice }));
    await refused(await state(own, { device: 'd_2' }));
    await refused(await state(own, { room: 'r_2' }));
    await refused(await state(own, { mky: [] }));
    await refused(await state(own, {}, { typ: LINK_STATEMENT }));
    await refused(await state(own, {}, { at: NOW - 4 * MINUTE }));
    await refused(await state(own, {}, { kid: 'd2' }));
    await refused('a.b.c');
    await refused('x'.repeat(5000));
    await refused(await state(own), { fingerprints: [certificate, otherCertificate] });
    await refused(await state(own), { fingerprints: [] });
  });
  it('is unknown, not refused, while the domain cannot be asked, and its new key is found by asking again', async () => {
    const [old, next] = await Promise.all([domainKey('d0'), domainKey('d1')]);
    const down = { publishedBy: () => Promise.reject(new Error('down')) };
    assert.deepEqual(await verifyFocus(await state(next), expected, down), {
      problem: 'focus-unknown',
      relayed: false,
    });
    const asked: boolean[] = [];
    const rotated = async (_domain: string, again: boolean) => {
      asked.push(again);
      return { ...(await publishedBy(again ? next : old)()), relayed: true };
    };
    const found = await verifyFocus(await state(next), expected, { publishedBy: rotated });
    assert.deepEqual(found, { problem: null, relayed: true });
    assert.deepEqual(asked, [false, true]);
  });
  it('is compared with the fingerprints of a session description, and with nothing that only looks like one', () => {
    const sdp = `v=0\r\na=fingerprint:sha-256 ${certificate}\r\nm=audio 9 X\r\na=fingerprint:SHA-256 ${certificate.toUpperCase()}\r\n`;
    assert.deepEqual(fingerprintsIn(sdp), [certificate.toUpperCase()]);
    assert.deepEqual(fingerprintsIn(`s=a=fingerprint:sha-256 ${certificate}\r\na=fingerprint:sha-1 AB:CD`), []);
  });
});
