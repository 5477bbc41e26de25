// Attacks on sign-in, sessions and what is served: everything before a device socket is open.
import { randomBytes } from 'node:crypto';
import type { Attack } from './attack.ts';
import { ask, refusal, signIn } from './visitor.ts';

const evil = 'https://evil.example';
const sessionCookie = (cookie: string, value: string) => cookie.replace(/(session=)[^;]*/, `$1${value}`);
const jwt = (claims: object) =>
  [{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');

export const doorAttacks: readonly Attack[] = [
  {
    name: 'a device socket without a session',
    by: 'anybody',
    refusedWith: 'not-signed-in',
    attempt: ({ erin }) => refusal(erin.socket({ cookie: '' })),
  },
  {
    name: 'a device socket with a made-up session',
    by: 'anybody',
    refusedWith: 'not-signed-in',
    attempt: ({ bob }) =>
      refusal(bob.socket({ cookie: sessionCookie(bob.cookie, randomBytes(32).toString('base64url')) })),
  },
  {
    name: 'an ID token used as a login',
    by: 'another provider',
    refusedWith: 'session-expired',
    async attempt({ bob }) {
      const token = `${jwt({ iss: evil, sub: 'bob', aud: 'parley' })}.`;
      const cookie = sessionCookie(bob.cookie, token);
      return (await ask(`${bob.person.origin}/api/session`, { headers: { cookie } })).code;
    },
  },
  {
    name: 'a session of one company used at the other',
    by: 'somebody of another company',
    refusedWith: 'session-expired',
    attempt: async ({ dave, one }) =>
      (await ask(`${one.origin}/api/session`, { headers: { cookie: dave.cookie } })).code,
  },
  {
    name: 'another site opens a socket with a visitor’s session',
    by: 'another web site',
    refusedWith: 'origin-not-allowed',
    attempt: ({ bob }) => refusal(bob.socket({ origin: evil })),
  },
  {
    name: 'another site whose name begins like ours opens a socket',
    by: 'another web site',
    refusedWith: 'origin-not-allowed',
    attempt: ({ bob }) => refusal(bob.socket({ origin: `${bob.person.origin}.evil.example` })),
  },
  {
    name: 'a page without an origin (sandboxed) opens a socket',
    by: 'another web site',
    refusedWith: 'origin-not-allowed',
    attempt: ({ bob }) => refusal(bob.socket({ origin: 'null' })),
  },
  {
    name: 'a name of another site leads to our address (DNS rebinding)',
    by: 'another web site',
    refusedWith: 'origin-not-allowed',
    attempt: ({ bob }) => refusal(bob.socket({ host: 'evil.example', origin: 'https://evil.example' })),
  },
  {
    name: 'another site signs a visitor out',
    by: 'another web site',
    refusedWith: 'origin-not-allowed',
    async attempt({ bob }) {
      const headers = { cookie: bob.cookie, origin: evil };
      return (await ask(`${bob.person.origin}/sign-out`, { method: 'POST', headers })).code;
    },
  },
  {
    name: 'another site begins a sign-in with a key of its own, to prove itself as the visitor',
    by: 'another web site',
    refusedWith: 'another key',
    async attempt({ bob }) {
      const nonce = 'n'.repeat(43);
      const headers = { 'sec-fetch-site': 'cross-site' };
      const begun = await ask(`${bob.person.origin}/sign-in/company?nonce=${nonce}`, { headers });
      const used = new URL(begun.headers.location ?? '').searchParams.get('nonce');
      return used === nonce ? 'the same key' : 'another key';
    },
  },
  {
    name: 'an answer of sign-in that nobody asked for',
    by: 'another web site',
    refusedWith: 'sign-in-refused',
    attempt: async ({ bob }) =>
      (await ask(`${bob.person.origin}/sign-in/company/callback?code=stolen&state=${'s'.repeat(43)}`)).code,
  },
  {
    name: 'the answer to one browser’s sign-in brought by another (login fixation)',
    by: 'another web site',
    refusedWith: 'sign-in-refused',
    async attempt({ bob }) {
      const [mine, theirs] = await Promise.all([
        ask(`${bob.person.origin}/sign-in/company`),
        ask(`${bob.person.origin}/sign-in/company`),
      ]);
      const state = new URL(mine.headers.location ?? '').searchParams.get('state');
      const cookie = (theirs.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).join('; ');
      const callback = `${bob.person.origin}/sign-in/company/callback?code=mine&state=${state}`;
      return (await ask(callback, { headers: { cookie } })).code;
    },
  },
  {
    name: 'the answer of one issuer passed off as another’s (mix-up)',
    by: 'another provider',
    refusedWith: 'sign-in-refused',
    async attempt({ bob }) {
      const begun = await ask(`${bob.person.origin}/sign-in/company`);
      const state = new URL(begun.headers.location ?? '').searchParams.get('state');
      const cookie = (begun.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).join('; ');
      const callback = `${bob.person.origin}/sign-in/accounts/callback?code=c&state=${state}`;
      return (await ask(callback, { headers: { cookie } })).code;
    },
  },
  {
    name: 'sign-in at an issuer that is not configured',
    by: 'another provider',
    refusedWith: 'unknown-method',
    attempt: async ({ bob }) => (await ask(`${bob.person.origin}/sign-in/evil`)).code,
  },
  ...['//evil.example', evil, '/\\evil.example', 'javascript:alert(1)'].map(
    (target): Attack => ({
      name: `a sign-in that shall end at ${target}`,
      by: 'another web site',
      refusedWith: 'ended at /',
      async attempt({ erin }) {
        const { landedAt } = await signIn(erin.person, { back: target });
        const end = new URL(landedAt);
        return end.origin === erin.person.origin ? `ended at ${end.pathname}` : `ended at ${landedAt}`;
      },
    }),
  ),
  ...['/../../../../etc/passwd', '/..%2f..%2f..%2f..%2fetc%2fpasswd', '/assets/..%5c..%5cpackage.json'].map(
    (path): Attack => ({
      name: `a file outside of what is served: ${path}`,
      by: 'anybody',
      refusedWith: 'nothing of it',
      async attempt({ one }) {
        const { body } = await ask(`${one.origin}${path}`);
        return /root:|"workspaces"/.test(body) ? 'the file' : 'nothing of it';
      },
    }),
  ),
  {
    name: 'script of one’s own in the page of the app',
    by: 'another web site',
    refusedWith: 'forbidden by its policy',
    async attempt({ one }) {
      const policy = String((await ask(`${one.origin}/`)).headers['content-security-policy'] ?? '');
      const scripts = /(?:script-src|default-src) ([^;]*)/.exec(policy)?.[1] ?? "'unsafe-inline'";
      return /unsafe-inline|unsafe-eval|\*|https?:/.test(scripts) ? scripts : 'forbidden by its policy';
    },
  },
  {
    name: 'the app in a frame of another site (clickjacking)',
    by: 'another web site',
    refusedWith: 'forbidden by its policy',
    async attempt({ one }) {
      const policy = String((await ask(`${one.origin}/`)).headers['content-security-policy'] ?? '');
      return /frame-ancestors ('none'|'self')/.test(policy) ? 'forbidden by its policy' : policy;
    },
  },
  {
    name: 'script that reads the session cookie',
    by: 'another web site',
    refusedWith: 'HttpOnly and SameSite',
    async attempt({ bob }) {
      const begun = await ask(`${bob.person.origin}/sign-in/company`);
      const lines = begun.headers['set-cookie'] ?? [];
      const guarded = lines.length > 0 && lines.every((l) => /httponly/i.test(l) && /samesite=(lax|strict)/i.test(l));
      return guarded ? 'HttpOnly and SameSite' : lines.join();
    },
  },
];
