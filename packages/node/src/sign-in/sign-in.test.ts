// Signing in, against real OpenID providers and over real sockets: who gets in, and every way in which one must not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { Address } from '@parley/protocol';
import fc from 'fast-check';
import { openStorage } from '../storage/index.ts';
import { send } from '../web/testing.ts';
import { createAttempts } from './attempts.ts';
import { createRateLimit } from './rate-limit.ts';
import { localPath } from './return-path.ts';
import { createSessions } from './sessions.ts';
import {
  alice,
  bobAtCompany,
  browser,
  client,
  configFor,
  dave,
  elsewhere,
  impostor,
  isIssuer,
  node,
  refusedWith,
  restartNode,
  setClockAhead,
  signInAs,
  signOut,
  start,
  startNode,
  stranger,
  unverified,
  upToCallback,
  whoAmI,
} from './test-node.ts';
import { type Browser, createBrowser, openTestIssuer, type Page } from './testing.ts';

describe('whoever is known gets in', () => {
  test('with the right password, and comes back to where they were', async () => {
    const page = await signInAs(alice, start('company', '?return=%2Fcall%2Fbob%3Fx%3D1'));
    assert.equal(page.next, `${node.origin}/call/bob?x=1`);
    const session = await browser.open(`${node.origin}/api/session`);
    assert.deepEqual(JSON.parse(session.body), {
      me: { address: 'alice@enterprise1.example', name: 'Alice Archer', company: 'Enterprise 1' },
      provider: { domain: 'enterprise1.example', name: 'Enterprise 1' },
      issuer: 'company',
      // Nothing to prove anything with: the browser named no key.
      proof: null,
    });
  });

  test('not with a wrong one: the issuer says so, and here nothing has happened', async () => {
    const page = await upToCallback({ ...alice, password: 'pear tree' }, start('company'));
    assert.equal(page.status, 401);
    assert.match(page.body, /Wrong password/);
    assert.deepEqual(await whoAmI(), { status: 401, code: 'not-signed-in' });
  });

  test('a member who is not listed is added, by the name the issuer gives', async () => {
    await signInAs(dave, start('company'));
    assert.equal((await whoAmI()).address, 'dave@enterprise1.example');
    const row = await node.storage
      .selectFrom('people')
      .select('name')
      .where('address', '=', 'dave@enterprise1.example' as Address)
      .executeTakeFirst();
    assert.equal(row?.name, 'Dave Dean');
  });

  test('by either of two issuers, as the same person', async () => {
    await signInAs(elsewhere, start('accounts'));
    assert.equal((await whoAmI()).address, 'bob@enterprise1.example');
    const other = createBrowser();
    await signInAs(bobAtCompany, start('company'), other);
    assert.equal((await whoAmI(other)).address, 'bob@enterprise1.example');
  });

  test('at a profile of their own, apart from the rest', async () => {
    const profile = node.origin.replace('//', '//alice.');
    await signInAs(alice, `${profile}/sign-in/company`);
    assert.equal((await whoAmI(browser, profile)).status, 200);
    assert.equal((await whoAmI()).status, 401);
  });

  test('and those who are listed can be found before they ever sign in', async () => {
    const fresh = await startNode();
    const rows = await fresh.storage.selectFrom('people').select('name').orderBy('name').execute();
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['Alice Archer', 'Bob Baker', 'Carol Cook'],
    );
    await fresh.close();
  });

  test('the page learns where one may sign in, and whether one has', async () => {
    const ask = async () => JSON.parse((await browser.open(`${node.origin}/api/provider`)).body);
    const asked = await ask();
    assert.deepEqual(asked.signIn[0], { id: 'company', name: 'Enterprise 1' });
    assert.deepEqual(asked.provider, { domain: 'enterprise1.example', name: 'Enterprise 1' });
    assert.equal(asked.signedIn, false);
    assert.doesNotMatch(JSON.stringify(asked), /only-for-these-tests/);
    await signInAs(alice, start('company'));
    assert.equal((await ask()).signedIn, true);
  });

  test('name and prompt are passed on to the issuer', async () => {
    const { next } = await browser.open(start('company', '?login_hint=alice&prompt=login'));
    const query = new URL(next ?? '').searchParams;
    assert.equal(query.get('login_hint'), 'alice');
    assert.equal(query.get('prompt'), 'login');
    assert.equal(query.get('code_challenge_method'), 'S256');
    assert.equal(query.get('response_type'), 'code');
    assert.equal(query.get('redirect_uri'), `${node.origin}/sign-in/company/callback`);
  });
});

