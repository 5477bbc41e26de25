// What a node can be told, as one schema: the types every room relies on, the defaults and the descriptions.
// parley.example.yaml beside the package is the same for people; a test holds the two together.
import {
  addressSchema,
  displayNameSchema,
  domainSchema,
  iceServerSchema,
  isGuestAddress,
  isLoopbackHost,
} from '@parley/protocol';
import { z } from 'zod';
import { checkEngines, embeddedCount, enginesConfig } from './engines.ts';
import { parseOriginPattern } from './origins.ts';

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be a URL that begins with http:// or https://' }).max(300);

/** Plain HTTP is for one machine only: elsewhere anybody on the way could read and change what is sent. */
function isSafeUrl(text: string): boolean {
  const url = new URL(text);
  return url.protocol === 'https:' || url.protocol === 'wss:' || isLoopbackHost(url.hostname);
}
const NOT_SAFE = 'must begin with https:// (http:// is for localhost only)';

const seconds = (min: number, max: number) => z.number().min(min).max(max);
const file = z.string().min(1);

const providerConfig = z.strictObject({
  domain: domainSchema.describe('The domain of all addresses here, as in alice@enterprise1.example. Never change it.'),
  name: displayNameSchema.describe('The company, as people elsewhere see it.'),
});

const origin = z
  .string()
  .max(300)
  .refine((text) => parseOriginPattern(text) !== null, 'must be an origin such as https://calls.company.example');

const httpConfig = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('The address to listen on; 0.0.0.0 for all of them.'),
  port: z.int().min(0).max(65535).default(8801).describe('The TCP port to listen on; 0 for any free one.'),
  origins: z
    .array(origin)
    .min(1)
    .max(32)
    .refine((all) => all[0]?.includes('*') === false, 'must begin with an origin without *')
    .describe(
      'Where browsers find this node; the first is its public address. Pages from anywhere else are refused. ' +
        '"https://*.host" stands for every name one level below; port 0 for the port that is listened on.',
    ),
  app: file.nullable().default(null).describe("Folder with the company's web app, or null for none."),
  proxies: z
    .array(
      z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'must be an IP address or a network such as 10.0.0.0/8'),
    )
    .max(32)
    .default([])
    .describe('Addresses of proxies before this node. What they say in X-Forwarded-For is believed, of nobody else.'),
  tls: z
    .strictObject({
      certificate: file.describe('PEM file with the certificate and those that lead to its root.'),
      key: file.describe('PEM file with the private key.'),
    })
    .nullable()
    .default(null)
    .describe('Serve HTTPS with these files; null for plain HTTP (behind a proxy that does it, or on one machine).'),
});

const storageConfig = z.strictObject({
  file: file.default('./data/parley.db').describe('The SQLite database; made at the first start.'),
});

const issuerConfig = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and hyphens, at most 32')
    .describe('A short name of your choice; it stands in URLs and in the database. Never change it.'),
  name: displayNameSchema.describe('What the sign-in button says.'),
  issuer: httpUrl.refine(isSafeUrl, NOT_SAFE).describe('The issuer URL of the OpenID provider.'),
  clientId: z.string().min(1).max(300).describe('The client id it has given to this node.'),
  clientSecret: z.string().min(1).max(500).optional().describe('The client secret; left out for a public client.'),
  member: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe(
      "Only for the company's own OpenID provider: the claim that holds the part of the address before the @. " +
        'Whoever can sign in there is a member. Left out: only people listed below with that identity may enter.',
    ),
  memberHolds: z
    .enum(['local-part', 'address'])
    .default('local-part')
    .describe('What that claim holds: the part before the @, or a whole address, which then has to be of this domain.'),
  selfLink: z
    .boolean()
    .default(false)
    .describe(
      'Whether people may link accounts of theirs here by themselves, and then sign in with those. ' +
        'Only for issuers without "member".',
    ),
  required: z
    .record(z.string().max(64), z.union([z.string().max(300), z.boolean()]))
    .default({})
    .describe(
      'Claims that must be so, or nobody enters: for Google "hd: company.example", for Microsoft Entra "tid: <tenant>".',
    ),
});

const signInConfig = z.strictObject({
  sessionHours: z.number().positive().max(720).default(12).describe('How long a sign-in lasts, in hours.'),
  issuers: z.array(issuerConfig).min(1).max(16).describe('Where people may sign in.'),
});

