// What people are told of who somebody is, and whom a device proves itself to: the pure parts.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Carrier, type Check, checks, notVerified, type PersonTrust, passing } from '@parley/identity';
import type { Address, DeviceId, Domain, Participant, Person } from '@parley/protocol';
import { greetingFor } from './call-trust.ts';
import { documentUrl } from './identity-sources.ts';
import { explainTrust } from './trust-explained.ts';
import { checking, isRefused, trustView } from './trust-view.ts';

const bob = 'bob@enterprise1.example' as Address;
const me = 'alice@enterprise2.example' as Address;
const person: Person = { address: bob, name: 'Bob Bennett', company: 'Enterprise 1' };
const certificate = Array(32).fill('AB').join(':');
const other = Array(32).fill('CD').join(':');
const focus = 'enterprise1.example' as Domain;
const held = (Object.keys(checks) as Check['name'][])
  .filter((name) => name !== 'certificate' && name !== 'focus')
  .map(passing);
const proven: PersonTrust = {
  status: 'proven',
  issuer: 'https://accounts.enterprise1.example',
  address: bob,
  account: null,
  relayed: false,
  certificates: [certificate],
  checks: held,
};
const direct = (one = certificate): Carrier => ({ kind: 'direct', certificate: one });

describe('what is known of somebody', () => {
  it('is being checked until the proof and some way of the media are there', () => {
    assert.equal(trustView(null, [direct()]), checking);
    assert.equal(trustView(proven, []), checking);
    assert.equal(trustView(proven, [null]), checking);
    assert.equal(trustView(proven, [null, direct()]).status, 'verified');
    assert.equal(trustView(proven, [{ kind: 'not-yet' }]).status, 'verified');
  });
  it('is the least that any way says, while there are two', () => {
    const conference = (problem: 'focus-unknown' | null): Carrier => ({
      kind: 'conference',
      focus,
      problem,
      relayed: false,
    });
    assert.equal(trustView(proven, [direct(), conference(null)]).status, 'verified');
    assert.equal(trustView(proven, [direct(), conference('focus-unknown')]).code, 'focus-unknown');
    assert.equal(trustView(proven, [conference(null), direct(other)]).code, 'wrong-certificate');
  });
  it('is why there is no proof, also before media come', () => {
    assert.equal(trustView(notVerified('proof-missing', []), [null]).code, 'proof-missing');
    assert.equal(trustView(notVerified('proof-forged', []), []).status, 'failed');
  });
  it('ends a call by the company’s rule only', () => {
    const [good, missing] = [trustView(proven, [direct()]), trustView(notVerified('proof-missing', []), [])];
    const bad = trustView(proven, [direct(other)]);
    const refused = (rule: 'any' | 'not-failed' | 'verified') =>
      [checking, good, missing, bad].map((trust) => isRefused(trust, rule));
    assert.deepEqual(refused('any'), [false, false, false, false]);
    assert.deepEqual(refused('not-failed'), [false, false, false, true]);
    assert.deepEqual(refused('verified'), [false, false, true, true]);
  });
});

describe('the page behind the badge', () => {
  it('says what holds and on whose word, and that a conference service can listen', () => {
    const page = explainTrust(trustView(proven, [{ kind: 'conference', focus, problem: null, relayed: true }]), person);
    assert.equal(page.word, 'Verified');
    assert.deepEqual(
      page.lines.map(({ passed }) => passed),
      [true, true, true, true],
    );
    assert.match(page.lines[2]?.text ?? '', /accounts\.enterprise1\.example says .* bob@enterprise1\.example/);
    assert.match(page.notes.join(), /service of enterprise1\.example, which can see and hear/);
    // Also where only the domain of the service had to be asked for by the own node.
    assert.match(page.notes.join(), /own company’s service was believed/);
  });
  it('names an account elsewhere, and says where the own node was believed', () => {
    const linked = { ...proven, issuer: 'https://accounts.example', account: 'b@mail.example', relayed: true };
    const page = explainTrust(trustView(linked, [direct()]), person);
    assert.match(page.lines[2]?.text ?? '', /accounts\.example says .* b@mail\.example, and enterprise1\.example/);
    assert.match(page.notes.join(), /own company’s service was believed/);
  });
  it('shows where it failed, and never calls it by a name that was not proven', () => {
    const page = explainTrust(trustView(notVerified('token-forged', held.slice(0, 12)), []), person);
    assert.equal(page.title, 'This is probably not Bob Bennett');
    assert.deepEqual(
      page.lines.map(({ passed }) => passed),
      [true, true, false, null],
    );
    const swapped = explainTrust(trustView(proven, [direct(other)]), person);
    assert.equal(swapped.lines[3]?.passed, false);
  });
});

describe('a domain’s document', () => {
  const domain = 'enterprise1.example' as Domain;
  const here = { [domain]: 'http://enterprise1.localhost:8801' };
  it('is asked for at the domain, whatever the own node says: it would choose whom we believe', () => {
    const own = 'https://calls.enterprise2.example';
    const atDomain = 'https://enterprise1.example/.well-known/parley';
    for (const base of [
      'https://evil.example',
      'http://enterprise1.localhost:8801',
      'https://localhost.evil.example',
    ]) {
      assert.equal(documentUrl(own, { [domain]: base }, domain), atDomain);
    }
    assert.equal(documentUrl(own, {}, domain), atDomain);
  });
  it('is elsewhere only for a node on this machine, and only on this machine', () => {
    const own = 'http://alice.enterprise2.localhost:8802';
    assert.equal(documentUrl(own, here, domain), 'http://enterprise1.localhost:8801/.well-known/parley');
    for (const base of ['https://evil.example', 'http://localhost.evil.example', 'javascript:0', '']) {
      assert.equal(documentUrl(own, { [domain]: base }, domain), 'https://enterprise1.example/.well-known/parley');
    }
  });
});

describe('a device proves itself', () => {
  const participant = (change: Partial<Participant>): Participant => ({
    person,
    state: 'joined',
    addedBy: null,
    outcome: null,
    device: 'd_0123456789abcdef' as DeviceId,
    media: { microphone: true, camera: true },
    since: 3,
    sinceAt: 0,
    invitedAt: 7,
    connectedEpoch: 0,
    readyEpoch: 0,
    link: null,
    identified: false,
    mutedBy: null,
    unmuteAskedBy: null,
    removedBy: null,
    ...change,
  });
  it('to whom it has invited, once it rings there, and once again if it invites them again', () => {
    const ringing = participant({ addedBy: me, state: 'alerting', device: null });
    assert.equal(greetingFor(participant({ addedBy: me, state: 'invited', device: null }), me), null);
    assert.ok(greetingFor(ringing, me));
    assert.equal(greetingFor(participant({ addedBy: me }), me), greetingFor(ringing, me));
    assert.notEqual(greetingFor({ ...ringing, invitedAt: 8 }, me), greetingFor(ringing, me));
  });
  it('to everybody else when they are in the call, and again when they come back', () => {
    for (const state of ['invited', 'alerting', 'left', 'ended'] as const) {
      assert.equal(greetingFor(participant({ state, device: null }), me), null);
    }
    const one = greetingFor(participant({}), me);
    assert.ok(one);
    assert.notEqual(greetingFor(participant({ since: 9 }), me), one, 'again after they were away');
  });
});
