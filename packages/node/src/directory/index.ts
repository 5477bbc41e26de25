// The door of this room: who exists here, everybody's contacts grouped by company, and who sees whose presence.
import {
  type Address,
  type Company,
  type Contact,
  type Domain,
  domainOf,
  isGuestAddress,
  ParleyError,
  type Person,
  type Presence,
  type Provider,
  parseAddress,
} from '@parley/protocol';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { Federation } from '../federation/api.ts';
import type { Policy } from '../policy/api.ts';
import type { Devices } from '../signalling/api.ts';
import type { Database } from '../storage/index.ts';
import type { Directory } from './api.ts';
import { createContacts } from './contacts.ts';
import { byName, createPeople, fitting, matches } from './people.ts';
import { createOwnPresence } from './presence.ts';
import { createWatched } from './watched.ts';
import { createWatching } from './watching.ts';

export interface DirectoryOptions {
  readonly storage: Kysely<Database>;
  readonly provider: Provider;
  readonly devices: Devices;
  readonly federation: Federation;
  readonly policy: Policy;
  readonly log: Logger;
  /** Milliseconds between attempts to watch contacts at a provider that does not answer. */
  readonly retryMs?: { readonly first: number; readonly longest: number };
}

export interface DirectoryRoom extends Directory {
  /** Stops asking other providers. */
  close(): void;
}

/** Most answers to one search. */
const MAX_FOUND = 50;
const MAX_FOUND_LATELY = 1000;
/** Most people of the own company in the list; the others are found by searching. */
const MAX_LISTED = 1000;

