// Where this browser keeps its keys: in IndexedDB as they are, since they cannot be taken out. One is made for each
// sign-in and found again by the nonce that named it; those of sign-ins that came to nothing make room.
import type { DeviceKey } from '@parley/identity';

const DATABASE = 'parley-identity';
const STORE = 'keys';
/** Sign-ins that may be under way in this browser at a time. */
const MAX_KEYS = 8;
/** A database that another tab is changing must not keep a page from starting. */
const PATIENCE_MS = 3000;

interface Entry {
  readonly nonce: string;
  readonly key: DeviceKey;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Keeps a key; the oldest beyond the bound go. Rejects where a browser keeps nothing (a private window, say). */
export async function keepKey(nonce: string, key: DeviceKey): Promise<void> {
  await using((store) => store.put({ nonce, key, at: Date.now() } satisfies Entry));
  const all = (await using((store) => store.getAll())) as Entry[];
  const old = all.sort((a, b) => b.at - a.at).slice(MAX_KEYS);
  await Promise.all(old.map((entry) => using((store) => store.delete(entry.nonce))));
}

/** The key that this nonce names; null if it is not here. */
export async function keyFor(nonce: string): Promise<DeviceKey | null> {
  const entry = (await using((store) => store.get(nonce))) as Entry | undefined;
  return entry?.key ?? null;
}

/** Forgets every key: the person has signed out. */
export async function forgetKeys(): Promise<void> {
  await using((store) => store.clear());
}

function using<T>(act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the database of this browser does not answer')), PATIENCE_MS);
    const fail = (error: DOMException | null) => {
      clearTimeout(timer);
      reject(error ?? new Error('the database of this browser cannot be used'));
    };
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: 'nonce' });
    opening.onerror = () => fail(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction(STORE, 'readwrite');
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => {
        clearTimeout(timer);
        database.close();
        resolve(request.result);
      };
      transaction.onabort = () => {
        database.close();
        fail(transaction.error);
      };
    };
  });
}
