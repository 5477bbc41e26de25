// The people part of a session: contacts by company with their presence, search, own presence.
import type { Address, Company, Contact, NotificationParams, Presence } from '@parley/protocol';
import { ParleyError } from '@parley/protocol';
import type { Readable } from './api.ts';
import { createStore, type Store } from './readable.ts';
import type { Request } from './socket.ts';
import { requireAddress } from './typed-address.ts';

export interface DirectoryPart {
  readonly companies: Readable<readonly Company[]>;
  readonly presence: Readable<Presence>;
  /** Asks for everything anew. */
  refresh(): void;
  changed(params: NotificationParams<'presence.changed'>): void;
  setPresence(presence: Presence): Promise<void>;
  search(text: string): Promise<readonly Contact[]>;
  addContact(address: string): Promise<Contact>;
  removeContact(address: Address): Promise<void>;
}

/** Presence told while the contacts are on their way; more people than a page of contacts are not waited for. */
const MAX_NOTED = 2000;

/** @param guest guests have no directory */
export function createDirectory(me: Address, guest: boolean, request: Request): DirectoryPart {
  const companies = createStore<readonly Company[]>([]);
  const presence: Store<Presence> = createStore<Presence>('available');
  let refreshing: 'no' | 'yes' | 'again' = 'no';
  /** Newer than what the answer under way may say. */
  const noted = new Map<Address, Presence>();

  async function refresh(): Promise<void> {
    if (guest) return;
    if (refreshing !== 'no') {
      refreshing = 'again';
      return;
    }
    do {
      refreshing = 'yes';
      noted.clear();
      try {
        const answer = await request('directory.contacts', {});
        companies.set(withPresence(answer.companies, noted));
      } catch {
        // The list stays as it was; the next refresh comes with the next connection.
      }
    } while ((refreshing as string) === 'again');
    refreshing = 'no';
    noted.clear();
  }

  return {
    companies,
    presence,
    refresh: () => void refresh(),
    changed({ address, presence: now }) {
      if (address === me) presence.set(now);
      if (refreshing !== 'no' && noted.size < MAX_NOTED) noted.set(address, now);
      companies.set(withPresence(companies.get(), new Map([[address, now]])));
    },
    async setPresence(wanted) {
      if (wanted === 'in-a-call' || wanted === 'offline') {
        throw new ParleyError('invalid-parameters', `presence: ${wanted} cannot be chosen`);
      }
      await request('presence.set', { presence: wanted });
    },
    async search(text) {
      const wanted = text.trim();
      return wanted === '' ? [] : (await request('directory.search', { text: wanted.slice(0, 320) })).contacts;
    },
    async addContact(text) {
      const { contact } = await request('directory.addContact', { address: requireAddress(text) });
      void refresh();
      return contact;
    },
    async removeContact(address) {
      await request('directory.removeContact', { address });
      void refresh();
    },
  };
}

/** The same list with newer presence; the very same object where nothing differs. */
export function withPresence(companies: readonly Company[], news: ReadonlyMap<Address, Presence>): readonly Company[] {
  let changed = false;
  const next = companies.map((company) => {
    let own = false;
    const contacts = company.contacts.map((contact) => {
      const presence = news.get(contact.person.address);
      if (presence === undefined || presence === contact.presence) return contact;
      own = true;
      return { ...contact, presence };
    });
    changed ||= own;
    return own ? { ...company, contacts } : company;
  });
  return changed ? next : companies;
}
