// For tests: a node with two OpenID providers that run, people with accounts there, and a fresh browser for each test. Its
// hooks belong to whichever test file imports it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach } from 'node:test';
import { pino } from 'pino';
import type { Config } from '../config/index.ts';
import { testConfig } from '../config/testing.ts';
import { openStorage, type Storage } from '../storage/index.ts';
import { createWeb, type Web } from '../web/index.ts';
import type { SignIn, SignInEvents } from './api.ts';
import { createSignIn } from './index.ts';
import { type Browser, createBrowser, openTestIssuer, type Page, type TestIssuer } from './testing.ts';

export const log = pino({ level: 'silent' });
export const client = { client_id: 'parley', client_secret: 'only-for-these-tests' };

export const alice = {
  subject: 'alice-1',
  password: 'apple tree',
  claims: { preferred_username: 'Alice', name: 'Alice A.' },
};
export const dave = {
  subject: 'dave-1',
  password: 'deep dive',
  claims: { preferred_username: 'dave', name: 'Dave Dean' },
};
/** Has taken Alice's old user name, as some providers allow. */
export const impostor = {
  subject: 'mallory-1',
  password: 'mmm',
  claims: { preferred_username: 'alice', name: 'Alice A.' },
};
export const elsewhere = {
  subject: 'b-1',
  password: 'bluebird',
  claims: { name: 'Bob B.', email: 'B@mail.example', email_verified: true },
};
export const unverified = {
  subject: 'eve-1',
  password: 'eee',
  claims: { name: 'Bob B.', email: 'carol@mail.example', email_verified: false },
};
export const stranger = {
  subject: 'stranger-1',
  password: 'sss',
  claims: { name: 'S', preferred_username: 'alice', email: 's@mail.example', email_verified: true },
};

export let company: TestIssuer;
export let accounts: TestIssuer;
const folder = mkdtempSync(join(tmpdir(), 'parley-sign-in-'));

export function configFor(overrides: { port?: number; origins?: string[]; file?: string } = {}): Config {
  const { port = 0, origins, file = ':memory:' } = overrides;
  const common = { clientId: client.client_id, clientSecret: client.client_secret };
  return testConfig({
    http: { port, ...(origins ? { origins } : {}) },
    storage: { file },
    signIn: {
      issuers: [
        { id: 'company', name: 'Enterprise 1', issuer: company.url, member: 'preferred_username', ...common },
        { id: 'accounts', name: 'accounts.example', issuer: accounts.url, selfLink: true, ...common },
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

export interface Node {
  storage: Storage;
  web: Web;
  signIn: SignIn;
  origin: string;
  port: number;
  firstEnded: Promise<SignInEvents['ended']>;
  close(): Promise<void>;
}

export async function startNode(config = configFor(), now?: () => number): Promise<Node> {
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

export let node: Node;
let clockAhead = 0;
/** The node's clock runs so many milliseconds ahead from now on. */
export function setClockAhead(ms: number): void {
  clockAhead = ms;
}
const file = join(folder, 'node.db');
const startMain = (port: number) => startNode(configFor({ port, file }), () => Date.now() + clockAhead);
export const restartNode = async () => {
  await node.close();
  node = await startMain(node.port);
};
export const bobAtCompany = {
  subject: 'bob-1',
  password: 'boat',
  claims: { preferred_username: 'robert', name: 'Bob' },
};

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

export let browser: Browser;
beforeEach(() => {
  browser = createBrowser();
});

export const isIssuer = (url: URL) => url.hostname.startsWith('accounts.');
export const start = (issuer: string, query = '') => `${node.origin}/sign-in/${issuer}${query}`;

/** Begins at the node, gives name and password at the issuer, and stops before the callback is opened. */
export async function upToCallback(
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

export async function signInAs(who: { subject: string; password: string }, url: string, from = browser): Promise<Page> {
  const { next } = await upToCallback(who, url, from);
  assert.ok(next, 'the issuer did not lead back');
  return await from.open(next);
}

export async function whoAmI(
  from = browser,
  origin = node.origin,
): Promise<{ status: number; address?: string; code?: string }> {
  const page = await from.open(`${origin}/api/session`);
  const body = JSON.parse(page.body);
  return page.status === 200
    ? { status: 200, address: body.me.address }
    : { status: page.status, code: body.error.code };
}

export const refusedWith = (page: Page, code: string) =>
  assert.equal(page.next, `${new URL(page.url).origin}/?error=${code}`);
/** As browsers do, this one says from where it was led here (Fetch Metadata). */
export const ledFrom = (site: string, from = browser): Browser => ({
  ...from,
  open: (url, options = {}) => from.open(url, { ...options, headers: { ...options.headers, 'sec-fetch-site': site } }),
});

export const signOut = (from = browser) =>
  from.open(`${node.origin}/sign-out`, { method: 'POST', headers: { origin: node.origin } });
