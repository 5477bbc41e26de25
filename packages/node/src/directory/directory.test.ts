// Two companies with real databases, device hubs and sockets; only the link between them is a fake.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { type TestContext, test } from 'node:test';
import {
  type Address,
  type Contact,
  type Domain,
  domainOf,
  type LinkMethod,
  linkMethods,
  ParleyError,
  type Presence,
  parseWith,
} from '@parley/protocol';
import type { Federation, FederationEvents } from '../federation/api.ts';
import { testPolicy } from '../policy/testing.ts';
import { personOf, startTestNode, type TestDevice, testLog } from '../signalling/test-device.ts';
import { openStorage } from '../storage/index.ts';
import { createDirectory } from './index.ts';

const one = 'enterprise1.example' as Domain;
const two = 'enterprise2.example' as Domain;
const at = (name: string, domain = one) => `${name}@${domain}` as Address;

type LinkHandler = (from: Domain, params: never) => unknown;

/** The link between two providers: carries what the schemas allow, in order, while it is up. */
class FakeLink {
  up = true;
  readonly requests: { from: Domain; method: string; params: unknown }[] = [];
  readonly ends = new Map<Domain, { handlers: Map<string, LinkHandler>; events: EventEmitter<FederationEvents> }>();

  end(domain: Domain): Federation {
    const events = new EventEmitter<FederationEvents>();
    const handlers = new Map<string, LinkHandler>();
    this.ends.set(domain, { handlers, events });
    return Object.assign(events, {
      request: async (to: Domain, method: LinkMethod, params: unknown) => {
        await Promise.resolve();
        const handler = this.ends.get(to)?.handlers.get(method);
        if (!this.ends.has(to)) throw new ParleyError('provider-unknown');
        if (!this.up || !handler) throw new ParleyError('provider-unreachable');
        const sent = parseWith<unknown>(linkMethods[method].params, JSON.parse(JSON.stringify(params)));
        this.requests.push({ from: domain, method, params: sent });
        return parseWith<unknown>(linkMethods[method].result, await handler(domain, sent as never));
      },
      handle: (method: string, handler: unknown) => void handlers.set(method, handler as LinkHandler),
      wellKnown: () => Promise.reject(new ParleyError('provider-unknown')),
      close: async () => {},
    }) as unknown as Federation;
  }

  set(up: boolean): void {
    this.up = up;
    const domains = [...this.ends.keys()];
    for (const [domain, { events }] of this.ends) {
      for (const other of domains) if (other !== domain) events.emit(up ? 'up' : 'down', { domain: other });
    }
  }
}

async function company(t: TestContext, link: FakeLink, domain: Domain, name: string, people: Record<string, string>) {
  const storage = await openStorage({ file: ':memory:' });
  for (const [local, fullName] of Object.entries(people)) {
    await storage
      .insertInto('people')
      .values({ address: at(local, domain), name: fullName, created_at: 0 })
      .execute();
  }
  const provider = { domain, name };
  const node = await startTestNode({ provider, sessions: { resumeSeconds: 10, heartbeatSeconds: 5 } });
  const federation = link.end(domain);
  const policy = testPolicy();
  const retryMs = { first: 5, longest: 20 };
  const directory = createDirectory({
    storage,
    provider,
    devices: node.devices,
    federation,
    policy,
    log: testLog,
    retryMs,
  });
  let sessions = 0;
  t.after(async () => {
    directory.close();
    await node.close();
    await storage.destroy();
  });
  return {
    policy,
    directory,
    federation,
    devices: node.devices,
    async signIn(local: string): Promise<TestDevice> {
      const id = `${domain} ${++sessions}`;
      const device = await node.connect({
        id,
        person: personOf(local, domain, name),
        expiresAt: Number.MAX_SAFE_INTEGER,
      });
      await device.hello();
      return device;
    },
  };
}

async function world(t: TestContext) {
  const link = new FakeLink();
  const first = await company(t, link, one, 'Enterprise 1', {
    alice: 'Alice Archer',
    bob: 'Bob Böhm',
    carol: 'Carol Clark',
  });
  const second = await company(t, link, two, 'Enterprise 2', { dave: 'Dave Dunn', erin: 'Erin Ek' });
  return { link, first, second };
}