describe('whoever is not known stays out', () => {
  test('an account elsewhere that nobody has listed', async () => {
    refusedWith(await signInAs(stranger, start('accounts')), 'not-a-member');
    assert.equal((await whoAmI()).status, 401);
  });

  test('an account elsewhere with a listed e-mail address that was never verified', async () => {
    refusedWith(await signInAs(unverified, start('accounts')), 'not-a-member');
  });

  test('a second account of the company that has taken over a user name', async () => {
    await signInAs(alice, start('company'));
    refusedWith(await signInAs(impostor, start('company'), createBrowser()), 'not-a-member');
    assert.equal((await whoAmI()).address, 'alice@enterprise1.example');
  });

  test('whoever cancels at the issuer', async () => {
    const begun = await browser.open(start('company'));
    const form = await browser.follow(begun.next ?? '', isIssuer);
    const cancelled = await browser.open(form.url, { method: 'POST', form: { cancel: '1' } });
    const back = await browser.follow(cancelled.next ?? '', isIssuer);
    refusedWith(await browser.open(back.next ?? ''), 'sign-in-refused');
  });
});

describe('an answer counts once, in the browser that asked, for what it asked', () => {
  async function callback(change?: (authorize: URL) => void): Promise<URL> {
    const { next } = await upToCallback(alice, start('company'), browser, change);
    assert.ok(next);
    return new URL(next);
  }
  const changed = (url: URL, change: (url: URL) => void): string => {
    const copy = new URL(url);
    change(copy);
    return copy.href;
  };

  test('not with another state, or none', async () => {
    const url = await callback();
    for (const other of [
      changed(url, ({ searchParams }) => searchParams.set('state', `${searchParams.get('state')?.slice(0, -1)}_`)),
      changed(url, ({ searchParams }) => searchParams.delete('state')),
      changed(url, ({ searchParams }) => searchParams.append('state', 'twice')),
    ]) {
      refusedWith(await browser.open(other), 'sign-in-refused');
    }
    assert.equal((await whoAmI()).status, 401);
  });

  test('not a second time', async () => {
    const url = (await callback()).href;
    assert.equal((await browser.open(url)).next, `${node.origin}/`);
    await signOut();
    refusedWith(await browser.open(url), 'sign-in-refused');
    assert.equal((await whoAmI()).status, 401);
  });

  test('not in another browser, even one that is signing in itself; and its owner can still use it', async () => {
    const url = (await callback()).href;
    const other = createBrowser();
    refusedWith(await other.open(url), 'sign-in-refused');
    await other.open(start('company'));
    refusedWith(await other.open(url), 'sign-in-refused');
    assert.equal((await whoAmI(other)).status, 401);
    assert.equal((await browser.open(url)).next, `${node.origin}/`);
  });

  test('not with another nonce in the ID token', async () => {
    const url = await callback(({ searchParams }) => searchParams.set('nonce', 'somebody-elses'));
    refusedWith(await browser.open(url.href), 'sign-in-refused');
  });

  test('not without the secret behind the challenge', async () => {
    const url = await callback(({ searchParams }) => searchParams.set('code_challenge', 'A'.repeat(43)));
    refusedWith(await browser.open(url.href), 'sign-in-refused');
  });

  test('not with a code of somebody else', async () => {
    const [mine, theirs] = [await callback(), (await upToCallback(dave, start('company'), createBrowser())).next];
    const code = new URL(theirs ?? '').searchParams.get('code') ?? '';
    refusedWith(
      await browser.open(changed(mine, ({ searchParams }) => searchParams.set('code', code))),
      'sign-in-refused',
    );
  });

  test('not as the answer of another issuer', async () => {
    const url = await callback();
    const mixedUp = changed(url, (copy) => {
      copy.pathname = '/sign-in/accounts/callback';
    });
    refusedWith(await browser.open(mixedUp), 'sign-in-refused');
  });

  test('not at another name of this node', async () => {
    const url = await callback();
    const profile = changed(url, (copy) => {
      copy.hostname = `alice.${copy.hostname}`;
    });
    refusedWith(await browser.open(profile), 'sign-in-refused');
  });

  test('not after ten minutes', async () => {
    let at = Date.now();
    const storage = await openStorage({ file: ':memory:' });
    const attempts = createAttempts(storage, () => at);
    const place = { issuerId: 'company', returnTo: '/', origin: node.origin };
    const target = { ...place, prompted: false, linkFor: null };
    const [early, late] = [await attempts.begin('b', target), await attempts.begin('b', target)];
    at += 599_000;
    assert.equal((await attempts.take('b', early.state))?.nonce, early.nonce);
    at += 1000;
    assert.equal(await attempts.take('b', late.state), null);
    await storage.destroy();
  });
});

