// Who plays in the demo: two companies, their people, and one identity provider that belongs to neither.

export interface PersonOfDemo {
  readonly id: string;
  readonly name: string;
  /** E-mail address of an account at the external identity provider, for those who may also sign in there (R2). */
  readonly externalEmail?: string;
  /** Another there, which the company knows nothing of: its owner may link it. */
  readonly unlistedEmail?: string;
}

export interface CompanyOfDemo {
  readonly id: string;
  readonly name: string;
  readonly domain: string;
  /** Host name of its node on this machine; names below `.localhost` are this machine (RFC 6761 section 6.3). */
  readonly host: string;
  /** Package folder of its app, from the project's root. */
  readonly app: string;
  readonly accent: string;
  readonly people: readonly PersonOfDemo[];
}

export const companies: readonly CompanyOfDemo[] = [
  {
    id: 'enterprise1',
    name: 'Enterprise 1',
    domain: 'enterprise1.example',
    host: 'enterprise1.localhost',
    app: 'apps/enterprise',
    accent: '#0b6a88',
    people: [
      { id: 'bob', name: 'Bob Bennett', unlistedEmail: 'bob.b@mail.example' },
      { id: 'carol', name: 'Carol Castillo', externalEmail: 'carol.castillo@mail.example' },
      { id: 'erin', name: 'Erin Ellis' },
    ],
  },
  {
    id: 'enterprise2',
    name: 'Enterprise 2',
    domain: 'enterprise2.example',
    host: 'enterprise2.localhost',
    app: 'apps/compact',
    accent: '#a83f1f',
    people: [
      { id: 'alice', name: 'Alice Archer' },
      { id: 'dave', name: 'Dave Dietrich' },
    ],
  },
];

/** The external identity provider: whoever has an account there and is listed by a company may sign in with it. */
export const external = {
  name: 'accounts.example',
  host: 'accounts.localhost',
  accent: '#8a3f9e',
  /** Accounts there of people who work at neither company: guests who may be asked who they are. */
  people: [{ id: 'gina', name: 'Gina Green', email: 'gina.green@mail.example', password: 'green-garden-gate' }],
};

/** Every port of the demo. `pages`: the page that greets; one node and one identity provider for each company. */
export interface Ports {
  readonly pages: number;
  readonly nodes: readonly number[];
  readonly accounts: readonly number[];
  readonly external: number;
  /** How nodes are reached; the identity providers are always plain HTTP. Default: `http`. */
  readonly scheme?: 'http' | 'https';
}

export const usualPorts: Ports = { pages: 8800, nodes: [8801, 8802], accounts: [8811, 8812], external: 8813 };
