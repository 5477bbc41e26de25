// Who at other providers watches the presence of our people, and what each of them may see: the presence of those who
// have the watcher in their list (by choice, or from a conversation together), `offline` of everybody else (R15).
import { type Address, type Domain, type LinkParams, ParleyError, type Presence } from '@parley/protocol';
import type { Logger } from 'pino';

/** Most watches (one person watching one of ours) held for one provider. */
export const MAX_WATCHES_PER_DOMAIN = 10_000;
/** Most watchers named in one message. */
const MAX_NAMED = 500;

interface Watch {
  allowed: boolean;
  /** Said while the database was being asked, which then has nothing to add. */
  decided: boolean;
  /** What the other side was told last; null when that is not known. */
  told: Presence | null;
}

interface Site {
  /** Ours -> theirs. */
  readonly people: Map<Address, Map<Address, Watch>>;
  size: number;
  /** Ours whose watchers may have to be told something. */
  readonly stale: Set<Address>;
  telling: boolean;
}

export interface Watched {
  /** Begins a watch and answers with what the watcher may see now. Throws `too-many-requests`. */
  watch(domain: Domain, address: Address, by: Address): Promise<Presence>;
  /** Presence of one of ours has changed. */
  changed(address: Address): void;
  /** One of ours has put somebody into their list or taken them out. */
  related(owner: Address, other: Address, allowed: boolean): void;
  /** Whoever may not see somebody any more sees them as offline from now on, until they ask again. */
  revoke(permitted: (address: Address, by: Address) => boolean): void;
  /** The link is down; the other side asks again when it is up. */
  forget(domain: Domain): void;
}

export interface WatchedOptions {
  presenceOf(address: Address): Presence;
  hasContact(owner: Address, other: Address): Promise<boolean>;
  send(domain: Domain, params: LinkParams<'presence.changed'>): Promise<unknown>;
  readonly log: Logger;
}

export function createWatched(options: WatchedOptions): Watched {
  const { presenceOf, hasContact, send, log } = options;
  const sites = new Map<Domain, Site>();

  const visible = (address: Address, watch: Watch): Presence => (watch.allowed ? presenceOf(address) : 'offline');

  const tellWatchers = async (domain: Domain, site: Site, address: Address): Promise<void> => {
    const groups = new Map<Presence, Address[]>();
    for (const [watcher, watch] of site.people.get(address) ?? []) {
      const presence = visible(address, watch);
      if (presence === watch.told) continue;
      watch.told = presence;
      groups.set(presence, [...(groups.get(presence) ?? []), watcher]);
    }
    for (const [presence, watchers] of groups) {
      for (let i = 0; i < watchers.length; i += MAX_NAMED) {
        const named = watchers.slice(i, i + MAX_NAMED);
        try {
          await send(domain, { address, presence, for: named });
        } catch (err) {
          // Told anew with the next change, or asked for anew when the link is up again.
          for (const watcher of named) unknowTold(site, address, watcher);
          log.debug({ err, domain }, 'presence could not be told');
        }
      }
    }
  };

  /** One message at a time for each provider; of several changes meanwhile only the last is told. */
  const tell = async (domain: Domain, site: Site): Promise<void> => {
    if (site.telling) return;
    site.telling = true;
    for (const address of site.stale) {
      if (sites.get(domain) !== site) break;
      site.stale.delete(address);
      await tellWatchers(domain, site, address);
    }
    site.telling = false;
  };

  const markStale = (domain: Domain, site: Site, address: Address) => {
    if (!site.people.has(address)) return;
    site.stale.add(address);
    void tell(domain, site);
  };

  return {
    async watch(domain, address, by) {
      const site = sites.get(domain) ?? { people: new Map(), size: 0, stale: new Set(), telling: false };
      sites.set(domain, site);
      const watchers = site.people.get(address) ?? new Map<Address, Watch>();
      if (!watchers.has(by)) {
        if (site.size >= MAX_WATCHES_PER_DOMAIN) throw new ParleyError('too-many-requests', 'too many watches');
        site.size += 1;
        watchers.set(by, { allowed: false, decided: false, told: 'offline' });
      }
      site.people.set(address, watchers);
      const watch = watchers.get(by) as Watch;
      if (!watch.decided) {
        const allowed = await hasContact(address, by);
        if (!watch.decided) watch.allowed = allowed;
        watch.decided = true;
      }
      watch.told = visible(address, watch);
      return watch.told;
    },
    changed(address) {
      for (const [domain, site] of sites) markStale(domain, site, address);
    },
    related(owner, other, allowed) {
      for (const [domain, site] of sites) {
        const watch = site.people.get(owner)?.get(other);
        if (!watch) continue;
        watch.allowed = allowed;
        watch.decided = true;
        markStale(domain, site, owner);
      }
    },
    revoke(permitted) {
      for (const [domain, site] of sites) {
        for (const [address, watchers] of site.people) {
          for (const [by, watch] of watchers) {
            if (permitted(address, by)) continue;
            watch.allowed = false;
            watch.decided = false;
          }
          markStale(domain, site, address);
        }
      }
    },
    forget: (domain) => void sites.delete(domain),
  };
}

function unknowTold(site: Site, address: Address, watcher: Address): void {
  const watch = site.people.get(address)?.get(watcher);
  if (watch) watch.told = null;
}
