// Keycloak, Microsoft Entra and Google, as their published discovery documents and documented ID tokens have it (fakes at a
// boundary we cannot have: written from the documents' field names and values, with hosts of this machine): sign-in works
// with the configuration that docs/identity.md shows, and others' clients read the address out of the same token.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { addressIn } from '@parley/identity';
import type { Domain } from '@parley/protocol';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { issuerProfile } from '../config/index.ts';
import type { IssuerConfig } from '../config/schema.ts';
import { createIssuer } from './issuers.ts';

const domain = 'company.example' as Domain;
const tenant = '88888888-8888-8888-8888-888888888888';

interface Known {
  readonly name: string;
  /** Path of the issuer at its host. */
  readonly issuerPath: string;
  /** The document's fields that matter here; `at` and `other` are two hosts of theirs. */
  document(at: string, other: string): Readonly<Record<string, unknown>>;
  readonly config: Pick<IssuerConfig, 'member' | 'memberHolds' | 'required'>;
  /** What a token says besides `iss`, `aud`, `exp`, `iat` and `nonce`. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** A token of somebody who must not be taken for one of the company. */
  readonly stranger: Readonly<Record<string, unknown>>;
  readonly address: string;
  /** Whether keys say which algorithm they are for. */
  readonly keysNameAlgorithm: boolean;
}

const realm = '/realms/staff';
const known: readonly Known[] = [
  {
    name: 'Keycloak',
    issuerPath: realm,
    document: (at) => ({
      issuer: `${at}${realm}`,
      authorization_endpoint: `${at}${realm}/protocol/openid-connect/auth`,
      token_endpoint: `${at}${realm}/protocol/openid-connect/token`,
      userinfo_endpoint: `${at}${realm}/protocol/openid-connect/userinfo`,
      jwks_uri: `${at}${realm}/protocol/openid-connect/certs`,
      subject_types_supported: ['public', 'pairwise'],
      id_token_signing_alg_values_supported: ['PS384', 'RS384', 'EdDSA', 'ES384', 'HS256', 'ES256', 'RS256', 'PS256'],
      token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_basic', 'client_secret_post'],
      code_challenge_methods_supported: ['plain', 'S256'],
      authorization_response_iss_parameter_supported: true,
    }),
    config: { member: 'preferred_username', memberHolds: 'local-part', required: {} },
    claims: { sub: 'f1', typ: 'ID', azp: 'parley', preferred_username: 'bob', name: 'Bob B.', email_verified: false },
    stranger: { sub: 'f2', typ: 'ID', azp: 'parley', name: 'No user name' },
    address: 'bob@company.example',
    keysNameAlgorithm: true,
  },
  {
    name: 'Microsoft Entra',
    issuerPath: `/${tenant}/v2.0`,
    document: (at, other) => ({
      issuer: `${at}/${tenant}/v2.0`,
      authorization_endpoint: `${at}/${tenant}/oauth2/v2.0/authorize`,
      token_endpoint: `${at}/${tenant}/oauth2/v2.0/token`,
      userinfo_endpoint: `${other}/oidc/userinfo`,
      jwks_uri: `${at}/${tenant}/discovery/v2.0/keys`,
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
      response_modes_supported: ['query', 'fragment', 'form_post'],
      request_uri_parameter_supported: false,
      tenant_region_scope: 'EU',
    }),
    config: { member: 'upn', memberHolds: 'address', required: { tid: tenant } },
    claims: { sub: 'p1', ver: '2.0', tid: tenant, upn: 'Bob@company.example', preferred_username: 'b', name: 'Bob B.' },
    stranger: { sub: 'p2', ver: '2.0', tid: 'another-tenant', upn: 'bob@company.example', name: 'Bob B.' },
    address: 'bob@company.example',
    keysNameAlgorithm: false,
  },
  {
    name: 'Google',
    issuerPath: '',
    document: (at, other) => ({
      issuer: at,
      authorization_endpoint: `${at}/o/oauth2/v2/auth`,
      token_endpoint: `${other}/token`,
      userinfo_endpoint: `${other}/v1/userinfo`,
      jwks_uri: `${other}/oauth2/v3/certs`,
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
      code_challenge_methods_supported: ['plain', 'S256'],
    }),
    config: { member: 'email', memberHolds: 'address', required: { hd: 'company.example', email_verified: true } },
    claims: {
      sub: '10',
      azp: 'parley',
      email: 'bob@company.example',
      email_verified: true,
      hd: domain,
      name: 'Bob B.',
    },
    stranger: { sub: '11', azp: 'parley', email: 'bob@company.example', email_verified: true, name: 'Bob B.' },
    address: 'bob@company.example',
    keysNameAlgorithm: true,
  },
];

