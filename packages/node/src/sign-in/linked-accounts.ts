// Accounts elsewhere with which a person may sign in (R2): those that the configuration lists, and those that they have
// linked themselves. Others then see "verified by accounts.example as b@mail.example".
import { accountName, claimsIn } from '@parley/identity';
import { type Address, ParleyError, type Person } from '@parley/protocol';
import type { Config } from '../config/index.ts';
import type { Storage } from '../storage/index.ts';
import type { Identity } from './issuers.ts';
import { hashToken } from './secrets.ts';

/** Accounts one person may link. */
const MAX_LINKED = 8;

/** As its owner sees it. */
export interface LinkedAccount {
  readonly id: string;
  /** The issuer, as people call it. */
  readonly issuer: string;
  readonly account: string;
  /** Milliseconds since 1970; null where the configuration lists it, and only the administrator can take it away. */
  readonly linkedAt: number | null;
}

export interface LinkedAccounts {
  listOf(person: Person): Promise<LinkedAccount[]>;
  /** Links the account that has just been signed in with. Errors: `not-a-member`, `account-taken`, `not-allowed`. */
  add(person: Person, identity: Identity): Promise<void>;
  /** Unlinks one of a person's own; null if there is none of that id, else the account. */
  remove(person: Person, id: string): Promise<{ readonly issuerId: string; readonly subject: string } | null>;
}

/** @param now milliseconds since 1970. */
export function createLinkedAccounts(config: Config, storage: Storage, now: () => number): LinkedAccounts {
  const { domain } = config.provider;
  const issuers = new Map(config.signIn.issuers.map((issuer) => [issuer.id, issuer] as const));
  const idOf = (issuerId: string, subject: string) => hashToken(JSON.stringify([issuerId, subject]));

  const linkedBy = (address: Address) =>
    storage
      .selectFrom('identities')
      .selectAll()
      .where('address', '=', address)
      .where('linked_at', 'is not', null)
      .orderBy('linked_at')
      .execute();

  /** Of accounts elsewhere, whom the configuration names as their owner. */
  const listed = config.directory.people.flatMap(({ address, identities }) =>
    identities
      .filter(({ issuer }) => issuers.get(issuer)?.member === undefined)
      .map((one) => ({ ...one, address: `${address}@${domain}` })),
  );

  return {
    async listOf({ address }) {
      const fixed = listed
        .filter((one) => one.address === address)
        .map(({ issuer, subject }) => ({ issuerId: issuer, subject, account: subject, linkedAt: null }));
      const own = (await linkedBy(address)).map(({ issuer_id: issuerId, subject, account, linked_at: linkedAt }) => {
        return { issuerId, subject, account: account ?? subject, linkedAt };
      });
      return [...fixed, ...own].map(({ issuerId, subject, account, linkedAt }) => {
        return { id: idOf(issuerId, subject), issuer: issuers.get(issuerId)?.name ?? issuerId, account, linkedAt };
      });
    },

    async add({ address }, { issuer, subject, email, meets, idToken }) {
      if (!issuer.selfLink) throw new ParleyError('not-allowed', `no accounts of ${issuer.id} may be linked`);
      if (!meets) throw new ParleyError('not-a-member', `an account that ${issuer.id} has not said enough of`);
      const taken = listed.some(
        (one) => one.issuer === issuer.id && (one.subject === subject || one.subject.toLowerCase() === email),
      );
      if (taken) throw new ParleyError('account-taken', 'the configuration lists it');
      await storage.transaction().execute(async (tx) => {
        const known = await tx
          .selectFrom('identities')
          .select(['address', 'linked_at'])
          .where('issuer_id', '=', issuer.id)
          .where('subject', '=', subject)
          .executeTakeFirst();
        // Whom the configuration once named for it has no claim to it any more.
        if (known?.linked_at != null && known.address !== address) throw new ParleyError('account-taken');
        const { count } = await tx
          .selectFrom('identities')
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .where('address', '=', address)
          .where('linked_at', 'is not', null)
          .executeTakeFirstOrThrow();
        if (count >= MAX_LINKED) throw new ParleyError('not-allowed', 'too many accounts are linked');
        const link = { address, account: email ?? accountName(claimsIn(idToken)), linked_at: now() };
        await tx
          .insertInto('identities')
          .values({ issuer_id: issuer.id, subject, ...link, used_at: null })
          .onConflict((conflict) => conflict.columns(['issuer_id', 'subject']).doUpdateSet(link))
          .execute();
      });
    },

    async remove({ address }, id) {
      const found = (await linkedBy(address)).find(({ issuer_id, subject }) => idOf(issuer_id, subject) === id);
      if (!found) return null;
      const { issuer_id: issuerId, subject } = found;
      const gone = storage.deleteFrom('identities').where('issuer_id', '=', issuerId).where('subject', '=', subject);
      await gone.where('address', '=', address).execute();
      return { issuerId, subject };
    },
  };
}
