// Signing in, against real OpenID providers and over real sockets: who gets in, and every way in which one must not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Address } from '@parley/protocol';
import fc from 'fast-check';
import { pino } from 'pino';
import type { Config } from '../config/index.ts';
import { testConfig } from '../config/testing.ts';
import { openStorage, type Storage } from '../storage/index.ts';
import { createWeb, type Web } from '../web/index.ts';
import { send } from '../web/testing.ts';
import type { SignIn, SignInEvents } from './api.ts';
import { createAttempts } from './attempts.ts';
import { createSignIn } from './index.ts';
import { createRateLimit } from './rate-limit.ts';
import { localPath } from './return-path.ts';
import { createSessions } from './sessions.ts';
import { type Browser, createBrowser, openTestIssuer, type Page, type TestIssuer } from './testing.ts';

const log = pino({ level: 'silent' });
const client = { client_id: 'parley', client_secret: 'only-for-these-tests' };

const alice = { subject: 'alice-1', password: 'apple tree', claims: { preferred_username: 'Alice', name: 'Alice A.' } };
const dave = { subject: 'dave-1', password: 'deep dive', claims: { preferred_username: 'dave', name: 'Dave Dean' } };
/** Has taken Alice's old user name, as some providers allow. */
const impostor = { subject: 'mallory-1', password: 'mmm', claims: { preferred_username: 'alice', name: 'Alice A.' } };
const elsewhere = {
  subject: 'b-1',
  password: 'bluebird',
  claims: { name: 'Bob B.', email: 'B@mail.example', email_verified: true },
};
const unverified = {
  subject: 'eve-1',
  password: 'eee',
  claims: { name: 'Bob B.', email: 'carol@mail.example', email_verified: false },
};
const stranger = {
  subject: 'stranger-1',
  password: 'sss',
  claims: { name: 'S', preferred_username: 'alice', email: 's@mail.example', email_verified: true },
};

let company: TestIssuer;
let accounts: TestIssuer;
const folder = mkdtempSync(join(tmpdir(), 'parley-sign-in-'));

function configFor(overrides: { port?: number; origins?: string[]; file?: string } = {}): Config {
  const { port = 0, origins, file = ':memory:' } = overrides;
  const common = { clientId: client.client_id, clientSecret: client.client_secret };
  return testConfig({
    http: { port, ...(origins ? { origins } : {}) },
    storage: { file },
    signIn: {
      issuers: [
        { id: 'company', name: 'Enterprise 1', issuer: company.url, member: 'preferred_username', ...common },
        { id: 'accounts', name: 'accounts.example', issuer: accounts.url, ...common },
        { id: 'away', name: 'Nobody is here', issuer: 'http://away.localhost:1', ...common },
      ],
    },
    directory: {
      people: [
        { address: 'alice', name: 'Alice Archer' },
        {
          address: 'bob',
          name: 'Bob Baker',
          identities: [
            { issuer: 'accounts', subject: 'b@mail.example' },
            { issuer: 'company', subject: 'bob-1' },
          ],
        },
        { address: 'carol', name: 'Carol Cook', identities: [{ issuer: 'accounts', subject: 'carol@mail.example' }] },
      ],
    },
  });
}

interface Node {
  storage: Storage;
  web: Web;
  signIn: SignIn;
  origin: string;
  port: number;
  firstEnded: Promise<SignInEvents['ended']>;
  close(): Promise<void>;
}

async function startNode(config = configFor(), now?: () => number): Promise<Node> {
  const storage = await openStorage(config.storage);
  const web = createWeb({ config, log });
  // A fake signature: the claims as they are.
  const vouch = async (claims: object) => JSON.stringify(claims);
  const signIn = createSignIn({ config, storage, web, log, vouch, ...(now ? { now } : {}) });
  // From the beginning: a session may be over before the node listens.
  const firstEnded = once(signIn, 'ended') as Promise<SignInEvents['ended']>;
  const { port } = await web.listen();
  const close = async () => {
    signIn.close();
    await web.close();
    await storage.destroy();
  };
  return { storage, web, signIn, origin: web.origin, port, firstEnded, close };
}

let node: Node;
let clockAhead = 0;
const file = join(folder, 'node.db');
const startMain = (port: number) => startNode(configFor({ port, file }), () => Date.now() + clockAhead);
const restartNode = async () => {
  await node.close();
  node = await startMain(node.port);
};
const bobAtCompany = { subject: 'bob-1', password: 'boat', claims: { preferred_username: 'robert', name: 'Bob' } };

