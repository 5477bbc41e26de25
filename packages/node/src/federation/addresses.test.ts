// A name that leads elsewhere each time it is looked up (DNS rebinding): every connection is judged by the very answer it
// would use. The DNS is a fake here, since no test may ask a real one.
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { type TestContext, test } from 'node:test';
import { outsideLookup } from './addresses.ts';

type Done = (error: Error | null, found: { address: string; family: number }[]) => void;

/** Answers each look-up with the next of these. */
function dnsAnswers(t: TestContext, answers: readonly string[]) {
  let asked = 0;
  t.mock.method(dns, 'lookup', (_name: string, _options: unknown, done: Done) => {
    const address = answers[asked] ?? '';
    asked += 1;
    done(null, [{ address, family: address.includes(':') ? 6 : 4 }]);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return () => asked;
}

const look = () =>
  new Promise<string>((resolve) => {
    outsideLookup('turning.example', { all: false }, (error, address) => {
      resolve(error ? `refused: ${error.code}` : String(address));
    });
  });

test('a name that changes between one look-up and the next gains nothing', async (t) => {
  const asked = dnsAnswers(t, ['8.8.8.8', '127.0.0.1', '8.8.8.8', '::1', '2001:4860:4860::8888']);
  const seen = [await look(), await look(), await look(), await look(), await look()];
  const refused = 'refused: provider-untrusted';
  assert.deepEqual(seen, ['8.8.8.8', refused, '8.8.8.8', refused, '2001:4860:4860::8888']);
  assert.equal(asked(), seen.length, 'what was judged is what is used: nothing is looked up twice for one connection');
});
