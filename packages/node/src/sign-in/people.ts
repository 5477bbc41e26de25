// Which person somebody is who has signed in at an issuer (R2): those listed in the configuration, and everybody whom
// the company's own issuer knows.
import { type Address, domainOf, isGuestAddress, ParleyError, type Person, parseAddress } from '@parley/protocol';
import type { Config } from '../config/index.ts';
import type { Storage } from '../storage/index.ts';
import type { Identity } from './issuers.ts';

/** How long a linked account lets somebody in after they last signed in with one that the company itself gave them. */
const LINK_LASTS_MS = 30 * 24 * 3_600_000;

export interface People {
  /** Writes those listed in the configuration into the database, so that they can be found before they ever sign in. */
  seed(): Promise<void>;
  /** The person; created when new. Throws `not-a-member`. */
  personOf(identity: Identity): Promise<Person>;
}

interface Listed {
  readonly address: Address;
  readonly name: string;
}

/** Whom the configuration names for this identity: by subject, which is the issuer's word, or by verified e-mail. */
function listedBy(config: Config, identity: Identity): { person: Listed; by: 'subject' | 'email' } | null {
  const { subject, email, issuer } = identity;
  for (const by of ['subject', 'email'] as const) {
    const wanted = by === 'subject' ? subject : email;
    for (const { address, name, identities } of config.directory.people) {
      const fits = identities.some(
        (one) => one.issuer === issuer.id && (by === 'subject' ? one.subject : one.subject.toLowerCase()) === wanted,
      );
      const full = fits ? parseAddress(`${address}@${config.provider.domain}`) : null;
      if (full) return { person: { address: full, name }, by };
    }
  }
  return null;
}

export function createPeople(config: Config, storage: Storage, now: () => number): People {
  const { domain, name: company } = config.provider;
  const names = new Map(
    config.directory.people.map(({ address, name }) => [parseAddress(`${address}@${domain}`), name] as const),
  );

  async function save({ address, name }: Listed, db: Pick<Storage, 'insertInto'> = storage): Promise<void> {
    await db
      .insertInto('people')
      .values({ address, name, created_at: now() })
      .onConflict((conflict) => conflict.column('address').doUpdateSet({ name }))
      .execute();
  }

  /** The address a member of the company has by the configured claim. */
  function memberAddress(identity: Identity): Address | null {
    const member = identity.member?.toLowerCase();
    if (member === undefined || isGuestAddress(member)) return null;
    if (identity.issuer.memberHolds === 'address') {
      const address = parseAddress(member);
      return address && domainOf(address) === domain ? address : null;
    }
    // A claim with an "@" of its own would choose the domain.
    return member.includes('@') ? null : parseAddress(`${member}@${domain}`);
  }

  /** Whoever leaves the company keeps the accounts they linked: those are good only while its own sign-in knows them. */
  async function mayStillUse(
    db: Pick<Storage, 'selectFrom'>,
    { issuer }: Identity,
    address: Address,
  ): Promise<boolean> {
    if (!issuer.selfLink) return false;
    const own = await db
      .selectFrom('identities')
      .select('used_at')
      .where('address', '=', address)
      .where('linked_at', 'is', null)
      .where('used_at', '>', now() - LINK_LASTS_MS)
      .executeTakeFirst();
    return own !== undefined;
  }

  return {
    async seed() {
      await storage.transaction().execute(async (tx) => {
        for (const [address, name] of names) if (address) await save({ address, name }, tx);
      });
    },
    async personOf(identity) {
      const { issuer, subject } = identity;
      if (!identity.meets) throw new ParleyError('not-a-member', `an account that ${issuer.id} has not said enough of`);
      return await storage.transaction().execute(async (tx) => {
        const known = await tx
          .selectFrom('identities')
          .select(['address', 'linked_at'])
          .where('issuer_id', '=', issuer.id)
          .where('subject', '=', subject)
          .executeTakeFirst();
        const listed = listedBy(config, identity);
        const linked =
          known?.linked_at != null && (await mayStillUse(tx, identity, known.address)) ? known.address : null;
        // Only the subject stays with an account for good: a name or an e-mail address may pass to somebody else (OpenID
        // Connect Core 1.0 section 5.7). So an account of our own issuer keeps the address it first came with ...
        const own = issuer.member === undefined ? null : (known?.address ?? memberAddress(identity));
        const address = listed?.person.address ?? own ?? linked;
        if (!address) throw new ParleyError('not-a-member', `no person for this account at ${issuer.id}`);
        // ... and another account cannot take it over, unless the configuration names that one by its subject.
        const other = await tx
          .selectFrom('identities')
          .select('subject')
          .where('issuer_id', '=', issuer.id)
          .where('address', '=', address)
          .where('subject', '!=', subject)
          .where('linked_at', 'is', null)
          .executeTakeFirst();
        if (other && listed?.by !== 'subject' && address !== linked) {
          throw new ParleyError('not-a-member', `${address} belongs to another account at ${issuer.id}`);
        }
        const name = names.get(address) ?? identity.name ?? address.slice(0, address.indexOf('@'));
        await save({ address, name }, tx);
        if (other && address !== linked) {
          const replaced = tx
            .deleteFrom('identities')
            .where('issuer_id', '=', issuer.id)
            .where('address', '=', address)
            // What its owner has linked stays theirs.
            .where('linked_at', 'is', null);
          await replaced.execute();
        }
        await tx
          .insertInto('identities')
          .values({ issuer_id: issuer.id, subject, address, account: null, linked_at: null, used_at: now() })
          .onConflict((conflict) => conflict.columns(['issuer_id', 'subject']).doUpdateSet({ address, used_at: now() }))
          .execute();
        return { address, name, company };
      });
    },
  };
}
