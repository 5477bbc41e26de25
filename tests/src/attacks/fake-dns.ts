// A DNS in the attacker's hands (fake, since no test may ask a real one): loaded into the attacked nodes before anything
// else, it answers for names below `attacker.example` with addresses inside, and leaves all others alone.
import dns, { type LookupAddress } from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';

const answers: Readonly<Record<string, readonly LookupAddress[]>> = {
  'loopback.attacker.example': [{ address: '127.0.0.1', family: 4 }],
  'metadata.attacker.example': [{ address: '169.254.169.254', family: 4 }],
  'mapped.attacker.example': [{ address: '::ffff:127.0.0.1', family: 6 }],
  // An address that may be asked, and one that may not: whoever checks one and connects to the other is caught.
  'both.attacker.example': [
    { address: '8.8.8.8', family: 4 },
    { address: '127.0.0.1', family: 4 },
  ],
};

type Lookup = (name: string, options: { all?: boolean }, done: (...found: unknown[]) => void) => void;
const real = dns.lookup as unknown as Lookup;
const fake: Lookup = (name, options, done) => {
  const found = Object.hasOwn(answers, name) ? (answers[name] ?? []) : null;
  if (!found) return real(name, options, done);
  const [first] = found;
  process.nextTick(() => (options.all ? done(null, found) : done(null, first?.address, first?.family)));
};
Object.assign(dns, { lookup: fake });
syncBuiltinESMExports();