/** The two hosts of one issuer, on one port; answers as its documents say. */
async function open(one: Known, claims: Readonly<Record<string, unknown>>) {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', use: 'sig', x5c: ['MIIC'] };
  let nonce = '';
  const answer = async (request: IncomingMessage, at: string, other: string): Promise<unknown> => {
    const path = request.url ?? '';
    const document = one.document(at, other);
    const here = `http://${request.headers.host}${path}`;
    if (here === `${at}${one.issuerPath}/.well-known/openid-configuration`) return document;
    if (here === document.jwks_uri) return { keys: [one.keysNameAlgorithm ? { ...jwk, alg: 'RS256' } : jwk] };
    // Says no more than the token does.
    if (here === document.userinfo_endpoint) return claims;
    if (here !== document.token_endpoint) return null;
    assert.match(await text(request), /code_verifier=/);
    const token = new SignJWT({ ...claims, nonce })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1', typ: 'JWT' })
      .setIssuer(String(document.issuer))
      .setAudience('parley')
      .setIssuedAt()
      .setExpirationTime('1h');
    return { access_token: 'a', token_type: 'Bearer', expires_in: 3599, id_token: await token.sign(privateKey) };
  };
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    void answer(request, `http://login.localhost:${port}`, `http://keys.login.localhost:${port}`).then((body) => {
      response.writeHead(body === null ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return {
    issuer: `http://login.localhost:${port}${one.issuerPath}`,
    take(given: string) {
      nonce = given;
    },
    stop,
  };
}

async function signIn(one: Known, claims: Readonly<Record<string, unknown>>) {
  const server = await open(one, claims);
  try {
    const config: IssuerConfig = {
      id: 'company',
      name: one.name,
      issuer: server.issuer,
      clientId: 'parley',
      clientSecret: 'secret',
      selfLink: false,
      ...one.config,
    };
    const issuer = createIssuer(config);
    const attempt = {
      ...{ state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43), nonceGiven: true, prompted: false },
      ...{ issuerId: 'company', returnTo: '/', origin: 'https://calls.company.example', linkFor: null },
    };
    const callback = 'https://calls.company.example/sign-in/company/callback';
    const authorize = await issuer.begin(attempt, callback, {});
    server.take(authorize.searchParams.get('nonce') ?? '');
    const back = new URL(callback);
    back.search = new URLSearchParams({ code: 'c', state: attempt.state, iss: server.issuer }).toString();
    const identity = await issuer.finish(attempt, back);
    const [, body = ''] = identity.idToken.split('.');
    const told = JSON.parse(Buffer.from(body, 'base64url').toString());
    return { authorize, identity, address: addressIn(told, issuerProfile(config, domain), domain) };
  } finally {
    server.stop();
  }
}

for (const one of known) {
  describe(one.name, () => {
    test('signs people in, and its tokens name them to others', async () => {
      const { authorize, identity, address } = await signIn(one, one.claims);
      assert.equal(authorize.searchParams.get('code_challenge_method'), 'S256');
      assert.equal(identity.subject, one.claims.sub);
      assert.equal(identity.meets, true);
      assert.equal(identity.name, 'Bob B.');
      assert.equal(address, one.address);
    });
    test('names nobody of the company by a token that does not say enough', async () => {
      const { identity, address } = await signIn(one, one.stranger);
      assert.equal(address, null);
      assert.ok(!identity.meets || identity.member === null);
    });
  });
}
