// The whole demo on one machine: two companies, each with a node in its own process, an identity provider and an app;
// one identity provider that belongs to neither; and a page that greets. The scenario and its tests use the same.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CompanyOfDemo, companies, external, type Ports, usualPorts } from './cast.ts';
import { type GreeterCompany, startGreeter } from './greeter.ts';
import { startIdentityProvider } from './identity-provider/index.ts';
import { freePorts, requireFree } from './listen.ts';
import {
  type CallTimes,
  CLIENT_ID,
  type EngineOfDemo,
  EXTERNAL_ISSUER,
  externalIssuer,
  issuerOf,
  nodeConfig,
  OWN_ISSUER,
  originOf,
  personOrigin,
  redirectUris,
} from './node-config.ts';
import { type NodeProcess, startNodeProcess } from './node-process.ts';
import { openSecrets, type Secrets } from './secrets.ts';

export type { CallTimes, EngineOfDemo } from './node-config.ts';
export { EXTERNAL_ISSUER, OWN_ISSUER } from './node-config.ts';

export interface DemoOptions {
  /** `free`: any ports that nobody uses, for tests. Default: the usual ones, 8800 and up. */
  readonly ports?: Ports | 'free';
  /** Databases, keys, secrets and configurations; made if it is not there. */
  readonly dataDirectory: string;
  readonly host?: string;
  readonly calls?: CallTimes;
  /** Media engines of each node, the first to be preferred. Default: one, embedded. */
  readonly engines?: readonly EngineOfDemo[];
  /** Whether a link of the greeting page signs its person in without the password. Default: true. */
  readonly oneClick?: boolean;
  /** Serves the nodes by TLS, with files for their host names, signed by an authority that they all believe. */
  readonly tls?: DemoTls;
  /** Companies on this machine besides those of the demo: their base URLs, by domain. */
  readonly otherHosts?: Readonly<Record<string, string>>;
  /** More arguments of Node.js for the nodes' processes. */
  readonly nodeArguments?: readonly string[];
  /** Gets everything that the nodes can log, in place of warnings on the console. */
  readonly log?: (chunk: Buffer) => void;
  /** Told when a node ends by itself. Default: said on the console. */
  readonly onDeath?: (message: string) => void;
}

export interface DemoTls {
  /** PEM file of the authority. */
  readonly authority: string;
  /** PEM files of a certificate for these names. */
  files(names: readonly string[]): Promise<{ readonly certificate: string; readonly key: string }>;
}

export interface DemoPerson {
  readonly name: string;
  readonly address: string;
  readonly company: string;
  /** Name to sign in with at the company's own identity provider. */
  readonly login: string;
  readonly password: string;
  /** Where this person's app lives: a host name of their own. */
  readonly origin: string;
  /** Opens the app signed in as this person (with `oneClick`). */
  readonly link: string;
}

export interface DemoCompany {
  readonly id: string;
  readonly domain: string;
  readonly origin: string;
  /** Its rules of who may call whom (docs/policy.md); a change holds within a second. */
  readonly policyFile: string;
  /** Its node's configuration, read again on SIGHUP. */
  readonly configFile: string;
  readonly process: () => NodeProcess;
  /** Starts the node again after its process was stopped or killed. */
  restart(): Promise<void>;
}

export interface Demo {
  /** The page that greets. */
  readonly pages: string;
  readonly people: readonly DemoPerson[];
  readonly companies: readonly DemoCompany[];
  stop(): Promise<void>;
}

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** Starts everything, or nothing: if one part cannot start, the others are ended and the reason is thrown. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const host = options.host ?? '127.0.0.1';
  const anywhere = options.ports === 'free' ? await anyPorts(host) : (options.ports ?? usualPorts);
  const ports: Ports = { ...anywhere, scheme: options.tls ? 'https' : 'http' };
  const onDeath = options.onDeath ?? ((message) => console.error(message));
  const { dataDirectory, calls = {}, otherHosts = {}, nodeArguments = [], engines = [], log } = options;
  const logLevel = log ? 'debug' : 'warn';
  await mkdir(dataDirectory, { recursive: true });
  const secrets = await openSecrets(dataDirectory);
  const people = companies.flatMap((company, index) => peopleOf(company, index, ports, secrets));
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    await Promise.all(stops.splice(0).map((end) => end()));
  };
  try {
    for (const [index, company] of companies.entries()) {
      await requireFree(ports.nodes[index] ?? 0, host, `the node of ${company.name}`);
    }
    const providers = identityProviders(ports, secrets, host, options.oneClick ?? true);
    const greeter = startGreeter(
      ports.pages,
      host,
      companies.map((company) => greeting(company, people, ports)),
    );
    for (const started of await allOrFirstError([...providers.map(startIdentityProvider), greeter])) {
      stops.push(() => started.stop());
    }
    const nodes = await Promise.all(
      companies.map(async (company, index) => {
        const file = join(dataDirectory, `${company.id}.yaml`);
        const secret = (issuerId: string) => secrets.secret(`${company.id}/${issuerId}`);
        const tls = (await options.tls?.files([company.host, `*.${company.host}`])) ?? null;
        const policyFile = policyOf(company, dataDirectory);
        // Whoever plays with the demo may change it; what is there stays.
        await writeFile(policyFile, POLICY, { flag: 'wx' }).catch(unlessThere);
        const places = { host, root, dataDirectory, policyFile, otherHosts, logLevel } as const;
        const text = nodeConfig({ index, company, ports, secret, calls, tls, engines, ...places });
        await writeFile(file, text, { mode: 0o600 });
        const special = { authority: options.tls?.authority, nodeArguments, log };
        return { company, index, start: () => startNodeProcess(company.name, file, onDeath, special) };
      }),
    );
    await secrets.save();
    const running = await allOrFirstError(
      nodes.map(async ({ company, index, start }) => {
        let current = await start();
        stops.push(() => current.stop());
        return {
          id: company.id,
          domain: company.domain,
          origin: originOf(index, ports),
          policyFile: policyOf(company, dataDirectory),
          configFile: join(dataDirectory, `${company.id}.yaml`),
          process: () => current,
          restart: async () => {
            current = await start();
          },
        };
      }),
    );
    return { pages: `http://localhost:${ports.pages}`, people, companies: running, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const policyOf = ({ id }: CompanyOfDemo, dataDirectory: string) => join(dataDirectory, `${id}.policy.yaml`);
const POLICY = '# Who may call whom: see docs/policy.md. A change holds within a second.\ndefault: allow\nrules: []\n';

function unlessThere(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}

/** Waits for all, so that nothing starts after the failure was answered; then throws the first error, if any. */
async function allOrFirstError<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises);
  const values = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (!failed) return values;
  await Promise.all(values.map((value) => endIfStarted(value)));
  throw failed.reason;
}