describe('an issuer that does not answer', () => {
  test('is told at the start', async () => {
    refusedWith(await browser.open(start('away')), 'provider-unreachable');
  });

  test('is told at the end, and works again afterwards without a restart of the node', async () => {
    const passing = await openTestIssuer('accounts.passing.localhost', [alice], 'id-token');
    const config = configFor();
    const [first] = config.signIn.issuers;
    assert.ok(first);
    const own = await startNode({
      ...config,
      signIn: { ...config.signIn, issuers: [{ ...first, issuer: passing.url }] },
    });
    try {
      const url = `${own.origin}/sign-in/company`;
      refusedWith(await browser.open(url), 'provider-unreachable');
      await passing.start({ ...client, redirect_uris: [`${own.origin}/sign-in/company/callback`] });
      const { next } = await upToCallback(alice, url);
      await passing.stop();
      refusedWith(await browser.open(next ?? ''), 'provider-unreachable');
    } finally {
      await own.close();
    }
  });

  test('is not asked when nobody knows it', async () => {
    const page = await browser.open(start('nowhere'));
    assert.equal(page.status, 404);
    assert.equal(JSON.parse(page.body).error.code, 'unknown-method');
  });
});

describe('a session', () => {
  const headersOf = (from: Browser) => {
    const { host, hostname } = new URL(node.origin);
    const cookies = Object.entries(from.cookies(hostname)).map(([name, value]) => `${name}=${value}`);
    return { host, cookie: cookies.join('; ') };
  };

  test('is a cookie that scripts cannot read and other sites cannot use, and the database cannot give away', async () => {
    const page = await signInAs(alice, start('company'));
    const [cookie = ''] = page.headers['set-cookie'] ?? [];
    assert.match(cookie, /^parley-session=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/);
    const token = cookie.slice('parley-session='.length).split(';')[0] ?? '';
    const rows = await node.storage.selectFrom('web_sessions').selectAll().execute();
    assert.ok(rows.some(({ user_agent }) => user_agent === 'a test'));
    assert.ok(!JSON.stringify(rows).includes(token));
  });

  test('is bound to the host and to HTTPS where there is HTTPS', async () => {
    const secure = await startNode(configFor({ origins: ['https://calls.enterprise1.example'] }));
    const answer = await send(secure.port, '/sign-in/company', { headers: { host: 'calls.enterprise1.example' } });
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    assert.match(cookie, /^__Host-parley-sign-in=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    const redirect = new URL(String(answer.headers.location)).searchParams.get('redirect_uri');
    assert.equal(redirect, 'https://calls.enterprise1.example/sign-in/company/callback');
    await secure.close();
  });

  test('ends with signing out, everywhere and at once', async () => {
    await signInAs(alice, start('company'));
    const before = headersOf(browser);
    const session = await node.signIn.authenticate({ headers: before });
    assert.equal(session?.person.address, 'alice@enterprise1.example');
    const ended = once(node.signIn, 'ended');
    const page = await signOut();
    assert.equal(page.status, 204);
    assert.deepEqual(await ended, [{ id: session?.id, address: 'alice@enterprise1.example', reason: 'signed-out' }]);
    assert.deepEqual(browser.cookies(new URL(node.origin).hostname)['parley-session'], undefined);
    assert.equal(await node.signIn.authenticate({ headers: before }), null);
  });

  test('cannot be ended by another site', async () => {
    await signInAs(alice, start('company'));
    const url = `${node.origin}/sign-out`;
    const page = await browser.open(url, { method: 'POST', headers: { origin: 'https://evil.example' } });
    assert.equal(page.status, 403);
    assert.equal((await whoAmI()).status, 200);
  });

  test('is replaced when somebody signs in again with the same browser', async () => {
    await signInAs(alice, start('company'));
    const before = headersOf(browser);
    await signInAs(elsewhere, start('accounts'));
    assert.equal((await whoAmI()).address, 'bob@enterprise1.example');
    assert.equal(await node.signIn.authenticate({ headers: before }), null);
  });

  test('is not to be had with anything but its token', async () => {
    await signInAs(alice, start('company'));
    const { host } = new URL(node.origin);
    const [row] = await node.storage.selectFrom('web_sessions').select('token_hash').execute();
    for (const cookie of [
      '',
      'parley-session=',
      `parley-session=${'A'.repeat(43)}`,
      `parley-session=${row?.token_hash}`,
      'parley-session=eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZS0xIn0.c2ln',
      headersOf(browser).cookie.replace('parley-session', '__Host-parley-session'),
      `parley-session=%00${'x'.repeat(4000)}`,
    ]) {
      assert.equal(await node.signIn.authenticate({ headers: { host, cookie } }), null, cookie.slice(0, 60));
    }
    const stolen = { ...headersOf(browser), host: 'evil.example' };
    assert.equal(await node.signIn.authenticate({ headers: stolen }), null);
  });

  test('is over after its time', async () => {
    await signInAs(alice, start('company'));
    setClockAhead(12 * 3_600_000 - 60_000);
    assert.equal((await whoAmI()).status, 200);
    setClockAhead(12 * 3_600_000);
    assert.deepEqual(await whoAmI(), { status: 401, code: 'session-expired' });
    assert.equal(await node.signIn.authenticate({ headers: headersOf(browser) }), null);
    setClockAhead(0);
  });

  test('outlives a restart of the node, and whoever holds it open is told when its time is over', async () => {
    await signInAs(alice, start('company'));
    const session = await node.signIn.authenticate({ headers: headersOf(browser) });
    await restartNode();
    assert.equal((await whoAmI()).address, 'alice@enterprise1.example');

    const soon = node.storage.updateTable('web_sessions').set({ expires_at: Date.now() + 300 });
    await soon.where('token_hash', '=', session?.id ?? '').execute();
    await restartNode();
    const [ended] = await node.firstEnded;
    assert.deepEqual(ended, { id: session?.id, address: 'alice@enterprise1.example', reason: 'expired' });
    const left = node.storage.selectFrom('web_sessions').select('token_hash').where('token_hash', '=', ended.id);
    assert.deepEqual(await left.execute(), []);
  });

  test('makes room when one person has far too many', async () => {
    const ended: string[] = [];
    const sessions = createSessions({
      storage: node.storage,
      company: 'Enterprise 1',
      lifetimeMs: 60_000,
      now: Date.now,
      ended: ({ id }) => void ended.push(id),
      failed: (error) => assert.fail(String(error)),
    });
    const person = { address: 'carol@enterprise1.example' as Address, name: 'Carol Cook', company: 'Enterprise 1' };
    const tokens: string[] = [];
    const account = { issuerId: 'company', subject: 'carol', idToken: null, authenticatedAt: null };
    for (let i = 0; i < 52; i++) tokens.push(await sessions.create(person, account, ''));
    sessions.close();
    assert.equal(ended.length, 2);
    assert.ok(await sessions.find(tokens.at(-1)));
  });
});

describe('where signing in leads', () => {
  test('is never outside this site', async () => {
    for (const path of [
      'https://evil.example/',
      '//evil.example',
      '/\\evil.example',
      '/.//evil.example',
      'javascript:x',
      '\\x',
    ]) {
      const page = await signInAs(alice, start('company', `?return=${encodeURIComponent(path)}`), createBrowser());
      assert.equal(page.next, `${node.origin}/`, path);
    }
  });

  test('whatever is asked for', () => {
    const part = fc.constantFrom(
      '/',
      '\\',
      '.',
      '..',
      '@',
      ':',
      'evil.example',
      '%2f',
      '%5c',
      '\t',
      '\n',
      '?',
      '#',
      'a',
      'http:',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
        ),
        (text) => {
          const path = localPath(text);
          const url = new URL(path, node.origin);
          assert.equal(url.origin, node.origin);
          assert.match(path, /^\/(?![/\\])/);
        },
      ),
      { numRuns: 2000 },
    );
    assert.equal(localPath('/call/alice?x=1#y'), '/call/alice?x=1#y');
  });
});

