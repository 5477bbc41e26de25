// Which accounts are whose, where their owners are signed in, and what their browsers can prove with.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import {
  accounts,
  alice,
  bobAtCompany,
  browser,
  client,
  configFor,
  elsewhere,
  ledFrom,
  node,
  refusedWith,
  signInAs,
  start,
  startNode,
  whoAmI,
} from './test-node.ts';
import { type Browser, createBrowser, openTestIssuer } from './testing.ts';

describe('members by a whole address', () => {
  test('are of this domain, from an account that says what is required, and nobody else', async () => {
    const own = {
      subject: 'g-1',
      password: 'ggg',
      claims: { email: 'Gail@enterprise1.example', email_verified: true },
    };
    const accounts = [
      { ...own, claims: { ...own.claims, hd: 'enterprise1.example', name: 'Gail Gray' } },
      { ...own, subject: 'g-2' },
      {
        ...own,
        subject: 'g-3',
        claims: { email: 'gail@evil.example', email_verified: true, hd: 'enterprise1.example' },
      },
    ];
    const issuer = await openTestIssuer('accounts.workspace.localhost', accounts, 'id-token', ['hd']);
    const base = configFor();
    const [first] = base.signIn.issuers;
    assert.ok(first);
    const workspace = {
      ...first,
      issuer: issuer.url,
      member: 'email',
      memberHolds: 'address' as const,
      required: { hd: 'enterprise1.example', email_verified: true },
    };
    const other = await startNode({ ...base, signIn: { ...base.signIn, issuers: [workspace] } });
    await issuer.start({ ...client, redirect_uris: [`${other.origin}/sign-in/company/callback`] });
    try {
      const begin = `${other.origin}/sign-in/company`;
      for (const who of ['g-2', 'g-3']) {
        refusedWith(await signInAs({ subject: who, password: 'ggg' }, begin, createBrowser()), 'not-a-member');
      }
      await signInAs(own, begin);
      assert.equal((await whoAmI(browser, other.origin)).address, 'gail@enterprise1.example');
    } finally {
      await other.close();
      await issuer.stop();
    }
  });
});

describe('where a person is signed in', () => {
  interface Listed {
    readonly id: string;
    readonly current: boolean;
    readonly userAgent: string;
  }
  const listOf = async (from: Browser): Promise<Listed[]> =>
    JSON.parse((await from.open(`${node.origin}/api/sessions`)).body).sessions;
  const end = (from: Browser, id: string) =>
    from.open(`${node.origin}/api/sessions/${id}`, { method: 'DELETE', headers: { origin: node.origin } });

  test('is listed for its owner alone, who can end each of them', async () => {
    const phone = createBrowser();
    await signInAs(alice, start('company'));
    await signInAs(alice, start('company'), phone);
    const other = createBrowser();
    await signInAs(elsewhere, start('accounts'), other);
    const list = await listOf(browser);
    const mine = list.find(({ current }) => current);
    const [phones] = (await listOf(phone)).filter(({ current }) => current);
    assert.ok(mine && phones && mine.id !== phones.id);
    assert.ok(list.some(({ id, userAgent }) => id === phones.id && userAgent === 'a test'));
    assert.ok((await listOf(other)).every(({ id }) => id !== mine.id && id !== phones.id));

    assert.equal((await end(other, phones.id)).status, 404);
    assert.equal((await whoAmI(phone)).status, 200);
    const ended = once(node.signIn, 'ended');
    assert.equal((await end(browser, phones.id)).status, 204);
    assert.equal((await ended)[0].id, phones.id);
    assert.equal((await whoAmI(phone)).code, 'session-expired');
    assert.equal((await whoAmI()).status, 200);
    assert.equal((await end(phone, mine.id)).status, 401);
  });
  test('has an id that lets nobody in', async () => {
    await signInAs(alice, start('company'));
    const [{ id } = { id: '' }] = await listOf(browser);
    const cookie = `parley-session=${id}`;
    assert.equal((await createBrowser().open(`${node.origin}/api/session`, { headers: { cookie } })).status, 401);
  });
});

describe('what a browser can prove with', () => {
  const nonce = 'n'.repeat(43);
  const proofOf = async () => JSON.parse((await browser.open(`${node.origin}/api/session`)).body).proof;
  const claimsIn = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

  test('is the ID token that names the key which a page of ours has made', async () => {
    await signInAs(alice, start('company', `?nonce=${nonce}`), ledFrom('same-origin'));
    const { idToken, link } = await proofOf();
    assert.equal(claimsIn(idToken).nonce, nonce);
    // This issuer's tokens name the person.
    assert.equal(link, null);
    assert.equal((await browser.open(`${node.origin}/api/provider`)).body.includes(idToken), false);
  });
  test('is nothing where the token names somebody by another address than theirs', async () => {
    await signInAs(bobAtCompany, start('company', `?nonce=${nonce}`), ledFrom('same-origin'));
    assert.equal((await whoAmI()).address, 'bob@enterprise1.example');
    assert.equal(await proofOf(), null);
  });
  test('comes with the domain’s word where the account is one elsewhere', async () => {
    await signInAs(elsewhere, start('accounts', `?nonce=${nonce}`), ledFrom('same-origin'));
    const { idToken, link } = await proofOf();
    assert.equal(claimsIn(idToken).nonce, nonce);
    const claims = { sub: 'bob@enterprise1.example', issuer: accounts.url, account: elsewhere.subject };
    assert.deepEqual(JSON.parse(link), claims);
  });
  test('is nothing for a key that somebody elsewhere has made: signing in works, and names another nonce', async () => {
    for (const site of ['cross-site', 'same-site', 'none']) {
      const from = ledFrom(site);
      const page = await signInAs(alice, start('company', `?nonce=${nonce}`), from);
      assert.equal(page.next, `${node.origin}/`);
      assert.equal(await proofOf(), null);
    }
  });
  test('is no sign-in: with the ID token as cookie or bearer nobody gets in', async () => {
    await signInAs(alice, start('company', `?nonce=${nonce}`), ledFrom('same-origin'));
    const { idToken } = await proofOf();
    const thief = createBrowser();
    const tries: Record<string, string>[] = [
      { authorization: `Bearer ${idToken}` },
      { cookie: `parley-session=${idToken}` },
    ];
    for (const headers of tries) {
      const page = await thief.open(`${node.origin}/api/session`, { headers });
      assert.equal(page.status, 401);
    }
  });
});
