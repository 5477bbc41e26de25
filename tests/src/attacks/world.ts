// What is attacked: two companies' nodes as the demo runs them, with a call of Bob and Carol under way in one of them.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DemoCompany, type DemoPerson, startDemo } from '@parley/demo';
import { createDeviceKey, type DeviceKey, nonceFor } from '@parley/identity';
import { createTestAuthority } from '@parley/node/test-authority';
import type { Page } from 'playwright-core';
import { type Browsers, openBrowsers } from '../harness/browser.ts';
import { createMallory, MALLORY, type Mallory } from './mallory.ts';
import { lyingDomains, type OtherServers, openOtherServers } from './other-servers.ts';
import { ask, believe, type Line, openLine, signIn } from './visitor.ts';

export type Device = Line & { readonly id: string; readonly resumeToken: string };

export interface Inside {
  readonly person: DemoPerson;
  readonly cookie: string;
  /** What this person's browser proves with. */
  readonly identity: { readonly key: DeviceKey; readonly idToken: string };
  /** Opens another device of this person, greeted. */
  device(): Promise<Device>;
  /** A socket on which nothing has been said yet. */
  socket(headers?: Record<string, string>): Promise<Line>;
  /** Asks something by HTTP; resolves to the code of what came back. */
  get(path: string): Promise<string>;
  /** The person's app in a real browser, in which they are signed in; the same one each time. */
  page(): Promise<Page>;
}

