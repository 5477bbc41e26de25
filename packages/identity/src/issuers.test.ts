// What each kind of issuer's tokens name.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type IssuerProfile, issuerProfileSchema } from '@parley/protocol';
import { addressIn, entra, google, keycloak } from './index.ts';

describe('a profile', () => {
  const cases: [string, IssuerProfile, Record<string, unknown>, Record<string, unknown>][] = [
    [
      'Keycloak',
      keycloak('https://sso.company.example/realms/staff', 'parley'),
      { email: 'ann@company.example', email_verified: true, preferred_username: 'ann' },
      { email: 'ann@company.example', email_verified: false, preferred_username: 'ann' },
    ],
    [
      'Microsoft Entra',
      entra('11111111-2222-3333-4444-555555555555', 'parley'),
      { upn: 'Ann@company.example', tid: '11111111-2222-3333-4444-555555555555' },
      { upn: 'ann@company.example', tid: '99999999-2222-3333-4444-555555555555' },
    ],
    [
      'Google',
      google('company.example', 'parley'),
      { email: 'ann@company.example', email_verified: true, hd: 'company.example' },
      { email: 'ann@company.example', email_verified: true },
    ],
    [
      'a name without a domain',
      issuerProfileSchema.parse({
        issuer: 'https://ids.company.example',
        clientIds: ['parley'],
        address: { claim: 'preferred_username', domain: 'company.example' },
      }),
      { preferred_username: 'ann' },
      { preferred_username: 'ann@evil.example' },
    ],
  ];
  for (const [name, made, good, bad] of cases) {
    it(`of ${name} names the person in its own claims, and nobody in others’`, () => {
      issuerProfileSchema.parse(made);
      assert.equal(addressIn(good, made, 'company.example'), 'ann@company.example');
      assert.equal(addressIn(bad, made, 'company.example'), null);
      assert.equal(addressIn(good, made, 'other.example'), null);
      assert.equal(addressIn({ __proto__: good }, made, 'company.example'), null);
    });
  }
});