/** What a device has been told of somebody's presence, oldest first. */
function told(device: TestDevice, address: Address): Presence[] {
  return device.notifications
    .map((n) => n.params as { address: Address; presence: Presence })
    .filter((p) => p.address === address)
    .map((p) => p.presence);
}

/** Waits until the last thing the device was told of somebody is this. */
async function sees(device: TestDevice, address: Address, presence: Presence): Promise<void> {
  while (told(device, address).at(-1) !== presence) await device.notified(device.notifications.length + 1);
}

async function contactsOf(device: TestDevice) {
  const { companies } = await device.request('directory.contacts', {});
  const line = ({ person, presence }: Contact) => `${person.name} ${presence}`;
  return companies.map(({ provider, contacts }) => [provider.name, ...contacts.map(line)]);
}

function failsWith(code: string) {
  return (thrown: unknown) => {
    assert.equal((thrown as ParleyError).code, code);
    return true;
  };
}

test('R48: rules hide people from whom they mean, and take back what was seen', async (t) => {
  const { first, second } = await world(t);
  const [alice, dave] = [await first.signIn('alice'), await second.signIn('dave')];
  await alice.request('directory.addContact', { address: at('dave', two) });
  await dave.request('directory.addContact', { address: at('alice') });
  await sees(dave, at('alice'), 'available');
  first.policy.set({ rules: [{ name: 'no-dave', from: [at('dave', two)], decision: 'deny' }] });
  await sees(dave, at('alice'), 'offline');
  for (const address of [at('bob'), at('nobody')]) {
    // The same answer, whether or not there is anybody.
    await assert.rejects(dave.request('directory.search', { text: address }), failsWith('not-allowed'));
  }
  second.policy.set({ rules: [{ name: 'no-calls-out', to: ['*@enterprise1.example'], decision: 'deny' }] });
  await assert.rejects(dave.request('directory.search', { text: at('carol') }), failsWith('not-permitted'));
  first.policy.set({
    rules: [{ name: 'not-bob', from: [at('alice')], to: [at('bob')], actions: ['find'], decision: 'deny' }],
  });
  assert.deepEqual((await alice.request('directory.search', { text: 'bo' })).contacts, []);
  assert.deepEqual((await contactsOf(alice))[0], ['Enterprise 1', 'Carol Clark offline']);
});

test('R11: contacts are the own company first, without oneself, then others by company', async (t) => {
  const { first } = await world(t);
  const alice = await first.signIn('alice');
  assert.deepEqual(await contactsOf(alice), [['Enterprise 1', 'Bob Böhm offline', 'Carol Clark offline']]);
  await alice.request('directory.addContact', { address: at('erin', two) });
  await alice.request('directory.addContact', { address: at('dave', two) });
  await first.signIn('bob');
  assert.deepEqual(await contactsOf(alice), [
    ['Enterprise 1', 'Bob Böhm available', 'Carol Clark offline'],
    ['Enterprise 2', 'Dave Dunn offline', 'Erin Ek offline'],
  ]);
  await alice.request('directory.removeContact', { address: at('erin', two) });
  assert.deepEqual((await contactsOf(alice))[1], ['Enterprise 2', 'Dave Dunn offline']);
});

test('colleagues see each other come, choose, call and go', async (t) => {
  const { first } = await world(t);
  const alice = await first.signIn('alice');
  const bob = await first.signIn('bob');
  const phone = await first.signIn('bob');
  await sees(alice, at('bob'), 'available');
  await bob.request('presence.set', { presence: 'away' });
  await sees(alice, at('bob'), 'away');
  await sees(phone, at('bob'), 'away');
  first.directory.setInCall(at('bob'), true);
  first.directory.setInCall(at('bob'), true);
  await sees(alice, at('bob'), 'in-a-call');
  await bob.request('presence.set', { presence: 'do-not-disturb' });
  await sees(alice, at('bob'), 'do-not-disturb');
  await bob.request('presence.set', { presence: 'busy' });
  first.directory.setInCall(at('bob'), false);
  await sees(alice, at('bob'), 'busy');
  await bob.request('session.bye', {});
  assert.equal(first.directory.presenceOf(at('bob')), 'busy', 'another device is still there');
  await phone.request('session.bye', {});
  await sees(alice, at('bob'), 'offline');
  await first.signIn('bob');
  await sees(alice, at('bob'), 'busy');
  assert.deepEqual(told(alice, at('bob')), [
    'available',
    'away',
    'in-a-call',
    'do-not-disturb',
    'in-a-call',
    'busy',
    'offline',
    'busy',
  ]);
});

