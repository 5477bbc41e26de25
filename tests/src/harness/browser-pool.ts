// Browsers that several test files use one after the other, each for one person: to start one costs a second and a half of
// processor time, and a hundred would be started. `npm test` runs browser-pool-server.ts and names it in the environment of
// the tests; each test has contexts of its own, in which nobody else's are seen.

/** The variable that says where the pool is asked: `GET /3` is answered with the address of the third person's browser. */
export const POOL = 'PARLEY_TEST_BROWSERS';

/** Asks a running pool for the browser of a person. */
export async function pooledBrowser(pool: string, number: number): Promise<string> {
  const response = await fetch(`${pool}/${number}`);
  if (!response.ok) throw new Error(`the pool has no browser ${number}: ${await response.text()}`);
  return response.text();
}
