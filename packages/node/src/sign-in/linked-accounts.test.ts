// Accounts elsewhere that people link themselves: who may, how they get in by them, and how that ends.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { createLinkedAccounts } from './linked-accounts.ts';
import {
  accounts,
  alice,
  browser,
  configFor,
  dave,
  elsewhere,
  isIssuer,
  ledFrom,
  node,
  refusedWith,
  setClockAhead,
  signInAs,
  signOut,
  start,
  stranger,
  unverified,
  whoAmI,
} from './test-node.ts';
import { type Browser, createBrowser, type Page } from './testing.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const headers = () => ({ origin: node.origin });

interface Listed {
  readonly id: string;
  readonly issuer: string;
  readonly account: string;
  readonly linkedAt: number | null;
}
const listOf = async (from: Browser): Promise<Listed[]> =>
  JSON.parse((await from.open(`${node.origin}/api/accounts`)).body).accounts;
const ask = (from: Browser, issuer = 'accounts') =>
  from.open(`${node.origin}/api/accounts/${issuer}`, { method: 'POST', headers: headers() });
const codeOf = ({ body }: Page): string => JSON.parse(body).error?.code;
const unlink = (from: Browser, id: string) =>
  from.open(`${node.origin}/api/accounts/${id}`, { method: 'DELETE', headers: headers() });
/** Signs in at the company, having given the password. */
const afresh = (who: { subject: string; password: string }, from = browser) =>
  signInAs(who, start('company', '?prompt=login'), from);

/** Gives name and password at the issuer, and stops before the callback is opened. */
async function atIssuer(url: string, who: { subject: string; password: string }, from: Browser): Promise<string> {
  const form = await from.follow(url, isIssuer);
  const filled = await from.open(form.url, { method: 'POST', form: { name: who.subject, password: who.password } });
  const { next } =
    filled.next !== null && isIssuer(new URL(filled.next)) ? await from.follow(filled.next, isIssuer) : filled;
  assert.ok(next, 'the issuer did not lead back');
  return next;
}
async function link(who: { subject: string; password: string }, from = browser): Promise<Page> {
  const asked = await ask(from);
  assert.equal(asked.status, 200, asked.body);
  return from.open(await atIssuer(JSON.parse(asked.body).url, who, from));
}
const ended = (page: Page, how: string) => assert.equal(page.next, `${node.origin}/?accounts=${how}`);