test('R12: search finds by part of a name or address, and looks a whole address up where it lives', async (t) => {
  const { first, link } = await world(t);
  const alice = await first.signIn('alice');
  const search = async (text: string) =>
    (await alice.request('directory.search', { text })).contacts.map((c) => c.person.name);
  assert.deepEqual(await search('BO'), ['Bob Böhm']);
  assert.deepEqual(await search('bohm'), ['Bob Böhm']);
  assert.deepEqual(await search('carol@'), ['Carol Clark']);
  assert.deepEqual(await search('bob@enter'), ['Bob Böhm']);
  assert.deepEqual(await search('%'), []);
  assert.deepEqual(await search('alice'), [], 'nobody looks for themselves');
  assert.deepEqual(await search('nobody'), []);
  assert.equal(link.requests.length, 0);
  assert.deepEqual(await search(' Dave@Enterprise2.example '), ['Dave Dunn']);
  assert.deepEqual(link.requests[0]?.params, { address: at('dave', two), by: at('alice') });
  await assert.rejects(search('nobody@enterprise1.example'), failsWith('unknown-address'));
  await assert.rejects(search('nobody@enterprise2.example'), failsWith('unknown-address'));
  await assert.rejects(search('x@enterprise3.example'), failsWith('provider-unknown'));
  link.set(false);
  await assert.rejects(search('erin@enterprise2.example'), failsWith('provider-unreachable'));
});

test('across companies, presence goes to those whom the person has in the list, and to nobody else', async (t) => {
  const { first, second } = await world(t);
  const alice = await first.signIn('alice');
  const bob = await first.signIn('bob');
  await alice.request('directory.addContact', { address: at('dave', two) });
  await bob.request('directory.addContact', { address: at('dave', two) });
  const dave = await second.signIn('dave');
  await dave.request('directory.addContact', { address: at('alice') });
  await sees(alice, at('dave', two), 'available');
  await sees(dave, at('alice'), 'available');
  await dave.request('presence.set', { presence: 'away' });
  await sees(alice, at('dave', two), 'away');
  assert.deepEqual((await contactsOf(alice))[1], ['Enterprise 2', 'Dave Dunn away']);
  assert.deepEqual((await contactsOf(bob))[1], ['Enterprise 2', 'Dave Dunn offline']);

  // A conversation together: now Bob may see it too.
  await second.directory.remember(at('dave', two), personOf('bob'));
  await sees(bob, at('dave', two), 'away');
  // Taken out of the list: Alice may not any more.
  await dave.request('directory.removeContact', { address: at('alice') });
  await sees(alice, at('dave', two), 'offline');
  await dave.request('presence.set', { presence: 'busy' });
  await sees(bob, at('dave', two), 'busy');
  assert.deepEqual(told(alice, at('dave', two)), ['available', 'away', 'offline']);
  const asked = { address: at('dave', two), by: at('alice') };
  const { contact } = await first.federation.request(two, 'directory.lookup', asked);
  assert.equal(contact.presence, 'offline');
});

test('when the link goes down contacts are shown offline; when it is back they are watched again', async (t) => {
  const { first, second, link } = await world(t);
  const alice = await first.signIn('alice');
  await second.directory.remember(at('dave', two), personOf('alice'));
  await first.directory.remember(at('alice'), personOf('dave', two, 'Enterprise 2'));
  const dave = await second.signIn('dave');
  await sees(alice, at('dave', two), 'available');
  link.set(false);
  await sees(alice, at('dave', two), 'offline');
  await dave.request('presence.set', { presence: 'away' });
  link.set(true);
  await sees(alice, at('dave', two), 'away');
  assert.deepEqual(told(alice, at('dave', two)), ['available', 'offline', 'away']);
});