/** Sets the handlers of all `directory.` and `presence.` requests of devices and links. */
export function createDirectory(options: DirectoryOptions): DirectoryRoom {
  const { storage, provider, devices, federation, policy, log } = options;
  const people = createPeople(storage, provider);
  const contacts = createContacts(storage);
  const mayFind = (by: Address, address: Address) => policy.decide(by, address, 'find').allowed;
  const isOurs = (address: Address) => domainOf(address) === provider.domain;

  const showToCompany = (address: Address, presence: Presence) => {
    for (const online of own.online) devices.tellPerson(online, 'presence.changed', { address, presence });
  };
  const own = createOwnPresence(
    (address) => devices.of(address).length,
    (address, presence) => {
      showToCompany(address, presence);
      watched.changed(address);
    },
  );
  const watched = createWatched({
    presenceOf: own.of,
    hasContact: async (owner, other) => mayFind(other, owner) && (await contacts.has(owner, other)),
    send: (domain, params) => federation.request(domain, 'presence.changed', params),
    log,
  });
  const watching = createWatching({
    ask: (domain, params) => federation.request(domain, 'presence.watch', params),
    show: (owner, address, presence) => void devices.tellPerson(owner, 'presence.changed', { address, presence }),
    retryMs: options.retryMs ?? { first: 2000, longest: 60_000 },
    log,
  });

  const ownContact = (person: Person): Contact => ({ person, presence: own.of(person.address) });
  const seenBy = (owner: Address, person: Person): Contact =>
    isOurs(person.address) ? ownContact(person) : { person, presence: watching.presenceOf(owner, person.address) };

  /** People of other providers who were looked up lately, whoever asked. */
  const found = new Map<Address, Person>();
  const lookup: Directory['lookup'] = async (address, by) => {
    if (isOurs(address)) {
      const person = await people.find(address);
      if (!person) throw new ParleyError('unknown-address');
      return ownContact(person);
    }
    policy.require(by, address, 'find');
    const { contact } = await federation.request(domainOf(address), 'directory.lookup', { address, by });
    if (contact.person.address !== address) throw new ParleyError('provider-untrusted', 'answered for somebody else');
    await contacts.rename(contact.person);
    found.delete(address);
    found.set(address, contact.person);
    const oldest = found.size > MAX_FOUND_LATELY ? found.keys().next() : null;
    if (oldest && !oldest.done) found.delete(oldest.value);
    return contact;
  };

  const add = async (owner: Address, person: Person): Promise<void> => {
    await contacts.add(owner, person);
    watched.related(owner, person.address, true);
    if (devices.of(owner).length > 0) watching.want(owner, person.address);
  };

  const watchContactsOf = async (owner: Address): Promise<void> => {
    const list = await contacts.of(owner);
    if (devices.of(owner).length > 0) for (const person of list) watching.want(owner, person.address);
  };

  policy.on('changed', () => watched.revoke((address, by) => mayFind(by, address)));

  devices.on('online', ({ address }) => {
    if (isGuestAddress(address)) return;
    own.devicesChanged(address);
    watchContactsOf(address).catch((err: unknown) => log.error({ err }, 'contacts could not be read'));
  });
  devices.on('gone', ({ address }) => {
    if (isGuestAddress(address)) return;
    own.devicesChanged(address);
    if (devices.of(address).length === 0) watching.unwantAll(address);
  });
  federation.on('up', ({ domain }) => watching.up(domain));
  federation.on('down', ({ domain }) => {
    watching.down(domain);
    watched.forget(domain);
  });

  devices.handle('directory.contacts', async ({ address: owner }) => {
    const ours = (await people.all()).filter(({ address }) => address !== owner && mayFind(owner, address));
    const list = (await contacts.of(owner)).sort(byName);
    const colleagues = fitting(ours.slice(0, MAX_LISTED).map((person) => seenBy(owner, person)));
    const others = fitting(list.map((person) => seenBy(owner, person)));
    return { companies: [{ provider, contacts: colleagues }, ...byCompany(others)] };
  });

  devices.handle('directory.search', async ({ address: by }, { text }) => {
    const local = await people.search(text, MAX_FOUND + 1);
    const kept = (await contacts.of(by)).filter((person) => matches(person, text)).sort(byName);
    const visible = [...local, ...kept].filter(({ address }) => address !== by && mayFind(by, address));
    const matching = visible.slice(0, MAX_FOUND);
    const whole = parseAddress(text);
    // Half an address may look like a whole one, so nobody is asked elsewhere while there is something to show. If there
    // is nothing, then that nobody has this address, or why it cannot be known, is the answer (R13).
    if (matching.length === 0 && whole && whole !== by) return { contacts: [await lookup(whole, by)] };
    return { contacts: fitting(matching.map((person) => seenBy(by, person))) };
  });

  devices.handle('directory.addContact', async ({ address: owner }, { address }) => {
    if (address === owner) throw new ParleyError('not-allowed', 'this is your own address');
    const contact = await lookup(address, owner);
    if (!isOurs(address)) await add(owner, contact.person);
    return { contact };
  });

  devices.handle('directory.removeContact', async ({ address: owner }, { address }) => {
    await contacts.remove(owner, address);
    watched.related(owner, address, false);
    watching.unwant(owner, address);
    return {};
  });

  devices.handle('presence.set', ({ address }, { presence }) => {
    own.choose(address, presence);
    return {};
  });

  /** What another provider asks: only about our people, only for its own. */
  const asked = async (from: Domain, address: Address, by: Address): Promise<Person> => {
    if (domainOf(by) !== from) throw new ParleyError('not-allowed', 'asks for people of another provider');
    // Before anything is said of whether somebody is there.
    if (!mayFind(by, address)) throw new ParleyError('not-allowed', 'by a rule of this company');
    const person = isOurs(address) ? await people.find(address) : null;
    if (!person) throw new ParleyError('unknown-address');
    return person;
  };

  federation.handle('directory.lookup', async (from, { address, by }) => {
    const person = await asked(from, address, by);
    const presence = (await contacts.has(address, by)) ? own.of(address) : 'offline';
    return { contact: { person, presence } };
  });

  federation.handle('presence.watch', async (from, { address, by }) => {
    await asked(from, address, by);
    return { presence: await watched.watch(from, address, by) };
  });

  federation.handle('presence.changed', (from, params) => {
    if (domainOf(params.address) !== from) throw new ParleyError('not-allowed', 'tells of people of another provider');
    watching.changed(params);
    return {};
  });

  return {
    find: async (address) => (isOurs(address) ? await people.find(address) : null),
    known: async (owner, address) => (await contacts.get(owner, address)) ?? found.get(address) ?? null,
    lookup,
    presenceOf: own.of,
    setInCall(address, inCall) {
      if (!isGuestAddress(address)) own.setInCall(address, inCall);
    },
    async remember(owner, person) {
      if (!isOurs(owner) || isOurs(person.address) || isGuestAddress(owner) || person.guest) return;
      try {
        await add(owner, person);
      } catch (thrown) {
        if (!(thrown instanceof ParleyError)) throw thrown;
        log.debug({ code: thrown.code }, 'a full list of contacts: nobody is added');
      }
    },
    close: watching.close,
  };
}

/** Groups contacts by the domain of their address (R11); named as its provider names itself. */
function byCompany(contacts: readonly Contact[]): Company[] {
  const groups = Map.groupBy(contacts, ({ person }) => domainOf(person.address));
  return [...groups]
    .map(([domain, members]) => ({
      provider: { domain, name: members[0]?.person.company ?? domain },
      contacts: [...members],
    }))
    .sort((a, b) => a.provider.name.localeCompare(b.provider.name));
}
