// The configuration file of one company's node, as an administrator would write it.
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type CompanyOfDemo, companies, external, type Ports } from './cast.ts';

export const CLIENT_ID = 'parley';
/** Ids of issuers, as they stand in URLs: the company's own, and the external one. */
export const OWN_ISSUER = 'company';
export const EXTERNAL_ISSUER = 'accounts';

/** Durations that tests shorten, as in the section `calls` of the configuration. */
export interface CallTimes {
  readonly ringSeconds?: number;
  readonly transferSeconds?: number;
  readonly returnToDirectSeconds?: number;
}

/** An embedded one, or a media server that runs elsewhere. */
export type EngineOfDemo =
  | { readonly id: string; readonly kind: 'embedded' }
  | { readonly id: string; readonly kind: 'janus' | 'kurento'; readonly url: string; readonly mixing?: boolean };

export function originOf(index: number, ports: Ports): string {
  return `${ports.scheme ?? 'http'}://${companies[index]?.host}:${ports.nodes[index]}`;
}

/** Where a person's own window lives: a host name of their own, so that one browser keeps several people apart. */
export function personOrigin(index: number, person: string, ports: Ports): string {
  return originOf(index, ports).replace('//', `//${person}.`);
}

export function issuerOf(index: number, ports: Ports): string {
  return `http://accounts.${companies[index]?.host}:${ports.accounts[index]}`;
}

export function externalIssuer(ports: Ports): string {
  return `http://${external.host}:${ports.external}`;
}

/** Where an identity provider may send people back to: the node's own origin and each person's. */
export function redirectUris(index: number, issuerId: string, ports: Ports): string[] {
  const people = companies[index]?.people ?? [];
  const origins = [originOf(index, ports), ...people.map(({ id }) => personOrigin(index, id, ports))];
  return origins.map((origin) => `${origin}/sign-in/${issuerId}/callback`);
}

/** The file's text. Paths in it are absolute, so it can be used from anywhere. */
export function nodeConfig(options: {
  readonly index: number;
  readonly company: CompanyOfDemo;
  readonly ports: Ports;
  readonly host: string;
  readonly root: string;
  readonly dataDirectory: string;
  readonly secret: (issuerId: string) => string;
  readonly calls: CallTimes;
  /** The company's rules of who may call whom. */
  readonly policyFile: string;
  readonly otherHosts: Readonly<Record<string, string>>;
  /** PEM files, where the node serves TLS. */
  readonly tls: { readonly certificate: string; readonly key: string } | null;
  readonly logLevel: 'warn' | 'debug';
  /** Media engines, the first to be preferred; empty for the usual one. */
  readonly engines: readonly EngineOfDemo[];
}): string {
  const {
    index,
    company,
    ports,
    host,
    root,
    dataDirectory,
    secret,
    calls,
    policyFile,
    otherHosts,
    tls,
    engines,
    logLevel,
  } = options;
  const own = originOf(index, ports);
  const config = {
    provider: { domain: company.domain, name: company.name },
    http: {
      host,
      port: ports.nodes[index],
      origins: [own, own.replace('//', '//*.')],
      app: join(root, company.app, 'dist'),
      ...(tls ? { tls } : {}),
    },
    storage: { file: join(dataDirectory, `${company.id}.db`) },
    signIn: {
      issuers: [
        {
          id: OWN_ISSUER,
          name: company.name,
          issuer: issuerOf(index, ports),
          clientId: CLIENT_ID,
          clientSecret: secret(OWN_ISSUER),
          member: 'preferred_username',
        },
        {
          id: EXTERNAL_ISSUER,
          name: external.name,
          issuer: externalIssuer(ports),
          clientId: `${CLIENT_ID}-${company.id}`,
          clientSecret: secret(EXTERNAL_ISSUER),
          selfLink: true,
        },
      ],
    },
    directory: {
      people: company.people.map(({ id, name, externalEmail }) => ({
        address: id,
        name,
        ...(externalEmail ? { identities: [{ issuer: EXTERNAL_ISSUER, subject: externalEmail }] } : {}),
      })),
    },
    calls,
    policy: { file: policyFile },
    federation: {
      keyFile: join(dataDirectory, `${company.id}.key.json`),
      hosts: {
        ...Object.fromEntries(
          companies.flatMap((other, i) => (i === index ? [] : [[other.domain, originOf(i, ports)]])),
        ),
        ...otherHosts,
      },
    },
    focus: {
      listenAddress: host,
      ...(engines.length > 0
        ? { engines: engines.map((engine, place) => ({ ...engine, weight: 1 / 100 ** place, drain: false })) }
        : {}),
    },
    log: { level: logLevel },
  };
  return `# ${company.name} in the demo. Written anew at every start.\n${stringify(config)}`;
}