export interface World {
  readonly bob: Inside;
  /** Erin works where Bob does, but is not in his call; Dave works at the other company. Both attack. */
  readonly erin: Inside;
  readonly dave: Inside;
  readonly one: DemoCompany;
  readonly two: DemoCompany;
  /** Of Bob and Carol, who talk. */
  readonly conversation: string;
  readonly bobsResumeToken: string;
  /** Erin and Dave in a conference at Enterprise 1: their devices, and the conversation. */
  meeting(): Promise<{ readonly erins: Line; readonly daves: Device; readonly met: string }>;
  link(company: DemoCompany): Promise<Line>;
  /** A provider of an attacker's, and attackers' other servers. */
  readonly mallory: Mallory;
  readonly servers: OtherServers;
  /** The file with the second company's domain key: what its own operator has. */
  readonly keyOfTwo: string;
  /** What lets somebody in, and what it is; grows with the attacks. */
  readonly secrets: Map<string, string>;
  /** What the nodes have logged so far. */
  log(): string;
  /** Happens before the world ends. */
  atEnd(tidy: () => void | Promise<void>): void;
  /** Everything that an attack might have changed, as those who are attacked see it. */
  state(): Promise<string>;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'parley-attacks-'));
  const authority = await createTestAuthority();
  const authorityFile = join(dataDirectory, 'authority.crt');
  await writeFile(authorityFile, authority.root);
  believe(authority.root);
  const servers = await openOtherServers([MALLORY, ...lyingDomains]);
  const secrets = new Map<string, string>();
  let logged: Buffer[] = [];
  const demo = await startDemo({
    ports: 'free',
    log: (chunk) => void logged.push(chunk),
    dataDirectory,
    oneClick: false,
    otherHosts: servers.hosts,
    nodeArguments: ['--import', new URL('fake-dns.ts', import.meta.url).href],
    tls: {
      authority: authorityFile,
      files: (names) => authority.issueFiles(dataDirectory, names[0] ?? 'node', names),
    },
  });
  const [one, two] = demo.companies;
  if (!one || !two) throw new Error('the demo has two companies');
  const lines = new Set<Line>();
  const endings: (() => void | Promise<void>)[] = [];
  let browsers: Promise<Browsers> | null = null;
  const kept = async (opening: Promise<Line>) => {
    const line = await opening;
    lines.add(line);
    return line;
  };

  async function enter(login: string): Promise<Inside> {
    const person = demo.people.find((someone) => someone.login === login);
    if (!person) throw new Error(`${login} is not in the cast`);
    const { origin } = person;
    const key = await createDeviceKey();
    const { cookie } = await signIn(person, { nonce: await nonceFor(key) });
    const session = JSON.parse((await ask(`${person.origin}/api/session`, { headers: { cookie } })).body);
    const identity = { key, idToken: String(session.proof.idToken) };
    secrets.set(person.password, 'a password').set(identity.idToken, 'an ID token');
    for (const [, value = ''] of cookie.matchAll(/session=([^;]+)/g)) secrets.set(value, 'a session');
    const url = `${person.origin.replace('http', 'ws')}/socket`;
    let shown: Promise<Page> | null = null;
    async function show(): Promise<Page> {
      browsers ??= openBrowsers();
      const { page } = await (await browsers).open(9, { anyCertificate: true });
      const [name = '', value = ''] =
        cookie
          .split('; ')
          .find((one) => one.includes('session='))
          ?.split('=') ?? [];
      await page.context().addCookies([{ name, value, url: origin, secure: true }]);
      await page.goto(origin);
      await page.getByTestId('self-address').first().waitFor();
      return page;
    }
    const socket = (headers = {}) => kept(openLine(url, { cookie, origin: person.origin, ...headers }));
    return {
      person,
      cookie,
      identity,
      socket,
      get: async (path) => (await ask(`${person.origin}${path}`, { headers: { cookie } })).code,
      page: () => (shown ??= show()),
      async device() {
        const line = await socket();
        const { code, result } = await line.say('session.hello', { version: 1 });
        if (code !== 'done') throw new Error(`${login} was not greeted: ${code}`);
        const resumeToken = String(result.resumeToken);
        secrets.set(resumeToken, 'a resume token');
        return { ...line, id: String(result.device), resumeToken };
      },
    };
  }

  const [bob, carol, erin, dave] = await Promise.all([enter('bob'), enter('carol'), enter('erin'), enter('dave')]);
  const [bobs, carols] = await Promise.all([bob.device(), carol.device()]);
  const media = { microphone: true, camera: true };
  const started = await bobs.say('call.start', { to: [carol.person.address], policy: 'direct-first', media });
  const conversation = String(started.result.conversation ?? started.result.id);
  const accepted = await carols.say('call.accept', { conversation, media });
  if (accepted.code !== 'done') throw new Error(`Carol could not accept: ${accepted.code}`);
  /** Only once it is asked for: in a call of their own Erin and Dave cannot begin others. */
  async function meet() {
    const [erins, daves] = await Promise.all([erin.device(), dave.device()]);
    const held = await erins.say('call.start', { to: [dave.person.address], policy: 'conference', media });
    const met = String(held.result.conversation ?? held.result.id);
    // Rung by way of the link between the two companies.
    await daves.told('conversation.events');
    const joined = await daves.say('call.accept', { conversation: met, media });
    if (joined.code !== 'done') throw new Error(`Dave could not accept: ${joined.code}`);
    return { erins, daves, met };
  }
  let meeting: ReturnType<typeof meet> | undefined;

  return {
    meeting() {
      meeting ??= meet();
      return meeting;
    },
    keyOfTwo: join(dataDirectory, `${two.id}.key.json`),
    bob,
    erin,
    dave,
    one,
    two,
    conversation,
    bobsResumeToken: bobs.resumeToken,
    mallory: createMallory(servers, () => kept(openLine(`${one.origin.replace('http', 'ws')}/link`, {}, true))),
    servers,
    link: (company) => kept(openLine(`${company.origin.replace('http', 'ws')}/link`)),
    async state() {
      const { result } = await bobs.say('conversation.events', { conversation, after: 0 });
      const contacts = await carols.say('directory.contacts', {});
      // Who is there comes and goes with the attackers' own sockets.
      return JSON.stringify([result, contacts.result], (key, value) => (key === 'presence' ? undefined : value));
    },
    secrets,
    log() {
      logged = [Buffer.concat(logged)];
      return String(logged[0]);
    },
    atEnd: (tidy) => void endings.push(tidy),
    async close() {
      for (const tidy of endings) await tidy();
      for (const line of lines) line.close();
      await (await browsers)?.close();
      servers.close();
      await demo.stop();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}
