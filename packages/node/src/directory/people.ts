// People of this provider, as the database has them. Who is in it is decided by the configuration and the sign-in.
import { type Address, isGuestAddress, MAX_FRAME_BYTES, type Person, type Provider } from '@parley/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../storage/index.ts';

export interface People {
  find(address: Address): Promise<Person | null>;
  /** Everybody, in the order of their names. */
  all(): Promise<Person[]>;
  /** At most `most` people whose name or address contains the text; capitals and accents make no difference. */
  search(text: string, most: number): Promise<Person[]>;
}

export function createPeople(storage: Kysely<Database>, provider: Provider): People {
  const company = provider.name;
  const all = async (): Promise<Person[]> => {
    const rows = await storage.selectFrom('people').select(['address', 'name']).execute();
    // Guests are nobody's colleagues, and not to be found.
    return rows
      .filter(({ address }) => !isGuestAddress(address))
      .map((row) => ({ ...row, company }))
      .sort(byName);
  };
  return {
    all,
    async find(address) {
      if (isGuestAddress(address)) return null;
      const row = await storage
        .selectFrom('people')
        .select(['address', 'name'])
        .where('address', '=', address)
        .executeTakeFirst();
      return row ? { ...row, company } : null;
    },
    async search(text, most) {
      // In the program and not in the database: SQLite ignores case in ASCII only.
      return (await all()).filter((person) => matches(person, text)).slice(0, most);
    },
  };
}

export function byName(a: Person, b: Person): number {
  return a.name.localeCompare(b.name) || a.address.localeCompare(b.address);
}

/** Whether name or address contains the text, regardless of capitals and accents. */
export function matches(person: Person, text: string): boolean {
  const wanted = fold(text);
  return fold(person.name).includes(wanted) || person.address.includes(wanted);
}

function fold(text: string): string {
  return text.trim().normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

/** The first of these that fit together into what one answer may take of a frame. */
export function fitting<T>(items: readonly T[], bytes = MAX_FRAME_BYTES / 3): T[] {
  let left = bytes;
  const fits = (item: T) => {
    left -= Buffer.byteLength(JSON.stringify(item)) + 1;
    return left >= 0;
  };
  const end = items.findIndex((item) => !fits(item));
  return end < 0 ? [...items] : items.slice(0, end);
}
