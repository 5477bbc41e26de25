// What our online people see of their contacts at other providers. Every wish (one of ours, one contact) is asked for over
// the link, again whenever the link comes back, and in growing intervals while the other provider does not answer.
import { type Address, asParleyError, type Domain, domainOf, type LinkParams, type Presence } from '@parley/protocol';
import type { Logger } from 'pino';

interface Wish {
  readonly owner: Address;
  readonly address: Address;
  presence: Presence;
}

interface Site {
  /** Theirs -> ours -> wish. */
  readonly people: Map<Address, Map<Address, Wish>>;
  /** Those still to be asked for over the present link. */
  readonly wanted: Set<Wish>;
  /** Counts links: an answer that came by an earlier one says nothing any more. */
  link: number;
  asking: boolean;
  delay: number;
  retry: NodeJS.Timeout | null;
}

export interface Watching {
  want(owner: Address, address: Address): void;
  unwant(owner: Address, address: Address): void;
  /** The person has gone offline. */
  unwantAll(owner: Address): void;
  presenceOf(owner: Address, address: Address): Presence;
  /** The other provider tells; `for` names whom it is meant for, without it everybody who watches. */
  changed(params: LinkParams<'presence.changed'>): void;
  up(domain: Domain): void;
  down(domain: Domain): void;
  close(): void;
}

export interface WatchingOptions {
  ask(domain: Domain, params: LinkParams<'presence.watch'>): Promise<{ presence: Presence }>;
  /** Tells the owner's devices. */
  show(owner: Address, address: Address, presence: Presence): void;
  /** First and longest interval between attempts, in milliseconds. */
  readonly retryMs: { readonly first: number; readonly longest: number };
  readonly log: Logger;
}

/** Watches asked for at a time, well below what a link carries, so that calls are never kept waiting by presence. */
const AT_A_TIME = 8;

export function createWatching(options: WatchingOptions): Watching {
  const { ask, show, retryMs, log } = options;
  const sites = new Map<Domain, Site>();
  let closed = false;

  const wishes = (site: Site): Wish[] => [...site.people.values()].flatMap((owners) => [...owners.values()]);
  const find = (owner: Address, address: Address): Wish | undefined =>
    sites.get(domainOf(address))?.people.get(address)?.get(owner);

  const set = (wish: Wish, presence: Presence) => {
    if (wish.presence === presence) return;
    wish.presence = presence;
    show(wish.owner, wish.address, presence);
  };

  /** Asks for one; throws if there is no point in asking for others now. */
  const askFor = async (domain: Domain, site: Site, wish: Wish): Promise<void> => {
    const { link } = site;
    try {
      const { presence } = await ask(domain, { address: wish.address, by: wish.owner });
      if (site.link !== link || find(wish.owner, wish.address) !== wish) return;
      site.wanted.delete(wish);
      site.delay = retryMs.first;
      set(wish, presence);
    } catch (thrown) {
      const error = asParleyError(thrown);
      if (error.retry || error.code.startsWith('provider-')) throw error;
      // Asking again would not change this answer; with the next link it may be another.
      site.wanted.delete(wish);
    }
  };

  const askAll = async (domain: Domain, site: Site): Promise<void> => {
    if (site.asking || closed) return;
    site.asking = true;
    if (site.retry) clearTimeout(site.retry);
    site.retry = null;
    try {
      for (;;) {
        const next = firstOf(site.wanted, AT_A_TIME);
        if (next.length === 0 || closed) break;
        const { link } = site;
        const asked = await Promise.allSettled(next.map((wish) => askFor(domain, site, wish)));
        const failed = asked.find((result) => result.status === 'rejected');
        // If the link came or went meanwhile, what failed may succeed now.
        if (failed && site.link === link) throw failed.reason;
      }
    } catch (err) {
      log.debug({ err, domain }, 'presence cannot be watched now');
      site.retry = setTimeout(() => void askAll(domain, site), site.delay);
      site.retry.unref();
      site.delay = Math.min(retryMs.longest, 2 * site.delay);
    } finally {
      site.asking = false;
    }
  };

  const remove = (owner: Address, address: Address) => {
    const domain = domainOf(address);
    const site = sites.get(domain);
    const owners = site?.people.get(address);
    const wish = owners?.get(owner);
    if (!site || !owners || !wish) return;
    owners.delete(owner);
    site.wanted.delete(wish);
    if (owners.size === 0) site.people.delete(address);
    if (site.people.size > 0) return;
    if (site.retry) clearTimeout(site.retry);
    sites.delete(domain);
  };

  const reset = (site: Site) => {
    site.link += 1;
    for (const wish of wishes(site)) site.wanted.add(wish);
  };

  return {
    want(owner, address) {
      const domain = domainOf(address);
      const site = sites.get(domain) ?? {
        people: new Map(),
        wanted: new Set(),
        link: 0,
        asking: false,
        delay: retryMs.first,
        retry: null,
      };
      sites.set(domain, site);
      const owners = site.people.get(address) ?? new Map<Address, Wish>();
      site.people.set(address, owners);
      if (!owners.has(owner)) {
        const wish: Wish = { owner, address, presence: 'offline' };
        owners.set(owner, wish);
        site.wanted.add(wish);
      }
      // While the provider does not answer, the next attempt is set already.
      if (!site.retry) void askAll(domain, site);
    },
    unwant: remove,
    unwantAll(owner) {
      for (const site of [...sites.values()]) {
        for (const [address, owners] of [...site.people]) if (owners.has(owner)) remove(owner, address);
      }
    },
    presenceOf: (owner, address) => find(owner, address)?.presence ?? 'offline',
    changed({ address, presence, for: named }) {
      const owners = sites.get(domainOf(address))?.people.get(address);
      if (!owners) return;
      for (const owner of named ?? owners.keys()) {
        const wish = owners.get(owner);
        if (wish) set(wish, presence);
      }
    },
    up(domain) {
      const site = sites.get(domain);
      if (!site) return;
      site.delay = retryMs.first;
      void askAll(domain, site);
    },
    down(domain) {
      const site = sites.get(domain);
      if (!site) return;
      reset(site);
      for (const wish of wishes(site)) set(wish, 'offline');
      if (site.retry || site.asking) return;
      site.retry = setTimeout(() => void askAll(domain, site), site.delay);
      site.retry.unref();
    },
    close() {
      closed = true;
      for (const site of sites.values()) if (site.retry) clearTimeout(site.retry);
      sites.clear();
    },
  };
}

function firstOf<T>(items: Iterable<T>, most: number): T[] {
  const first: T[] = [];
  for (const item of items) {
    if (first.length === most) break;
    first.push(item);
  }
  return first;
}
