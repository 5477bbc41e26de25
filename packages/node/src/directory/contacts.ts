// Whom each person keeps in their list from other companies. People of the own company need not be kept: all are listed.
import { type Address, domainOf, ParleyError, type Person } from '@parley/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../storage/index.ts';

/** Most people of other companies in one list, and most companies they may be of. */
export const MAX_CONTACTS = 500;
export const MAX_COMPANIES = 199;

export interface Contacts {
  of(owner: Address): Promise<Person[]>;
  has(owner: Address, address: Address): Promise<boolean>;
  get(owner: Address, address: Address): Promise<Person | null>;
  /** Idempotent; leaves the name as it is if the contact is there. Throws `not-allowed` when the list is full. */
  add(owner: Address, person: Person): Promise<void>;
  remove(owner: Address, address: Address): Promise<void>;
  /** The person's own provider has told their name: everybody who has them sees it from now on. */
  rename(person: Person): Promise<void>;
}

export function createContacts(storage: Kysely<Database>): Contacts {
  const of = (owner: Address): Promise<Person[]> =>
    storage.selectFrom('contacts').select(['address', 'name', 'company']).where('owner', '=', owner).execute();

  const get = async (owner: Address, address: Address): Promise<Person | null> => {
    const row = await storage
      .selectFrom('contacts')
      .select(['address', 'name', 'company'])
      .where('owner', '=', owner)
      .where('address', '=', address)
      .executeTakeFirst();
    return row ?? null;
  };

  return {
    of,
    get,
    has: async (owner, address) => (await get(owner, address)) !== null,
    async add(owner, person) {
      requireRoom(await of(owner), person.address);
      await storage
        .insertInto('contacts')
        .values({ owner, address: person.address, name: person.name, company: person.company })
        .onConflict((conflict) => conflict.columns(['owner', 'address']).doNothing())
        .execute();
    },
    async remove(owner, address) {
      await storage.deleteFrom('contacts').where('owner', '=', owner).where('address', '=', address).execute();
    },
    async rename({ address, name, company }) {
      await storage.updateTable('contacts').set({ name, company }).where('address', '=', address).execute();
    },
  };
}

function requireRoom(list: readonly Person[], address: Address): void {
  if (list.some((person) => person.address === address)) return;
  const companies = new Set(list.map((person) => domainOf(person.address))).add(domainOf(address));
  if (list.length >= MAX_CONTACTS) throw new ParleyError('not-allowed', `at most ${MAX_CONTACTS} contacts`);
  if (companies.size > MAX_COMPANIES) throw new ParleyError('not-allowed', `at most ${MAX_COMPANIES} companies`);
}