describe('an account elsewhere', () => {
  beforeEach(async () => {
    setClockAhead(0);
    await node.storage.deleteFrom('identities').where('linked_at', 'is not', null).execute();
  });

  test('is linked by its owner, who can sign in with it then, and it is vouched for by the domain', async () => {
    await afresh(alice);
    ended(await link(stranger), 'linked');
    const [one] = await listOf(browser);
    assert.deepEqual([one?.issuer, one?.account], ['accounts.example', 's@mail.example']);
    assert.ok(one?.linkedAt);
    // Still who they were.
    assert.equal((await whoAmI()).address, 'alice@enterprise1.example');

    const phone = createBrowser();
    await signInAs(stranger, start('accounts', `?nonce=${'n'.repeat(43)}`), ledFrom('same-origin', phone));
    assert.equal((await whoAmI(phone)).address, 'alice@enterprise1.example');
    const { link: stated } = JSON.parse((await phone.open(`${node.origin}/api/session`)).body).proof;
    const claims = { sub: 'alice@enterprise1.example', issuer: accounts.url, account: stranger.subject };
    assert.deepEqual(JSON.parse(stated), claims);
  });
  test('is unlinked by its owner alone, and whoever came in by it is out', async () => {
    await afresh(alice);
    await link(stranger);
    const phone = createBrowser();
    await signInAs(stranger, start('accounts'), phone);
    const [{ id } = { id: '' }] = await listOf(browser);
    const other = createBrowser();
    await afresh(dave, other);
    assert.deepEqual(await listOf(other), []);
    assert.equal((await unlink(other, id)).status, 404);
    assert.equal((await whoAmI(phone)).status, 200);
    assert.equal((await unlink(browser, id)).status, 204);
    assert.equal((await whoAmI(phone)).code, 'session-expired');
    assert.equal((await whoAmI()).status, 200);
    refusedWith(await signInAs(stranger, start('accounts'), createBrowser()), 'not-a-member');
  });
  test('that the configuration lists is shown, and cannot be unlinked or taken', async () => {
    const bobs = createBrowser();
    await signInAs(elsewhere, start('accounts', '?prompt=login'), bobs);
    const [listed] = await listOf(bobs);
    assert.deepEqual([listed?.account, listed?.linkedAt], ['b@mail.example', null]);
    assert.equal((await unlink(bobs, listed?.id ?? '')).status, 404);
    await afresh(alice);
    ended(await link(elsewhere), 'account-taken');
    assert.deepEqual(await listOf(browser), []);
  });
  test('that somebody else has linked cannot be taken', async () => {
    await afresh(alice);
    await link(stranger);
    const other = createBrowser();
    await afresh(dave, other);
    ended(await link(stranger, other), 'account-taken');
    assert.equal((await listOf(browser)).length, 1);
  });
  test('whose e-mail address nobody has verified is called by its number', async () => {
    await afresh(alice);
    ended(await link(unverified), 'linked');
    assert.equal((await listOf(browser))[0]?.account, unverified.subject);
  });
  test('is not linked without a password of the last minutes', async () => {
    await signInAs(alice, start('company'));
    assert.equal(codeOf(await ask(browser)), 'sign-in-again', 'the issuer may have known this browser');
    await afresh(alice, browser);
    setClockAhead(11 * MINUTE);
    assert.equal(codeOf(await ask(browser)), 'sign-in-again');
  });
  test('is not linked at the wish of another site, of nobody, or at an issuer that is not for that', async () => {
    await afresh(alice);
    const url = `${node.origin}/api/accounts/accounts`;
    const page = await browser.open(url, { method: 'POST', headers: { origin: 'https://evil.example' } });
    assert.equal(codeOf(page), 'origin-not-allowed');
    assert.equal((await browser.open(url)).status, 404);
    assert.equal(codeOf(await ask(createBrowser())), 'not-signed-in');
    for (const issuer of ['company', 'away', 'nowhere'])
      assert.equal(codeOf(await ask(browser, issuer)), 'not-allowed');
  });
  test('is not linked once the sign-in that asked for it has ended, nor in another browser', async () => {
    await afresh(alice);
    const { url } = JSON.parse((await ask(browser)).body);
    const back = await atIssuer(url, stranger, browser);
    await signOut();
    ended(await browser.open(back), 'session-expired');
    await signInAs(alice, start('company'));
    assert.deepEqual(await listOf(browser), []);
    // Nor in another browser: it has no such sign-in under way.
    const thief = createBrowser();
    await afresh(dave, thief);
    const mine = createBrowser();
    await afresh(alice, mine);
    const stolen = await atIssuer(JSON.parse((await ask(mine)).body).url, stranger, mine);
    refusedWith(await thief.open(stolen), 'sign-in-refused');
    assert.deepEqual(await listOf(thief), []);
  });
  test('lets nobody in who has not signed in at the company for a month, or where it is not for that any more', async () => {
    await afresh(alice);
    await link(stranger);
    setClockAhead(31 * DAY);
    refusedWith(await signInAs(stranger, start('accounts'), createBrowser()), 'not-a-member');
    await signInAs(alice, start('company'), createBrowser());
    const phone = createBrowser();
    await signInAs(stranger, start('accounts'), phone);
    assert.equal((await whoAmI(phone)).address, 'alice@enterprise1.example');
  });
  test('is one of eight at most', async () => {
    const config = configFor();
    const links = createLinkedAccounts(config, node.storage, Date.now);
    const person = { address: 'alice@enterprise1.example', name: 'A', company: 'E' } as Parameters<typeof links.add>[0];
    const issuer = config.signIn.issuers.find(({ id }) => id === 'accounts');
    assert.ok(issuer);
    const idToken = `e30.${Buffer.from('{"sub":"x"}').toString('base64url')}.`;
    const identity = { issuer, email: null, name: null, member: null, meets: true, idToken, authenticatedAt: null };
    for (let n = 0; n < 8; n += 1) await links.add(person, { ...identity, subject: `s${n}` });
    await assert.rejects(links.add(person, { ...identity, subject: 's9' }), { code: 'not-allowed' });
  });
});