describe('sign-ins that are begun', () => {
  test('are limited for each network address, not for all', () => {
    let at = 0;
    const mayBegin = createRateLimit(() => at);
    for (let i = 0; i < 300; i++) assert.ok(mayBegin('192.0.2.1'));
    assert.equal(mayBegin('192.0.2.1'), false);
    assert.ok(mayBegin('192.0.2.2'));
    for (let i = 0; i < 300; i++) mayBegin(`2001:db8::${i.toString(16)}`);
    assert.equal(mayBegin('2001:db8:0:0:ffff::1'), false, 'one subscriber has a whole /64');
    assert.ok(mayBegin('2001:db8:0:1::1'));
    at += 1000;
    assert.ok(mayBegin('192.0.2.1'));
  });

  test('are refused with a clear code when there are too many', async () => {
    refusedWith(await browser.open(start('away')), 'provider-unreachable');
    const isLimited = (page: Page) => page.next?.endsWith('=too-many-requests') === true;
    let begun = 1;
    while (begun < 2000 && !isLimited(await browser.open(start('away')))) begun++;
    assert.ok(begun >= 200 && begun < 2000, `${begun} were let through`);
    const { open } = await node.storage
      .selectFrom('sign_in_attempts')
      .select((eb) => eb.fn.countAll<number>().as('open'))
      .executeTakeFirstOrThrow();
    assert.ok(open <= begun + 100);
  });
});