before(async () => {
  company = await openTestIssuer('accounts.enterprise1.localhost', [alice, dave, impostor, bobAtCompany], 'id-token');
  accounts = await openTestIssuer('accounts.localhost', [elsewhere, unverified, stranger], 'userinfo');
  node = await startMain(0);
  const profile = node.origin.replace('//', '//alice.');
  for (const [issuer, id] of [
    [company, 'company'],
    [accounts, 'accounts'],
  ] as const) {
    const redirect_uris = [node.origin, profile].map((origin) => `${origin}/sign-in/${id}/callback`);
    await issuer.start({ ...client, redirect_uris });
  }
});
after(async () => {
  await node.close();
  await company.stop();
  await accounts.stop();
  rmSync(folder, { recursive: true });
});

let browser: Browser;
beforeEach(() => {
  browser = createBrowser();
});

const isIssuer = (url: URL) => url.hostname.startsWith('accounts.');
const start = (issuer: string, query = '') => `${node.origin}/sign-in/${issuer}${query}`;

/** Begins at the node, gives name and password at the issuer, and stops before the callback is opened. */
async function upToCallback(
  who: { subject: string; password: string },
  url: string,
  from: Browser = browser,
  change: (authorize: URL) => void = () => undefined,
): Promise<Page> {
  const begun = await from.open(url);
  assert.ok(begun.next, `no way to the issuer: ${begun.status} ${begun.body}`);
  const authorize = new URL(begun.next);
  change(authorize);
  const form = await from.follow(authorize.href, isIssuer);
  if (form.next !== null) return form;
  const filled = await from.open(form.url, { method: 'POST', form: { name: who.subject, password: who.password } });
  return filled.next !== null && isIssuer(new URL(filled.next)) ? await from.follow(filled.next, isIssuer) : filled;
}

async function signInAs(who: { subject: string; password: string }, url: string, from = browser): Promise<Page> {
  const { next } = await upToCallback(who, url, from);
  assert.ok(next, 'the issuer did not lead back');
  return await from.open(next);
}

async function whoAmI(
  from = browser,
  origin = node.origin,
): Promise<{ status: number; address?: string; code?: string }> {
  const page = await from.open(`${origin}/api/session`);
  const body = JSON.parse(page.body);
  return page.status === 200
    ? { status: 200, address: body.me.address }
    : { status: page.status, code: body.error.code };
}

const refusedWith = (page: Page, code: string) => assert.equal(page.next, `${new URL(page.url).origin}/?error=${code}`);
/** As browsers do, this one says from where it was led here (Fetch Metadata). */
const ledFrom = (site: string, from = browser): Browser => ({
  ...from,
  open: (url, options = {}) => from.open(url, { ...options, headers: { ...options.headers, 'sec-fetch-site': site } }),
});

const signOut = (from = browser) =>
  from.open(`${node.origin}/sign-out`, { method: 'POST', headers: { origin: node.origin } });

describe('whoever is known gets in', () => {
  test('with the right password, and comes back to where they were', async () => {
    const page = await signInAs(alice, start('company', '?return=%2Fcall%2Fbob%3Fx%3D1'));
    assert.equal(page.next, `${node.origin}/call/bob?x=1`);
    const session = await browser.open(`${node.origin}/api/session`);
    assert.deepEqual(JSON.parse(session.body), {
      me: { address: 'alice@enterprise1.example', name: 'Alice Archer', company: 'Enterprise 1' },
      provider: { domain: 'enterprise1.example', name: 'Enterprise 1' },
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
    const target = { issuerId: 'company', returnTo: '/', origin: node.origin };
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
    clockAhead = 12 * 3_600_000 - 60_000;
    assert.equal((await whoAmI()).status, 200);
    clockAhead = 12 * 3_600_000;
    assert.deepEqual(await whoAmI(), { status: 401, code: 'session-expired' });
    assert.equal(await node.signIn.authenticate({ headers: headersOf(browser) }), null);
    clockAhead = 0;
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
    const account = { issuerId: 'company', subject: 'carol', idToken: null };
    for (let i = 0; i < 52; i++) tokens.push(await sessions.create(person, account, ''));
    sessions.close();
    assert.equal(ended.length, 2);
    assert.ok(await sessions.find(tokens.at(-1)));
  });
});

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