async function endIfStarted(value: unknown): Promise<void> {
  if (typeof value === 'object' && value !== null && 'stop' in value && typeof value.stop === 'function') {
    await value.stop();
  }
}

async function anyPorts(host: string): Promise<Ports> {
  const [pages = 0, outside = 0, ...rest] = await freePorts(2 + 2 * companies.length, host);
  return {
    pages,
    external: outside,
    nodes: rest.slice(0, companies.length),
    accounts: rest.slice(companies.length),
  };
}

function peopleOf(company: CompanyOfDemo, index: number, ports: Ports, secrets: Secrets): DemoPerson[] {
  return company.people.map(({ id, name }) => {
    const origin = personOrigin(index, id, ports);
    const query = new URLSearchParams({ 'sign-in': OWN_ISSUER, login_hint: id });
    return {
      name,
      address: `${id}@${company.domain}`,
      company: company.name,
      login: id,
      password: secrets.password(`${company.id}/${id}`),
      origin,
      link: `${origin}/?${query}`,
    };
  });
}

function identityProviders(ports: Ports, secrets: Secrets, host: string, oneClick: boolean) {
  const own = companies.map((company, index) => ({
    port: ports.accounts[index] ?? 0,
    host,
    issuer: issuerOf(index, ports),
    name: company.name,
    accent: company.accent,
    oneClick,
    clients: [
      {
        clientId: CLIENT_ID,
        clientSecret: secrets.secret(`${company.id}/${OWN_ISSUER}`),
        redirectUris: redirectUris(index, OWN_ISSUER, ports),
        name: `calls at ${company.name}`,
      },
    ],
    accounts: company.people.map(({ id, name }) => ({
      id,
      name,
      email: `${id}@${company.domain}`,
      password: secrets.password(`${company.id}/${id}`),
    })),
  }));
  const outside = {
    port: ports.external,
    host,
    issuer: externalIssuer(ports),
    name: external.name,
    accent: external.accent,
    clients: companies.map((company, index) => ({
      clientId: `${CLIENT_ID}-${company.id}`,
      clientSecret: secrets.secret(`${company.id}/${EXTERNAL_ISSUER}`),
      redirectUris: redirectUris(index, EXTERNAL_ISSUER, ports),
      name: `calls at ${company.name}`,
    })),
    accounts: [
      ...companies.flatMap((company) =>
        company.people.flatMap(({ id, name, externalEmail, unlistedEmail }) =>
          [externalEmail, unlistedEmail]
            .filter((email) => email !== undefined)
            .map((email) => ({ id: `x-${id}`, name, email, password: secrets.password(`${company.id}/${id}`) })),
        ),
      ),
      ...external.people,
    ],
  };
  return [...own, outside];
}

function greeting(company: CompanyOfDemo, people: readonly DemoPerson[], ports: Ports): GreeterCompany {
  const index = companies.indexOf(company);
  return {
    name: company.name,
    domain: company.domain,
    colour: index === 0 ? 'teal' : 'rust',
    app: company.app === 'apps/compact' ? 'a small app of its own' : 'the full app',
    origin: originOf(index, ports),
    people: people
      .filter((person) => person.company === company.name)
      .map((person) => {
        const { externalEmail, unlistedEmail } = company.people.find(({ id }) => id === person.login) ?? {};
        const note = externalEmail
          ? `also at ${external.name} as ${externalEmail}, same password`
          : unlistedEmail
            ? `may link ${unlistedEmail} at ${external.name} (the key, top right), same password`
            : null;
        return { name: person.name, address: person.address, password: person.password, link: person.link, note };
      }),
  };
}