const localPart = z
  .string()
  .max(64)
  .regex(/^[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?$/, 'must be the part before the @, in lower case')
  .refine((text) => !isGuestAddress(text), 'must not begin as the addresses of guests do');

const personConfig = z.strictObject({
  address: localPart.describe('The part of the address before the @.'),
  name: displayNameSchema.describe('The full name.'),
  identities: z
    .array(
      z.strictObject({
        issuer: z.string().describe('The id of one of signIn.issuers.'),
        subject: z
          .string()
          .min(1)
          .max(255)
          .describe('Who the person is there: an e-mail address that the issuer has verified, or the subject ("sub").'),
      }),
    )
    .max(16)
    .default([])
    .describe('Accounts elsewhere with which this person may sign in.'),
});

const directoryConfig = z.strictObject({
  people: z
    .array(personConfig)
    .max(100_000)
    .default([])
    .describe("People known from the start. Others are added when they first sign in at the company's own issuer."),
});

const sessionsConfig = z.strictObject({
  resumeSeconds: seconds(1, 300).default(10).describe('How long a device that lost its connection may take to return.'),
  heartbeatSeconds: z.int().min(1).max(120).default(5).describe('How often a connection is checked for life.'),
});

const callsConfig = z.strictObject({
  ringSeconds: z.int().min(1).max(600).default(45).describe('How long it rings before nobody has answered.'),
  transferSeconds: seconds(1, 120).default(15).describe('How long a call may take to move onto another path.'),
  returnToDirectSeconds: seconds(0, 600)
    .default(3)
    .describe('How long two people stay in a conference before the call returns to peer-to-peer.'),
  paths: z
    .enum(['any', 'conference', 'direct'])
    .default('any')
    .describe(
      'Which way calls of people here may go. any: peer-to-peer between two, by a conference service among more. ' +
        'conference: never peer-to-peer, so that nobody learns their network addresses. ' +
        'direct: never by a server, so only between two.',
    ),
  requiredTrust: z
    .enum(['any', 'not-failed', 'verified'])
    .default('not-failed')
    .describe(
      'What people must be proven to be for a call with them to go on. any: whatever comes out is only shown. ' +
        'not-failed: a proof that is wrong ends the call; no proof is shown as unverified. ' +
        'verified: everybody has to be verified.',
    ),
  connectWhileRinging: z
    .enum(['everybody', 'same-company', 'nobody'])
    .default('same-company')
    .describe(
      'For whose calls media are set up while it rings: they start at once on answering, ' +
        "but the caller learns the callee's network address.",
    ),
});

const policyConfig = z.strictObject({
  file: file
    .nullable()
    .default(null)
    .describe('YAML file with the rules of who may call whom (see docs/policy.md), read again when it changes.'),
});

const guestsConfig = z.strictObject({
  linkMinutes: z
    .int()
    .min(1)
    .max(10_080)
    .default(240)
    .describe(
      'How long a link for guests is good, in minutes, unless its maker says less. It also ends with the call.',
    ),
});

const federationConfig = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether people here may talk with other companies.'),
  keyFile: file
    .default('./data/parley.key.json')
    .describe("The domain's private Ed25519 key; made at the first start. Keep it secret and keep a copy."),
  publicLink: z
    .url({ protocol: /^wss?$/, error: 'must be a URL that begins with wss:// or ws://' })
    .max(300)
    .refine(isSafeUrl, 'must begin with wss:// (ws:// is for localhost only)')
    .nullable()
    .default(null)
    .describe('Where other providers connect; null for /link at the first of http.origins.'),
  hosts: z
    .record(
      z.string(),
      httpUrl.transform((text) => text.replace(/\/+$/, '')),
    )
    .default({})
    .describe('On one machine only: where other domains are, in place of DNS and TLS. Names of this machine only.'),
  requestSeconds: seconds(0.1, 60).default(5).describe('How long another provider may take to answer.'),
});

const focusConfig = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether this node runs conferences.'),
  listenAddress: z.string().min(1).default('127.0.0.1').describe('The local address for media; 0.0.0.0 for all.'),
  announcedAddress: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('The address clients are told, if a router translates it; null for listenAddress.'),
  portRange: z
    .tuple([z.int().min(1024).max(65535), z.int().min(1024).max(65535)])
    .default([20000, 20999])
    .describe('First and last UDP port for media; both the same: one port for all. The firewall must let them in.'),
  processes: z
    .int()
    .min(1)
    .max(16)
    .default(1)
    .describe('How many processes carry conference media, each with its part of portRange; about one for each core.'),
  emptySeconds: seconds(1, 3600).default(20).describe('How long a room that nobody is in is kept.'),
  engines: enginesConfig,
});

const recordingsConfig = z.strictObject({
  folder: file.default('./data/recordings').describe('Where recordings are kept; made with the first one.'),
  maxMinutes: z.number().positive().max(1440).default(120).describe('A recording that lasts longer is ended.'),
  maxMegabytes: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(10_000)
    .describe('All recordings together; while they are larger, no other begins. A larger single one is thrown away.'),
  keepDays: z.number().positive().max(3650).default(30).describe('After how long a recording is deleted, in days.'),
});

