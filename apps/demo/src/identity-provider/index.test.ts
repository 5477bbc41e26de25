import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { freePorts } from '../listen.ts';
import { type IdentityProvider, type IdentityProviderOptions, startIdentityProvider } from './index.ts';

const host = '127.0.0.1';
const callback = 'http://bob.enterprise1.localhost:8801/sign-in/company/callback';
const verifier = randomBytes(32).toString('base64url');

/** As much of a browser as a sign-in needs: cookies and forms. Redirects are followed while they stay here. */
function fakeBrowser() {
  const cookies = new Map<string, string>();
  return async function visit(
    url: string,
    form?: Record<string, string>,
  ): Promise<{ url: string; response: Response }> {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    const location = response.headers.get('location');
    if (!location) return { url, response };
    const target = new URL(location, url);
    return target.host === new URL(url).host ? visit(target.href) : { url: target.href, response };
  };
}

describe('the identity provider', () => {
  let provider: IdentityProvider;
  let options: IdentityProviderOptions;
  before(async () => {
    const [port = 0] = await freePorts(1, host);
    options = {
      port,
      host,
      issuer: `http://${host}:${port}`,
      name: 'Enterprise <1>',
      clients: [{ clientId: 'parley', clientSecret: 'for this test', redirectUris: [callback], name: 'Parley' }],
      accounts: [
        { id: 'bob', name: 'Bob Bennett', email: 'bob@enterprise1.example', password: 'correct horse' },
        { id: 'erin', name: 'Erin Ellis', email: 'erin@enterprise1.example', password: 'battery staple' },
      ],
    };
    provider = await startIdentityProvider(options);
  });
  after(() => provider.stop());

  const authorization = (more: Record<string, string> = {}) => {
    const query = new URLSearchParams({
      client_id: 'parley',
      response_type: 'code',
      redirect_uri: callback,
      scope: 'openid profile email',
      state: 'state',
      nonce: 'nonce',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...more,
    });
    return `${provider.issuer}/auth?${query}`;
  };
  const exchange = (code: string, code_verifier: string) =>
    fetch(`${provider.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('parley:for+this+test')}` },
      body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: callback, code_verifier }),
    });

  it('refuses a wrong password in words, keeps the name, and lets the person try again', async () => {
    const visit = fakeBrowser();
    const form = await visit(authorization());
    assert.equal(form.response.status, 200);
    const refused = await visit(form.url, { name: 'bob', password: 'wrong' });
    assert.equal(refused.response.status, 401);
    const text = await refused.response.text();
    assert.match(text, /role="alert">The name or the password is wrong/);
    assert.match(text, /id="name" name="name" value="bob"/);
    assert.doesNotMatch(text, /value="wrong"/);
    const accepted = await visit(form.url, { name: 'bob', password: 'correct horse' });
    assert.ok(accepted.url.startsWith(`${callback}?code=`));
  });

  it('gives a code whose ID token says who the person is, once, and only to who holds the verifier', async () => {
    const visit = fakeBrowser();
    const form = await visit(authorization());
    const done = await visit(form.url, { name: 'Bob@Enterprise1.example', password: 'correct horse' });
    const code = new URL(done.url).searchParams.get('code') ?? '';
    assert.equal((await exchange(code, 'x'.repeat(43))).status, 400);

    const again = await visit(authorization());
    const secondCode = new URL(again.url).searchParams.get('code') ?? '';
    const tokens = (await (await exchange(secondCode, verifier)).json()) as { id_token: string };
    const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1] ?? '', 'base64url').toString());
    assert.equal(claims.iss, provider.issuer);
    assert.equal(claims.sub, 'bob');
    assert.equal(claims.name, 'Bob Bennett');
    assert.equal(claims.preferred_username, 'bob');
    assert.equal(claims.email, 'bob@enterprise1.example');
    assert.equal(claims.email_verified, true);
    assert.equal(claims.nonce, 'nonce');
    assert.equal((await exchange(secondCode, verifier)).status, 400);
  });

  it('requires PKCE', async () => {
    const { url } = await fakeBrowser()(authorization({ code_challenge: '', code_challenge_method: '' }));
    assert.equal(new URL(url).searchParams.get('error'), 'invalid_request');
  });

  it('tells the client when the person cancels', async () => {
    const visit = fakeBrowser();
    const form = await visit(authorization());
    const cancelled = await visit(form.url, { cancel: 'yes' });
    assert.equal(new URL(cancelled.url).searchParams.get('error'), 'access_denied');
  });

  it('fills a hinted name in but still asks for the password', async () => {
    const { response } = await fakeBrowser()(authorization({ login_hint: 'erin' }));
    assert.match(await response.text(), /id="name" name="name" value="erin"/);
  });

  it('lets another person sign in with the same browser', async () => {
    const visit = fakeBrowser();
    const first = await visit(authorization());
    await visit(first.url, { name: 'bob', password: 'correct horse' });
    const second = await visit(authorization({ prompt: 'login' }));
    const done = await visit(second.url, { name: 'erin', password: 'battery staple' });
    const tokens = await exchange(new URL(done.url).searchParams.get('code') ?? '', verifier);
    const { id_token } = (await tokens.json()) as { id_token: string };
    assert.equal(JSON.parse(Buffer.from(id_token.split('.')[1] ?? '', 'base64url').toString()).sub, 'erin');
  });

  it('escapes what it shows and allows no scripts', async () => {
    const visit = fakeBrowser();
    const form = await visit(authorization());
    const { response } = await visit(form.url, { name: '"><script>', password: 'x' });
    const text = await response.text();
    assert.doesNotMatch(text, /<script|Enterprise <1>/);
    assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none'; style-src 'self';/);
  });

  it('names the port when it is taken', async () => {
    await assert.rejects(startIdentityProvider(options), new RegExp(`Port ${options.port} is taken`));
  });

  it('signs a known person in at once only where one click is asked for', async () => {
    const [port = 0] = await freePorts(1, host);
    const quick = await startIdentityProvider({ ...options, port, issuer: `http://${host}:${port}`, oneClick: true });
    try {
      const here = (url: string) => url.replace(provider.issuer, quick.issuer);
      const known = await fakeBrowser()(here(authorization({ login_hint: 'erin', prompt: 'login' })));
      assert.ok(known.url.startsWith(`${callback}?code=`));
      const unknown = await fakeBrowser()(here(authorization({ login_hint: 'nobody' })));
      assert.equal(unknown.response.status, 200);
    } finally {
      await quick.stop();
    }
  });
});