test('a provider that does not answer at sign-in is asked again until it does', async (t) => {
  const { first, second, link } = await world(t);
  await first.directory.remember(at('alice'), personOf('dave', two, 'Enterprise 2'));
  await second.directory.remember(at('dave', two), personOf('alice'));
  await second.signIn('dave');
  link.up = false;
  const alice = await first.signIn('alice');
  assert.deepEqual((await contactsOf(alice))[1], ['Enterprise 2', 'Dave offline']);
  // Nobody says that it is back: only asking again finds out.
  link.up = true;
  await sees(alice, at('dave', two), 'available');
});

test('another provider speaks for its own people only', async (t) => {
  const { first, second } = await world(t);
  const alice = await first.signIn('alice');
  const bob = await first.signIn('bob');
  await sees(alice, at('bob'), 'available');
  const ask = second.federation;
  const address = at('alice');
  for (const method of ['directory.lookup', 'presence.watch'] as const) {
    await assert.rejects(ask.request(one, method, { address, by: at('bob') }), failsWith('not-allowed'));
    const missing = { address: at('nobody'), by: at('dave', two) };
    await assert.rejects(ask.request(one, method, missing), failsWith('unknown-address'));
    const elsewhere = { address: at('erin', two), by: at('dave', two) };
    await assert.rejects(ask.request(one, method, elsewhere), failsWith('unknown-address'));
  }
  await assert.rejects(
    ask.request(one, 'presence.changed', { address: at('bob'), presence: 'offline' }),
    failsWith('not-allowed'),
  );
  // Of its own people it may say what it likes, but only to those who asked.
  await ask.request(one, 'presence.changed', { address: at('dave', two), presence: 'busy', for: [address] });
  await bob.request('presence.set', { presence: 'away' });
  await sees(alice, at('bob'), 'away');
  assert.deepEqual(told(alice, at('dave', two)), []);
});

test('a lookup that answers for somebody else is refused', async (t) => {
  const { first, second } = await world(t);
  second.federation.handle('directory.lookup', () => ({
    contact: { person: personOf('erin', two, 'Enterprise 2'), presence: 'available' },
  }));
  await assert.rejects(first.directory.lookup(at('dave', two), at('alice')), failsWith('provider-untrusted'));
});

test('a name that has changed at the other provider is changed here', async (t) => {
  const { first, second } = await world(t);
  await first.directory.remember(at('alice'), { ...personOf('dave', two, 'Enterprise 2'), name: 'Old Name' });
  await first.directory.remember(at('alice'), { ...personOf('dave', two, 'Enterprise 2'), name: 'Third Party' });
  const alice = await first.signIn('alice');
  assert.equal((await contactsOf(alice))[1]?.[1], 'Old Name offline');
  await first.directory.lookup(at('dave', two), at('alice'));
  assert.equal((await contactsOf(alice))[1]?.[1], 'Dave Dunn offline');
  assert.equal(second.directory.presenceOf(at('dave', two)), 'offline');
});

test('find knows the own people only', async (t) => {
  const { first } = await world(t);
  assert.deepEqual(await first.directory.find(at('bob')), {
    address: at('bob'),
    name: 'Bob Böhm',
    company: 'Enterprise 1',
  });
  assert.equal(await first.directory.find(at('nobody')), null);
  assert.equal(await first.directory.find(at('dave', two)), null);
});

test('a list of contacts is bounded; remembering into a full one changes nothing', async (t) => {
  const { first } = await world(t);
  const alice = await first.signIn('alice');
  for (let i = 0; i < 500; i += 1) {
    await first.directory.remember(at('alice'), personOf(`p${i}`, `c${i % 199}.example`, `Company ${i % 199}`));
  }
  await first.directory.remember(at('alice'), personOf('one-too-many', 'c1.example', 'Company 1'));
  const dave = { address: at('dave', two) };
  await assert.rejects(alice.request('directory.addContact', dave), failsWith('not-allowed'));
  const companies = await contactsOf(alice);
  assert.equal(companies.length, 200);
  assert.equal(companies.slice(1).flatMap((c) => c.slice(1)).length, 500);
  await alice.request('directory.removeContact', { address: at('p0', 'c0.example' as Domain) });
  await assert.rejects(alice.request('directory.addContact', dave), failsWith('not-allowed'), 'a company too many');
  assert.equal(domainOf(dave.address), two);
});
