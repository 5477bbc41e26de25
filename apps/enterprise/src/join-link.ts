// What this tab remembers while it comes into a call by a link: the link's secret, which is taken out of the address so that it
// stands in no history, and into which call to come back from signing in.

const names = { link: 'parley-link', return: 'parley-return' } as const;

export function keep(what: keyof typeof names, value: string | null): void {
  if (value === null) sessionStorage.removeItem(names[what]);
  else sessionStorage.setItem(names[what], value);
}

export function kept(what: keyof typeof names): string | null {
  return sessionStorage.getItem(names[what]);
}

/** The secret of the link by which this page was opened, or of the one before it was reloaded; null elsewhere. */
export function joinLink(): string | null {
  if (location.pathname !== '/join') return null;
  const secret = location.hash.slice(1);
  if (secret) {
    keep('link', secret);
    history.replaceState(null, '', '/join');
  }
  return kept('link');
}
