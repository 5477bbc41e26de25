// What the host does with rooms when commands meet.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Address,
  activeCall,
  type ConversationId,
  type ConversationState,
  type DeviceId,
  type Domain,
  type Person,
} from '@parley/protocol';
import { pino } from 'pino';
import { begin } from './decide.ts';
import type { Histories } from './histories.ts';
import { createHost } from './host.ts';
import { createSerialQueues } from './queue.ts';

const domain = 'one.example' as Domain;
const media = { microphone: true, camera: true };
const person = (name: string): Person => ({ address: `${name}@one.example` as Address, name, company: 'One' });
const [alice, bob, carol] = [person('alice'), person('bob'), person('carol')];
const room = `r_${'0'.repeat(22)}`;

test('two add the same person at once: the room both were given stays the one the call moves to', async (t) => {
  const states = new Map<ConversationId, ConversationState>();
  const histories: Histories = {
    get: async (id) => states.get(id) ?? null,
    append: async (id, _, after) => void states.set(id, after),
    active: () => states.values(),
  };
  const released: string[] = [];
  const waiting: (() => void)[] = [];
  const host = createHost({
    domain,
    histories,
    queues: createSerialQueues(),
    rooms: {
      // As the focus does: the same room for the same attempt; both requests are under way before either is answered.
      reserve: () =>
        new Promise((resolve) => {
          waiting.push(() => resolve(room));
          if (waiting.length === 2) for (const answer of waiting) answer();
        }),
      record: async () => {},
      evict: () => undefined,
      release: (_, name) => void released.push(name),
    },
    patience: { ring: 45_000, transfer: 15_000, returnToDirect: 3_000 },
    publish: () => undefined,
    log: pino({ level: 'silent' }),
  });
  t.after(() => host.close());
  const device = `d_${'a'.repeat(16)}` as DeviceId;
  const first = { by: alice, device, media, to: [bob], title: undefined, policy: 'direct-first', focus: null } as const;
  const { id } = await host.create(alice.address, false, () => begin(first));
  await host.execute(id, bob.address, { type: 'accept', device, media });

  const added = await Promise.allSettled(
    [alice, bob].map(({ address }) => host.execute(id, address, { type: 'add', person: carol })),
  );
  const refused = added.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  assert.equal(refused.length, 1);
  assert.match(String(refused[0]?.code), /already-invited/);
  const call = activeCall(states.get(id) as ConversationState);
  assert.equal(call?.transfer?.focus?.room, room);
  assert.deepEqual(released, [], 'the room in use is not given back');
});
