// What an identity provider of the demo remembers: sign-in sessions, codes, grants. In memory, bounded, gone at the end.
import type { Adapter, AdapterPayload } from 'oidc-provider';

/** More than a demo ever needs at once; the oldest entries make room. */
const MAX_ENTRIES = 2000;

interface Entry {
  readonly payload: AdapterPayload;
  readonly expiresAt: number;
}

/** One store for all kinds of records of one provider, to be given to oidc-provider as its adapter. */
export function createStore(now: () => number = Date.now): (kind: string) => Adapter {
  const entries = new Map<string, Entry>();
  const live = (key: string): AdapterPayload | undefined => {
    const entry = entries.get(key);
    if (!entry) return undefined;
    if (entry.expiresAt > now()) return entry.payload;
    entries.delete(key);
    return undefined;
  };
  const search = (kind: string, matches: (payload: AdapterPayload) => boolean): AdapterPayload | undefined => {
    for (const key of entries.keys()) {
      const payload = key.startsWith(`${kind}:`) ? live(key) : undefined;
      if (payload && matches(payload)) return payload;
    }
    return undefined;
  };
  return (kind) => ({
    async upsert(id, payload, expiresIn) {
      const key = `${kind}:${id}`;
      entries.delete(key);
      entries.set(key, {
        payload,
        expiresAt: expiresIn === undefined ? Number.POSITIVE_INFINITY : now() + expiresIn * 1000,
      });
      for (const oldest of entries.keys()) {
        if (entries.size <= MAX_ENTRIES) break;
        entries.delete(oldest);
      }
    },
    find: async (id) => live(`${kind}:${id}`),
    findByUid: async (uid) => search(kind, (payload) => payload.uid === uid),
    findByUserCode: async (userCode) => search(kind, (payload) => payload.userCode === userCode),
    async consume(id) {
      const payload = live(`${kind}:${id}`);
      if (payload) payload.consumed = Math.floor(now() / 1000);
    },
    async destroy(id) {
      entries.delete(`${kind}:${id}`);
    },
    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of entries) if (payload.grantId === grantId) entries.delete(key);
    },
  });
}
