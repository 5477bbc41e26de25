// What a client asks others for to verify who speaks, where its browser cannot ask them itself (an issuer that lets no
// other site read its keys): fetched by the node. The client tells its person that it had to believe the node.
import { asParleyError, type Domain, domainSchema, ParleyError, parseWith } from '@parley/protocol';
import { z } from 'zod';
import type { Federation } from '../federation/api.ts';
import { createBudgets } from '../limits/index.ts';
import type { SignIn } from '../sign-in/api.ts';
import { fetchWithLoopback, type Web } from '../web/index.ts';

const domainQuery = z.object({ domain: domainSchema });
const keysQuery = z.object({ domain: domainSchema, issuer: z.url().max(500) });
const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url().max(500) });
const keysSchema = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(64) });
/** Of one person: a call needs two. */
const PER_SECOND = 1;
const BURST = 60;
const READ_MS = 5000;

/** Adds `/api/identity/domain?domain=` and `/api/identity/keys?domain=&issuer=`, for people who are signed in. */
export function addRelay(deps: { own: Domain; web: Web; signIn: SignIn; federation: Federation }): void {
  const { own, web, signIn, federation } = deps;
  const may = createBudgets(PER_SECOND, BURST, Date.now);

  async function admit(headers: Parameters<SignIn['authenticate']>[0]): Promise<void> {
    const session = await signIn.authenticate(headers);
    if (!session) throw new ParleyError('not-signed-in');
    if (!may(session.person.address)) throw new ParleyError('too-many-requests');
  }

  /** Only issuers that the domain itself names are asked, so nobody can send this node anywhere. */
  async function keysOf(domain: Domain, issuer: string) {
    const { issuers } = await federation.wellKnown(domain);
    if (!issuers.some((profile) => profile.issuer === issuer)) {
      throw new ParleyError('not-allowed', 'no issuer of that domain');
    }
    // Our own issuers stand in our own configuration, and may well be inside our own network.
    const read = (url: string) => (domain === own ? readOwn(url) : federation.read(url, domain));
    const at = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
    const discovered = readJson(discoverySchema, await read(at));
    if (discovered.issuer !== issuer) throw new ParleyError('provider-untrusted', 'its issuer calls itself otherwise');
    return readJson(keysSchema, await read(discovered.jwks_uri));
  }

  web.app.get('/api/identity/domain', async (request) => {
    await admit(request.raw);
    return federation.wellKnown(parseWith(domainQuery, request.query).domain);
  });
  web.app.get('/api/identity/keys', async (request) => {
    await admit(request.raw);
    const { domain, issuer } = parseWith(keysQuery, request.query);
    return keysOf(domain, issuer);
  });
}

async function readOwn(url: string): Promise<string> {
  try {
    const response = await fetchWithLoopback(url, { redirect: 'error', signal: AbortSignal.timeout(READ_MS) });
    if (response.ok) return await response.text();
    throw new ParleyError('provider-unreachable', `the issuer answers ${response.status}`);
  } catch (error) {
    throw new ParleyError('provider-unreachable', 'the issuer', { cause: error });
  }
}

function readJson<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return parseWith(schema, JSON.parse(text), 'provider-unknown');
  } catch (error) {
    throw new ParleyError('provider-unknown', asParleyError(error).details, { cause: error });
  }
}