const iceServerConfig = z
  .strictObject({ ...iceServerSchema.shape, secret: z.string().min(16).max(300).optional() })
  .refine((one) => one.secret === undefined || (one.username === undefined && one.credential === undefined), {
    error: 'has either a secret, or a username and credential',
  });

const logConfig = z.strictObject({
  level: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('How much is logged: fatal, error, warn, info, debug, trace or silent.'),
});

const sections = z.strictObject({
  provider: providerConfig.describe('Who this node serves.'),
  http: httpConfig.describe('The web server.'),
  storage: storageConfig.prefault({}).describe('Where data are kept.'),
  signIn: signInConfig.describe('How people sign in (OpenID Connect).'),
  directory: directoryConfig.prefault({}).describe('The people of this company.'),
  sessions: sessionsConfig.prefault({}).describe('Connections of devices.'),
  calls: callsConfig.prefault({}).describe('Calls.'),
  policy: policyConfig.prefault({}).describe('Who may call whom.'),
  guests: guestsConfig.prefault({}).describe('People without an account, who come by a link.'),
  federation: federationConfig.prefault({}).describe('Other companies.'),
  focus: focusConfig.prefault({}).describe('Conferences.'),
  recordings: recordingsConfig
    .prefault({})
    .describe('Recordings of conferences, made with the consent of all who take part.'),
  iceServers: z
    .array(iceServerConfig)
    .max(8)
    .default([])
    .describe(
      'STUN and TURN servers for browsers. With "secret" (static-auth-secret of coturn) each device is given ' +
        'credentials of its own, good for an hour.',
    ),
  log: logConfig.prefault({}).describe('The log, on standard output.'),
});

type Sections = z.infer<typeof sections>;
type Report = (path: (string | number)[], message: string) => void;

/** What no single field can tell: that fields fit each other. */
function checkTogether(config: Sections, report: Report): void {
  const issuers = new Set<string>();
  for (const [index, { id, member, selfLink }] of config.signIn.issuers.entries()) {
    if (issuers.has(id)) report(['signIn', 'issuers', index, 'id'], 'must be different for each issuer');
    if (selfLink && member !== undefined) {
      report(['signIn', 'issuers', index, 'selfLink'], 'must be false where member says whose an account is');
    }
    issuers.add(id);
  }
  const addresses = new Set<string>();
  const identities = new Set<string>();
  for (const [index, person] of config.directory.people.entries()) {
    const at = ['directory', 'people', index];
    if (addresses.has(person.address)) report([...at, 'address'], 'is listed twice');
    addresses.add(person.address);
    if (!addressSchema.safeParse(`${person.address}@${config.provider.domain}`).success) {
      report([...at, 'address'], 'makes no valid address with provider.domain');
    }
    for (const [number, { issuer, subject }] of person.identities.entries()) {
      const here = [...at, 'identities', number];
      if (!issuers.has(issuer)) report([...here, 'issuer'], 'must be the id of one of signIn.issuers');
      const key = JSON.stringify([issuer, subject]);
      if (identities.has(key)) report([...here, 'subject'], 'belongs to two people');
      identities.add(key);
    }
  }
  for (const [domain, url] of Object.entries(config.federation.hosts)) {
    const at = ['federation', 'hosts', domain];
    if (!domainSchema.safeParse(domain).success) report(at, 'must be named by a domain');
    if (!isLoopbackHost(new URL(url).hostname))
      report(at, 'must be on this machine (localhost, *.localhost, 127.0.0.1)');
  }
  const [first, last] = config.focus.portRange;
  if (first > last) report(['focus', 'portRange'], 'must have the first port before the last');
  else if (last - first + 1 < config.focus.processes * Math.max(1, embeddedCount(config.focus.engines))) {
    report(['focus', 'portRange'], 'must have a port for each of focus.processes at least');
  }
  checkEngines(config.focus.engines, report);
  for (const [index, text] of config.http.origins.entries()) {
    const pattern = parseOriginPattern(text);
    if (pattern?.protocol === 'http:' && !isLoopbackHost(pattern.host)) {
      report(['http', 'origins', index], `${NOT_SAFE}: browsers allow no camera otherwise`);
    }
  }
}

export const configSchema = sections.superRefine((config, context) => {
  checkTogether(config, (path, message) => context.addIssue({ code: 'custom', path, message, input: undefined }));
});

/** The whole configuration, with defaults filled in. Paths are absolute once it has been loaded. */
export type Config = z.infer<typeof configSchema>;
export type HttpConfig = Config['http'];
export type SignInConfig = Config['signIn'];
export type IssuerConfig = SignInConfig['issuers'][number];
export type LogConfig = Config['log'];
export type FocusConfig = Config['focus'];
export type RecordingsConfig = Config['recordings'];
